"""School days and periods, from the registry's calendars: every deadline is counted in school days, never in hours.

Pure. `ref.school_day` and `ref.period` are written from here, and the arrivals room counts its due dates with it.
Where nobody gave a calendar the state's default stands in: weekdays less public holidays (design/readiness.md).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from sipetl.errors import RegistryError
from sipetl.registry.models import Calendar, Code, Cycle, Home, SchoolYear, Window

YEAR_STARTS = (7, 1)
"""Month and day on which a school year begins for the books: the fiscal year of Massachusetts districts."""
DEFAULT_FIRST_DAY = (9, 1)
DEFAULT_LAST_DAY = (6, 20)
"""The state default: where no calendar is given, September 1 to June 20, the span of 180 to 185 days in Massachusetts."""
SAFE_BITS = 52
"""A period's key stays below 2**53, so that a BI tool written in JavaScript shows it unharmed."""
WEEKEND = 5


class DayKind(StrEnum):
    """What a weekday of a school year is."""

    INSTRUCTIONAL = "instructional"
    EARLY_RELEASE = "early_release"
    CLOSURE = "closure"


class PeriodKind(StrEnum):
    """Kinds of periods, in their order within a school year."""

    YEAR = "year"
    MONTH = "month"
    WINDOW = "window"
    CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """A weekday between a calendar's first and last day."""

    day: date
    kind: DayKind
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A row of `ref.period`; `period_id` depends on kind, code and school year alone."""

    period_id: int
    school_year: int
    kind: PeriodKind
    code: str
    starts_on: date
    ends_on: date
    sort: int


def school_year_of(day: date) -> int:
    """Tell the school year (its spring) that a day belongs to."""
    return day.year + ((day.month, day.day) >= YEAR_STARTS)


def school_days(calendar: Calendar, home: Home) -> tuple[SchoolDay, ...]:
    """List the weekdays of a calendar, open and closed."""
    closed = _closures(calendar, home.holidays)
    short = frozenset(calendar.early_release)
    return tuple(_school_day(day, closed, short) for day in _weekdays(calendar.first_day, calendar.last_day))


def instructional(days: Iterable[SchoolDay]) -> tuple[date, ...]:
    """Keep the days with school; an early release is one."""
    return tuple(day.day for day in days if day.kind is not DayKind.CLOSURE)


def default_calendar(code: Code, school_year: SchoolYear) -> Calendar:
    """Make the state's default calendar: it names no closures, so public holidays are taken out."""
    return Calendar(
        calendar=code,
        school_year=school_year,
        first_day=date(school_year - 1, *DEFAULT_FIRST_DAY),
        last_day=date(school_year, *DEFAULT_LAST_DAY),
    )


@cache
def default_days(school_year: int, subdivision: str) -> tuple[date, ...]:
    """List the school days of the state's default calendar."""
    calendar = default_calendar("default", school_year)
    closed = public_holidays(subdivision, school_year)
    return tuple(day for day in _weekdays(calendar.first_day, calendar.last_day) if day not in closed)


def padded(known: Mapping[int, Sequence[date]], years: Iterable[int], home: Home) -> tuple[date, ...]:
    """Join the days of known school years, with the default for years without, one year beyond `years` each way.

    So a count that leaves the last calendar goes on after the summer instead of ending.
    """
    wanted = {*known, *years}
    span = range(min(wanted) - 1, max(wanted) + 2) if wanted else range(0)
    days = {day for year in span for day in known.get(year) or default_days(year, home.holidays)}
    return tuple(sorted(days))


def add_school_days(days: Sequence[date], start: date, n: int) -> date:
    """Find the nth school day after `start` (n < 0: before it); `start` itself is not counted.

    n = 0 is `start`, or the next school day where that day is closed.

    Args:
        days: school days, sorted.
        start: any day.
        n: how many school days.

    Raises:
        RegistryError: the count leaves `days`.
    """
    index = bisect_right(days, start) + n - 1 if n > 0 else bisect_left(days, start) + n
    if not 0 <= index < len(days):
        why = "the calendar does not reach that far"
        raise RegistryError(f"{n} school days from {start} cannot be counted", why=why, cure="add a calendar")
    return days[index]


def before_school_days(days: Sequence[date], day: date, n: int) -> date:
    """Find the nth school day before a day; n = 0 is the day itself, or the last school day before it."""
    return add_school_days(days, day, -n) if n else add_school_days(days, day + timedelta(days=1), -1)


