"""Assessments and surveys in the answer key (definitions: `answers`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sipetl.demo.dates import CYCLES, LAST_RUN, MCAS_WINDOW, YEARS, WindowDates, index_of
from sipetl.demo.defects import came
from sipetl.demo.groups import Membership, everybody, mcas_groups, roster_groups
from sipetl.demo.mcas_files import LEVELS, level_of
from sipetl.demo.people import UNKNOWN, Ints
from sipetl.demo.results import (
    MCAS_SUBJECTS,
    ON_GRADE,
    TESTED_GRADES,
    McasResults,
    Sittings,
    closing_index,
    placement,
)
from sipetl.demo.staff import Staff
from sipetl.demo.surveys import REASONS, Responses, careless
from sipetl.demo.tally import Period, Tally, Units
from sipetl.demo.world import District, Year

MCAS_LEVELS = {"exceeding": "E", "meeting": "M", "partially_meeting": "PM", "not_meeting": "NM"}
MEETING = LEVELS.index("M")


@dataclass(frozen=True, slots=True)
class Reading:
    """A period, the window whose results it shows, and the index of the last school day in it."""

    period: Period
    window: WindowDates
    at: int


def readings(year: Year, windows: Sequence[WindowDates]) -> Iterator[Reading]:
    """Each window by itself; the year and each cycle show the latest window closed by their end."""
    for window in windows:
        yield Reading(Period(year.year, "window", f"{year.year}-{window.code}"), window, closing_index(year, window))
    ends = {Period(year.year, "year", str(year.year)): np.datetime64(LAST_RUN)}
    for cycle in CYCLES:
        if cycle.school_year == year.year and cycle.data_as_of <= LAST_RUN:
            ends[Period(year.year, "cycle", cycle.code)] = np.datetime64(cycle.data_as_of)
    for period, end in ends.items():
        closed = [window for window in windows if np.datetime64(window.closes) <= end]
        if closed:
            yield Reading(
                period, max(closed, key=lambda w: w.closes), index_of(year.days, end + np.timedelta64(1, "D")) - 1
            )


def add_sittings(tally: Tally, district: District, sittings: Sequence[Sittings]) -> None:
    """Interim tests."""
    for subject in sorted({sitting.subject for sitting in sittings}):
        for year in district.years.values():
            mine = {s.window: s for s in sittings if s.subject == subject and s.window.school_year == year.year}
            groups = roster_groups(district.people, year.person, year.grade)
            for reading in readings(year, list(mine)):
                _add_sitting(tally, district, (reading, mine[reading.window]), groups)


def _add_sitting(tally: Tally, district: District, reading_of: tuple[Reading, Sittings], groups: Membership) -> None:
    reading, sitting = reading_of
    year = district.years[sitting.window.school_year]
    missing = came(district, sitting.window)
    kept = year.school[sitting.enrolment] != (-1 if missing is None else missing)
    rows = sitting.enrolment[kept]
    metrics: dict[str, Units] = {
        name: (units[0][kept], units[1][kept], units[2][kept]) for name, units in _measures(district, sitting).items()
    }
    still = year.enrolled_on(reading.at)[rows]
    participation = f"{sitting.test.lower()}_participation_{sitting.subject}"
    metrics[participation] = (still, still, still)
    tally.add(district.spec, reading.period, year.school[rows], groups.of(rows), metrics)
    without = _without(year, reading, rows, TESTED_GRADES[sitting.test])
    without = without[year.school[without] != (-1 if missing is None else missing)]
    one = np.ones(without.size)
    metrics = {participation: (np.zeros(without.size), one, one)}
    tally.add(district.spec, reading.period, year.school[without], groups.of(without), metrics)


def _without(year: Year, reading: Reading, rows: Ints, grades: range) -> Ints:
    """Enrolled at the period's end in a tested grade, and without a result anywhere."""
    expected = year.enrolled_on(reading.at) & np.isin(year.grade, list(grades))
    return np.flatnonzero(expected & ~np.isin(year.person, year.person[rows]))


def _measures(district: District, sitting: Sittings) -> dict[str, Units]:
    known, one = sitting.met >= 0, np.ones(sitting.enrolment.size)
    test, subject = sitting.test.lower(), sitting.subject
    found: dict[str, Units] = {f"{test}_met_growth_{subject}": (sitting.met == 1, known, known)}
    if test == "map":
        return found | {f"map_mean_rit_{subject}": (100 * sitting.score, one, one)}
    grade = district.years[sitting.window.school_year].grade[sitting.enrolment]
    found[f"iready_mean_scale_score_{subject}"] = (100 * sitting.score, one, one)
    found[f"iready_on_grade_level_{subject}"] = (placement(sitting, grade) >= ON_GRADE, one, one)
    return found


