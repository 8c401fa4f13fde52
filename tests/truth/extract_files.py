"""The files of `test_district_extracts`: the samples' own bytes, or rows made under a sample's header.

What must come of each is counted here from its cells; and the registry of the district that sends them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.generate import PRIVATE, Fate, Generated, Recipe, Values, header_of, ids, write_rows
from tests.truth.sample_home import ITEM_BANK, massachusetts, rows_of

FIXTURES = "studentinsights/spec/fixtures"
STAR_V1 = "studentinsights/spec/importers/star/star_{}_v1.csv"
STAR_V2 = "edanalytics_bundles/assessments/STAR/data/SR_sample_anonymized_file.csv"
DIBELS = "edanalytics_bundles/assessments/Dibels_8_Benchmark/data/sample_anonymized_file.csv"
SECTIONS = "oea/contoso_sis_framework/day{}_studentattendance.csv"
USERS = "oneroster_oat/data/samples/OneRosterv1p1BaseCSV/users.csv"
FAMILIES = "sqm_dashboards/fixtures/headers_only/{}.csv"
HERE = ("WSNS", "01", "school10000000000", "HEA", "SKL", "sch0", "SHS", "12345", "54321")
"""What the samples call schools."""
CODES = {local: f"3501{number:04d}" for number, local in enumerate(HERE, start=10)}
FIRST, LAST, SHUT = date(2019, 9, 2), date(2020, 6, 20), (date(2019, 12, 24), date(2020, 1, 2))
"""The calendar of 2019-20 that the home has, as every year's."""
STANDARD_USERS = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
)
"""The header of the OneRoster standard (massachusetts.md 9)."""


@dataclass(frozen=True)
class Extract:
    """A file as its sender calls it, and what somebody counted in it."""

    name: str
    content: bytes
    feed: str
    layout: str
    rows: int
    taken: int
    """Rows that must be in the lake."""
    left_out: int = 0
    repeated: int = 0
    quarantined: int = 0
    private: frozenset[str] = frozenset()
    """Cells that must be nowhere afterwards."""


def extract(name: str, path: Path, kind: str, *, private: tuple[str, ...], **counted: int) -> Extract:
    """A sample as it is."""
    feed, layout = kind.split()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, escapechar="\\"))
    cells = frozenset(row[header] for row in rows for header in private) - {"", "NULL"}
    assert cells
    return Extract(name, path.read_bytes(), feed, layout, len(rows), private=cells, **counted)


def made_extract(name: str, made: Generated, kind: str, taken: int) -> Extract:
    """Rows made under a header: everything under a header that no recipe fills is private."""
    feed, layout = kind.split()
    bad = len(made.fates[Fate.QUARANTINED] | made.fates[Fate.REFUSED])
    return Extract(
        name,
        made.path.read_bytes(),
        feed,
        layout,
        len(made.cells),
        taken,
        left_out=len(made.fates[Fate.SKIPPED]),
        quarantined=bad,
        private=frozenset({PRIVATE}),
    )


def star(samples: Path) -> Iterator[Extract]:
    """Both versions; the older one says a percentile rank and no more."""
    for subject, name in (("math", "SM.csv"), ("reading", "SR.csv")):
        path = samples / STAR_V1.format(subject)
        yield extract(name, path, "assessment star_results_v1", taken=1, private=("StudentLocalID",))
    private = ("StudentIdentifier", "StudentStateID", "StudentLastName", "BirthDate", "TeacherEmail")
    yield extract("SR_v2.csv", samples / STAR_V2, "assessment star_results", taken=5, private=private)


def dibels(samples: Path) -> Extract:
    """Five children, one of them assessed below the own grade."""
    private = ("Student Primary ID", "Student Last Name", "Date of Birth", "Official Teacher Name")
    name = "StudentSummary - benchmark.csv"
    return extract(name, samples / DIBELS, "assessment dibels8_benchmark", taken=5, private=private)


def aspen(samples: Path) -> Iterator[Extract]:
    """The raw table, whose two rows differ in a comment only, and the results that schools keep in Aspen."""
    table, results = (samples / FIXTURES / name for name in ("attendance_dump.csv", "fake_x2_assessments.csv"))
    kind = "attendance aspen_attendance_table"
    yield extract(
        "attendance_dump_2005-06-17.csv", table, kind, taken=1, repeated=1, private=("'ATT_STD_OID'", "'ATT_COMMENT'")
    )
    assert [row["'assessment_test'"] for row in rows_of(results)].count("GRADE") == 1
    kind = "assessment aspen_assessments"
    yield extract("assessment_export.csv", results, kind, taken=7, left_out=1, private=("'local_id'",))


def sections(samples: Path) -> Iterator[Extract]:
    """Six rows a student and day, in two increments: one row of the first is there twice."""
    for day in (1, 2):
        path = samples / SECTIONS.format(day)
        rows = [tuple(row.values()) for row in rows_of(path)]
        yield extract(
            f"day{day}_studentattendance.csv",
            path,
            "attendance oea_section_attendance",
            taken=len(set(rows)),
            repeated=len(rows) - len(set(rows)),
            private=("student_id",),
        )


