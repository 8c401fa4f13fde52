"""What headers mean: what the known layouts map, and the words of the field. The layouts are the better witnesses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sipetl.intake.headers import TEMPLATE, normal
from sipetl.intake.layout import PATTERN, Column, Constant, Layout
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.words import load_words, parts, stems, tokens
from sipetl.registry.models import FeedName

SHARED = frozenset(
    ("id_hash", "state_id_hash", "school", "grade", "race_ethnicity", "gender", "english_learner", "former_el",
     "disability", "low_income", "high_needs", "school_year", "district")
)  # fmt: skip
"""Columns that mean the same in every feed: what a layout of one calls them helps all."""
FIGURES = frozenset(("value", "numerator", "denominator", "suppressed"))
"""Columns of published figures: their headers are figures' names, and say nothing of other files' headers."""
STANDS_FOR = {"id_hash": "state_id_hash", "organization": "school"}
"""What may stand in for a column where the file has nothing better, believed a little less."""
LESS = 0.1
SAME, KNOWN, WORD = 1.0, 0.95, 0.9
"""How far a witness is believed: the very header that a layout maps; a header like it; a word of the field."""
INSIDE = 0.62
"""Of a header that has all words of a phrase, and more."""
WEAK, COMMON = 0.4, 0.15
"""Weight of a word that says little, and of one that most headers of the file have; others have 1."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A header that means a contract column."""

    text: str
    stems: frozenset[str]
    belief: float
    by: str
    """The layout that maps it, or nothing: a word of the field."""
    letters: str
    """The text without spaces and marks, words without vowels written out."""

    @classmethod
    def of(cls, header: str, belief: float, by: str = "") -> Phrase:
        """Cut a header or a word of the field."""
        return cls(normal(header), stems(tokens(header)), belief, by, "".join(parts(header)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a header's name fits a contract column, and by what."""

    score: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Phrases by feed and contract column, and the vocabularies of coded columns."""

    phrases: Mapping[tuple[FeedName, str], tuple[Phrase, ...]]
    codes: Mapping[str, Mapping[str, Constant]]

    @classmethod
    def of(cls, layouts: Iterable[Layout]) -> Thesaurus:
        """Read the layouts and the words."""
        phrases: dict[tuple[FeedName, str], dict[str, Phrase]] = defaultdict(dict)
        codes: dict[str, dict[str, Constant]] = defaultdict(dict)
        for layout in layouts:
            for name, column in _columns(layout):
                _learn_headers(phrases, layout, name, column)
                if name not in FIGURES:
                    _learn(codes[name], column.codes, no_numbers=name in _OWN_NUMBERS)
        _learn_words(phrases)
        for name, known_codes in load_words().codes.items():
            _learn(codes[name], known_codes)
        return cls({key: tuple(found.values()) for key, found in phrases.items()}, codes)

    def vocabulary(self, name: str) -> Mapping[str, Constant]:
        """What is known to stand in a coded column, and what it means."""
        return self.codes.get(name) or {}


_Phrases = dict[tuple[FeedName, str], dict[str, Phrase]]


def _learn_headers(phrases: _Phrases, layout: Layout, name: str, column: Column) -> None:
    """Headers of a layout's column; one that is a word of another column's is no witness for this one."""
    own = {text: of for of, texts in load_words().columns["all"].items() for text in texts}
    for header in _headers(layout, column):
        if own.get(normal(header), name) not in (name, STANDS_FOR.get(name)):
            continue
        for feed in FeedName if name in SHARED else (layout.feed,):
            belief = KNOWN if feed is layout.feed else WORD
            known = Phrase.of(header, belief, layout.layout)
            phrases[feed, name].setdefault(known.text, known)


def _learn_words(phrases: _Phrases) -> None:
    for where, columns in load_words().columns.items():
        for feed in FeedName if where == "all" else (FeedName(where),):
            for name, texts in columns.items():
                for text in texts:
                    phrases[feed, name].setdefault(text, Phrase.of(text, WORD))
    for feed in FeedName:
        for name, other in STANDS_FOR.items():
            for one in list(phrases[feed, other].values()):
                phrases[feed, name].setdefault(one.text, replace(one, belief=one.belief - LESS))


_OWN_NUMBERS = frozenset(("race_ethnicity", "gender"))
"""Every system numbers these in a way of its own."""


def _learn(into: dict[str, Constant], codes: Mapping[str, Constant], *, no_numbers: bool = False) -> None:
    known = {normal(text) for text in into}
    if no_numbers:
        codes = {text: meaning for text, meaning in codes.items() if not text[:1].isdigit()}
    into |= {t: v for t, v in codes.items() if not t.startswith(PATTERN) and normal(t) not in known}


def _columns(layout: Layout) -> Iterator[tuple[str, Column]]:
    yield from layout.columns.items()
    for variant in layout.long:
        yield from variant.columns.items()
    if layout.school_year is not None and layout.school_year.year != "date":
        yield "school_year", layout.school_year
    if layout.district is not None:
        yield "district", layout.district


def _headers(layout: Layout, column: Column) -> Iterator[str]:
    for source in column.source:
        if not TEMPLATE.match(source):
            yield source
            yield from (old for old, new in layout.renames.items() if normal(new) == normal(source))


@dataclass(frozen=True, slots=True)
class Namer:
    """Weighs the headers of one file: a word that most of them have says little about any."""

    thesaurus: Thesaurus
    common: frozenset[str]

    @classmethod
    def of(cls, thesaurus: Thesaurus, columns: Sequence[Profile]) -> Namer:
        """Count the words of the file's headers."""
        often = Counter(stem for column in columns for stem in stems(column.words))
        many = max(4, 0.5 * len(columns))
        return cls(thesaurus, frozenset(stem for stem, count in often.items() if count >= many))

    def evidence(self, column: Profile, feed: FeedName, name: str) -> Evidence:
        """The best witness for a header to mean a contract column."""
        best = Evidence(0.0)
        mine, text, letters = stems(column.words), normal(column.header), column.letters
        said = (mine, mine | {_DATE}) if _DATE not in mine and column.is_dated else (mine,)
        for phrase in self.thesaurus.phrases.get((feed, name), ()):
            if phrase.text == text:
                score = SAME if phrase.by and phrase.belief >= WORD else phrase.belief
            elif letters and letters == phrase.letters:
                score = phrase.belief
            elif mine.isdisjoint(phrase.stems) or _ID in (phrase.stems, mine):
                continue
            else:
                score = phrase.belief * max(self._alike(one, phrase.stems) for one in said)
            if score > best.score:
                best = Evidence(score, phrase.by)
        return best

    def _alike(self, mine: frozenset[str], other: frozenset[str]) -> float:
        both = self._weight(mine & other)
        dice = 2 * both / (self._weight(mine) + self._weight(other))
        return max(dice, INSIDE) if len(other) > 1 and other <= mine else dice

    def _weight(self, words: frozenset[str]) -> float:
        return sum(COMMON if word in self.common else _WEIGHTS.get(word, 1.0) for word in words)


_DATE = "date"
"""What values that are days say as well as a header: `completed_on`."""
_ID = frozenset(("id",))
"""What "identifier" and "id" are cut to: only the very word says anything."""
_WEIGHTS = dict.fromkeys(stems(load_words().weak), WEAK)
