"""Files whose columns are no fields of a row: figures side by side, questions, results by subject.

Each such column, or pair of them, makes a row of the contract: a layout's `long` or `melt`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sipetl.intake.headers import normal
from sipetl.intake.suggest.persons import Person
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.thesaurus import Namer
from sipetl.intake.suggest.words import load_words, parts
from sipetl.registry.models import FeedName

HIGHEST_RATING, RATINGS = 7, 2
"""Rubrics have four levels, some five or seven; so many columns of ratings are indicators side by side."""
HIGHEST_ANSWER = 999
"""Scales end at 7 or 10; 888 and 99 stand for no answer."""
ITEMS = 5
"""So many columns of one pattern are the items of a survey."""
QUESTION_WORDS = 5
"""A header of so many words is a question."""
LONG_WORD = 4
"""Letters from which a label's words have capitals: `Native Hawaiian or Pacific Islander`."""
BLOCK = 0.5
"""Belief from which columns by subject are taken for results."""
BLOCK_COLUMNS = ("scale_score_x100", "level", "sgp", "percentile", "tested")
NUMERIC = 0.5
"""Share of numbers from which a column of published figures is one; the rest is why a figure is not there."""
MOSTLY = 0.8
"""Share of numbers from which a column holds ratings; `N/O` stands for what was not seen."""
_NO_FIGURE = frozenset(("id", "code", "year", "zip", "type", "latitude", "longitude", "phone", "fax"))
_ROLE_WORDS = frozenset(("%", "#", "pct", "percent", "per", "num", "cnt", "count", "number", "no", "rate", "n"))


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure: its share or mean, the count on top, the count below."""

    value: Profile | None
    numerator: Profile | None = None
    denominator: Profile | None = None

    @property
    def main(self) -> Profile:
        found = self.value or self.numerator or self.denominator
        assert found is not None  # noqa: S101 - a figure is made of a column
        return found


def figures(columns: Sequence[Profile], taken: frozenset[int]) -> list[Figure]:
    """Pair counts with their shares by what is left of their headers."""
    roles: dict[str, list[Profile]] = defaultdict(list)
    for column in columns:
        if column.position not in taken and is_figure(column):
            roles[_role(column)].append(column)
    values, tops, wholes = roles["value"], roles["numerator"], roles["denominator"]
    by_rest = {_rest(top): top for top in tops}
    if len(values) == len(tops) == 1:
        by_rest = {_rest(values[0]): tops[0]}
    found = [Figure(v, by_rest.pop(_rest(v), None), _whole_of(v, wholes)) for v in values]
    found += [Figure(None, top, _whole_of(top, wholes)) for top in by_rest.values()]
    used = {f.denominator.position for f in found if f.denominator}
    return found + [Figure(None, None, whole) for whole in wholes if whole.position not in used]


def is_figure(column: Profile) -> bool:
    """Does a column hold figures, or ratings in words of a scale?"""
    words = set(column.words)
    if column.is_personal or column.is_dated or words & _NO_FIGURE or not column.filled:
        return False
    if column.person is Person.SURE:
        return False
    return column.numeric >= NUMERIC or scale_of(column) is not None


def scale_of(column: Profile) -> tuple[str, ...] | None:
    """The scale of words that a column's values are on."""
    gone = {normal(text) for text in load_words().codes["suppressed"]}
    found = {normal(value) for value in column.counts} - gone
    scales = load_words().scales
    return next((s for s in scales if found and found <= {normal(word) for word in s}), None)


def _role(column: Profile) -> str:
    known, words = load_words(), set(column.words)
    if "%" in words:
        return "value"
    if words & known.whole or any(word.endswith("total") for word in words):
        return "denominator"
    if words & known.rates:
        return "value"
    if words & known.counts:
        others = {word for word in words - known.counts if not word.isdigit()}
        return "numerator" if others - {"student", "students"} else "denominator"
    return "value"


def _rest(column: Profile) -> tuple[str, ...]:
    """A header's parts without those that say what kind of figure it is; in any order, `# x` and `x #`."""
    cut = [word for text in re.findall(r"[A-Za-z]+|\d+|[%#+/]", column.header) for word in parts(text) or (text,)]
    return tuple(part for part in cut if part not in _ROLE_WORDS)


def _whole_of(column: Profile, wholes: Sequence[Profile]) -> Profile | None:
    if len(wholes) <= 1:
        return wholes[0] if wholes else None
    mine = set(_rest(column))
    best = max(wholes, key=lambda whole: len(mine & set(_rest(whole))))
    return best if mine & set(_rest(best)) else None


