"""Every file of one district, each with the day it arrives: the complete year at once, then the year day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sipetl.demo import defects
from sipetl.demo.assessment_files import write_iready, write_map
from sipetl.demo.attendance_files import daily_name, event_name, submitted_to, write_daily, write_events
from sipetl.demo.dates import (
    CYCLES,
    FIRST_RUN,
    LAST_SUBMITTED,
    LATE_ARRIVAL,
    MCAS_WINDOW,
    MONTHS_2026,
    SNAPSHOTS,
    TEST_WINDOWS,
    as_date,
    index_of,
    weeks,
)
from sipetl.demo.mcas_files import write_mcas
from sipetl.demo.results import McasResults, Sittings
from sipetl.demo.rosters import on_roster, roster_name, write_roster
from sipetl.demo.script import Outbox
from sipetl.demo.staff import Evidence, Staff, Walks, between, write_evidence, write_staff, write_walks
from sipetl.demo.surveys import Responses, survey_name, write_survey
from sipetl.demo.world import District, Year

LATE_DISTRICT = 2
"""The district whose winter i-Ready comes late."""
STAFF_DAY = date(2025, 10, 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything latent of one district: files and answers are cut from it."""

    district: District
    sittings: tuple[Sittings, ...]
    mcas: McasResults
    staff: tuple[Staff, ...]
    walks: tuple[Walks, ...]
    evidence: tuple[Evidence, ...]
    surveys: tuple[Responses, ...]


def write_deliveries(facts: Facts, outbox: Outbox) -> None:
    """Write all files of a district."""
    _rosters(facts.district, outbox)
    _attendance(facts.district, outbox)
    _tests(facts, outbox)
    _surveys(facts, outbox)
    _adults(facts, outbox)


def _rosters(district: District, outbox: Outbox) -> None:
    code = district.spec.district
    done, now = district.years[2025], district.years[2026]
    for day in (*SNAPSHOTS[2025], as_date(done.days[-1])):
        path = outbox.place(FIRST_RUN, code, roster_name(day))
        write_roster(district, done, path, on_roster(done, day), day)
    for day in SNAPSHOTS[2026]:
        path = outbox.place(day, code, roster_name(day))
        write_roster(district, now, path, on_roster(now, day), day)
        defects.in_roster(district, path, day, outbox)
    defects.truncated_roster(district, outbox)


def _attendance(district: District, outbox: Outbox) -> None:
    spec, done, now = district.spec, district.years[2025], district.years[2026]
    last = as_date(done.days[-1])
    if spec.day_grain and not spec.weekly:
        raise ValueError("day grain comes weekly")
    if spec.number == 1 and spec.students < defects.SMALL:
        name = daily_name(as_date(done.days[0]), last)
        write_daily(district, done, (0, done.days.size), outbox.place(FIRST_RUN, spec.district, name))
    else:
        path = outbox.place(FIRST_RUN, spec.district, event_name(last))
        write_events(district, done, done.days.size, path)
    for at, (first, friday) in enumerate(weeks(now.days, LAST_SUBMITTED)):
        if spec.weekly or at % 2 == 0 or _is_needed(friday):
            _week(district, now, first, friday, outbox)


def _is_needed(friday: date) -> bool:
    return friday == LAST_SUBMITTED or any(cycle.data_as_of == friday for cycle in CYCLES)


def _week(district: District, year: Year, first: date, friday: date, outbox: Outbox) -> None:
    spec, arrives = district.spec, friday + timedelta(days=3)
    start, end = index_of(year.days, first), min(index_of(year.days, friday + timedelta(days=1)), submitted_to(year))
    if spec.day_grain:
        path = outbox.place(arrives, spec.district, daily_name(first, as_date(year.days[end - 1])))
        write_daily(district, year, (start, end), path)
        defects.in_week(district, year, path, (start, end), outbox)
    else:
        path = outbox.place(arrives, spec.district, event_name(friday))
        write_events(district, year, end, path)
        defects.in_events(district, path, friday, outbox)