def form(samples: Path) -> Extract:
    """One student's form: four of its answers are yes or no about school; the student's own words are private."""
    path = samples / FIXTURES / "student_voice_survey_2020.csv"
    (answers,) = rows_of(path)
    private = tuple(
        name for name, cell in answers.items() if name != "Timestamp" and cell.casefold() not in ("yes", "no")
    )
    assert len(private) > 10
    return extract("student_voice_SHS_fall_2020.csv", path, "survey student_voice_form", taken=4, private=private)


def users(samples: Path, scratch: Path) -> Iterator[Extract]:
    """The sample's two students, who have no grade; then a file as the standard has it, with teachers in it."""
    kind, path = "roster oneroster_users", samples / USERS
    assert {row["role"] for row in rows_of(path)} == {"student"}
    private = ("identifier", "familyName", "username")
    yield extract("users_2026-01-14.csv", path, kind, taken=0, quarantined=2, private=private)
    recipe = Recipe(
        {
            "status": ["active", ""],
            "enabledUser": ["TRUE", "FALSE"],
            "orgSourcedIds": ["12345", "54321"],
            "role": ["student"],
            "identifier": ids(40_000),
            "grades": ["KG", "01", "8", "12"],
        },
        {
            Fate.SKIPPED: [("role", "teacher"), ("role", "administrator")],
            Fate.QUARANTINED: [("grades", ""), ("orgSourcedIds", "12345,54321"), ("identifier", "")],
        },
    )
    made = write_rows(scratch / "users.csv", STANDARD_USERS.split(","), recipe)
    yield made_extract("users_2026-01-15.csv", made, kind, taken=len(made.good))


def families(samples: Path, scratch: Path) -> Iterator[Extract]:
    """Answers made under two vintages' headers: the samples have nothing else."""
    vintages = {"fall": "sample_maynard_raw_parent_survey", "winter": "test_2020-21_parent_survey_responses"}
    for window, vintage in vintages.items():
        header = header_of(samples / FAMILIES.format(vintage))
        items = [cell for cell in header if cell.casefold().startswith("p-")]
        values: dict[str, Values] = {
            "ResponseId": ids(700_000),
            "Status": ["IP Address"],
            "RecordedDate": ["1/20/26", "2026-01-21 14:22:10"],
            "Duration (in seconds)": ["120", "900"],
            "Finished": ["TRUE", "1"],
            "DESE ID": [CODES["SHS"]],
        }
        values |= {item: ["1", "2", "3", "4", "5", ""] for item in items}
        spoil = {
            Fate.QUARANTINED: [("DESE ID", "35019999"), (items[0], "often")],
            Fate.REFUSED: [(items[1], "888")],
            Fate.SKIPPED: [("Status", "Survey Preview")],
        }
        made = write_rows(scratch / f"{window}.csv", header, Recipe(values, spoil))
        taken = sum(bool(cell) for item in items for cell in made.column(item))
        name = f"climate_survey_family_{window}_2026.csv"
        yield made_extract(name, made, "survey qualtrics_survey_family", taken=taken)


def registry(samples: Path) -> dict[str, Any]:
    """District 3501 alone, with the schools that the samples name, and the item bank's questions to families."""
    whole = massachusetts(samples)
    kept = next(d for d in whole["organizations.yaml"]["districts"] if d["district"] == "3501")
    schools = [{"code": code, "name": local, "district": "3501"} for local, code in CODES.items()]
    links = "".join(f"3501,{local},{code},,\n" for local, code in CODES.items())
    first = whole["calendars.yaml"]["calendars"][0]
    calendars = [first | _calendar(year) for year in (2005, 2009, 2013, 2014, 2015, 2020, 2021, 2024, 2026)]
    asked = {row["Survey Item ID"].strip() for row in rows_of(samples / ITEM_BANK)}
    items = "".join(f"climate_family,{item},family,false,5,4\n" for item in sorted(asked) if item.startswith("p-"))
    return whole | {
        "organizations.yaml": {"districts": [kept], "schools": schools},
        "crosswalk.csv": f"district,local_code,organization,valid_from,valid_to\n{links}",
        "calendars.yaml": {"calendars": calendars},
        "survey_items.csv": "survey,item,topic,reverse,scale_max,favorable_from\n" + items,
        "feeds.yaml": {"feeds": [feed for feed in whole["feeds.yaml"]["feeds"] if feed["district"] == "3501"]},
    }


def _calendar(year: int) -> dict[str, Any]:
    shut = {"starts": SHUT[0].replace(year=year - 1), "ends": SHUT[1].replace(year=year), "reason": "Winter"}
    days = {"first_day": FIRST.replace(year=year - 1), "last_day": LAST.replace(year=year)}
    return days | {"school_year": year, "closures": [shut]}
