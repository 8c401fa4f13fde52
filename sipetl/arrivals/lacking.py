"""Which periods lack school days: what a number over them is worth, by the arrivals ledger. Pure.

A value's coverage counts the students it knows, not the days they are known for. Where days of a feed are late,
missing, or came without the school, beyond the feed's floor, no value of the period is better than `incomplete`;
where they are only not due yet, none is better than `provisional`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sipetl.arrivals.context import School
from sipetl.arrivals.model import CAME, OVERDUE, Word
from sipetl.registry.calendar import Period, count_school_days


@dataclass(frozen=True, slots=True)
class Line:
    """An arrival that has begun: of the ledger's daily ones only those that are not simply here."""

    opens_on: date
    closes_on: date
    word: Word
    short_schools: frozenset[str] = frozenset()
    """Schools of which nothing came, or too few of the days."""

    def days(self, days: Sequence[date]) -> Sequence[date]:
        """The school days it covers."""
        return days[bisect_left(days, self.opens_on) : bisect_right(days, self.closes_on)]


class Span(NamedTuple):
    """Days that a value rests on: those `within` its period, or the year's `to_date`, up to the period's end."""

    period: Period
    basis: str


@dataclass(frozen=True, slots=True)
class Tally:
    """School days of a period; of all schools, above a school."""

    due: int = 0
    overdue: int = 0
    """Late, missing, or came without the school."""
    pending: int = 0
    """Not here, and not overdue yet."""
    needed: Decimal = Decimal(0)
    """How many must be here, by the floors."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.due + other.due,
            self.overdue + other.overdue,
            self.pending + other.pending,
            self.needed + other.needed,
        )

    def of(self, schools: int) -> Tally:
        """The same for so many schools."""
        return Tally(self.due * schools, self.overdue * schools, self.pending * schools, self.needed * schools)

    def data_status(self, *, is_over: bool) -> str | None:
        """What values of the period cannot be better than; None = nothing is wrong with its days."""
        if self.due - self.overdue < self.needed:
            return "incomplete"
        return "provisional" if is_over and self.due - self.overdue - self.pending < self.needed else None


@dataclass(frozen=True, slots=True)
class Lacking:
    """Days that are not here, sorted."""

    overdue: tuple[date, ...] = ()
    pending: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Days:
    """A district's school days of a year up to today, and what of a feed is not here of them."""

    days: Sequence[date]
    free: Sequence[date]
    """Days that nothing is expected of, or that are waived."""
    floor: Decimal
    everywhere: Mapping[date, bool] = field(default_factory=dict)
    """Days of which nothing came: whether overdue."""
    of_school: Mapping[str, frozenset[date]] = field(default_factory=dict)
    """Days that came without the school."""

    def lacking(self, school: School) -> Lacking:
        """What one school lacks, of the days on which it exists."""
        short = self.of_school.get(school.code, frozenset()) - self.everywhere.keys()
        overdue = [*short, *(day for day, is_overdue in self.everywhere.items() if is_overdue)]
        pending = [day for day, is_overdue in self.everywhere.items() if not is_overdue]
        return Lacking(*(tuple(sorted(d for d in found if school.exists(d, d))) for found in (overdue, pending)))

    def tally(self, lacking: Lacking, first: date, last: date) -> Tally:
        """Count the days from the first to the last."""
        due, free, overdue, pending = (
            count_school_days(days, first, last) for days in (self.days, self.free, lacking.overdue, lacking.pending)
        )
        return Tally(due - free, overdue, pending, self.floor * (due - free))


def read_days(lines: Iterable[Line], days: Sequence[date], floor: Decimal) -> Days:
    """Tell from a feed's arrivals which school days are not here.

    A day is here if any arrival that covers it came, and for a school if that was not short of it.

    Args:
        lines: the district's arrivals of the feed in one school year.
        days: its school days of that year up to today, sorted.
        floor: share of the days that must be here.
    """
    lines = list(lines)
    whole = {day for line in lines if _came(line) and not line.short_schools for day in line.days(days)}
    everywhere, of_school = _not_here(lines, days), _short(lines, days, whole)
    asked = whole | everywhere.keys() | {day for found in of_school.values() for day in found}
    return Days(days, sorted(_free(lines, days) - asked), floor, everywhere, of_school)


def _free(lines: Sequence[Line], days: Sequence[date]) -> set[date]:
    """Days that are waived, and of a feed that comes by windows those between them."""
    waived = {day for line in lines if line.word is Word.WAIVED for day in line.days(days)}
    if all(line.opens_on == line.closes_on for line in lines):
        return waived
    return waived | (set(days) - {day for line in lines for day in line.days(days)})


def _came(line: Line) -> bool:
    return line.word in CAME


def _not_here(lines: Sequence[Line], days: Sequence[date]) -> dict[date, bool]:
    came = {day for line in lines if _came(line) for day in line.days(days)}
    found: dict[date, bool] = {}
    for line in lines:
        if not _came(line) and line.word is not Word.WAIVED:
            for day in line.days(days):
                found[day] = found.get(day, False) or line.word in OVERDUE
    return {day: is_overdue for day, is_overdue in found.items() if day not in came}


def _short(lines: Iterable[Line], days: Sequence[date], whole: set[date]) -> dict[str, frozenset[date]]:
    found: dict[str, set[date]] = {}
    for line in lines:
        if _came(line):
            for code in line.short_schools:
                found.setdefault(code, set()).update(line.days(days))
    return {code: frozenset(of_school - whole) for code, of_school in found.items()}


def tallies(
    found: Days, schools: Iterable[School], periods: Sequence[Period]
) -> Iterator[tuple[list[str], Span, Tally]]:
    """Count the days of every period once for all schools that lack the same ones: most lack what their district does.

    Args:
        found: the district's days.
        schools: its schools.
        periods: periods of one school year.
    """
    alike: dict[Lacking, list[str]] = {}
    for school in schools:
        alike.setdefault(found.lacking(school), []).append(school.code)
    year = min((period.starts_on for period in periods), default=date.max)
    for lacking, codes in alike.items():
        for period in periods:
            for basis, first in (("within", period.starts_on), ("to_date", year)):
                tally = found.tally(lacking, first, period.ends_on)
                if tally.due:
                    yield codes, Span(period, basis), tally
