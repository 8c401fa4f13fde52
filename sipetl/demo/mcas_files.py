"""The state's student-level MCAS file: one wide row per student, joined by the state's id (massachusetts.md 3.2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from sipetl.demo.people import FORMER_EL, IS_EL, UNKNOWN, Codes, Ints, People
from sipetl.demo.results import EXCEEDING, MCAS_SUBJECTS, MEETING, PARTLY, McasResults
from sipetl.demo.rosters import births, names_of, state_ids
from sipetl.demo.spec import GRADE_CODES
from sipetl.demo.table import complete, constant, pick, text, write_table
from sipetl.demo.world import District

LETTER = {"ela": "e", "math": "m", "sci": "s"}
ITEMS = {"e": 32, "m": 42, "s": 45}
LEVELS = ("ABS", "NM", "PM", "M", "E")
RACE_LETTERS = ("N", "A", "B", "H", "M", "P", "W")
"""By race code."""
HISTORY = (2022, 2023, 2024)
"""Earlier years whose results stand in the spring 2025 file, in the names of its columns."""


def _block(letter: str, front: str, back: str) -> list[str]:
    items = [f"{letter}item{n}" for n in range(1, ITEMS[letter] + 1)]
    measures = f"rawsc mcpts orpts perpospts scaleds perflev perf2 numin assess {back}".split()
    return [f"{letter}{name}" for name in front.split()] + items + [f"{letter}{name}" for name in measures]


HEADER = [
    *[
        "adminyear",
        "sprp_dis",
        "sprp_sch",
        "sprp_dis_name",
        "sprp_sch_name",
        "sprp_orgtype",
        "schtype",
        "testschoolcode",
        "testschoolname",
    ],
    *[
        "sasid",
        "grade",
        "gradesims",
        "lastname",
        "firstname",
        "mi",
        "dob",
        "gender",
        "race",
        "yrsinmass",
        "yrsinmass_num",
        "yrsinsch",
        "yrsindis",
    ],
    *[
        "highneeds",
        "lowincome",
        "title1",
        "ever_EL",
        "EL",
        "EL_FormerEL",
        "FormerEL",
        "ELfirstyear",
        "IEP",
        "plan504",
        "firstlanguage",
    ],
    *[
        "natureofdis",
        "levelofneed",
        "spedplacement",
        "town",
        "county",
        "octenr",
        "conenr_sch",
        "conenr_dis",
        "conenr_sta",
        "access_part",
    ],
    *_block("e", "alt complexity mode teststat", "sgp"),
    *["idea1", "conv1", "idea2", "conv2", "eattempt"],
    *_block("m", "alt complexity mode teststat", "sgp attempt"),
    *_block("s", "alt complexity mode teststat subject", "attempt"),
    *[
        "original_grad_class",
        "ela_cd",
        "math_cd",
        "sci_cd",
        "accom_e",
        "accom_m",
        "accom_s",
        "accom_readaloud",
        "accom_scribe",
    ],
    "accom_calculator",
    *(f"{name}{year}" for name in ("grade", "escaleds", "mscaleds", "esgp", "msgp") for year in HISTORY),
    *[
        "summarize",
        "amend",
        "datachanged",
        "eScaleForm",
        "mScaleForm",
        "sScaleForm",
        "eformtype",
        "mformtype",
        "sformtype",
    ],
    *["days_in_person", "member", "escaleds.legacy.equivalent", "mscaleds.legacy.equivalent"],
    "sscaleds.legacy.equivalent",
]


def level_of(score: Ints) -> Codes:
    """Index into LEVELS; -1 = the grade has no test in the subject."""
    level = np.digitize(score, [1, PARTLY, MEETING, EXCEEDING])
    return np.where(score < 0, UNKNOWN, level).astype(np.int8)


def high_needs(people: People) -> Codes:
    """At least one of disability, English learner now or before, low income; unknown stays unknown."""
    learner = np.where(people.el == UNKNOWN, UNKNOWN, people.el > 0)
    flags = np.stack([people.disability, learner, people.low_income])
    unsure = (flags == UNKNOWN).any(axis=0)
    return np.where((flags == 1).any(axis=0), 1, np.where(unsure, UNKNOWN, 0)).astype(np.int8)


def write_mcas(district: District, results: McasResults, path: Path) -> Path:
    """Write the spring file of a district."""
    return write_table(path, complete(HEADER, _columns(district, results)))


def _columns(district: District, results: McasResults) -> dict[str, pa.Array]:
    year, people = district.years[2025], district.people
    rows, schools = results.enrolment, district.spec.schools
    person, size = year.person[rows], rows.size
    last, first = names_of(district, person)
    yes_no, learner = ["N", "Y"], people.el[person]
    columns = {
        "adminyear": constant("2025", size),
        "sprp_dis": constant(district.spec.code, size),
        "sprp_sch": pick([school.code for school in schools], year.school[rows]),
        "sprp_dis_name": constant(district.spec.name, size),
        "sprp_sch_name": pick([school.name for school in schools], year.school[rows]),
        "sasid": state_ids(district, person),
        "grade": pick(GRADE_CODES, year.grade[rows] + 1),
        "lastname": last,
        "firstname": first,
        "dob": births(district, person, "%m/%d/%Y"),
        "gender": pick(["F", "M", "N"], people.gender[person]),
        "race": pick(RACE_LETTERS, people.race[person]),
        "highneeds": pick(yes_no, high_needs(people)[person]),
        "lowincome": pick(yes_no, people.low_income[person]),
        "EL": pick(yes_no, np.where(learner == UNKNOWN, UNKNOWN, learner == IS_EL)),
        "FormerEL": pick(yes_no, np.where(learner == UNKNOWN, UNKNOWN, learner == FORMER_EL)),
        "IEP": pick(yes_no, people.disability[person]),
        "octenr": constant("1", size),
        "summarize": constant("1", size),
        "member": constant("1", size),
    }
    for subject in MCAS_SUBJECTS:
        columns |= _subject(results, subject)
    return columns


def _subject(results: McasResults, subject: str) -> dict[str, pa.Array]:
    letter, score = LETTER[subject], results.score[subject]
    columns = {
        f"{letter}scaleds": pick(text(np.maximum(score, 0)), np.where(score > 0, np.arange(score.size), -1)),
        f"{letter}perf2": pick(LEVELS, level_of(score)),
    }
    if subject != "sci":
        sgp = results.sgp[subject]
        columns[f"{letter}sgp"] = pick(text(sgp), np.where(sgp > 0, np.arange(sgp.size), -1))
    return columns