def add_mcas(tally: Tally, district: District, results: McasResults) -> None:
    """The spring administration of the complete year; groups as the state's file says them."""
    year, rows = district.years[YEARS[0]], results.enrolment
    groups = mcas_groups(district.people, year.person[rows], year.grade[rows])
    metrics: dict[str, Units] = {}
    for subject in MCAS_SUBJECTS:
        score = results.score[subject]
        level, tested, expected = level_of(score), score > 0, score != UNKNOWN
        metrics[f"mcas_meeting_exceeding_{subject}"] = (level >= MEETING, tested, tested)
        for name, code in MCAS_LEVELS.items():
            metrics[f"mcas_{name}_{subject}"] = (level == LEVELS.index(code), tested, tested)
        metrics[f"mcas_mean_scaled_score_{subject}"] = (100 * np.where(tested, score, 0), tested, tested)
        metrics[f"mcas_participation_{subject}"] = (tested, expected, expected)
        if subject != "sci":
            sgp, has = results.sgp[subject], results.sgp[subject] > 0
            metrics[f"mcas_mean_sgp_{subject}"] = (np.where(has, sgp, 0), has, has)
    for kind, code in (("year", "2025"), ("window", f"2025-{MCAS_WINDOW.code}")):
        tally.add(district.spec, Period(2025, kind, code), year.school[rows], groups, metrics)


def add_surveys(tally: Tally, district: District, surveys: Sequence[Responses], staffs: Sequence[Staff]) -> None:
    """Topics of both surveys, and both response rates."""
    for year, staff in zip(district.years.values(), staffs, strict=True):
        for population in ("student", "teacher"):
            mine = {r.window: r for r in surveys if r.population == population and r.window.school_year == year.year}
            for reading in readings(year, list(mine)):
                _add_survey(tally, district, (reading, mine[reading.window]), staff)


def _add_survey(tally: Tally, district: District, reading_of: tuple[Reading, Responses], staff: Staff) -> None:
    reading, responses = reading_of
    year = district.years[responses.window.school_year]
    if responses.population == "student":
        every = roster_groups(district.people, year.person, year.grade)
        asked = np.flatnonzero(year.enrolled_on(reading.at) & np.isin(year.grade, year.grade[responses.who]))
        groups, eligible, of_eligible = every.of(responses.who), year.school[asked], every.of(asked)
    else:
        eligible = staff.school[staff.is_teacher]
        groups, of_eligible = everybody(responses.who.size), everybody(eligible.size)
    tally.add(district.spec, reading.period, responses.school, groups, _topics(responses))
    _add_set_aside(tally, district, reading.period, responses)
    schools = np.concatenate([responses.school, eligible])
    of_both = Membership(np.concatenate([groups.member, of_eligible.member]))
    answered = np.arange(schools.size) < responses.school.size
    rate: dict[str, Units] = {f"survey_response_rate_{responses.population}": (answered, ~answered, ~answered)}
    tally.add(district.spec, reading.period, schools, of_both, rate)


def _add_set_aside(tally: Tally, district: District, period: Period, responses: Responses) -> None:
    """Careless responses by reason, of all that came."""
    again = careless(responses)
    schools = np.concatenate([responses.school, *(responses.school[again[reason]] for reason in REASONS)])
    parts = [responses.school.size, *(again[reason].size for reason in REASONS)]
    kind, one = np.repeat(np.arange(len(parts)), parts), np.ones(schools.size)
    shares: dict[str, Units] = {
        f"survey_set_aside_{reason}_{responses.population}": (kind == at, one, one)
        for at, reason in enumerate(REASONS, start=1)
    }
    tally.add(district.spec, period, schools, everybody(schools.size), shares)


def _topics(responses: Responses) -> dict[str, Units]:
    suffix = "" if responses.population == "student" else f"_{responses.population}"
    favorable, items = responses.favorable, responses.items
    found: dict[str, Units] = {}
    for topic, of_topic in responses.topics.items():
        columns = np.isin(items, of_topic)
        answered = np.full(responses.who.size, int(columns.sum()))
        found[f"survey_favorable_{topic}{suffix}"] = (favorable[:, columns].sum(axis=1), answered, answered > 0)
    return found
