"""Climate surveys: latent answers, and the Qualtrics export of them (massachusetts.md 6.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sipetl.demo.dates import SURVEY_WINDOWS, WindowDates, index_of
from sipetl.demo.people import Codes, Ints
from sipetl.demo.results import closing_index, eligible_at
from sipetl.demo.rosters import local_ids
from sipetl.demo.staff import Staff
from sipetl.demo.table import constant, days_text, pick, text, write_table
from sipetl.demo.world import District, Year

STUDENT_SURVEY, TEACHER_SURVEY = "climate_student", "climate_teacher"
STUDENT_ITEMS: Mapping[str, tuple[str, ...]] = {
    "belonging": ("s-sbel-q1", "s-sbel-q2", "s-sbel-q3", "s-sbel-q4"),
    "emotional_safety": ("s-emsa-q1", "s-emsa-q2", "s-emsa-q3"),
    "academic_press": ("s-acpr-q1", "s-acpr-q2", "s-acpr-q3", "s-acpr-q4"),
    "teacher_trust": ("s-tint-q1", "s-tint-q2", "s-tint-q3", "s-tint-q4", "s-tint-q5"),
}
TEACHER_ITEMS: Mapping[str, tuple[str, ...]] = {
    "professional_community": ("t-pcom-q1", "t-pcom-q2", "t-pcom-q3", "t-pcom-q4", "t-pcom-q5"),
    "instructional_leadership": ("t-inle-q1", "t-inle-q2", "t-inle-q3"),
    "preparation": ("t-prep-q1", "t-prep-q2", "t-prep-q3"),
    "support": ("t-psup-q1", "t-psup-q2", "t-psup-q3", "t-psup-q4"),
}
REVERSED = frozenset(STUDENT_ITEMS["emotional_safety"])
SCALE_MAX, FAVORABLE_FROM = 5, 4
SURVEYED_GRADES = range(3, 13)
ANSWERED = {"student": 0.82, "teacher": 0.75}
REASONS = ("straight_lining", "too_few_answers")
"""Why a response that came does not count."""
CARELESS = ("student", "winter", 2026)
"""Population, window and year of the survey that some answer a second time without care."""
AGAIN: Mapping[str, range] = {"straight_lining": range(5, 9), "too_few_answers": range(9, 12)}
"""Who does: rows of its respondents."""
FEW = 2
"""Answers of who stops early, of all the survey's items."""
RACE_LABELS = (
    "American Indian or Alaska Native",
    "Asian",
    "Black or African American",
    "Hispanic or Latino",
    "Multiracial",
    "Native Hawaiian or Pacific Islander",
    "White",
)


@dataclass(frozen=True, slots=True)
class Responses:
    """One survey in one window: a row per respondent. `who` indexes enrolments (students) or staff (teachers).

    `answers` are as given, before reverse-scored items are turned: respondents x items.
    """

    population: str
    window: WindowDates
    topics: Mapping[str, tuple[str, ...]]
    who: Ints
    school: Ints
    day: Ints
    answers: Codes
    eligible: npt.NDArray[np.bool_]

    @property
    def items(self) -> tuple[str, ...]:
        """Item codes, in the order of the columns."""
        return tuple(item for items in self.topics.values() for item in items)

    @property
    def favorable(self) -> npt.NDArray[np.bool_]:
        """Which answers are favourable, reverse-scored items turned."""
        reverse = np.array([item in REVERSED for item in self.items])
        return np.asarray(np.where(reverse, SCALE_MAX + 1 - self.answers, self.answers) >= FAVORABLE_FROM)


def careless(responses: Responses) -> dict[str, Ints]:
    """Respondents who sent a careless second response too, by what is wrong with it."""
    is_one = (responses.population, responses.window.code, responses.window.school_year) == CARELESS
    every = np.arange(responses.who.size if is_one else 0)
    return {reason: every[AGAIN[reason].start : AGAIN[reason].stop] for reason in REASONS}


def make_surveys(district: District, staff: Sequence[Staff], seed: int) -> tuple[Responses, ...]:
    """All windows: students in each, teachers in the fall; empty where the district has no survey."""
    if not district.spec.surveys:
        return ()
    rng = district.rng(21, seed)
    teachers = {each.year: each for each in staff}
    found = [_students(district, district.years[w.school_year], w, rng) for w in SURVEY_WINDOWS]
    found += [_teachers(district, teachers[w.school_year], w, rng) for w in SURVEY_WINDOWS if w.code == "fall"]
    return tuple(found)