def _tests(facts: Facts, outbox: Outbox) -> None:
    district = facts.district
    code = district.spec.district
    for window in TEST_WINDOWS:
        taken = [s for s in facts.sittings if s.window == window]
        if district.spec.test == "MAP":
            path = outbox.place(window.arrives, code, f"AssessmentResults_{window.code}_{window.school_year}.csv")
            write_map(district, taken, path, without_school=defects.missing_school(district, window, path, outbox))
    if district.spec.test == "IREADY":
        _iready(facts, outbox)
    name = f"MCAS2025_spring_official_{district.spec.code}.csv"
    path = outbox.place(MCAS_WINDOW.arrives, code, name)
    write_mcas(district, facts.mcas, path)
    defects.in_mcas(district, path, outbox)


def _iready(facts: Facts, outbox: Outbox) -> None:
    """The vendor's file holds the year to date: a file per subject after each window, one for the complete year."""
    district = facts.district
    for window in TEST_WINDOWS:
        if window.school_year == 2025 and window.code != "spring":
            continue
        late = district.spec.number == LATE_DISTRICT and window.code == "winter"
        arrives = LATE_ARRIVAL if late else window.arrives
        for subject in ("ela", "math"):
            so_far = [
                s
                for s in facts.sittings
                if s.subject == subject
                and s.window.school_year == window.school_year
                and s.window.closes <= window.closes
            ]
            name = f"diagnostic_results_{subject}_{window.school_year}_{window.code}.csv"
            path = outbox.place(arrives, district.spec.district, name)
            write_iready(district, so_far, path)
            if late:
                outbox.plant("late", path, rows=0, expected="recovered")


def _surveys(facts: Facts, outbox: Outbox) -> None:
    district = facts.district
    for responses in facts.surveys:
        path = outbox.place(responses.window.arrives, district.spec.district, survey_name(responses))
        write_survey(district, responses, path)
        defects.in_survey(responses, path, outbox)


def _adults(facts: Facts, outbox: Outbox) -> None:
    district = facts.district
    code, days = district.spec.district, {year: world.days for year, world in district.years.items()}
    starts = {2025: as_date(days[2025][0]), 2026: STAFF_DAY}
    for staff in facts.staff:
        arrives = FIRST_RUN if staff.year == 2025 else date(2025, 10, 6)
        write_staff(district, staff, outbox.place(arrives, code, f"staff_list_{starts[staff.year]}.csv"))
    for walks, evidence, staff in zip(facts.walks, facts.evidence, facts.staff, strict=True):
        for first, last, arrives in _spans(district, walks.year, logs=False):
            path = outbox.place(arrives, code, f"learning_walks_{first}_{last}.csv")
            write_walks(district, walks, between(days[walks.year], walks.day, first, last), path)
        for first, last, arrives in _spans(district, walks.year, logs=True):
            if defects.never_comes(district, first):
                continue
            path = outbox.place(arrives, code, f"evidence_log_{first}_{last}.csv")
            rows = between(days[walks.year], evidence.day, first, last)
            write_evidence(district, evidence, staff, rows, path)
    defects.odd_files(district, outbox)
    if district.spec.number == 1:
        outbox.planted.append(defects.MISSING_LOG)


def _spans(district: District, year: int, *, logs: bool) -> list[tuple[date, date, date]]:
    """First and last day of each log, and its arrival.

    Monthly, the first from the year's start; walks of small districts one per cycle.
    """
    days = district.years[year].days
    if year == 2025:
        return [(as_date(days[0]), as_date(days[-1]), FIRST_RUN)]
    if logs or district.spec.number == 0:
        opens = [min(MONTHS_2026[0].opens, as_date(days[0])), *(month.opens for month in MONTHS_2026[1:])]
        return [(first, m.closes, m.arrives) for first, m in zip(opens, MONTHS_2026, strict=True)]
    spans, first = [], as_date(days[0])
    for cycle in CYCLES:
        if cycle.code in ("C1", "C2", "C3"):
            arrives = cycle.data_as_of + timedelta(days=3)
            late = defects.second_try(district, cycle.code)
            spans.append((first, cycle.data_as_of, late or arrives))
            first = cycle.data_as_of + timedelta(days=1)
    return spans
