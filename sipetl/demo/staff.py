"""Adults: who works where, the learning walks they were seen on, and the evidence of their practice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sipetl.demo.dates import MONTHS_2026, YEARS, Days, index_of, school_days
from sipetl.demo.names import FIRST, LAST, first_names, last_names
from sipetl.demo.people import Codes, Ints
from sipetl.demo.spec import GRADE_CODES
from sipetl.demo.table import complete, constant, days_text, joined, pick, text, write_table
from sipetl.demo.world import District, Year

STUDENTS_PER_TEACHER, STUDENTS_PER_PARA = 13, 60
LEADERS = ("Principal", "Assistant Principal", "Coach", "Counselor")
ROLES = ("Teacher", *LEADERS, "Paraprofessional")
SUBJECTS = ("ELA", "Mathematics", "Science", "Social Studies")
STAFF_HEADER = (
    "Staff ID",
    "Last Name",
    "First Name",
    "School Code",
    "Role",
    "Subject",
    "FTE",
    "Start Date",
    "End Date",
)
WALK_HEADER = (
    "Walk ID", "School", "Date", "Observer ID", "Room", "Grade", "Subject", "Rubric", "Rubric Version", "Indicator",
    "Rating", "Comments",
)  # fmt: skip
EVIDENCE_HEADER = (
    "Entry ID", "School Code", "Date", "Evidence", "Staff ID", "Artifact", "Meets Expectation (Y/N)", "Notes",
)  # fmt: skip
RUBRIC, RUBRIC_VERSION = "instructional_core", "2.0"
INDICATORS = ("IC1", "IC2", "IC3", "IC4")
RATING_SCALE = 4
EVIDENCE = ("coaching_feedback", "agenda_review", "family_contact")
ARTIFACTS = ("observation", "document", "document")
COACHING, AGENDA = 0, 1
ROOMS = 24


@dataclass(frozen=True, slots=True)
class Staff:
    """A year's staff of a district; the same people work on, so ids stay."""

    year: int
    staff_id: Ints
    school: Ints
    role: Codes
    first: Ints
    last: Ints

    @property
    def is_teacher(self) -> npt.NDArray[np.bool_]:
        """The denominator of educator benchmarks."""
        return np.asarray(self.role == 0)


@dataclass(frozen=True, slots=True)
class Walks:
    """Learning walks: `ratings` are walks x indicators, 1-4."""

    year: int
    school: Ints
    day: Ints
    grade: Codes
    ratings: Codes


@dataclass(frozen=True, slots=True)
class Evidence:
    """Entries of an evidence log; `staff` indexes the year's staff, -1 = about no one person."""

    year: int
    school: Ints
    day: Ints
    kind: Codes
    staff: Ints
    satisfied: npt.NDArray[np.bool_]


def make_staff(district: District, seed: int) -> tuple[Staff, ...]:
    """Staff of both years."""
    rng = district.rng(31, seed)
    people = _staff_of(district, district.years[YEARS[0]], rng)
    return tuple(
        Staff(year, people.staff_id, people.school, people.role, people.first, people.last) for year in YEARS
    )