def item_pattern(columns: Sequence[Profile], taken: frozenset[int]) -> tuple[str, int] | None:
    """The pattern of a survey's item columns, and how many fit; None where there are none."""
    masks: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        header = normal(column.header)
        is_named = re.fullmatch(r"[a-z0-9_.-]+", header) and re.search(r"\d", header)
        if column.position not in taken and is_named and _is_answer(column):
            masks[re.sub(r"[a-z]+", "a", re.sub(r"\d+", "9", header))].append(header)
    mask = max(masks, key=lambda one: len(masks[one]), default="")
    if len(masks.get(mask, ())) < ITEMS:
        return None
    again = next((m for m in masks if re.fullmatch(re.escape(mask) + "[-_.]9", m)), None)
    members = masks[mask] + (masks[again] if again else [])
    tail = rf"(?:\{again[len(mask)]}\d+)?" if again else ""
    return f"^(?P<item>{_pattern(masks[mask])}){tail}$", len(members)


def _is_answer(column: Profile) -> bool:
    if column.person is Person.SURE:
        return False
    return not column.filled or (column.numeric > 0.9 and max(column.numbers) <= HIGHEST_ANSWER)


def _pattern(headers: Sequence[str]) -> str:
    """What headers of one mask have in common: a part that is the same in all stays."""
    split = [re.findall(r"[a-z]+|\d+|[^a-z\d]+", header) for header in headers]
    return "".join(_part({row[place] for row in split}) for place in range(len(split[0])))


def _part(texts: set[str]) -> str:
    one = next(iter(texts))
    if one.isdigit():
        return r"\d+"
    if len(texts) == 1:
        return one if one.isalpha() else re.sub(r"([.])", r"\\\1", one)
    lengths = {len(text) for text in texts}
    return f"[a-z]{{{lengths.pop()}}}" if len(lengths) == 1 else "[a-z]+"


def questions(columns: Sequence[Profile], taken: frozenset[int]) -> list[Profile]:
    """Columns whose header is a question and whose answers are yes and no, or small numbers."""
    return [column for column in columns if column.position not in taken and _is_question(column)]


def _is_question(column: Profile) -> bool:
    if not _is_asked(column.header) or column.is_personal or column.person or not column.filled:
        return False
    answers = {normal(value) for value in column.counts}
    return answers <= {"yes", "no"} or (column.numeric == 1 and max(column.numbers) <= 10)


def _is_asked(header: str) -> bool:
    """A question mark, or a sentence; a label has each of its words in capitals, or no spaces."""
    words = [word for word in header.split() if len(word) >= LONG_WORD]
    is_label = all(word[0].isupper() for word in words)
    return header.rstrip().endswith("?") or (len(header.split()) >= QUESTION_WORDS and not is_label)


def ratings(columns: Sequence[Profile], taken: frozenset[int]) -> list[Profile]:
    """Columns of whole numbers on the scale of a rubric: indicators that stand side by side."""
    found = [column for column in columns if column.position not in taken and _is_rating(column)]
    return found if len(found) >= RATINGS else []


def _is_rating(column: Profile) -> bool:
    if column.is_personal or column.person or column.is_dated or set(column.words) & _NO_FIGURE:
        return False
    if column.numeric < MOSTLY or column.distinct < 2:
        return False
    return all(number % 1 == 0 and 0 <= number <= HIGHEST_RATING for number in column.numbers)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Results that stand in columns by subject: contract column -> subject -> header."""

    found: Mapping[str, Mapping[str, Profile]]
    belief: float


def subject_blocks(columns: Sequence[Profile], namer: Namer) -> Blocks | None:
    """Find columns that differ by a subject's mark only, such as `mscore` and `escore`."""
    for marks in load_words().subject_marks:
        families = _families(columns, marks)
        found: dict[str, Mapping[str, Profile]] = {}
        belief = 0.0
        for name in BLOCK_COLUMNS:
            scored = [(_belief(rest, family, namer, name), -len(rest), rest) for rest, family in families.items()]
            best = max(scored, default=(0.0, 0, ""))
            if best[0] >= BLOCK:
                found[name] = families.pop(best[2])
                belief = max(belief, best[0])
        if found.keys() & {"scale_score_x100", "level"}:
            return Blocks(found, belief)
    return None


def _families(columns: Sequence[Profile], marks: Mapping[str, str]) -> dict[str, dict[str, Profile]]:
    found: dict[str, dict[str, Profile]] = defaultdict(dict)
    for column in columns:
        header = column.header.lower()
        if column.is_personal or column.person is Person.SURE:
            continue
        for mark, subject in marks.items():
            separator = "" if len(mark) == 1 else "[ _.-]"
            if match := re.fullmatch(f"{mark}{separator}(.+)", header):
                found[match[1]].setdefault(subject, column)
    return {rest: family for rest, family in found.items() if len(family) > 1}


def _belief(rest: str, family: Mapping[str, Profile], namer: Namer, name: str) -> float:
    column = replace(next(iter(family.values())), header=rest)
    return namer.evidence(column, FeedName.ASSESSMENT, name).score
