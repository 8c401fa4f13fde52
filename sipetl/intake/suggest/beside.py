"""What columns say when they are held against each other, row by row: which of two alike is the better source.

Comes after headers were matched one by one (`match`), and changes a match only where the rows prove the rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sipetl.intake.contract import load_contract
from sipetl.intake.headers import normal
from sipetl.intake.suggest.profile import NULLS, Profile
from sipetl.intake.suggest.thesaurus import Namer
from sipetl.registry.models import FeedName

PROVEN = 0.6
"""Belief in a match that rows prove and no header says."""
PLAIN = 0.95
"""Share of yes and no from which a column is nothing else."""
MOST = 0.9
MANY_KNOWN = 0.8
"""Share of known cells from which codes are of a kind; every system has some of its own."""
FEW = 5
"""Rows, or groups of rows, from which they prove anything."""
ALWAYS = 0.95


@dataclass(frozen=True, slots=True)
class Match:
    """A header that fills a contract column."""

    column: str
    source: Profile
    score: float
    why: str
    rivals: tuple[str, ...] = ()
    """Headers that came close."""

    def instead(self, other: Profile, why: str) -> Match:
        """The same contract column from another header; this one is named as its rival."""
        rivals = dict.fromkeys((self.source.header, *self.rivals))
        rivals.pop(other.header, None)
        return replace(self, source=other, why=why, rivals=tuple(rivals)[:3])


@dataclass(frozen=True, slots=True)
class Beside:
    """The matches of a feed, and all columns they were chosen from."""

    feed: FeedName
    found: dict[str, Match]
    pairs: Sequence[Match]
    columns: Sequence[Profile]
    namer: Namer

    def free(self) -> Iterator[Profile]:
        """Columns that fill nothing yet, and are not about persons."""
        taken = {match.source.position for match in self.found.values()}
        return (c for c in self.columns if c.position not in taken and not c.is_personal and c.filled)

    def rivals(self, name: str) -> Iterator[Profile]:
        """Free columns that came into question for a contract column, best first."""
        free = {column.position for column in self.free()}
        return (pair.source for pair in self.pairs if pair.column == name and pair.source.position in free)

    def share_known(self, name: str, column: Profile) -> float:
        """Share of cells that the contract column's words or yes and no explain."""
        thesaurus = self.namer.thesaurus
        return column.share([*thesaurus.vocabulary("flag"), *thesaurus.vocabulary(name)])


def better(beside: Beside) -> dict[str, Match]:
    """The matches, with those changed for which rows prove a better source."""
    for rule in _RULES:
        rule(beside)
    return beside.found


def _plain_flags(beside: Beside) -> None:
    """A yes-or-no column is better read from a flag than from codes that say the same, or that nobody can read."""
    flags = [p.name for p in load_contract(beside.feed).columns if p.physical_type == "boolean"]
    yes_no = beside.namer.thesaurus.vocabulary("flag")
    for name in [name for name in flags if name in beside.found]:
        match = beside.found[name]
        if not match.source.filled or match.source.share(yes_no) >= PLAIN:
            continue
        is_read = beside.share_known(name, match.source) > 0
        for other in beside.rivals(name):
            if is_read and other.share(yes_no) >= PLAIN and says_the_same(match.source, other):
                beside.found[name] = match.instead(other, "a flag that says the same in every row")
                break
            if not is_read and beside.share_known(name, other) >= MOST:
                beside.found[name] = match.instead(other, "its values, where the header's own column has none known")
                break


def _finer_subject(beside: Beside) -> None:
    """Of columns that hold subjects, the more specific one: Reading and Language Usage are both Language Arts."""
    match = beside.found.get("subject")
    if match is None:
        return
    words = beside.namer.thesaurus.vocabulary("subject")
    for other in beside.free():
        known = other.first_words(words) >= MOST and other.filled >= MOST * match.source.filled
        if known and implies(other, match.source) and _specific(other) > _specific(match.source):
            beside.found["subject"] = match.instead(other, "its values: subjects, and finer ones")
            match = beside.found["subject"]


def _specific(column: Profile) -> tuple[int, float]:
    """How many values, and of how many words."""
    return column.distinct, sum(len(value.split()) for value in column.counts) / max(1, column.distinct)


