"""What a release froze stays; what later data changes is told with its cause, restated on demand, and can be rebuilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sipetl.pipeline.exchange import restate_cycle, restatements_of
from sipetl.pipeline.review import bring_up_to_date, release_cycle
from sipetl.publish import Release, Restatement
from sipetl.registry.models import FeedName
from tests.home import Site, Student, attendance, present, roster, students, weekdays

PEOPLE = students(40)
DAYS = weekdays(date(2025, 8, 27), 57)
"""To the last day of the cycle's data, 2025-11-13: one of them is no school day by either calendar."""
REVIEW, LATER = date(2025, 12, 2), date(2026, 1, 15)
SCHOOL = "35010010"
FROZEN = """
    select v.value, v.n from {table} v join ref.organization o using (organization_id) join ref.period p using (period_id)
    where o.code = '35010010' and p.kind = 'cycle' and v.metric = 'attendance_rate' and v.student_group = 'all'
"""


def settle(site: Site) -> None:
    with site.open() as home:
        bring_up_to_date(home)


def release(site: Site) -> Release:
    settle(site)
    with site.open() as home:
        return release_cycle(home, "C1")


def differing(site: Site) -> tuple[Restatement, ...]:
    settle(site)
    with site.open() as home:
        return restatements_of(home, "C1")


def of_school(rows: tuple[Restatement, ...], kind: str = "value") -> list[Restatement]:
    return [
        row
        for row in rows
        if (row.kind, row.organization, row.metric, row.student_group, row.period)
        == (kind, SCHOOL, "attendance_rate", "all", "C1")
    ]


def fewer_absences(student: Student, day: date) -> str:
    """Of the four who miss every second day, one was there after all."""
    return "P" if student.n == 0 else present(student, day)


def absent(student: Student, day: date) -> str:
    return "A"


@pytest.fixture(scope="module")
def first(make_site: Callable[[], Site]) -> Site:
    """A home on the day of its review, released."""
    site = replace(make_site(), today=REVIEW)
    site.take("students_export_2025-09-02.csv", roster(PEOPLE))
    site.take("attendance_a.csv", attendance(PEOPLE, DAYS, present))
    release(site)
    return site


@pytest.fixture
def released(first: Site, copy_site: Callable[[Site], Site]) -> Site:
    """The same home six weeks later."""
    return replace(copy_site(first), today=LATER)


def mend(site: Site) -> None:
    site.take("attendance_b.csv", attendance(PEOPLE, DAYS, fewer_absences))


def rows(site: Site, query: str) -> list[tuple[Any, ...]]:
    return site.sql(query, c="C1")


def test_a_release_keeps_readiness_definitions_and_lake_versions(first: Site) -> None:
    (summary,) = rows(first, "select edition, readiness, policy, as_of, reason from ops.release where cycle = :c")
    readiness = rows(first, "select school, feed, state from ops.release_readiness where cycle = :c order by 1, 2")
    kinds = rows(first, "select kind, name, version from ops.release_definition where cycle = :c")
    lake = dict(rows(first, "select feed, delta_version from ops.release_lake where cycle = :c"))
    (metric,) = rows(
        first, "select content from ops.release_definition where cycle = :c and name = 'attendance_rate'"
    )

    assert summary[0] == 1
    assert summary[2:] == ("dese", date(2025, 11, 14), None)
    assert summary[1] == max((s for _, _, s in readiness), key=["not_needed", "ready", "at_risk", "blocked"].index)
    assert {(school, feed) for school, feed, _ in readiness} == {
        (school, feed) for school in (SCHOOL, "35010020", "90020010") for feed in ("attendance", "roster")
    }
    assert {("plan", "MA/35010010", "2025-09-02"), ("policy", "dese", ""), ("cycle", "C1", "")} <= set(kinds)
    assert {("calendar", "alder", ""), ("calendar", "birch", ""), ("metric", "attendance_rate", "1")} <= set(kinds)
    assert metric[0]["numerator"]
    assert lake.keys() == {"roster", "attendance"}


def test_what_did_not_change_is_no_restatement(released: Site) -> None:
    assert differing(released) == ()


def test_later_days_are_no_restatement(released: Site) -> None:
    more = weekdays(date(2025, 11, 17), 10)
    released.take("attendance_november.csv", attendance(PEOPLE, more, absent))

    assert differing(released) == ()


