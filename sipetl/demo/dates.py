"""The demo's fixed clock: school years, calendars, cycles, windows and the days on which files arrive.

Every day of the demo is stated here, so that the generator, the registry it writes and the answer key agree.
School years follow massachusetts.md 10: 180 days, late August or after Labor Day, vacation weeks in February and
April.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.datetime64]

YEARS = (2025, 2026)
"""The complete year, delivered at once, and the year that is followed day by day."""
FIRST_RUN = date(2025, 8, 20)
LAST_RUN = date(2026, 3, 27)
LAST_SUBMITTED = date(2026, 3, 20)
"""Last day that attendance files of the demo cover."""
OPERATED_DAYS = 180
"""Days that a school must operate (massachusetts.md 10, S84)."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Days without school, both ends inclusive."""

    starts: date
    ends: date
    reason: str


@dataclass(frozen=True, slots=True)
class CycleDates:
    """A monitoring cycle."""

    code: str
    school_year: int
    data_as_of: date
    data_due: date
    review_date: date


@dataclass(frozen=True, slots=True)
class WindowDates:
    """A test or survey window, and the day its file arrives."""

    code: str
    school_year: int
    opens: date
    closes: date
    arrives: date


def _one(year: int, month: int, day: int, reason: str) -> Closed:
    return Closed(date(year, month, day), date(year, month, day), reason)


CLOSED: Mapping[int, tuple[Closed, ...]] = {
    2025: (
        Closed(date(2024, 8, 30), date(2024, 9, 2), "Labor Day"),
        _one(2024, 10, 14, "Indigenous Peoples Day"),
        _one(2024, 11, 11, "Veterans Day"),
        Closed(date(2024, 11, 28), date(2024, 11, 29), "Thanksgiving"),
        Closed(date(2024, 12, 23), date(2025, 1, 1), "Winter recess"),
        _one(2025, 1, 20, "Martin Luther King Day"),
        Closed(date(2025, 2, 17), date(2025, 2, 21), "February vacation"),
        Closed(date(2025, 4, 21), date(2025, 4, 25), "April vacation"),
        _one(2025, 5, 26, "Memorial Day"),
        _one(2025, 6, 19, "Juneteenth"),
    ),
    2026: (
        Closed(date(2025, 8, 29), date(2025, 9, 1), "Labor Day"),
        _one(2025, 10, 13, "Indigenous Peoples Day"),
        _one(2025, 11, 11, "Veterans Day"),
        Closed(date(2025, 11, 27), date(2025, 11, 28), "Thanksgiving"),
        Closed(date(2025, 12, 24), date(2026, 1, 2), "Winter recess"),
        _one(2026, 1, 19, "Martin Luther King Day"),
        Closed(date(2026, 2, 16), date(2026, 2, 20), "February vacation"),
        Closed(date(2026, 4, 20), date(2026, 4, 24), "April vacation"),
        _one(2026, 5, 25, "Memorial Day"),
        _one(2026, 6, 19, "Juneteenth"),
    ),
    2027: (
        Closed(date(2026, 9, 4), date(2026, 9, 7), "Labor Day"),
        _one(2026, 10, 12, "Indigenous Peoples Day"),
        _one(2026, 11, 11, "Veterans Day"),
        Closed(date(2026, 11, 26), date(2026, 11, 27), "Thanksgiving"),
        Closed(date(2026, 12, 24), date(2027, 1, 1), "Winter recess"),
        _one(2027, 1, 18, "Martin Luther King Day"),
        Closed(date(2027, 2, 15), date(2027, 2, 19), "February vacation"),
        Closed(date(2027, 4, 19), date(2027, 4, 23), "April vacation"),
        _one(2027, 5, 31, "Memorial Day"),
        _one(2027, 6, 18, "Juneteenth"),
    ),
}
FIRST_DAYS: Mapping[str, Mapping[int, date]] = {
    "early": {2025: date(2024, 8, 28), 2026: date(2025, 8, 27), 2027: date(2026, 8, 26)},
    "late": {2025: date(2024, 9, 3), 2026: date(2025, 9, 2), 2027: date(2026, 9, 1)},
}
SNOW: Mapping[str, Mapping[int, tuple[Closed, ...]]] = {
    "early": {2025: (_one(2025, 2, 6, "Snow day"),)},
    "late": {2026: (_one(2026, 1, 26, "Snow day"),)},
}
CYCLES = (
    CycleDates("2025-EOY", 2025, date(2025, 6, 30), date(2025, 8, 25), date(2025, 9, 5)),
    CycleDates("C1", 2026, date(2025, 11, 14), date(2025, 11, 21), date(2025, 12, 2)),
    CycleDates("C2", 2026, date(2026, 1, 30), date(2026, 2, 6), date(2026, 2, 24)),
    CycleDates("C3", 2026, date(2026, 3, 13), date(2026, 3, 20), date(2026, 3, 26)),
    CycleDates("2026-EOY", 2026, date(2026, 6, 30), date(2026, 8, 24), date(2026, 9, 4)),
    CycleDates("2026-MCAS", 2026, date(2026, 9, 30), date(2026, 10, 9), date(2026, 10, 20)),
)
SNAPSHOTS: Mapping[int, tuple[date, ...]] = {
    2025: (date(2024, 9, 9), date(2025, 1, 6), date(2025, 3, 3)),
    2026: (
        date(2025, 9, 8),
        date(2025, 10, 6),
        date(2025, 11, 3),
        date(2025, 12, 2),
        date(2026, 1, 5),
        date(2026, 2, 2),
        date(2026, 3, 2),
    ),
}
"""Roster snapshots; the complete year has one more, on its last day. All moves and exits fall on one of them."""
TEST_WINDOWS = (
    WindowDates("fall", 2025, date(2024, 9, 9), date(2024, 10, 4), FIRST_RUN),
    WindowDates("winter", 2025, date(2025, 1, 6), date(2025, 1, 24), FIRST_RUN),
    WindowDates("spring", 2025, date(2025, 5, 12), date(2025, 6, 6), FIRST_RUN),
    WindowDates("fall", 2026, date(2025, 9, 8), date(2025, 10, 3), date(2025, 10, 6)),
    WindowDates("winter", 2026, date(2026, 1, 5), date(2026, 1, 23), date(2026, 1, 26)),
)
LATE_ARRIVAL = date(2026, 2, 9)
"""The third district's winter i-Ready: after its due date and after C2's `data_due`."""
MCAS_WINDOW = WindowDates("annual", 2025, date(2025, 3, 24), date(2025, 9, 23), date(2025, 9, 29))
"""Official results come in late September of the next school year (massachusetts.md 3.5)."""
NEXT_MCAS = WindowDates("annual", 2026, date(2026, 3, 23), date(2026, 9, 22), date(2026, 9, 28))
SURVEY_WINDOWS = tuple(window for window in TEST_WINDOWS if window.code != "spring")
"""Surveys are taken in the same weeks: a window's code means the same days in every feed."""
MONTHS_2026 = tuple(
    WindowDates(starts.strftime("%Y-%m"), 2026, starts, ends, arrives)
    for starts, ends, arrives in (
        (date(2025, 9, 1), date(2025, 9, 30), date(2025, 10, 6)),
        (date(2025, 10, 1), date(2025, 10, 31), date(2025, 11, 3)),
        (date(2025, 11, 1), date(2025, 11, 30), date(2025, 12, 1)),
        (date(2025, 12, 1), date(2025, 12, 31), date(2026, 1, 5)),
        (date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 2)),
        (date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 2)),
    )
)
"""Months whose learning walks and evidence logs have come by the last day of the demo."""
MONTHS_AHEAD = tuple(
    WindowDates(f"2026-{month:02d}", 2026, date(2026, month, 1), date(2026, month, last), LAST_RUN)
    for month, last in ((3, 31), (4, 30), (5, 31), (6, 30))
)
"""Months of the year that are expected, and not due yet on the last day of the demo."""