def count_school_days(days: Sequence[date], first: date, last: date) -> int:
    """Count the school days from `first` to `last`, both included."""
    return max(0, bisect_right(days, last) - bisect_left(days, first))


def periods(calendars: Iterable[Calendar], windows: Iterable[Window], cycles: Iterable[Cycle]) -> tuple[Period, ...]:
    """List all periods: per school year the year itself, its months, its windows and its cycles."""
    calendars, windows, cycles = tuple(calendars), tuple(windows), tuple(cycles)
    years = {c.school_year for c in calendars} | {w.school_year for w in windows}
    years |= {c.school_year for c in cycles}
    return tuple(
        period
        for year in sorted(years)
        for period in _periods_of(
            year,
            [c for c in calendars if c.school_year == year],
            [w for w in windows if w.school_year == year],
            [c for c in cycles if c.school_year == year],
        )
    )


def stable_id(*parts: object, bits: int) -> int:
    """Hash what names a thing to a positive integer: the same on every machine and after every rebuild."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - bits)


def _weekdays(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() < WEEKEND:
            yield day


def _school_day(day: date, closed: Mapping[date, str], short: frozenset[date]) -> SchoolDay:
    if day in closed:
        return SchoolDay(day, DayKind.CLOSURE, closed[day])
    return SchoolDay(day, DayKind.EARLY_RELEASE if day in short else DayKind.INSTRUCTIONAL)


def _closures(calendar: Calendar, subdivision: str) -> Mapping[date, str]:
    if not calendar.closures:
        return public_holidays(subdivision, calendar.school_year)
    return {
        day: closure.reason
        for closure in calendar.closures
        for day in _weekdays(*_ends(closure.on, closure.starts, closure.ends))
    }


def _ends(on: date | None, starts: date | None, ends: date | None) -> tuple[date, date]:
    first, last = on or starts, on or ends
    assert first is not None and last is not None  # noqa: S101 (the model has checked it)
    return first, last


@cache
def public_holidays(subdivision: str, school_year: int) -> Mapping[date, str]:
    """Look up the public holidays of a school year, by name; an empty subdivision means the federal ones.

    Raises:
        RegistryError: the `holidays` package does not know the subdivision.
    """
    import holidays

    try:
        found = holidays.country_holidays("US", subdiv=subdivision or None, years=[school_year - 1, school_year])
    except NotImplementedError:
        what = f"'{subdivision}' is not a subdivision whose public holidays are known"
        raise RegistryError(what, where="home.yaml: holidays", cure="use the state's two letters, e.g. MA") from None
    return dict(found.items())


def _periods_of(
    year: int, calendars: Sequence[Calendar], windows: Sequence[Window], cycles: Sequence[Cycle]
) -> Iterator[Period]:
    first = min((c.first_day for c in calendars), default=date(year - 1, *YEAR_STARTS))
    last = max((c.last_day for c in calendars), default=date(year, *YEAR_STARTS) - timedelta(days=1))
    spans = [(PeriodKind.YEAR, str(year), first, last), *_months(first, last), *_windows(year, windows)]
    ordered = sorted(cycles, key=lambda c: (c.data_as_of, c.cycle))
    spans += [(PeriodKind.CYCLE, c.cycle, min(first, c.data_as_of), c.data_as_of) for c in ordered]
    for sort, (kind, code, starts, ends) in enumerate(spans):
        key = stable_id(kind, code, year, bits=SAFE_BITS)
        yield Period(key, year, kind, code, starts, ends, sort)


def _months(first: date, last: date) -> Iterator[tuple[PeriodKind, str, date, date]]:
    starts = first.replace(day=1)
    while starts <= last:
        following = (starts + timedelta(days=31)).replace(day=1)
        yield PeriodKind.MONTH, f"{starts:%Y-%m}", starts, following - timedelta(days=1)
        starts = following


def _windows(year: int, windows: Sequence[Window]) -> Iterator[tuple[PeriodKind, str, date, date]]:
    """Span each window code over all feeds and districts that have it."""
    by_code: dict[str, list[Window]] = {}
    for window in sorted(windows, key=lambda w: (w.opens, w.code)):
        by_code.setdefault(window.code, []).append(window)
    for code, same in by_code.items():
        yield PeriodKind.WINDOW, f"{year}-{code}", same[0].opens, max(w.closes for w in same)
