"""Interim tests as NWEA and Curriculum Associates export them (massachusetts.md 7.1, 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sipetl.demo.people import IS_EL, UNKNOWN, Codes, Ints, Mask
from sipetl.demo.results import PLACEMENTS, Sittings, placement
from sipetl.demo.rosters import local_ids, names_of, state_ids
from sipetl.demo.table import complete, constant, days_text, joined, pick, text, write_table
from sipetl.demo.world import District

SPANS = ("FallToFall", "FallToWinter", "FallToSpring", "WinterToWinter", "WinterToSpring", "SpringToSpring")
MAP_HEADER = (
    *[
        "TermName",
        "DistrictName",
        "District_StateID",
        "SchoolName",
        "School_StateID",
        "StudentID",
        "Student_StateID",
        "Subject",
        "Course",
        "GrowthMeasureYN",
        "NormsReferenceData",
        "WISelectedAYFall",
        "WISelectedAYWinter",
        "WISelectedAYSpring",
        "WIPreviousAYFall",
        "WIPreviousAYWinter",
        "WIPreviousAYSpring",
        "TestType",
        "TestName",
        "TestID",
        "TestStartDate",
        "TestStartTime",
        "TestDurationMinutes",
        "TestRITScore",
        "TestStandardError",
        "TestPercentile",
        "AchievementQuintile",
        "PercentCorrect",
        "RapidGuessingPercentage",
    ],
    *(
        f"{span}{part}"
        for span in SPANS
        for part in [
            "ProjectedGrowth",
            "ObservedGrowth",
            "ObservedGrowthSE",
            "MetProjectedGrowth",
            "ConditionalGrowthIndex",
            "ConditionalGrowthPercentile",
            "GrowthQuintile",
        ]
    ),
    *["LexileScore", "LexileMin", "LexileMax", "QuantileScore", "QuantileMin", "QuantileMax"],
    *(f"Goal{n}{part}" for n in range(1, 9) for part in ("Name", "RitScore", "StdErr", "Range", "Adjective")),
    *(f"Typical{span}Growth" for span in SPANS),
    *(f"ProjectedProficiency{part}{n}" for n in range(1, 11) for part in ("Study", "Level")),
)
MAP_COURSES = {"ela": ("Language Arts", "Reading"), "math": ("Mathematics", "Math K-12")}
GROWN_FROM_FALL = {"winter": "FallToWinter", "spring": "FallToSpring"}
RETEST_SHARE = 0.03
"""Share of tests that were taken twice; the second is marked as not counting."""
IREADY_FRONT = [
    "Last Name",
    "First Name",
    "Student ID",
    "Student Grade",
    "Academic Year",
    "School",
    "Enrolled",
    "District State ID",
    "Account State ID",
    "School State ID",
    "Student State ID",
    "User Name",
    "Sex",
    "Hispanic or Latino",
    "Race",
    "English Language Learner",
    "Special Education",
    "Economically Disadvantaged",
    "Migrant",
    "Class(es)",
    "Class Teacher(s)",
    "Report Group(s)",
    "Start Date",
    "Completion Date",
    "Norming Window",
    "Baseline Diagnostic (Y/N)",
    "Most Recent Diagnostic YTD (Y/N)",
    "Duration (min)",
    "Rush Flag",
    "Read Aloud",
    "Overall Scale Score",
    "Overall Placement",
    "Overall Relative Placement",
    "Percentile",
    "Grouping",
]
IREADY_GROWTH = [
    "Diagnostic Gain",
    "Annual Typical Growth Measure",
    "Annual Stretch Growth Measure",
    "Percent Progress to Annual Typical Growth (%)",
    "Percent Progress to Annual Stretch Growth (%)",
    "Mid On Grade Level Scale Score",
]
IREADY_DOMAINS = {
    "ela": (
        "Phonological Awareness",
        "Phonics",
        "High-Frequency Words",
        "Vocabulary",
        "Comprehension: Overall",
        "Comprehension: Literature",
        "Comprehension: Informational Text",
    ),
    "math": ("Number and Operations", "Algebra and Algebraic Thinking", "Measurement and Data", "Geometry"),
}
IREADY_MEASURE = {"ela": "Lexile", "math": "Quantile"}
IREADY_END = {
    "ela": ("Reading Difficulty Indicator (Y/N)",),
    "math": (
        "Proficiency if Student Shows No Additional Growth",
        "Projection if Student Achieves Typical Growth",
        "Projection if Student Achieves Stretch Growth",
    ),
}
NORMING = {
    "fall": "Fall (Beginning of Year - November 15)",
    "winter": "Winter (November 16 - March 1)",
    "spring": "Spring (March 2 - End of Year)",
}


def iready_header(subject: str) -> list[str]:
    """The header of one subject's export."""
    domains = [
        f"{d} {p}" for d in IREADY_DOMAINS[subject] for p in ("Scale Score", "Placement", "Relative Placement")
    ]
    measure = IREADY_MEASURE[subject]
    return [*IREADY_FRONT, f"{measure} Measure", f"{measure} Range", *domains, *IREADY_GROWTH, *IREADY_END[subject]]


def write_map(
    district: District, sittings: Sequence[Sittings], path: Path, *, without_school: int | None = None
) -> Path:
    """One window's AssessmentResults, both subjects; a school can be left out (planted)."""
    parts = [complete(MAP_HEADER, _map_columns(district, s, without_school, at), "") for at, s in enumerate(sittings)]
    columns = {name: pa.concat_arrays([part[name] for part in parts]) for name in MAP_HEADER}
    return write_table(path, columns, quoted=True)


