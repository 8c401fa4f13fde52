"""What a file of a layout must look like, in words."""

from __future__ import annotations

import json

import pytest

from sipetl.cli.shape import described, written_day
from sipetl.intake import load_layouts
from tests.home import command


@pytest.mark.parametrize("layout", load_layouts(), ids=lambda layout: f"{layout.layout}-{layout.version}")
def test_every_layout_can_be_described(layout) -> None:  # type: ignore[no-untyped-def]
    told = described(layout)

    assert told["headings"] == list(layout.recognise.headers)
    assert {row["column"] for row in told["columns"]} >= set(layout.columns)
    assert all(row["heading"] or row["how"] for row in told["columns"])


def test_layout_is_shown_with_headings_codes_and_formats() -> None:
    done = command("layout", "show", "SIS_Daily_Attendance")
    machine = json.loads(command("layout", "show", "sis_daily_attendance", "--json").out)

    assert done.status == 0
    assert "like attendance_2026-01-01_2026-01-31.csv" in done.out
    (day,) = [row for row in machine["columns"] if row["column"] == "attendance_date"]
    assert (day["required"], day["heading"]) == (True, "att_date")
    assert day["how"] == "date as MM/DD/YYYY or YYYY-MM-DD"
    (excused,) = [row for row in machine["columns"] if row["column"] == "excused"]
    assert "AE = true" in excused["how"]
    assert machine["definition"]["recognise"]["headers"] == machine["headings"]


def test_dates_are_written_as_people_write_them() -> None:
    assert written_day("%m/%d/%Y %H:%M") == "MM/DD/YYYY hh:mm"


def test_headings_that_only_tell_rows_apart_are_named() -> None:
    done = command("layout", "show", "aspen_students")
    machine = json.loads(command("layout", "show", "aspen_students", "--json").out)
    kept = command("layout", "show", "dibels8_benchmark")

    constant, *_ = [row for row in machine["columns"] if row["column"] == "race_ethnicity"]
    assert (constant["heading"], constant["how"].split("; ")[0]) == ("hispanic_latino", "always hispanic")
    assert "where hispanic_latino matches" in constant["how"]
    assert {one["heading"] for one in machine["conditions"]} == {"hispanic_latino"}
    assert "hispanic_latino" in done.out
    assert "Rows are left out: where Client Date is blank" in kept.out
