"""Attendance in the answer key (definitions: `answers`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sipetl.demo.attendance_files import submitted_to
from sipetl.demo.dates import CYCLES, LAST_RUN, YEARS, index_of
from sipetl.demo.groups import Membership, roster_groups
from sipetl.demo.people import Ints
from sipetl.demo.tally import STATE, Period, Tally, Units
from sipetl.demo.world import District, Year, counts_to

ENOUGH_DAYS = 20
HUNDREDTHS = 100
ONCE = "chronic_absence_rate_pk12_student"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period as indexes of school days, end exclusive."""

    period: Period
    start: int
    end: int


def stretches(year: Year) -> Iterator[Stretch]:
    """Year, months begun and cycles of a year, up to the days submitted."""
    last = submitted_to(year) if year.year == YEARS[-1] else year.days.size
    yield Stretch(Period(year.year, "year", str(year.year)), 0, last)
    for month in np.unique(year.days.astype("M8[M]")):
        first = month.astype("M8[D]")
        if first <= np.datetime64(LAST_RUN):
            start, end = (
                index_of(year.days, first),
                index_of(year.days, (month + np.timedelta64(1, "M")).astype("M8[D]")),
            )
            yield Stretch(Period(year.year, "month", str(month)), start, min(end, last))
    for cycle in CYCLES:
        if cycle.school_year == year.year and cycle.data_as_of <= LAST_RUN:
            end = min(index_of(year.days, np.datetime64(cycle.data_as_of) + np.timedelta64(1, "D")), last)
            yield Stretch(Period(year.year, "cycle", cycle.code), 0, end)


@dataclass(frozen=True, slots=True)
class Counted:
    """Days of each enrolment in a stretch."""

    enrolled: Ints
    absent: Ints
    unexcused: Ints


def add_attendance(tally: Tally, district: District) -> None:
    """Both years of a district."""
    for year in district.years.values():
        totals = counts_to(year)
        groups = roster_groups(district.people, year.person, year.grade)
        for stretch in stretches(year):
            to_date = _count(year, totals, 0, stretch.end)
            metrics = _metrics(to_date, year)
            if stretch.period.kind == "month":
                within = _count(year, totals, stretch.start, stretch.end)
                metrics["attendance_rate_in_month"] = _rate(within)
            tally.add(district.spec, stretch.period, year.school, groups, metrics)


def _count(year: Year, totals: tuple[npt.NDArray[np.int16], ...], start: int, end: int) -> Counted:
    first = np.maximum(year.entry, start)
    last = np.maximum(np.minimum(year.exit, end), first)
    absent, unexcused = ((t[year.person, last] - t[year.person, first]).astype(np.int64) for t in totals)
    return Counted(last - first, absent, unexcused)


def _rate(days: Counted) -> Units:
    return HUNDREDTHS * (days.enrolled - days.absent), HUNDREDTHS * days.enrolled, days.enrolled > 0


def _metrics(days: Counted, year: Year) -> dict[str, Units]:
    there, enough = days.enrolled > 0, days.enrolled >= ENOUGH_DAYS
    chronic = enough & (10 * days.absent >= days.enrolled)
    lower, upper = (year.grade >= 1) & (year.grade <= 8), year.grade >= 9
    metrics: dict[str, Units] = {
        "attendance_rate": _rate(days),
        "average_days_absent": (HUNDREDTHS * days.absent, there, there),
        "absent_10_or_more_days": (there & (days.absent >= 10), there, there),
        "unexcused_over_9_days": (there & (days.unexcused > 9), there, there),
        "chronic_absence_rate_pk12": (chronic, enough, enough),
        "chronic_absence_rate_1_8": (chronic & lower, enough & lower, enough & lower),
        "chronic_absence_rate_9_12": (chronic & upper, enough & upper, enough & upper),
        "severe_chronic_absence_rate": (enough & (5 * days.absent >= days.enrolled), enough, enough),
        ONCE: (chronic, enough, enough),
    }
    return metrics


def add_students_once(tally: Tally, districts: Sequence[District]) -> None:
    """The measure that counts a student once per organization, above schools."""
    places: dict[tuple[str, str], list[District]] = {("state", STATE): list(districts)}
    for district in districts:
        places[("district", district.spec.code)] = [district]
        places.setdefault(("region", district.spec.region), []).append(district)
    totals = {(d.spec.number, y): counts_to(year) for d in districts for y, year in d.years.items()}
    for (level, code), members in places.items():
        for year in YEARS:
            _once(tally, (level, code), list(members), year, totals)


def _once(
    tally: Tally,
    place: tuple[str, str],
    districts: Sequence[District],
    year: int,
    totals: Mapping[tuple[int, int], tuple[npt.NDArray[np.int16], ...]],
) -> None:
    """One organization and year: add up the days of all enrolments of a person, whatever the school."""
    who = np.concatenate([d.people.state_id[d.years[year].person] for d in districts])
    _, person = np.unique(who, return_inverse=True)
    member = np.concatenate([_groups(d, year).member for d in districts])
    groups = np.zeros((int(person.max()) + 1, member.shape[1]), bool)
    groups[person] = member
    spans = [{s.period: s for s in stretches(d.years[year])} for d in districts]
    for period in {p: None for each in spans for p in each}:
        days = [_days_in(d, year, each.get(period), totals) for d, each in zip(districts, spans, strict=True)]
        enrolled = np.bincount(person, np.concatenate([each[0] for each in days]))
        absent = np.bincount(person, np.concatenate([each[1] for each in days]))
        enough = enrolled >= ENOUGH_DAYS
        values = np.stack([enough & (10 * absent >= enrolled), enough, enough], axis=1).astype(float)
        tally.put(*place, period, [ONCE], groups.T.astype(float) @ values)


def _days_in(
    district: District,
    year: int,
    stretch: Stretch | None,
    totals: Mapping[tuple[int, int], tuple[npt.NDArray[np.int16], ...]],
) -> tuple[Ints, Ints]:
    world = district.years[year]
    counted = _count(world, totals[(district.spec.number, year)], 0, stretch.end if stretch else 0)
    return counted.enrolled, counted.absent


def _groups(district: District, year: int) -> Membership:
    world = district.years[year]
    return roster_groups(district.people, world.person, world.grade)
