from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from sipetl.errors import UnrecognizedError
from sipetl.intake import Layout, PartKey
from sipetl.intake.layout import Column
from tests.unit.intake.daily import COLUMNS, HEADER, Intake, columns, layout

Make = Callable[..., Intake]


def test_ragged_rows_are_a_warning_when_short_and_quarantined_when_long(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "101,12,9/2/2025,P\n102,12,9/2/2025,P,,more\n103,12\n")

    assert room.issues(mapped) == {
        (2, "MAP-RAGGED", "warning", None),
        (3, "MAP-RAGGED", "critical", None),
        (4, "MAP-RAGGED", "warning", None),
        (4, "MAP-NULL", "critical", "attendance_date"),
        (4, "MAP-NO-YEAR", "critical", "school_year"),
    }
    assert (mapped.rows_read, mapped.rows_mapped, mapped.quarantined, mapped.skipped) == (3, 1, 2, 0)


def test_rows_that_are_no_data_are_skipped(intake: Make) -> None:
    kept = layout(
        rows_keep=[{"from": "Day", "blank": False}], rows_drop=[{"from": "Student", "matches": "(?i)^total"}]
    )
    room = intake(kept)

    mapped = room.map(HEADER + "101,12,9/2/2025,P,\nTotal,,9/2/2025,,\nA footnote\n")

    assert (mapped.rows_read, mapped.rows_mapped, mapped.skipped) == (3, 1, 2)
    assert room.issues(mapped) == set()


def test_exact_repeats_are_dropped_and_counted(intake: Make) -> None:
    room = intake()
    row = "101,12,9/2/2025,P,\n"

    mapped = room.map(HEADER + row + "101,12,9/2/2025,A,\n" + row + row)

    assert room.rows(mapped, "row_number") == [(2,), (3,)]
    assert (mapped.rows_mapped, mapped.repeated) == (2, 2)
    counted = room.con.execute(f"select rule_id, severity, row_count from {mapped.issues}").fetchall()
    assert counted == [("MAP-REPEAT", "warning", 2)]


def test_unknown_and_missing_columns_are_told_by_header(intake: Make) -> None:
    room = intake()

    mapped = room.map("Name,Birthday,Shoe Size,Student,School,Day,Code\nQ,1/1/15,38,101,12,9/2/2025,P\n")

    assert room.issues(mapped) == {
        (None, "MAP-UNKNOWN-COLUMN", "warning", "Shoe Size"),
        (None, "MAP-MISSING-COLUMN", "warning", "excused"),
    }


def test_missing_header_of_a_required_column_is_refused(intake: Make) -> None:
    with pytest.raises(UnrecognizedError, match="'Site'"):
        intake(layout(**columns(school={"from": "Site", "crosswalk": "school"}))).map(HEADER + "1,12,9/2/2025,P,\n")


def test_missing_header_of_a_row_condition_is_refused(intake: Make) -> None:
    with pytest.raises(UnrecognizedError, match="'Site'"):
        intake(layout(rows_keep=[{"from": "Site", "blank": False}])).map(HEADER + "1,12,9/2/2025,P,\n")


WIDE = layout(
    columns={k: v for k, v in COLUMNS.items() if k not in ("present", "excused")},
    recognise={"headers": ["Student", "School", "Day", "AM", "PM"]},
    long=[
        {"name": half, "when": {"from": half, "blank": False},
         "columns": {"unit": {"value": half}, "present": {"from": half, "codes": {"P": True, "A": False}}}}
        for half in ("AM", "PM")
    ],
)  # fmt: skip


def test_wide_row_becomes_a_row_per_variant_that_holds_something(intake: Make) -> None:
    room = intake(WIDE)

    mapped = room.map("Student,School,Day,AM,PM\n101,12,9/2/2025,P,A\n102,12,9/2/2025,,P\n103,12,9/2/2025,,\n")

    assert sorted(room.rows(mapped, "row_number, unit, present")) == [
        (2, "AM", True),
        (2, "PM", False),
        (3, "PM", True),
    ]
    assert (mapped.rows_read, mapped.rows_mapped, mapped.skipped) == (3, 3, 1)


def test_one_bad_variant_quarantines_the_whole_row(intake: Make) -> None:
    room = intake(WIDE)

    mapped = room.map("Student,School,Day,AM,PM\n101,99,9/2/2025,P,A\n102,12,9/2/2025,P,P\n")

    assert room.rows(mapped, "distinct row_number") == [(3,)]
    assert (mapped.quarantined, mapped.rows_mapped) == (1, 2)


