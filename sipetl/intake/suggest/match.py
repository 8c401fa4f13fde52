"""Which feed a file serves, and which of its headers fills which column of the contract.

A header's name is weighed by its values: a date column holds dates. The best pairs are taken first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sipetl.intake.contract import Contract, Property, load_contract
from sipetl.intake.suggest.beside import Beside, Match, better
from sipetl.intake.suggest.persons import Person, is_learners
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.thesaurus import FIGURES, SAME, WORD, Namer
from sipetl.intake.suggest.words import load_words
from sipetl.registry.models import FeedName

MANY = 5
"""Cells from which values are believed."""
SEEN = 10
"""Cells from which values alone give a column away, where some are codes of a letter or two."""
ENOUGH = 0.55
"""Less than this is no match."""
NEAR = 0.15
"""A rival that comes so near is named."""
BY_VALUES = 0.55
"""Belief in a column that only its values give away."""
BY_ORDER = 0.75
"""Belief in a student's id by a person's word and an id's that stand together."""
MADE = frozenset(("level", "is_total", "organization_name", "period", "metric", "tested", "expected", "population"))
"""Columns that follow from others or are constants; a name alone may say them, but no values do."""
VOCABULARY = {"grade": 0.8, "race_ethnicity": 0.7, "gender": 0.9, "window": 0.9, "subject": 0.6, "disability": 0.9}
"""Coded columns that their values give away, and the share of the cells that must be known."""
FLAGS = frozenset(("disability",))
"""Of these, those that are yes or no."""
ID_WORDS = frozenset(("id", "number", "code", "lasid", "sasid", "ssid"))
"""A header of an id has one of these, or is known as it is."""
KINDS = {
    FeedName.ROSTER: (("id_hash",), ("school",), ("grade",)),
    FeedName.ATTENDANCE: (("id_hash",), ("attendance_date",), ("present", "tardy", "days_absent_x100")),
    FeedName.ASSESSMENT: (
        ("id_hash",),
        ("scale_score_x100", "level", "percentile"),
        ("tested_on", "window", "test_id"),
    ),
    FeedName.OBSERVATION: (("observation_hash", "observed_on"), ("indicator",), ("rating",)),
    FeedName.DISCIPLINE: (("id_hash",), ("incident_hash", "incident_on"), ("offense", "action")),
    FeedName.COURSE: (("id_hash",), ("section_hash", "course_code"), ("mark", "credits_x100", "passed")),
    FeedName.STAFF: (("id_hash",), ("role",), ("fte_x100", "school")),
    FeedName.EVIDENCE: (("evidence_hash",), ("evidence_on",), ("evidence",)),
}
"""What tells a feed: one column of each group. Surveys and published figures are told by their shape."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The matches of one feed."""

    feed: FeedName
    found: dict[str, Match]
    """Contract column -> match; `school_year` and `district` among them."""
    blocks: float = 0.0
    """Belief in results that stand in columns by subject."""

    def source(self, name: str) -> Profile | None:
        """The column of the file that fills a contract column."""
        return self.found[name].source if name in self.found else None

    @property
    def told(self) -> float:
        """How much of what tells the feed was found, 0 to 1."""
        groups = KINDS[self.feed]
        return sum(max(self._score(name) for name in group) for group in groups) / len(groups)

    @property
    def total(self) -> float:
        return sum(match.score for name, match in self.found.items() if name not in ("school_year", "district"))

    def _score(self, name: str) -> float:
        if name in ("scale_score_x100", "window") and self.blocks:
            return self.blocks
        return self.found[name].score if name in self.found else 0.0


def match_feed(feed: FeedName, columns: Sequence[Profile], namer: Namer) -> Matching:
    """Match headers to the columns of one contract, best pairs first; no header is taken twice."""
    contract = load_contract(feed)
    names = [p.name for p in contract.columns if p.name not in FIGURES or feed is not FeedName.PUBLISHED_RESULTS]
    pairs: list[Match] = []
    for name in [*names, "school_year", "district"]:
        made = (_pair(feed, name, column, namer) for column in columns if not column.is_personal)
        pairs += [match for match in made if match is not None]
    pairs = [m for m in pairs if not _has_code_beside(m, pairs)]
    pairs.sort(key=lambda m: (-m.score, len(m.source.header), m.source.position))
    found: dict[str, Match] = {}
    taken: set[int] = set()
    for match in pairs:
        if match.column not in found and match.source.position not in taken:
            rivals = [m for m in pairs if m.column == match.column and m.source is not match.source]
            near = tuple(m.source.header for m in rivals if m.score > match.score - NEAR)[:3]
            found[match.column] = Match(match.column, match.source, match.score, match.why, near)
            taken.add(match.source.position)
    return Matching(feed, better(Beside(feed, found, pairs, columns, namer)))


def _has_code_beside(match: Match, pairs: Sequence[Match]) -> bool:
    """A school's code beside this column is the better source: names change, and two schools may share one."""
    if match.column != "school":
        return False
    rank, source = _rank_of_code(match.source), match.source
    return any(
        other.column == "school"
        and _rank_of_code(other.source) > rank
        and other.score > match.score - NEAR
        and other.source.filled >= 0.9 * source.filled
        for other in pairs
    )


def _rank_of_code(column: Profile) -> int:
    words = set(column.words)
    return 0 if "name" in words else 2 if words & {"id", "code"} else 1