def _map_columns(district: District, sitting: Sittings, without_school: int | None, at: int) -> dict[str, pa.Array]:
    year = district.years[sitting.window.school_year]
    kept = np.flatnonzero(year.school[sitting.enrolment] != (-1 if without_school is None else without_school))
    again = kept[np.arange(kept.size) % round(1 / RETEST_SHARE) == 0]
    rows = np.concatenate([kept, again])
    counts = np.arange(rows.size) < kept.size
    enrolment = sitting.enrolment[rows]
    person, schools, size = year.person[enrolment], district.spec.schools, rows.size
    subject, course = MAP_COURSES[sitting.subject]
    span = GROWN_FROM_FALL.get(sitting.window.code)
    columns = {
        "TermName": constant(f"{sitting.window.code.title()} {year.year - 1}-{year.year}", size),
        "DistrictName": constant(district.spec.name, size),
        "District_StateID": constant(district.spec.code, size),
        "SchoolName": pick([school.name for school in schools], year.school[enrolment]),
        "School_StateID": pick([school.code for school in schools], year.school[enrolment]),
        "StudentID": local_ids(district, person),
        "Student_StateID": state_ids(district, person),
        "Subject": constant(subject, size),
        "Course": constant(course, size),
        "GrowthMeasureYN": pick(["FALSE", "TRUE"], counts),
        "NormsReferenceData": constant("2020", size),
        "TestType": constant("Survey With Goals", size),
        "TestName": constant(f"Growth: {course} MA", size),
        "TestID": text(10_000_000 * (1 + at) + np.arange(size) + 1_000_000 * year.year),
        "TestStartDate": days_text(year.days[sitting.day[rows]], "%m/%d/%Y"),
        "TestStartTime": constant("09:00:00", size),
        "TestDurationMinutes": text(35 + person % 25),
        "TestRITScore": text(sitting.score[rows] - 3 * ~counts),
        "TestStandardError": constant("3.2", size),
        "TestPercentile": text(np.clip(50 + (20 * district.people.ability[person]), 1, 99).astype(int)),
    }
    return columns if span is None else columns | _map_growth(sitting, rows, span)


def _map_growth(sitting: Sittings, rows: Ints, span: str) -> dict[str, pa.Array]:
    known = sitting.met[rows] >= 0
    return {
        f"{span}ProjectedGrowth": _where(known, sitting.typical[rows]),
        f"{span}ObservedGrowth": _where(known, sitting.gain[rows]),
        f"{span}MetProjectedGrowth": pick(["No", "Yes"], sitting.met[rows], unknown=""),
    }


def _where(known: Mask, values: Ints) -> pa.Array:
    return pc.if_else(pa.array(known), text(values), "")


def write_iready(district: District, sittings: Sequence[Sittings], path: Path) -> Path:
    """One subject's diagnostics of the year to date: all windows so far, the latest of each student marked."""
    subject = sittings[0].subject
    parts = [_iready_columns(district, sitting, sittings[at + 1 :]) for at, sitting in enumerate(sittings)]
    columns = {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}
    return write_table(path, complete(iready_header(subject), columns), bom=True)


def _iready_columns(district: District, sitting: Sittings, later: Sequence[Sittings]) -> dict[str, pa.Array]:
    year, people = district.years[sitting.window.school_year], district.people
    enrolment, size = sitting.enrolment, sitting.enrolment.size
    person, grade = year.person[enrolment], year.grade[enrolment]
    followed = np.isin(person, np.concatenate([year.person[s.enrolment] for s in later] or [np.zeros(0, int)]))
    last, first = names_of(district, person)
    level = placement(sitting, grade)
    tested = days_text(year.days[sitting.day], "%-m/%-d/%Y")
    progress = 100 * sitting.gain // sitting.typical
    return {
        "Last Name": last,
        "First Name": first,
        "Student ID": local_ids(district, person),
        "Student Grade": pick(["K", *map(str, range(1, 13))], grade),
        "Academic Year": constant(f"{year.year - 1}-{year.year}", size),
        "School": pick([school.name for school in district.spec.schools], year.school[enrolment]),
        "Enrolled": constant("Enrolled", size),
        "Student State ID": state_ids(district, person),
        "User Name": joined("AUTO_", local_ids(district, person)),
        "Sex": pick(["female", "male"], np.where(people.gender[person] < 2, people.gender[person], -1)),
        "English Language Learner": pick(["N", "Y"], _flag(people.el[person] == IS_EL, people.el[person])),
        "Special Education": pick(["N", "Y"], people.disability[person]),
        "Start Date": tested,
        "Completion Date": tested,
        "Norming Window": constant(NORMING[sitting.window.code], size),
        "Baseline Diagnostic (Y/N)": pick(["N", "Y"], sitting.baseline),
        "Most Recent Diagnostic YTD (Y/N)": pick(["Y", "N"], followed),
        "Duration (min)": text(40 + person % 30),
        "Rush Flag": constant("Off", size),
        "Overall Scale Score": text(sitting.score),
        "Overall Relative Placement": pick(PLACEMENTS, level),
        "Percentile": text(np.clip(50 + (20 * people.ability[person]), 1, 99).astype(int)),
        f"{IREADY_MEASURE[sitting.subject]} Measure": joined(text(sitting.score), IREADY_MEASURE[sitting.subject][0]),
        "Diagnostic Gain": text(sitting.gain),
        "Annual Typical Growth Measure": text(sitting.typical),
        "Percent Progress to Annual Typical Growth (%)": text(np.maximum(progress, 0)),
    }


def _flag(value: Mask, known: Codes) -> Codes:
    return np.where(known == UNKNOWN, UNKNOWN, value).astype(np.int8)
