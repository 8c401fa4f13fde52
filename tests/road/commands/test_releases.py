"""Restatements that a person can read, and the rows behind a number, held against rows counted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sipetl.cli.restating import summary
from sipetl.pipeline.review import bring_up_to_date, release_cycle
from sipetl.publish import Cause, Restatement
from sipetl.reports import Display
from tests.home import Site, attendance, present, roster, students, weekdays

PEOPLE = students(40)
OTHERS = students(12, "SHS")
DAYS = weekdays(date(2025, 8, 27), 57)
WEEK = weekdays(date(2025, 11, 17), 5)
"""After the cycle's last day of data."""
HOLIDAYS = (date(2025, 9, 1), date(2025, 10, 13), date(2025, 11, 11))
OPEN = [day for day in DAYS if day not in HOLIDAYS]
REVIEW, LATER = date(2025, 12, 2), date(2026, 1, 15)


def settle(site: Site) -> None:
    with site.open() as home:
        bring_up_to_date(home)


@pytest.fixture(scope="module")
def first(make_site: Callable[[], Site]) -> Site:
    """Two schools in one file, a week in another; released on the day of the review."""
    site = replace(make_site(), today=REVIEW)
    site.take("students_export_2025-09-02.csv", roster([*PEOPLE, *OTHERS]))
    site.take("attendance_a.csv", attendance([*PEOPLE, *OTHERS], DAYS, present))
    site.take("attendance_b.csv", attendance([*PEOPLE, *OTHERS], WEEK, present))
    settle(site)
    with site.open() as home:
        release_cycle(home, "C1")
    return site


@pytest.fixture(scope="module")
def differing(first: Site, copy_site: Callable[[Site], Site]) -> Site:
    """Six weeks later, after a correction in which one of those who were absent was there."""
    site = replace(copy_site(first), today=LATER)
    mended = attendance([*PEOPLE, *OTHERS], DAYS, lambda s, day: present(s, day) if s.n else "P")
    site.take("attendance_c.csv", mended)
    return site


def traced(site: Site, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.run("trace", *arguments, "--rows", "--json").out)
    return found