def closures(start: str, school_year: int) -> tuple[Closed, ...]:
    """The closures of a calendar, snow days included, that fall inside its year."""
    first = FIRST_DAYS[start][school_year]
    every = CLOSED[school_year] + SNOW[start].get(school_year, ())
    return tuple(sorted((shut for shut in every if shut.ends >= first), key=lambda shut: shut.starts))


def school_days(start: str, school_year: int) -> Days:
    """The school days of a calendar (`early` or `late` start), ascending."""
    shut = [day for span in closures(start, school_year) for day in _span(span)]
    first = np.datetime64(FIRST_DAYS[start][school_year], "D")
    days = np.busday_offset(first, np.arange(OPERATED_DAYS), roll="forward", holidays=np.array(shut, "M8[D]"))
    return np.asarray(days, "M8[D]")


def _span(closed: Closed) -> Iterator[date]:
    day = closed.starts
    while day <= closed.ends:
        yield day
        day += timedelta(days=1)


def index_of(days: Days, day: date | np.datetime64) -> int:
    """How many school days come before a day: the index of the first school day on or after it."""
    return int(np.searchsorted(days, np.array(day, "M8[D]")))


def weeks(days: Days, until: date) -> tuple[tuple[date, date], ...]:
    """The weeks with school, as (first school day, Friday), the first of them long: it runs to the roster's Monday."""
    first_monday = SNAPSHOTS[2026][0]
    found = [(_as_date(days[0]), first_monday - timedelta(days=3))]
    monday = first_monday
    while monday <= until:
        inside = days[(days >= np.datetime64(monday)) & (days < np.datetime64(monday + timedelta(days=7)))]
        if inside.size:
            found.append((_as_date(inside[0]), monday + timedelta(days=4)))
        monday += timedelta(days=7)
    return tuple(found)


def _as_date(day: np.datetime64) -> date:
    found = day.astype("M8[D]").item()
    assert isinstance(found, date)  # noqa: S101 - numpy types datetime64.item() loosely
    return found


def as_date(day: np.datetime64) -> date:
    """A numpy day as a date."""
    return _as_date(day)