def _students(district: District, year: Year, window: WindowDates, rng: np.random.Generator) -> Responses:
    eligible = eligible_at(year, window, SURVEYED_GRADES)
    who = np.flatnonzero(eligible & (rng.random(eligible.size) < ANSWERED["student"]))
    lift = np.array([school.lift for school in district.spec.schools])[year.school[who]]
    mood = 0.25 * district.people.ability[year.person[who]] + 0.5 * rng.normal(size=who.size) + lift * _later(window)
    answers = _answers(mood, STUDENT_ITEMS, rng)
    day = _day_of(year, window, who.size, rng)
    return Responses("student", window, STUDENT_ITEMS, who, year.school[who], day, answers, eligible)


def _teachers(district: District, staff: Staff, window: WindowDates, rng: np.random.Generator) -> Responses:
    eligible = staff.is_teacher
    who = np.flatnonzero(eligible & (rng.random(eligible.size) < ANSWERED["teacher"]))
    lift = np.array([school.lift for school in district.spec.schools])[staff.school[who]]
    mood = 0.3 + 0.5 * rng.normal(size=who.size) + lift * _later(window)
    answers = _answers(mood, TEACHER_ITEMS, rng)
    day = _day_of(district.years[window.school_year], window, who.size, rng)
    return Responses("teacher", window, TEACHER_ITEMS, who, staff.school[who], day, answers, eligible)


def _later(window: WindowDates) -> float:
    """Schools with a plan improve through the second year."""
    return {(2025, "fall"): -0.3, (2025, "winter"): -0.2, (2026, "fall"): 0.3}.get(
        (window.school_year, window.code), 0.8
    )


def _answers(mood: npt.NDArray[np.float64], topics: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> Codes:
    """Answers of 1-5; nobody answers every item alike, so that no honest response looks careless."""
    items = [item for topic in topics.values() for item in topic]
    ease = rng.normal(3.45, 0.2, len(items))
    raw = ease[None, :] + mood[:, None] + 0.85 * rng.normal(size=(mood.size, len(items)))
    answers = np.clip(np.round(raw), 1, SCALE_MAX).astype(np.int8)
    turned = np.array([item in REVERSED for item in items])
    answers[:, turned] = SCALE_MAX + 1 - answers[:, turned]
    alike = (answers == answers[:, :1]).all(axis=1)
    answers[alike, 0] = np.where(answers[alike, 0] == SCALE_MAX, SCALE_MAX - 1, answers[alike, 0] + 1)
    return answers


def _day_of(year: Year, window: WindowDates, count: int, rng: np.random.Generator) -> Ints:
    opens, closes = index_of(year.days, window.opens), closing_index(year, window)
    return rng.integers(opens, closes + 1, count)


def survey_name(responses: Responses) -> str:
    """Name of the export: the window stands nowhere else."""
    return f"climate_survey_{responses.population}_{responses.window.code}_{responses.window.school_year}.csv"


def write_survey(district: District, responses: Responses, path: Path) -> Path:
    """One row per response, one column per item."""
    year, size = district.years[responses.window.school_year], responses.who.size
    recorded = days_text(year.days[responses.day])
    prefix = (
        f"R_{district.spec.district}{responses.window.school_year}{responses.window.code}{responses.population[0]}"
    )
    columns = {
        "StartDate": recorded,
        "EndDate": recorded,
        "Status": constant("IP Address", size),
        "IPAddress": constant("192.0.2.1", size),
        "Progress": constant("100", size),
        "Duration (in seconds)": text(330 + 7 * (np.arange(size) % 60)),
        "Finished": constant("1", size),
        "RecordedDate": recorded,
        "ResponseId": pa.array([f"{prefix}{n:06d}" for n in range(size)], pa.string()),
        "District": constant(district.spec.name, size),
        "School": pick([school.name for school in district.spec.schools], responses.school),
    }
    if responses.population == "student":
        columns |= _about_students(district, year, responses.who)
    for at, item in enumerate(responses.items):
        columns[item] = text(responses.answers[:, at])
    return write_table(path, columns)


def _about_students(district: District, year: Year, who: Ints) -> dict[str, pa.Array]:
    person = year.person[who]
    return {
        "LASID": local_ids(district, person),
        "Gender": pick(["F", "M", "N"], district.people.gender[person]),
        "Race": pick(RACE_LABELS, district.people.race[person]),
        "What grade are you in?": text(year.grade[who]),
    }
