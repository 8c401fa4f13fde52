"""The Aspen student export: one row per student enrolled on the snapshot day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from sipetl.demo.dates import YEARS, index_of
from sipetl.demo.names import Canary, canary, first_names, last_names
from sipetl.demo.people import FORMER_EL, IS_EL, NEVER_EL, UNKNOWN, Codes, Dates, Ints
from sipetl.demo.spec import GRADE_CODES
from sipetl.demo.table import complete, constant, days_text, joined, pick, text, write_table
from sipetl.demo.world import District, Year

HEADER = [
    "state_id",
    "local_id",
    "full_name",
    "home_language",
    "program_assigned",
    "limited_english_proficiency",
    "sped_placement",
    "disability",
    "sped_level_of_need",
    "plan_504",
    "student_address",
    "grade",
    "registration_date",
    "free_reduced_lunch",
    "homeroom",
    "school_local_id",
    "enrollment_status",
    "date_of_birth",
    "gender",
    "race",
    "hispanic_latino",
    "primary_phone",
    "primary_email",
    "house",
    "counselor",
]
NULL = "NULL"
"""Aspen writes the word (massachusetts.md 8.1)."""
RACE_LABELS = ("American Indian", "Asian", "Black", "White", "Multi-race", "Pacific Islander", "White")
"""By race code; who is Hispanic has a race beside it."""
HISPANIC = 3
KEEPS_WITHDRAWN = 1
"""Number of the district that keeps withdrawn students in its export; the others drop them."""
ENGLISH = {NEVER_EL: "Fluent", IS_EL: "Limited", FORMER_EL: "FLEP-Transitioning", UNKNOWN: NULL}
LUNCH = ("Not Eligible", "Reduced Lunch", "Free Lunch")


def local_ids(district: District, person: Ints) -> pa.Array:
    """The district's own ids; person 0 is the canary."""
    return _or_canary(text(district.people.local_id[person]), person, _canary(district).local_id)


def state_ids(district: District, person: Ints) -> pa.Array:
    """The state's ids."""
    return _or_canary(text(district.people.state_id[person]), person, _canary(district).state_id)


def names_of(district: District, person: Ints) -> tuple[pa.Array, pa.Array]:
    """Last and first names."""
    last = _or_canary(pick(last_names(), district.people.last[person]), person, _canary(district).last)
    return last, _or_canary(pick(first_names(), district.people.first[person]), person, _canary(district).first)


def full_names(district: District, person: Ints) -> pa.Array:
    """Names as "Last, First"."""
    last, first = names_of(district, person)
    return joined(last, ", ", first)


def births(district: District, person: Ints, style: str = "%Y-%m-%d") -> pa.Array:
    """Birth dates as text."""
    day = date.fromisoformat(_canary(district).born)
    days = np.where(person == 0, np.datetime64(day), district.people.born[person])
    return days_text(days, style)


def _canary(district: District) -> Canary:
    return canary(district.spec.number, district.spec.district)


def _or_canary(values: pa.Array, person: Ints, own: str) -> pa.Array:
    labels = pa.concat_arrays([values, pa.array([own])])
    return labels.take(pa.array(np.where(person == 0, len(values), np.arange(len(values)))))


def on_roster(year: Year, day: date) -> Ints:
    """Enrolments that a snapshot names."""
    at = min(index_of(year.days, day), year.days.size - 1)
    return np.flatnonzero(year.enrolled_on(at))


def write_roster(district: District, year: Year, path: Path, rows: Ints, day: date) -> Path:
    """Write enrolments as an Aspen export; the second district keeps those who left this year, as withdrawn."""
    left = _left_before(year, rows, day) if district.spec.number == KEEPS_WITHDRAWN else rows[:0]
    every = np.concatenate([rows, left])
    columns = _columns(district, year, every)
    columns["enrollment_status"] = pick(["Active", "Withdrawn"], np.arange(every.size) >= rows.size)
    return write_table(path, complete(HEADER, columns, NULL), quoted=True)


def _left_before(year: Year, active: Ints, day: date) -> Ints:
    """The last enrolment of everyone who was here this year and is on the roster no more."""
    at = min(index_of(year.days, day), year.days.size - 1)
    gone = np.flatnonzero((year.exit <= at) & ~np.isin(year.person, year.person[active]))
    last = np.append(year.person[gone][1:] != year.person[gone][:-1], True)[: gone.size]
    return np.asarray(gone[last], np.int64)


def _columns(district: District, year: Year, rows: Ints) -> dict[str, pa.Array]:
    people, person = district.people, year.person[rows]
    count, disability = rows.size, people.disability[person]
    languages = ["English", "Spanish", "Portuguese"]
    return {
        "state_id": state_ids(district, person),
        "local_id": local_ids(district, person),
        "full_name": full_names(district, person),
        "home_language": pick(languages, np.where(people.el[person] > 0, 1 + person % 2, 0)),
        "program_assigned": pick(["Reg Ed", "Sp Ed"], disability, unknown=NULL),
        "limited_english_proficiency": pick(
            [ENGLISH[code] for code in (NEVER_EL, IS_EL, FORMER_EL)], people.el[person], unknown=NULL
        ),
        "sped_placement": pick(["Full Inclusion"], np.where(disability == 1, 0, -1), unknown=NULL),
        "disability": pick(["Specific LDs"], np.where(disability == 1, 0, -1), unknown=NULL),
        "plan_504": constant("Not 504", count),
        "student_address": joined(text(1 + person % 300), " Mill Street"),
        "grade": pick(GRADE_CODES, year.grade[rows] + 1),
        "registration_date": days_text(_registered(district, year, rows)),
        "free_reduced_lunch": pick(LUNCH, people.lunch[person], unknown=NULL),
        "homeroom": joined(text(100 + person % 40)),
        "school_local_id": pick([school.local for school in district.spec.schools], year.school[rows]),
        "date_of_birth": births(district, person),
        "gender": pick(["F", "M", "N"], people.gender[person], unknown=NULL),
        "race": pick(RACE_LABELS, people.race[person], unknown=NULL),
        "hispanic_latino": pick(["0", "1"], _hispanic(people.race[person]), unknown=NULL),
    }


def _hispanic(race: Codes) -> Codes:
    return np.where(race == UNKNOWN, UNKNOWN, race == HISPANIC).astype(np.int8)


def _registered(district: District, year: Year, rows: Ints) -> Dates:
    """The day a family first came: this year's entry, else a September when the child was in KF."""
    grade = year.grade[rows].astype(np.int64)
    september = (year.year - 1 - np.maximum(grade, 0) - 1970).astype("M8[Y]").astype("M8[D]") + np.timedelta64(
        243, "D"
    )
    new = district.people.enter_on[YEARS.index(year.year), year.person[rows]]
    return np.asarray(np.where(np.isnat(new), september, new), "M8[D]")


def roster_name(day: date) -> str:
    """Name of an export: its day is the snapshot's."""
    return f"students_export_{day:%Y-%m-%d}.csv"