SURVEY = Layout.model_validate(
    {
        "layout": "survey",
        "feed": "survey",
        "title": "A survey",
        "source": "made for these tests",
        "file": {"name_pattern": r"_(?P<window>fall|spring)_"},
        "recognise": {"headers": ["Response", "School", "When"]},
        "scope": {"kind": "snapshot", "by": ["survey", "window"]},
        "columns": {
            "response_hash": {"from": "Response", "id": {"kind": "response"}},
            "school": {"from": "School", "crosswalk": "school"},
            "survey": {"value": "climate {window}"},
            "window": {"from": "{window}"},
            "responded_on": {"from": "When", "parse": ["%m/%d/%y"]},
            "population": {"value": "student"},
            "value": {"from": "{cell}", "null": ["99"], "number": "plain"},
        },
        "melt": {"headers": r"^(?P<item>s-[a-z]{4}-q\d+)(-1)?$"},
    }
)


def test_item_columns_become_rows_and_blank_answers_none(intake: Make) -> None:
    room = intake(SURVEY)
    header = "Response,School,When,S-Tint-Q1,s-tint-q2,s-tint-q2-1\n"

    mapped = room.map(header + "r1,12,9/2/25,4,,5\nr2,12,9/2/25,99,2,\nr3,12,9/2/25,,,\n", "climate_fall_x.csv")

    assert sorted(room.rows(mapped, 'row_number, item, "value", survey, "window"')) == [
        (2, "s-tint-q1", 4, "climate fall", "fall"),
        (2, "s-tint-q2", 5, "climate fall", "fall"),
        (3, "s-tint-q2", 2, "climate fall", "fall"),
    ]
    assert (mapped.rows_read, mapped.rows_mapped, mapped.skipped) == (3, 3, 1)
    assert mapped.parts == (PartKey("0101", 2026, 3, None, None, (("climate fall", "fall"),)),)


def test_melted_code_for_no_value_is_no_fault_of_the_files_name(intake: Make) -> None:
    """Listed under `null` the same cell makes no row."""
    answers = {"from": "{cell}", "codes": {"1": 1, "2": 2, "n/o": None}}
    content = "Response,School,When,s-tint-q1,s-tint-q2\nr1,12,9/2/25,1,2\nr2,12,9/2/25,2,n/o\n"

    coded = SURVEY.model_copy(update={"columns": SURVEY.columns | {"value": Column.model_validate(answers)}})
    nulls = coded.model_copy(update={"null": (*SURVEY.null, "n/o")})
    room, other = intake(coded), intake(nulls)
    told = {(row, rule, column) for row, rule, _, column in room.issues(room.map(content, "climate_fall_x.csv"))}
    mended = other.map(content, "climate_fall_y.csv")

    assert told == {(3, "MAP-CODE-NULL", "value")}
    assert (other.issues(mended), mended.rows_mapped) == (set(), 3)


def test_operators_window_stands_in_for_a_name_without_one(intake: Make) -> None:
    room = intake(SURVEY)

    mapped = room.map("Response,School,When,s-tint-q1\nr1,12,9/2/25,4\n", "renamed.csv", window="spring")

    assert room.rows(mapped, '"window"') == [("spring",)]


FIGURES = Layout.model_validate(
    {
        "layout": "figures",
        "feed": "published_results",
        "title": "Figures",
        "source": "made for these tests",
        "recognise": {"headers": ["Org", "Rate"]},
        "school_year": {"value": "2026", "year": "end"},
        "scope": {"kind": "snapshot"},
        "columns": {
            "organization": {"from": "Org", "crosswalk": "organization"},
            "level": {"value": "school"},
            "period": {"value": "annual"},
            "metric": {"value": "rate"},
            "value": {"from": "Rate", "number": "fraction"},
        },
    }
)


def test_published_figures_belong_to_their_sender(intake: Make) -> None:
    room = intake(FIGURES)

    mapped = room.map("Org,Rate\n00000000,0.5\n1010012,0.125\nOak School,1\n12,1\n", sender_district=None)

    assert room.rows(mapped, 'organization, "value", district') == [
        ("00000000", Decimal(50), "state"),
        ("01010012", Decimal("12.5"), "state"),
        ("01010012", Decimal(100), "state"),
    ]
    assert room.issues(mapped) == {(5, "MAP-SCHOOL", "critical", "organization")}, "two districts have a school 12"