def _one_result(beside: Beside) -> None:
    """A flag that is true in one row of a student's several in a subject and window marks the one that counts."""
    key = [
        beside.found[name].source for name in ("id_hash", "subject", "window", "school_year") if name in beside.found
    ]
    if beside.feed is not FeedName.ASSESSMENT or "is_result" in beside.found or len(key) < 2:
        return
    yes_no = {normal(text): meaning for text, meaning in beside.namer.thesaurus.vocabulary("flag").items()}
    for column in beside.free():
        if column.distinct > 1 and column.share(yes_no) >= PLAIN and _marks_one(column, key, yes_no):
            why = "its values: true in one row of each student's in a subject and window"
            beside.found["is_result"] = Match("is_result", column, PROVEN, why)
            return


def _marks_one(column: Profile, key: Sequence[Profile], yes_no: Mapping[str, object]) -> bool:
    groups: dict[tuple[str, ...], Counter[object]] = defaultdict(Counter)
    for cell, *of in zip(column.cells, *(one.cells for one in key), strict=True):
        groups[tuple(of)][yes_no.get(normal(cell))] += 1
    several = [truths[True] == 1 for truths in groups.values() if truths.total() > 1]
    alone = [truths[True] == 1 for truths in groups.values() if truths.total() == 1]
    return len(several) >= FEW and sum(several) >= ALWAYS * len(several) and sum(alone) >= MOST * len(alone)


def _presence_codes(beside: Beside) -> None:
    """Where no header says who was present, a column of attendance codes does: P and A are among them."""
    told = ("present", "tardy", "excused", "days_absent_x100", "portion_absent_x100")
    if beside.feed is not FeedName.ATTENDANCE or any(name in beside.found for name in told):
        return
    flags = {normal(text) for text in beside.namer.thesaurus.vocabulary("flag")}
    words = beside.namer.thesaurus.vocabulary("present").items()
    codes = {text: meaning for text, meaning in words if normal(text) not in flags}
    for column in beside.free():
        has_both = set(column.known(codes).values()) >= {True, False}
        if has_both and column.filled >= FEW and column.share(codes) >= MANY_KNOWN:
            beside.found["present"] = Match("present", column, PROVEN, "its values: attendance codes")
            return


def _local_days(beside: Beside) -> None:
    """Of a moment told twice, the local one has the day that people lived; UTC is on the next day in the evening."""
    for name, match in list(beside.found.items()):
        mine = set(match.source.words)
        if not match.source.is_dated or "local" in mine:
            continue
        for other in beside.rivals(name):
            if set(other.words) - {"local"} == mine - {"utc", "gmt"} and set(other.words) != mine:
                beside.found[name] = match.instead(other, "the same moment on the local clock")
                break


def _named_levels(beside: Beside) -> None:
    """A level by its name says more than by its place."""
    match = beside.found.get("level")
    if match is None or match.source.numeric < PLAIN:
        return
    for other in beside.rivals("level"):
        if other.numeric == 0 and says_the_same(match.source, other):
            beside.found["level"] = match.instead(other, "the same levels by their names")
            return


def implies(fine: Profile, coarse: Profile) -> bool:
    """Does each value of one column go with one value of the other?"""
    met = {(a, b) for a, b in zip(fine.cells, coarse.cells, strict=True) if _is_there(a) and _is_there(b)}
    return len(fine.cells) >= FEW and fine.distinct > 1 and len(met) == len({a for a, _ in met})


def says_the_same(one: Profile, other: Profile) -> bool:
    """Do two columns tell the same rows apart?"""
    return implies(one, other) and implies(other, one)


def always_blank(figure: Profile, beside: Profile) -> list[str]:
    """Values of a column in whose rows a figure is always blank, where it is mostly there beside the others."""
    blank: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for cell, of in zip(figure.cells, beside.cells, strict=True):
        rows[of] += 1
        blank[of] += not _is_there(cell)
    never = sorted(of for of in rows if of and rows[of] >= FEW and blank[of] == rows[of])
    others = rows.keys() - set(never)
    is_told = never and others and all(blank[of] < 0.5 * rows[of] for of in others)
    return never if is_told else []


def _is_there(cell: str) -> bool:
    return normal(cell) not in NULLS


_RULES: tuple[Callable[[Beside], None], ...] = (
    _plain_flags,
    _finer_subject,
    _one_result,
    _presence_codes,
    _local_days,
    _named_levels,
)
