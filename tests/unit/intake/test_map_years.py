from __future__ import annotations

from collections.abc import Callable

import pytest

from sipetl.intake import Layout
from tests.unit.intake.daily import HEADER, Intake, layout

Make = Callable[..., Intake]


def test_school_year_turns_on_the_first_of_july(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "101,12,6/30/2026,P,\n101,12,7/1/2026,P,\n")

    assert room.rows(mapped, "school_year") == [(2026,), (2027,)]


def test_date_outranks_the_year_column_with_a_warning(intake: Make) -> None:
    room = intake(layout(school_year={"from": "Year", "year": "span"}))

    mapped = room.map("Year," + HEADER + "2024-25,101,12,9/2/2025,P,\n2025-26,101,12,9/3/2025,P,\n")

    assert room.rows(mapped, "school_year") == [(2026,), (2026,)]
    assert room.issues(mapped) == {(2, "MAP-YEAR", "warning", "school_year")}


def test_date_outside_of_the_years_of_names_is_a_warning(intake: Make) -> None:
    named = layout(file={"name_pattern": r"_(?P<school_year>\d{4})\.csv$"})
    room = intake(named)

    mapped = room.map(HEADER + "101,12,9/2/2024,P,\n", "attendance_2026.csv")

    assert room.issues(mapped) == {(2, "MAP-YEAR", "warning", "school_year")}
    assert room.rows(mapped, "school_year") == [(2025,)]


ROSTER = Layout.model_validate(
    {
        "layout": "courses",
        "feed": "course",
        "title": "Courses",
        "source": "made for these tests",
        "recognise": {"headers": ["Student", "School", "Credits"]},
        "school_year": {"from": "Year", "year": "end"},
        "scope": {"kind": "snapshot"},
        "columns": {
            "id_hash": {"from": "Student", "id": {"kind": "lasid"}},
            "school": {"from": "School", "crosswalk": "school"},
            "section_hash": {"from": "Section", "id": {"kind": "section"}},
            "course_code": {"value": "c1"},
            "term": {"value": "FY"},
            "credits_x100": {"from": "Credits", "number": "padded", "scale": 100},
            "passed": {"from": "Credits", "number": "padded", "at_least": "2.5"},
        },
    }
)
COURSE = "Year,Student,School,Section,Credits\n"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("end", "2026"), ("end", "2026.0"), ("end", "FY2026"), ("start", "2025"), ("span", "2025-2026"),
     ("span", "2025-26"), ("span", "2025/26"), ("term", "Fall 2025-2026")],
)  # fmt: skip
def test_year_is_read_in_each_vendors_way(intake: Make, kind: str, text: str) -> None:
    room = intake(ROSTER.model_copy(update={"school_year": ROSTER.school_year.model_copy(update={"year": kind})}))

    mapped = room.map(COURSE + f"{text},101,12,s1,5\n")

    assert room.rows(mapped, "school_year") == [(2026,)]


def test_year_that_nothing_tells_quarantines_until_the_operator_says(intake: Make) -> None:
    room = intake(ROSTER)
    data = COURSE + ",101,12,s1,5\n"

    assert room.issues(room.map(data)) == {(2, "MAP-NO-YEAR", "critical", "school_year")}
    assert room.rows(room.map(data, school_year=2026), "school_year") == [(2026,)]


@pytest.mark.parametrize(
    ("text", "scaled", "passed"),
    [("2.5", 250, True), ("2.495", 250, False), ("2.4949", 249, False), ('" 1,000 "', 100000, True), ("0", 0, False)],
)
def test_numbers_are_scaled_then_rounded_half_up(intake: Make, text: str, scaled: int, passed: bool) -> None:
    room = intake(ROSTER)

    assert room.rows(room.map(COURSE + f"2026,101,12,s1,{text}\n"), "credits_x100, passed") == [(scaled, passed)]


@pytest.mark.parametrize("text", ["five", "1_000", "nan", "1.2.3", "9e99"])
def test_number_that_does_not_cast_becomes_null_with_a_warning(intake: Make, text: str) -> None:
    room = intake(ROSTER)

    mapped = room.map(COURSE + f"2026,101,12,s1,{text}\n")

    assert room.rows(mapped, "credits_x100") == [(None,)]
    assert (2, "MAP-CAST", "warning", "credits_x100") in room.issues(mapped)