def test_a_correction_is_listed_with_both_numbers_and_the_delivery_that_replaced_the_other(released: Site) -> None:
    mend(released)

    found = differing(released)

    ((value,), (status, _)) = of_school(found), of_school(found, "status")
    ((was, _),) = released.sql(FROZEN.format(table="ops.release_value"))
    ((now, _),) = released.sql(FROZEN.format(table="metric.value"))
    assert (value.released, value.current, value.edition) == (was, now, None)
    assert value.current - value.released > 1
    assert value.cause == status.cause == "delivery"
    assert {(c.what, c.was, c.now) for c in value.causes} == {
        ("attendance of 3501", "attendance_a.csv", "attendance_b.csv")
    }
    assert (status.plan, status.benchmark) == ("MA/35010010", "B1")
    assert status.released == value.released
    assert {row.organization for row in found} == {"00000000", "R-1", "35010000", SCHOOL}
    assert len({row.cause for row in found}) == 1


def test_listing_leaves_release_and_statuses_as_they_were(released: Site) -> None:
    mend(released)
    settle(released)
    queries = [
        f"select * from {t} order by 1, 2, 3, 4" for t in ("ops.release_value", "ops.release", "metric.status")
    ]
    before = [released.sql(query) for query in queries]

    with released.open() as home:
        assert restatements_of(home, "C1")

    assert [released.sql(query) for query in queries] == before
    assert released.sql("select count(*) from ops.past_release") == [(0,)]


def test_a_restated_release_shows_the_new_numbers_and_keeps_the_old(released: Site) -> None:
    ((was, n),) = released.sql(FROZEN.format(table="ops.release_value"))
    (old,) = released.sql("select sha256, released_at from ops.release")
    mend(released)
    settle(released)

    with released.open() as home:
        done = restate_cycle(home, "C1")

    ((now, _),) = released.sql(FROZEN.format(table="metric.value"))
    assert released.sql(FROZEN.format(table="ops.past_release_value")) == [(was, n)]
    assert released.sql(FROZEN.format(table="ops.release_value")) == [(now, n)]
    assert released.sql("select edition, sha256, released_at from ops.past_release") == [(1, *old)]
    assert done.release is not None
    assert (done.release.edition, done.release.sha256 == old[0]) == (2, False)
    told = "select edition, restated_because, released_at > first_released_at, sha256 from pub.dim_cycle"
    assert released.sql(told) == [(2, "delivery: attendance of 3501", True, done.release.sha256)]
    shown = "select released_value, restated_value, cause from pub.restatement where organization_code = :o and metric = :m"
    shown += " and period_code = 'C1' and student_group = 'all' and restated_kind = 'value'"
    assert released.sql(shown, o=SCHOOL, m="attendance_rate") == [(was, now, "delivery")]
    judged = "select distinct value from pub.benchmark_status where cycle = 'C1'"
    assert released.sql(judged) == [(now,)]


def test_restating_twice_makes_one_edition(released: Site) -> None:
    mend(released)
    settle(released)
    with released.open() as home:
        first, second = (restate_cycle(home, "C1", reason="Alder sent absences again") for _ in range(2))
        listed = restatements_of(home, "C1")

    assert (len(second.rows), second.release) == (0, None)
    assert released.sql("select edition, reason from ops.release") == [(2, "Alder sent absences again")]
    assert [row.edition for row in listed] == [2] * len(first.rows)
    assert of_school(listed)[0].causes == of_school(first.rows)[0].causes


def test_a_snow_day_in_the_calendar_is_told_as_the_registry(released: Site) -> None:
    calendars = released.root / "registry" / "calendars.yaml"
    closed = "last_day: 2026-06-17, closures: [{on: 2025-09-10, reason: snow}, {on: 2025-10-13, reason: holiday}]}"
    calendars.write_text(calendars.read_text().replace("last_day: 2026-06-17}", closed))

    values = [row for row in differing(released) if (row.organization, row.period) == (SCHOOL, "2025-09")]

    assert values
    assert {row.cause for row in values} == {"registry"}
    assert {cause.what for row in values for cause in row.causes} == {"calendar alder"}


