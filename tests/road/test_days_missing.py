"""School days that never came: values and statuses say it, a release asks twice, and all heals when they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from sipetl.pipeline.review import bring_up_to_date
from tests.home import Site, Student, attendance, roster, students, weekdays

PEOPLE = students(40)
DAYS = weekdays(date(2025, 8, 27), 58)
"""Every weekday to the last day of the cycle's data, 2025-11-14."""
LOST = [day for day in DAYS if date(2025, 10, 6) <= day <= date(2025, 10, 17)]
REVIEW = date(2025, 12, 2)
VALUES = """
    select o.level, v.data_status
    from metric.value v join ref.organization o using (organization_id) join ref.period p using (period_id)
    where p.code = :period and v.metric = 'attendance_rate' and v.student_group = 'all' and o.district = '3501'
        or p.code = :period and v.metric = 'attendance_rate' and v.student_group = 'all' and o.level = 'state'
"""


def always(student: Student, day: date) -> str:
    """Nobody is ever absent: the rate is 100 %, whatever days are there."""
    return "P"


def settle(site: Site) -> None:
    with site.open() as home:
        bring_up_to_date(home)


def data_statuses(site: Site, period: str) -> dict[str, str]:
    return dict(site.sql(VALUES, period=period))


def statuses(site: Site) -> dict[str, str]:
    return dict(site.sql("select b.code, s.status from metric.status s join plan.benchmark b using (benchmark_id)"))


@pytest.fixture(scope="module")
def first(make_site: Callable[[], Site]) -> Site:
    """A home on the day of a review, ten school days short."""
    site = replace(make_site(), today=REVIEW)
    site.take("students_export_2025-09-02.csv", roster(PEOPLE))
    site.take("attendance_a.csv", attendance(PEOPLE, [day for day in DAYS if day < LOST[0]], always))
    site.take("attendance_b.csv", attendance(PEOPLE, [day for day in DAYS if day > LOST[-1]], always))
    settle(site)
    return site


@pytest.fixture
def gap(first: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(first)


def test_a_gap_of_two_weeks_leaves_no_certain_number_over_it(gap: Site) -> None:
    """Spruce High sends nothing at all, Bramble neither: their district and the state lack days in every month."""
    assert data_statuses(gap, "2025-10")["school"] == data_statuses(gap, "2025-11")["school"] == "incomplete"
    assert data_statuses(gap, "2025-09") == {"school": "final", "district": "incomplete", "state": "incomplete"}
    assert statuses(gap) == {"B1": "incomplete", "M1": "incomplete"}


def test_a_trace_says_how_many_days_are_not_here(gap: Site) -> None:
    """October has 23 weekdays, of which the 13th is a holiday; ten weekdays are lost, that one among them."""
    found = json.loads(gap.run("trace", "35010010", "attendance_rate_in_month", "2025-10", "--json").out)

    assert (found["data_status"], found["days_due"], found["days_overdue"]) == ("incomplete", 22, 9)


def test_the_days_that_came_after_all_make_it_whole(gap: Site) -> None:
    gap.take("attendance_c.csv", attendance(PEOPLE, LOST, always))

    settle(gap)

    assert data_statuses(gap, "2025-10")["school"] == "final"
    assert statuses(gap) == {"B1": "met", "M1": "on_track"}


def test_waived_days_make_it_whole_without_any_new_file(gap: Site) -> None:
    for day in LOST:
        gap.run("waive", "3501", "attendance", "2026", "--window", str(day), "--reason", "the server burnt")

    settle(gap)

    assert data_statuses(gap, "2025-10")["school"] == "final"


def test_a_blocked_cycle_is_released_only_on_purpose(gap: Site) -> None:
    refused = gap.run("release", "C1", "--yes")
    done = gap.run("release", "C1", "--yes", "--anyway")

    assert refused.status != 0
    assert "blocked" in refused.err
    assert "--anyway" in refused.err
    assert (done.status, gap.sql("select cycle, edition from ops.release")) == (0, [("C1", 1)])


def test_a_release_can_be_taken_back_and_made_again(gap: Site) -> None:
    gap.run("release", "C1", "--yes", "--anyway")

    gap.run("release", "withdraw", "C1", "--reason", "too early", "--yes")
    shown = gap.sql("select count(*) from pub.benchmark_status")
    again = gap.run("release", "C1", "--yes", "--anyway")

    assert shown == [(0,)]
    assert again.status == 0
    assert gap.sql("select cycle, edition from ops.release") == [("C1", 2)]
    kept = "select edition, withdrawn_because from ops.past_release"
    assert gap.sql(kept) == [(1, "too early")]
    assert gap.sql("select count(*) > 0 from ops.past_release_value where edition = 1") == [(True,)]
