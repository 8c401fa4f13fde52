"""The layouts that no vendor has a header for, on 1,000 generated rows under our own headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.generate import Fate, Recipe, ids, numbers, write_rows
from tests.taken import DISTRICT, Take, assert_fates, taking

SCHOOL_CODES = ["HEA", "SHS", "BRN"]
OWN = {
    "sis_daily_attendance": (
        "student_number,student_name,school_code,att_date,att_code",
        "attendance_2026-01-05_2026-01-09.csv",
        Recipe(
            {
                "student_number": ids(100_000),
                "school_code": SCHOOL_CODES,
                "att_date": ["01/05/2026", "2026-01-06", "1/9/2026"],
                "att_code": ["P", "P", "P", "T", "D", "A", "AE"],
            },
            {
                Fate.QUARANTINED: [("att_date", "13/45/2026"), ("student_number", "")],
                # A new code is no reason to lose the row's other cells, but present must be known.
                Fate.REFUSED: [("att_code", "ZZ")],
            },
        ),
    ),
    "aspen_attendance": (
        "local_id,school_local_id,event_date,absence,tardy,dismissed,excused,reason,comment",
        "attendance_export_2026-01-15.csv",
        Recipe(
            {
                "local_id": ids(100_000),
                "school_local_id": SCHOOL_CODES,
                "event_date": ["2026-01-05", "1/9/2026"],
                "absence": ["1", "0", "true", "false"],
                "tardy": ["1", "0", "true", "false"],
                "excused": ["1", "0", ""],
            },
            {Fate.QUARANTINED: [("event_date", "sometime"), ("school_local_id", "")]},
        ),
    ),
    "staff_list": (
        "Staff ID,Last Name,First Name,School Code,Role,Subject,FTE,Start Date,End Date",
        "staff_list_2026-01-15.csv",
        Recipe(
            {
                "Staff ID": ids(5_000),
                "School Code": SCHOOL_CODES,
                "Role": ["Teacher", "Principal", "Coach", "Custodian"],
                "Subject": ["Mathematics", ""],
                "FTE": ["1.0", "0.5"],
                "Start Date": ["2020-08-25"],
                "End Date": [""],
            },
            {
                Fate.QUARANTINED: [("School Code", "NOPE"), ("Role", "")],
                Fate.REFUSED: [("FTE", "20"), ("End Date", "2019-06-30")],
            },
        ),
    ),
    "evidence_log": (
        "Entry ID,School Code,Date,Evidence,Staff ID,Artifact,Meets Expectation (Y/N),Notes",
        "evidence_log_2026-01-01_2026-01-31.csv",
        Recipe(
            {
                "Entry ID": ids(1),
                "School Code": SCHOOL_CODES,
                "Date": ["2026-01-12", "1/13/2026"],
                "Evidence": ["coaching_feedback", "agenda_review"],
                "Staff ID": numbers(5_000, 6_000),
                "Artifact": ["document", "interview"],
                "Meets Expectation (Y/N)": ["Y", "N"],
            },
            {
                Fate.QUARANTINED: [("Date", ""), ("Entry ID", "#####")],
                Fate.REFUSED: [("Evidence", "Talked to the coach")],
            },
        ),
    ),
    "learning_walk": (
        "Walk ID,School,Date,Observer ID,Room,Grade,Subject,Rubric,Rubric Version,Indicator,Rating,Comments",
        "learning_walks_2026-01-01_2026-01-31.csv",
        Recipe(
            {
                "Walk ID": ids(1),
                "School": SCHOOL_CODES,
                "Date": ["2026-01-12", "1/13/2026"],
                "Observer ID": numbers(5_000, 5_010),
                "Room": numbers(100, 140),
                "Grade": ["K", "3", "6-8"],
                "Subject": ["ELA", "MATH"],
                "Rubric": ["IPG"],
                "Rubric Version": ["2"],
                "Indicator": ["1A", "1B"],
                "Rating": ["1", "2", "3", "4"],
            },
            {
                Fate.QUARANTINED: [("Rating", "good"), ("Indicator", "")],
                Fate.REFUSED: [("Rating", "5"), ("Rating", "0")],
            },
        ),
    ),
}


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


@pytest.mark.parametrize("layout", OWN)
def test_generated_rows_under_our_own_headers(tmp_path: Path, take: Take, layout: str) -> None:
    header, name, recipe = OWN[layout]
    file = write_rows(tmp_path / "generated.csv", header.split(","), recipe)

    got = take(file.path, name)

    assert got.member.layout.layout == layout
    assert_fates(got, file)
    assert got.mapped.rows_mapped == len(file.good) + len(file.fates[Fate.REFUSED])
    assert got.rows("select distinct school_year, district from t") == [(2026, DISTRICT)]


def test_attendance_codes_mean_what_they_say(tmp_path: Path, take: Take) -> None:
    header, name, recipe = OWN["sis_daily_attendance"]
    file = write_rows(tmp_path / "generated.csv", header.split(","), recipe)
    codes = Counter(file.column("att_code"))

    got = take(file.path, name)

    columns = (
        "count_if(present), count_if(not present), count_if(excused), count_if(excused is false), count_if(tardy)"
    )
    assert got.good(f"select {columns} from t") == [
        (codes["P"] + codes["T"] + codes["D"], codes["A"] + codes["AE"], codes["AE"], codes["A"], codes["T"])
    ]
    (part,) = got.mapped.parts
    assert (part.scope_from, part.scope_to) == (date(2026, 1, 5), date(2026, 1, 9))


def test_event_that_is_tardy_only_is_a_day_present(tmp_path: Path, take: Take) -> None:
    header, name, recipe = OWN["aspen_attendance"]
    file = write_rows(tmp_path / "generated.csv", header.split(","), recipe)
    absent = [cell in ("1", "true") for cell in file.column("absence")]
    tardy = [cell in ("1", "true") for cell in file.column("tardy")]

    got = take(file.path, name)

    found = got.good("select count_if(present and tardy), count_if(not present), count_if(excused is null) from t")
    tardy_only = sum(t and not a for a, t in zip(absent, tardy, strict=True))
    assert found == [(tardy_only, sum(absent), file.column("excused").count(""))]
    assert got.member.groups["to"] == "2026-01-15"