def test_another_target_is_told_as_the_plan(released: Site) -> None:
    plan = released.root / "registry" / "plans" / "35010010.yaml"
    plan.write_text(plan.read_text().replace("target: {value: 95, unit: level}", "target: {value: 85, unit: level}"))

    found = differing(released)

    (status,) = found
    assert (status.benchmark, status.released_status, status.current_status) == ("B1", "not_met", "met")
    assert status.released == status.current
    assert status.cause == "plan"


def test_a_school_that_came_late_is_told_with_its_delivery(released: Site) -> None:
    released.take("students_export_2025-09-03.csv", roster(students(40, "BRN")), "9002")
    released.take("attendance_late.csv", attendance(students(40, "BRN"), DAYS, present), "9002")

    found = differing(released)

    new = [row for row in found if row.organization == "90020010" and row.metric == "attendance_rate"]
    assert new
    assert {(row.released_status, row.released, row.cause) for row in new} == {(None, None, "delivery")}
    assert {"attendance_late.csv"} <= {cause.now for row in new for cause in row.causes}


def test_small_numbers_are_restated_for_the_home_and_not_for_the_public(make_site: Callable[[], Site]) -> None:
    site = replace(make_site(), today=REVIEW)
    few = students(4)
    site.take("students_export_2025-09-02.csv", roster(few))
    site.take("attendance_a.csv", attendance(few, DAYS, present))
    release(site)
    site.take(
        "attendance_b.csv", attendance(few, DAYS, lambda s, d: (fewer_absences if d < DAYS[6] else present)(s, d))
    )
    settle(site)

    with site.open() as home:
        done = restate_cycle(home, "C1")

    assert of_school(done.rows)
    assert site.sql("select * from pub.restatement") == []
    assert site.sql("select count(*) > 0, bool_or(is_public) from ops.restatement") == [(True, False)]


def test_commands_release_list_and_restate(released: Site) -> None:
    again = released.run("release", "C1", "--yes")
    nothing = released.run("release", "C1", "--yes", "--restate")
    mend(released)
    told = json.loads(released.run("restatements", "C1", "--json").out)
    done = json.loads(released.run("release", "C1", "--yes", "--restate", "--json").out)
    listed = json.loads(released.run("release", "list", "--json").out)
    unknown = released.run("restatements", "C9")

    assert (again.status, nothing.status, unknown.status) == (2, 0, 2)
    assert "--restate" in again.err
    assert "Nothing differs" in nothing.out
    assert "there is no such cycle" in unknown.err
    assert len(told) == done["restated"] > 0
    assert {cause["now"] for row in told for cause in row["causes"]} == {"attendance_b.csv"}
    assert [(row["edition"], row["reason"]) for row in listed] == [(1, None), (2, "delivery: attendance of 3501")]
    assert listed[1]["sha256"] == done["sha256"]


def rebuild(site: Site, other: Site, until: date) -> Release:
    """Let a fresh home live again what landing says another one received, up to a day, and release on it."""
    query = (
        "select sender, file_name, landed_path, received_at::date from ops.delivery order by received_at, source_path"
    )
    received = [row for row in site.sql(query) if row[3] <= until]
    for sender, name, landed, day in received:
        content = (Path(site.settings.landing_url.removeprefix("file://")) / landed).read_bytes()
        replace(other, today=day).take(name, content, sender)
    return release(replace(other, today=until))


def test_a_release_is_rebuilt_from_landing_to_the_same_hash(released: Site, make_site: Callable[[], Site]) -> None:
    mend(released)
    settle(released)
    with released.open() as home:
        restated = restate_cycle(home, "C1").release
    assert restated is not None
    query = "select sha256 from ops.past_release union all select sha256 from ops.release"
    first, second = (sha256 for (sha256,) in released.sql(query))

    assert rebuild(released, make_site(), REVIEW).sha256 == first
    assert rebuild(released, make_site(), LATER).sha256 == second == restated.sha256


def test_the_lake_as_it_was_released_can_still_be_read(released: Site) -> None:
    before = released.lake(FeedName.ATTENDANCE, "select * exclude (part_id) from rows order by all")
    ((version,),) = released.sql("select delta_version from ops.release_lake where feed = 'attendance'")
    mend(released)

    now = released.lake(FeedName.ATTENDANCE, "select * exclude (part_id) from rows order by all")
    then = released.lake(FeedName.ATTENDANCE, "select * exclude (part_id) from rows order by all", version)

    assert then == before
    assert now != before