def test_the_rows_agree_with_the_integers_of_the_value(first: Site) -> None:
    """40 students x 54 school days; four of them are absent on the days of even number."""
    found = traced(first, "35010010", "attendance_rate", "C1")
    listed = [row for row in found["rows"]["rows"] if row["feed"] == "attendance"]
    (total,) = found["rows"]["absences"]

    absent = 4 * sum(day.toordinal() % 2 == 0 for day in OPEN)
    assert sum(row["rows"] for row in listed) == 40 * len(OPEN) == found["denominator"] // 100
    assert (total["grain"], total["rows"]) == ("day", 40 * len(OPEN))
    assert (total["absent"], total["present"]) == (absent, found["numerator"] // 100)
    assert {row["slot"]: row["rows"] for row in listed} == {str(day): 40 for day in OPEN}


def test_row_numbers_are_those_of_the_file(first: Site) -> None:
    """Row 1 is the heading; of each day the 40 of this school come before the 12 of the other."""
    by_day = {row["slot"]: row for row in traced(first, "35010010", "attendance_rate", "C1")["rows"]["rows"]}

    for n in (0, 4, 56):
        if DAYS[n] in OPEN:
            one = by_day[str(DAYS[n])]
            assert (one["first_row"], one["last_row"]) == (2 + 52 * n, 41 + 52 * n)


def test_a_part_without_a_row_of_the_period_is_left_out(first: Site) -> None:
    found = traced(first, "35010010", "attendance_rate", "C1")

    assert "attendance_b.csv" in {one["file_name"] for one in found["deliveries"]}
    assert {row["file_name"] for row in found["rows"]["rows"]} == {
        "attendance_a.csv",
        "students_export_2025-09-02.csv",
    }


def test_days_of_no_school_are_told_and_not_listed(first: Site) -> None:
    notes = traced(first, "35010010", "attendance_rate", "C1")["rows"]["notes"]

    assert any(
        note.startswith(f"{40 * (len(DAYS) - len(OPEN))} rows are of days that are no school days") for note in notes
    )


def test_a_month_alone_has_its_own_rows_and_a_month_to_date_all_before(first: Site) -> None:
    within = traced(first, "35010010", "attendance_rate_in_month", "2025-10")
    to_date = traced(first, "35010010", "attendance_rate", "2025-10")
    days = [
        {row["slot"] for row in found["rows"]["rows"] if row["feed"] == "attendance"} for found in (within, to_date)
    ]

    assert days[0] == {str(day) for day in OPEN if day.month == 10}
    assert days[1] == {str(day) for day in OPEN if day.month <= 10}
    assert 100 * 40 * len(days[0]) == within["denominator"]


def test_of_a_district_the_rows_of_all_its_schools_are_counted(first: Site) -> None:
    found = traced(first, "35010000", "attendance_rate", "C1")

    assert sum(row["rows"] for row in found["rows"]["rows"] if row["feed"] == "attendance") == 52 * len(OPEN)


def test_absences_of_too_few_are_not_told(make_site: Callable[[], Site]) -> None:
    site = make_site()
    site.take("attendance_a.csv", attendance(students(3), DAYS, present))
    settle(site)

    (total,) = traced(site, "35010010", "attendance_rate", "C1")["rows"]["absences"]
    told = site.run("trace", "35010010", "attendance_rate", "C1", "--rows").out

    assert (total["absent"], total["present"]) == (None, None)
    assert "too few people to tell" in told


def test_a_released_number_is_traced_to_the_rows_of_then(differing: Site) -> None:
    settle(differing)
    then = traced(differing, "35010010", "attendance_rate", "C1", "--cycle", "C1")
    now = traced(differing, "35010010", "attendance_rate", "C1")
    files = [
        {row["file_name"] for row in each["rows"]["rows"] if row["feed"] == "attendance"} for each in (then, now)
    ]

    assert files == [{"attendance_a.csv"}, {"attendance_c.csv"}]
    assert [each["rows"]["absences"][0]["present"] for each in (then, now)] == [
        each["numerator"] // 100 for each in (then, now)
    ]


def test_restatements_are_summed_up_and_listed_on_demand(differing: Site) -> None:
    exact = json.loads(differing.run("restatements", "C1", "--json").out)
    told = differing.run("restatements", "C1").out
    each = differing.run("restatements", "C1", "--all").out

    values = [row for row in exact if row["kind"] == "value"]
    assert {row["kind"] for row in exact} == {"value", "status"}
    assert told.startswith("Statuses of benchmarks and MAGs that differ")
    assert f"{len(values):,} values. Each one: --all" in told
    assert len(told.splitlines()) < 60
    assert len(each.splitlines()) > len(values)
    assert "00000000" not in each.replace("00000000 ", "")


def test_restatements_are_narrowed(differing: Site) -> None:
    narrow = ("--organization", "35010010", "--metric", "attendance_rate", "--kind", "value")
    found = json.loads(differing.run("restatements", "C1", *narrow, "--json").out)
    wrong = differing.run("restatements", "C1", "--kind", "number")

    assert {(row["organization"], row["metric"], row["kind"]) for row in found} == {
        ("35010010", "attendance_rate", "value")
    }
    assert (wrong.status, "status, value" in wrong.err) == (2, True)


def restatement(organization: str, released: str | None, current: str | None) -> Restatement:
    """A value that one file changed."""
    cause = Cause("delivery", "attendance of 3501", "a.csv", "b.csv")
    return Restatement(
        cycle="C1",
        edition=None,
        kind="value",
        organization=organization,
        metric="attendance_rate",
        student_group="all",
        period="C1",
        plan=None,
        benchmark=None,
        released=Decimal(released) if released else None,
        current=Decimal(current) if current else None,
        released_status="final",
        current_status="final",
        cause="delivery",
        causes=(cause,),
        is_public=True,
    )


def test_a_line_of_the_summary_counts_numbers_and_names_the_largest_change() -> None:
    rows = [
        restatement("35010010", "90.123456", "91.999"),
        restatement("35010010", "95", "94.9"),
        restatement("35010020", None, "80"),
        restatement("35010030", "80", None),
    ]

    (line,) = summary(rows, {"attendance_rate": Display("percent", 1)})

    assert (line["numbers"], line["organizations"], line["new"], line["gone"]) == (4, 3, 1, 1)
    assert line["largest_change"] == "1.9 points"
    assert line["why"] == "attendance of 3501: b.csv replaced a.csv"
