"""Latent test results: what each student would score, in every window. Files and answers are cut from them.

Scores move with ability; growth decides the windows after the first. Levels and norms are made up, near the vendors'
real ranges (massachusetts.md 3.1, 7.1, 7.2), so that shares come out plausible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sipetl.demo.dates import TEST_WINDOWS, WindowDates, index_of
from sipetl.demo.people import Codes, Ints, Reals
from sipetl.demo.world import District, Year

SUBJECTS = ("ela", "math")
MCAS_SUBJECTS = ("ela", "math", "sci")
TESTED_GRADES = {"MAP": range(2, 9), "IREADY": range(9)}
MCAS_GRADES = {"ela": (3, 4, 5, 6, 7, 8, 10), "math": (3, 4, 5, 6, 7, 8, 10), "sci": (5, 8, 10)}
SGP_GRADES = (4, 5, 6, 7, 8, 10)
"""massachusetts.md 3.3: neither grade 3 nor science."""
TAKEN = 0.96
"""Share of students who take a test that they should take."""
WINDOW_STEP = {"fall": 0.0, "winter": 0.55, "spring": 1.0}
"""Share of a year's growth that is there by a window."""
EXCEEDING, MEETING, PARTLY = 530, 500, 470
"""Cut scores of MCAS levels (massachusetts.md 3.1)."""


@dataclass(frozen=True, slots=True)
class Sittings:
    """One test, subject and window: a row per student who took it. `met` is -1 where growth is not known yet."""

    test: str
    subject: str
    window: WindowDates
    enrolment: Ints
    day: Ints
    score: Ints
    gain: Ints
    typical: Ints
    met: Codes
    baseline: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class McasResults:
    """A row per student of a tested grade enrolled in the spring; score 0 = absent, -1 = no test; sgp -1 = none."""

    enrolment: Ints
    score: dict[str, Ints]
    sgp: dict[str, Ints]


def make_sittings(district: District, seed: int) -> tuple[Sittings, ...]:
    """All windows of the district's interim test."""
    rng = district.rng(11, seed)
    return tuple(
        sitting
        for subject in SUBJECTS
        for year in district.years.values()
        for sitting in _year_of(district, year, subject, rng)
    )


def _year_of(district: District, year: Year, subject: str, rng: np.random.Generator) -> list[Sittings]:
    count, test = district.people.count, district.spec.test
    grade = np.clip(district.people.grade(year.year).astype(int), 0, 12)
    typical = np.maximum(1, np.round(_typical(test, grade))).astype(np.int64)
    lift = np.array([school.lift if year.year == 2026 else 0.0 for school in district.spec.schools])
    start = _level(test, subject, grade) + _spread(test) * (
        0.85 * district.people.ability + 0.4 * rng.normal(size=count)
    )
    first = np.round(start).astype(np.int64)
    seen = np.zeros(count, bool)
    found = []
    for window in (w for w in TEST_WINDOWS if w.school_year == year.year):
        rows, day = _takers(year, window, TESTED_GRADES[test], rng)
        who = year.person[rows]
        step = WINDOW_STEP[window.code]
        pull = typical[who] * step * (1.0 + lift[year.school[rows]] * 0.5) + typical[who] * 0.8 * step * rng.normal(
            size=who.size
        )
        gain = np.where(seen[who], np.round(pull), 0).astype(np.int64)
        expected = np.round(typical[who] * (step if test == "MAP" else 1.0)).astype(np.int64)
        met = np.where(seen[who], gain >= expected, -1).astype(np.int8)
        found.append(Sittings(test, subject, window, rows, day, first[who] + gain, gain, expected, met, ~seen[who]))
        seen[who] = True
    return found


def _takers(year: Year, window: WindowDates, grades: range, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Enrolments that hold on the window's last school day and sit the test, and the day of each."""
    opens, closes = index_of(year.days, window.opens), closing_index(year, window)
    eligible = eligible_at(year, window, grades)
    rows = np.flatnonzero(eligible & (rng.random(year.person.size) < TAKEN))
    earliest = np.maximum(opens, year.entry[rows])
    return rows, earliest + (rng.random(rows.size) * (closes + 1 - earliest)).astype(np.int64)


def closing_index(year: Year, window: WindowDates) -> int:
    """Index of a window's last school day."""
    return index_of(year.days, np.datetime64(window.closes) + np.timedelta64(1, "D")) - 1


def eligible_at(year: Year, window: WindowDates, grades: range | tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Enrolments of these grades on the window's last school day."""
    return year.enrolled_on(closing_index(year, window)) & np.isin(year.grade, list(grades))


def _level(test: str, subject: str, grade: Ints) -> Reals:
    if test == "MAP":
        return np.asarray(172 + (6.2 if subject == "ela" else 6.8) * (grade - 2) - 0.22 * (grade - 2) ** 2)
    return np.asarray((375 if subject == "ela" else 355) + 26 * grade - 0.7 * grade**2, float)


def _spread(test: str) -> float:
    return 14.0 if test == "MAP" else 36.0


def _typical(test: str, grade: Ints) -> Reals:
    return np.asarray(14 - 1.3 * grade if test == "MAP" else 46 - 3.5 * grade, float)


IREADY_STEP = 26
"""Scale points between grade levels, in this demo."""
PLACEMENTS = (
    "3 or More Grade Levels Below",
    "2 Grade Levels Below",
    "1 Grade Level Below",
    "Early On Grade Level",
    "Mid or Above Grade Level",
)
ON_GRADE = 3
"""Index of the first placement that is on grade level."""


def placement(sitting: Sittings, grade: Codes) -> Codes:
    """Index into PLACEMENTS: how far the score is from the grade's own mark."""
    mark = _level("IREADY", sitting.subject, grade.astype(np.int64)) + 22
    distance = (sitting.score - mark) / IREADY_STEP
    return np.digitize(distance, [-2.0, -1.0, 0.0, 1.0]).astype(np.int8)


def make_mcas(district: District, seed: int) -> McasResults:
    """The spring administration of the complete year."""
    rng, year = district.rng(12, seed), district.years[2025]
    rows = np.flatnonzero(year.enrolled_on(year.days.size - 1) & np.isin(year.grade, MCAS_GRADES["ela"]))
    who, score, sgp = year.person[rows], {}, {}
    for subject in MCAS_SUBJECTS:
        growth = rng.normal(size=rows.size)
        raw = 495 + 20 * (0.8 * district.people.ability[who] + 0.35 * growth + 0.3 * rng.normal(size=rows.size))
        taken = np.where(rng.random(rows.size) < TAKEN, np.clip(np.round(raw), 440, 560), 0)
        score[subject] = np.where(np.isin(year.grade[rows], MCAS_GRADES[subject]), taken, -1).astype(np.int64)
        rank = np.clip(np.round(50 + 27 * growth), 1, 99)
        has = (score[subject] > 0) & np.isin(year.grade[rows], SGP_GRADES) & (subject != "sci")
        sgp[subject] = np.where(has, rank, -1).astype(np.int64)
    return McasResults(rows, score, sgp)
