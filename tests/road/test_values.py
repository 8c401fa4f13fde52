"""What a computation finds unchanged stays as it is, and what changed is written with its inputs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sipetl.pipeline.compute import compute
from sipetl.pipeline.holds import decide
from sipetl.pipeline.values import input_of
from sipetl.warehouse import Written
from tests.home import Site, attendance, present, roster, students, weekdays

DAYS = weekdays(date(2025, 9, 8), 40)
SEPTEMBER = [day for day in DAYS if day.month == 9]
OCTOBER = [day for day in DAYS if day.month == 10]
PEOPLE = students(20)
RATE = """
    select v.numerator, v.value, v.input_id::text
    from metric.value v join ref.organization o using (organization_id) join ref.period p using (period_id)
    where o.code = :code and p.code = :period and v.metric = 'attendance_rate' and v.student_group = 'all'
"""


def run(site: Site, *, everything: bool = False) -> Written:
    with site.open() as home:
        return compute(home, everything=everything).written


def rate(site: Site, period: str, code: str = "35010010") -> tuple[object, ...]:
    (row,) = site.sql(RATE, code=code, period=period)
    return row


@pytest.fixture(scope="module")
def first(make_site: Callable[[], Site]) -> Site:
    site = make_site()
    site.put("students_export_2025-09-02.csv", roster(PEOPLE))
    site.put("attendance_sep.csv", attendance(PEOPLE, SEPTEMBER, present))
    site.ingest()
    run(site)
    return site


@pytest.fixture
def september(first: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(first)


def test_a_month_that_a_later_delivery_does_not_touch_keeps_its_inputs(september: Site) -> None:
    month, year = rate(september, "2025-09"), rate(september, "2026")

    september.take("attendance_oct.csv", attendance(PEOPLE, OCTOBER, present))
    run(september)

    assert rate(september, "2025-09") == month
    assert rate(september, "2026")[2] != year[2]


def test_the_inputs_of_a_value_are_current(september: Site) -> None:
    before = rate(september, "2025-09")

    september.take("attendance_again.csv", attendance(PEOPLE[::-1], SEPTEMBER, present))
    run(september)

    after = rate(september, "2025-09")
    parts = september.sql(
        "select distinct p.status from ops.input_member m join ops.delivery_part p on m.member = 'part:' || p.part_id"
        " where m.input_id = cast(:input as uuid)",
        input=after[2],
    )
    assert after[:2] == before[:2]
    assert after[2] != before[2]
    assert parts == [("accepted",)]


def test_a_value_that_no_row_makes_any_more_is_gone(september: Site) -> None:
    query = """
        select distinct code from metric.value join ref.organization using (organization_id)
        where code in ('35010010', '35010000', 'R-1') and metric = 'attendance_rate' and student_group = 'grade_03'
        order by code
    """
    there = september.sql(query)
    september.put("students_export_2025-09-02.csv", roster(PEOPLE).replace(",03,2020", ",04,2020"))
    september.ingest()
    ((part,),) = september.sql("select part_id from ops.hold where decision is null")
    with september.open() as home:
        decide(home, part, accept=True, by="somebody")
    run(september)

    assert there == [("35010000",), ("35010010",), ("R-1",)]
    assert september.sql(query) == []


def test_everything_is_the_same_when_it_is_computed_anew(september: Site) -> None:
    values = "select organization_id, period_id, metric, student_group, numerator, value, low, high from metric.value"
    before = sorted(september.sql(values))

    run(september, everything=True)

    assert sorted(september.sql(values)) == before


def test_an_input_is_known_by_its_members_in_any_order() -> None:
    assert input_of(["part:a", "part:b"]) == input_of(["part:b", "part:a"]) != input_of(["part:a"])