def _pair(feed: FeedName, name: str, column: Profile, namer: Namer) -> Match | None:
    evidence = namer.evidence(column, feed, name)
    prop = _property(load_contract(feed), name)
    if column.person is Person.SURE and (prop is None or prop.physical_type != "blob"):
        return None  # nothing but a hash is made of it
    fits = _fits(name, prop, column, namer)
    if name == "test_id" and column.is_dated:
        # where nothing else tells sittings apart, the day of the test stands for them
        fits = 0.9 if evidence.score >= SAME else 0.3
    if prop and prop.physical_type == "blob" and evidence.score < WORD and not set(column.words) & ID_WORDS:
        fits *= 0.7
    score = min(1.0, evidence.score * fits)
    why = f"layout {evidence.by} maps this header or one like it" if evidence.by else "the header's words"
    if score < BY_ORDER and name == "id_hash" and feed is not FeedName.STAFF and is_learners(column):
        score, why = BY_ORDER, "the header's words: the id of a person"
    if score < ENOUGH and _told_by_values(name, column, namer):
        score, why = BY_VALUES, "its values"
    return Match(name, column, score, why) if score >= ENOUGH else None


def _property(contract: Contract, name: str) -> Property | None:
    return next((p for p in contract.columns if p.name == name), None)


def _told_by_values(name: str, column: Profile, namer: Namer) -> bool:
    least = VOCABULARY.get(name)
    if least is None or column.distinct < 2 or column.numeric > 0.5:
        return False
    if column.filled < (MANY if column.is_wordy else SEEN):
        return False
    if name in FLAGS and column.share(namer.thesaurus.vocabulary("flag")):
        return False  # yes and no may mean anything
    return column.share(namer.thesaurus.vocabulary(name)) >= max(least, 0.9)


def _fits(name: str, prop: Property | None, column: Profile, namer: Namer) -> float:
    """How the values change the belief in a name: above 1 they speak for it, far below they rule it out."""
    if name == "school_year" and not column.filled and not set(column.words) & {"year", "term"}:
        return 0.3
    if not column.filled:
        return 0.5 if name == "assessment" else 0.9 if column.rows >= MANY else 1.0
    if prop is not None and (words := _closed_words(name, prop, namer)) and column.share(words) < 0.5:
        return 0.3
    if prop is None:
        return _fits_place(name, column)
    if name == "window" and column.is_dated:
        return 0.5  # the day is worth more; its month says the window all the same
    if name == "grade" and column.numeric > 0.5 and "grade" not in column.words:
        return 0.5
    if name in VOCABULARY and column.filled >= MANY:
        share = column.share(namer.thesaurus.vocabulary(name))
        if name == "window":
            share = max(share, column.first_words(namer.thesaurus.vocabulary(name)))
        return (
            1.1
            if share >= VOCABULARY[name]
            else 0.9
            if share > 0.3
            else 0.75
            if name == "subject" and not column.numeric
            else 0.45
        )
    return _BY_TYPE.get(prop.physical_type, _fits_text)(name, column, namer)


def _fits_place(name: str, column: Profile) -> float:
    if name == "school_year":
        return 1.1 if column.spans > 0.8 or column.years > 0.8 else 0.3
    return 0.8 if column.numeric or column.distinct < 3 else 0.6


def _fits_date(_name: str, column: Profile, _namer: Namer) -> float:
    if not column.is_dated:
        return 0.2
    other = len(set(column.words) & load_words().other_dates)
    return 1.1 if not other else 0.95


def _fits_flag(name: str, column: Profile, namer: Namer) -> float:
    known = {**namer.thesaurus.vocabulary("flag"), **namer.thesaurus.vocabulary(name)}
    if column.share(known) >= 0.8:
        return 1.1
    if name == "met_growth" and column.numeric > 0.8 and "%" in column.words:
        return 0.9
    return 0.3 if column.numeric > 0.9 or column.is_dated or column.distinct > 30 else 0.85


def _fits_number(name: str, column: Profile, _namer: Namer) -> float:
    if column.numeric < 0.6 or column.is_dated:
        return 0.3
    if set(column.words) & load_words().other_scores:
        return 0.7
    if name in ("percentile", "sgp") and (max(column.numbers) > 100 or min(column.numbers) < 0):
        return 0.3
    return 1.1


def _fits_id(_name: str, column: Profile, _namer: Namer) -> float:
    if column.is_dated or column.is_free or column.is_fraction:
        return 0.2
    return 0.7 if column.filled > 20 and column.distinct == 1 else 1.0


def _fits_text(name: str, column: Profile, _namer: Namer) -> float:
    if name in MADE - {"level"} and column.numeric > 0.5:
        return 0.3
    if name == "level" and (
        column.distinct > 40 or (column.numeric > 0.5 and any(number % 1 for number in column.numbers))
    ):
        return 0.3
    if name in ("test_id", "unit") and column.filled >= MANY and column.distinct == 1:
        return 0.6
    if name == "role" and column.share(("student",)) > 0.5:
        return 0.2
    if name == "level" and set(column.words) & load_words().other_scores:
        return 0.7
    if name == "level" and set(column.words) & load_words().other_levels:
        return 0.8
    return 0.3 if name in ("mark", "term", "role", "unit") and (column.is_dated or column.is_free) else 1.0


def _closed_words(name: str, prop: Property, namer: Namer) -> Iterable[str]:
    """Columns in which only these words can stand."""
    if name == "assessment":
        return load_words().assessments
    if name == "student_group":
        return namer.thesaurus.vocabulary(name)
    return load_words().levels if name == "level" and prop.required else ()


_BY_TYPE: dict[str, Callable[[str, Profile, Namer], float]] = {
    "blob": _fits_id,
    "date": _fits_date,
    "boolean": _fits_flag,
    "bigint": _fits_number,
    "decimal(18,6)": _fits_number,
}
