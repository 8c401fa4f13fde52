"""Mapped rows know the headings they came from, as the sender wrote them; and codes that nobody listed are told."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.intake.daily import COLUMNS, HEADER, Intake, columns, layout

Make = Callable[..., Intake]


def test_headings_are_those_of_the_file_after_renames(intake: Make) -> None:
    room = intake(layout(renames={"Pupil No.": "Student"}))

    mapped = room.map("pupil  no.,SCHOOL,Day,Code\n101,12,9/2/2025,P\n")

    assert mapped.headings["id_hash"] == ("pupil  no.",)
    assert mapped.headings["school"] == ("SCHOOL",)
    assert "grain" not in mapped.headings, "a constant comes from no heading"


def test_a_lacking_column_is_named_by_the_headings_it_may_have(intake: Make) -> None:
    room = intake(layout(**columns(excused={"from": ["Excused", "Exc"], "codes": {"Y": True}})))

    mapped = room.map("Student,School,Day,Code\n101,12,9/2/2025,P\n")

    assert mapped.lacking == {"excused": ("Excused or Exc",)}


def test_a_wide_file_names_every_heading_that_makes_a_column(intake: Make) -> None:
    wide = layout(
        columns={k: v for k, v in COLUMNS.items() if k not in ("present", "excused")},
        recognise={"headers": ["Student", "School", "Day", "AM", "PM"]},
        long=[
            {"name": half, "columns": {"unit": {"value": half}, "present": {"from": half, "codes": {"P": True}}}}
            for half in ("AM", "PM")
        ],
    )

    mapped = intake(wide).map("Student,School,Day,AM,PM\n101,12,9/2/2025,P,P\n")

    assert mapped.headings["present"] == ("AM", "PM")


def test_a_code_that_becomes_unknown_is_told_and_a_blank_is_not(intake: Make) -> None:
    room = intake(layout(**columns(excused={"from": "Excused", "codes": {"Y": True, "-": None}, "otherwise": None})))

    mapped = room.map(HEADER + "101,12,9/2/2025,A,Y\n102,12,9/2/2025,A,Q\n103,12,9/2/2025,A,\n104,12,9/2/2025,A,-\n")

    assert room.issues(mapped) == {(3, "MAP-UNLISTED", "warning", "excused")}
    assert room.rows(mapped, "excused") == [(True,), (None,), (None,), (None,)]


def test_a_heading_that_only_tells_rows_apart_is_missed_with_what_it_decides(intake: Make) -> None:
    room = intake(
        layout(
            columns={k: v for k, v in COLUMNS.items() if k not in ("present", "excused")},
            rows_drop=[{"from": "Void", "one_of": ["Y"]}],
            long=[
                {"name": "away", "when": {"from": "Away", "one_of": ["Y"]}, "columns": {"present": {"value": False}}},
                {"name": "here", "when": {"from": "Away", "blank": True}, "columns": {"present": {"value": True}}},
                {"name": "late", "when": {"from": "Late"}, "columns": {"present": {"value": True}}},
            ],
        )
    )

    mapped = room.map("Student,School,Day,Code\n101,12,9/2/2025,P\n")

    assert mapped.deciding == {"Void": (), "Away": ("present",)}, "Late asks for nothing but the heading"
    assert {(rule, column) for _, rule, _, column in room.issues(mapped)} == {
        ("MAP-MISSING-COLUMN", "Void"),
        ("MAP-MISSING-COLUMN", "Away"),
    }


def test_a_year_column_is_missed_where_no_date_tells_the_year(intake: Make) -> None:
    dated = layout(school_year={"from": "Year", "year": "end"})

    assert intake(dated).map("Student,School,Day,Code\n101,12,9/2/2025,P\n").deciding == {}


def test_a_code_for_no_value_in_a_column_that_rows_must_have_is_told_as_such(intake: Make) -> None:
    required = layout(
        columns=COLUMNS | {"grain": {"from": "Half", "codes": {"D": "day", "n/o": None}}},
        recognise={"headers": [*HEADER.strip().split(",")[:4], "Half"]},
    )

    mapped = (room := intake(required)).map(
        "Student,School,Day,Code,Half\n101,12,9/2/2025,P,D\n102,12,9/2/2025,P,n/o\n103,12,9/2/2025,P,\n"
    )

    told = {(row, rule) for row, rule, severity, _ in room.issues(mapped) if severity == "critical"}
    assert told == {(3, "MAP-CODE-NULL"), (4, "MAP-NULL")}