def _staff_of(district: District, year: Year, rng: np.random.Generator) -> Staff:
    sizes = np.bincount(year.school, minlength=len(district.spec.schools))
    teachers = np.maximum(4, sizes // STUDENTS_PER_TEACHER)
    paras = np.maximum(1, sizes // STUDENTS_PER_PARA)
    school, role = [], []
    for at, (many, helpers) in enumerate(zip(teachers, paras, strict=True)):
        roles = np.concatenate([np.zeros(many), np.arange(1, len(LEADERS) + 1), np.full(helpers, len(ROLES) - 1)])
        role.append(roles)
        school.append(np.full(roles.size, at))
    schools = np.concatenate(school)
    return Staff(
        year=year.year,
        staff_id=900_000 + rng.permutation(3 * schools.size)[: schools.size],
        school=schools,
        role=np.concatenate(role).astype(np.int8),
        first=rng.integers(0, len(FIRST), schools.size),
        last=rng.integers(0, len(LAST), schools.size),
    )


def observed_days(district: District, year: int) -> Days:
    """School days that walks and logs cover: the whole complete year, and the months that have come."""
    days = school_days(district.spec.start, year)
    return days if year == YEARS[0] else days[: index_of(days, MONTHS_2026[-1].closes)]


def make_walks(district: District, seed: int) -> tuple[Walks, ...]:
    """About a walk a week in each school; ratings rise in schools with a plan."""
    rng = district.rng(32, seed)
    return tuple(_walks_of(district, year, rng) for year in YEARS)


def _walks_of(district: District, year: int, rng: np.random.Generator) -> Walks:
    days, schools = observed_days(district, year), district.spec.schools
    per_school = max(1, days.size // 5) * 2
    school = np.repeat(np.arange(len(schools)), per_school)
    day = rng.integers(0, days.size, school.size)
    lift = np.array([each.lift if each.has_plan else 0.1 for each in schools])[school]
    progress = day / 180 + (year - YEARS[0])
    mean = 2.35 + 0.9 * lift * progress
    raw = mean[:, None] + 0.8 * rng.normal(size=(school.size, len(INDICATORS)))
    low, high = (np.array([getattr(each, end) for each in schools]) for end in ("low", "high"))
    order = np.lexsort((school, day))
    ratings = np.clip(np.round(raw), 1, RATING_SCALE).astype(np.int8)[order]
    school, room = school[order], rooms(np.arange(school.size))
    grade = low[school] + room % (high + 1 - low)[school]
    return Walks(year, school, day[order], grade.astype(np.int8), ratings)


def rooms(walk: Ints) -> Ints:
    """The classroom of each walk, by the walk's number; a room has one grade."""
    return np.asarray(walk * 7 % ROOMS, np.int64)


def make_evidence(district: District, staff: tuple[Staff, ...], seed: int) -> tuple[Evidence, ...]:
    """Coaching feedback and family contacts of teachers, and reviews of team agendas."""
    rng = district.rng(33, seed)
    return tuple(_evidence_of(district, each, rng) for each in staff)


def _evidence_of(district: District, staff: Staff, rng: np.random.Generator) -> Evidence:
    days = observed_days(district, staff.year)
    months = max(1, days.size // 20)
    teachers = np.flatnonzero(staff.is_teacher)
    about = np.repeat(teachers, months * 2)
    kind = np.tile([0, 2], about.size // 2)
    keep = rng.random(about.size) < np.where(kind == COACHING, 0.62, 0.5)
    agendas = np.repeat(np.arange(len(district.spec.schools)), months * 2)
    school = np.concatenate([staff.school[about[keep]], agendas])
    day = rng.integers(0, days.size, school.size)
    order = np.lexsort((school, day))
    kinds = np.concatenate([kind[keep], np.full(agendas.size, AGENDA)]).astype(np.int8)
    person = np.concatenate([about[keep], np.full(agendas.size, -1)])
    return Evidence(staff.year, school[order], day[order], kinds[order], person[order], rng.random(school.size) < 0.8)


def write_staff(district: District, staff: Staff, path: Path) -> Path:
    """The staff list: who works where on its day."""
    size, schools = staff.staff_id.size, district.spec.schools
    columns = {
        "Staff ID": text(staff.staff_id),
        "Last Name": pick(last_names(), staff.last),
        "First Name": pick(first_names(), staff.first),
        "School Code": pick([school.local for school in schools], staff.school),
        "Role": pick(ROLES, staff.role),
        "Subject": pick(SUBJECTS, np.where(staff.is_teacher, staff.staff_id % len(SUBJECTS), -1)),
        "FTE": pick(["1.0", "0.5"], np.where(staff.staff_id % 9 == 0, 1, 0)),
        "Start Date": constant("2023-08-28", size),
    }
    return write_table(path, complete(STAFF_HEADER, columns))


def between(days: Days, day: Ints, first: object, last: object) -> Ints:
    """Rows whose day lies between two dates, both inclusive."""
    dates = days[day]
    inside = (dates >= np.datetime64(str(first))) & (dates <= np.datetime64(str(last)))
    return np.flatnonzero(inside)


def write_walks(district: District, walks: Walks, rows: Ints, path: Path) -> Path:
    """One row per walk and indicator."""
    schools, days, many = district.spec.schools, school_days(district.spec.start, walks.year), len(INDICATORS)
    each = np.repeat(rows, many)
    columns = {
        "Walk ID": joined(f"W{district.spec.district}-{walks.year}-", text(each)),
        "School": pick([school.name for school in schools], walks.school[each]),
        "Date": days_text(days[walks.day[each]]),
        "Observer ID": joined("OBS", text(1 + each % 5)),
        "Room": joined("R", text(101 + rooms(each))),
        "Grade": pick(GRADE_CODES, walks.grade[each] + 1),
        "Subject": pick(SUBJECTS, each % len(SUBJECTS)),
        "Rubric": constant(RUBRIC, each.size),
        "Rubric Version": constant(RUBRIC_VERSION, each.size),
        "Indicator": pick(INDICATORS, np.tile(np.arange(many), rows.size)),
        "Rating": text(walks.ratings[rows].reshape(-1)),
    }
    return write_table(path, complete(WALK_HEADER, columns))


def write_evidence(district: District, evidence: Evidence, staff: Staff, rows: Ints, path: Path) -> Path:
    """One row per entry."""
    schools, days = district.spec.schools, school_days(district.spec.start, evidence.year)
    columns = {
        "Entry ID": joined(f"E{district.spec.district}-{evidence.year}-", text(rows)),
        "School Code": pick([school.local for school in schools], evidence.school[rows]),
        "Date": days_text(days[evidence.day[rows]], "%m/%d/%Y"),
        "Evidence": pick(EVIDENCE, evidence.kind[rows]),
        "Staff ID": pick(text(staff.staff_id), evidence.staff[rows]),
        "Artifact": pick(ARTIFACTS, evidence.kind[rows]),
        "Meets Expectation (Y/N)": pick(["N", "Y"], evidence.satisfied[rows]),
    }
    return write_table(path, complete(EVIDENCE_HEADER, columns))


def header_only(path: Path, header: tuple[str, ...]) -> Path:
    """A file with a header and nothing below it (planted)."""
    return write_table(path, {name: pa.array([], pa.string()) for name in header})
