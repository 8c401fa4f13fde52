"""What a report says, read from a real warehouse."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from sipetl.errors import ConfigError
from sipetl.readiness import State
from sipetl.reports.data import gather, scope_of
from sipetl.reports.model import Count, Goal, Kind, Page, Scope, WaitKind, Week
from sipetl.reports.progress import Outlook, Times
from sipetl.warehouse import tables as t
from tests.unit.reports.conftest import (
    ALDER,
    AS_OF,
    BIRCH,
    CHRONIC,
    GROWTH,
    MOMENT,
    TOWN,
    add,
    deliver,
    judge,
    measure,
)


def page(connection: Connection, **scope: Any) -> Page:
    return gather(connection, Scope(**scope), as_of=AS_OF)


def goal(of: Page, code: str) -> Goal:
    return next(goal for plan in of.plans for goal in plan.goals if goal.code == code)


def test_the_plan_in_force_on_the_day_is_shown(town: Connection) -> None:
    plans = page(town).plans

    assert [(plan.school, plan.title) for plan in plans] == [(ALDER, "Version 2")]


def test_a_benchmark_without_a_status_is_not_judged(town: Connection) -> None:
    assert [goal.status for goal in page(town).plans[0].goals] == ["not_judged", "not_judged"]


def test_a_year_to_date_metric_is_charted_by_month_and_ends_with_the_judged_value(town: Connection) -> None:
    measure(town, ALDER, "2026-01", CHRONIC, "17.25", as_of=date(2026, 1, 31))
    measure(town, ALDER, "C2", CHRONIC, "18.05", as_of=date(2026, 1, 30))
    measure(town, ALDER, "2026-02", CHRONIC, "18.5", status="provisional")
    judge(town, 1, "on_track", "18.05", low=16, high=20, n=4, expected=20, gap=Decimal("-1.95"), certainty="clear")

    found = goal(page(town), "B1")

    assert [(point.label, point.on, point.value) for point in found.points] == [
        ("Jan 2026", date(2026, 1, 31), Decimal("17.25")),
        ("Feb 2026", AS_OF, Decimal("18.5")),
    ]
    assert found.standing is not None and found.standing.point is not None
    assert (found.standing.on, found.standing.point.value) == (date(2026, 1, 30), Decimal("18.05"))


def test_a_judged_value_stands_where_the_same_value_was_measured(town: Connection) -> None:
    third = Decimal(100) / 3
    measure(town, ALDER, "2026-winter", GROWTH, str(third), as_of=date(2026, 1, 23), status="provisional")
    judge(town, 2, "on_track", str(round(third, 18)))

    standing = goal(page(town), "B2").standing

    assert standing is not None and standing.point is not None
    assert (standing.point.on, standing.point.data_status) == (date(2026, 1, 23), "provisional")


def test_a_value_that_is_the_same_by_chance_does_not_move_the_judged_one(town: Connection) -> None:
    town.execute(
        insert(t.ref.period).values(
            period_id=1, school_year=2026, kind="month", code="2025-12", starts_on=date(2025, 12, 1),
            ends_on=date(2025, 12, 31), sort=0,
        )
    )  # fmt: skip
    measure(town, ALDER, "2025-12", CHRONIC, "18", as_of=date(2025, 12, 31), status="incomplete")
    measure(town, ALDER, "C2", CHRONIC, "18", as_of=date(2026, 1, 30))
    measure(town, ALDER, "2026-01", CHRONIC, "19", as_of=date(2026, 1, 30))
    judge(town, 1, "on_track", "18")

    standing = goal(page(town), "B1").standing

    assert standing is not None and standing.point is not None
    assert (standing.point.on, standing.point.data_status) == (date(2026, 1, 30), "final")


def test_months_are_not_mixed_with_cycles_where_they_count_another_thing(town: Connection) -> None:
    evidence = "staff_with_evidence_coaching_feedback"  # of a month in the month, of a cycle from the year's start
    town.execute(update(t.plan.benchmark).where(t.plan.benchmark.c.benchmark_id == 1).values(metric=evidence))
    measure(town, ALDER, "2026-01", evidence, "20", as_of=date(2026, 1, 31))
    measure(town, ALDER, "C2", evidence, "60", as_of=date(2026, 1, 30))

    assert [point.label for point in goal(page(town), "B1").points] == ["cycle C2"]

    town.execute(update(t.plan.benchmark).where(t.plan.benchmark.c.benchmark_id == 1).values(path="rises"))
    assert [point.label for point in goal(page(town), "B1").points] == ["cycle C2"]  # still looked at each quarter
    town.execute(update(t.plan.benchmark).where(t.plan.benchmark.c.benchmark_id == 1).values(cadence="monthly"))
    assert [point.label for point in goal(page(town), "B1").points] == ["Jan 2026"]


def test_what_is_counted_in_evidence_is_charted_by_cycle(town: Connection) -> None:
    agendas = "evidence_count_agenda_review"  # of a month in the month, of a cycle from the year's start
    town.execute(
        update(t.plan.benchmark)
        .where(t.plan.benchmark.c.benchmark_id == 1)
        .values(metric=agendas, cadence="per_meeting", definition={"recurrence": {"met_of": 8, "occurrences": 10}})
    )
    measure(town, ALDER, "2026-01", agendas, "2", as_of=date(2026, 1, 31))
    measure(town, ALDER, "C2", agendas, "6", as_of=date(2026, 1, 30))

    assert [point.label for point in goal(page(town), "B1").points] == ["cycle C2"]


def test_checkpoints_are_a_path_in_steps(town: Connection) -> None:
    definition = {"checkpoints": [{"on": "2025-10-01", "value": "4"}, {"on": "2026-02-01", "value": "6"}]}
    town.execute(
        update(t.plan.benchmark)
        .where(t.plan.benchmark.c.benchmark_id == 1)
        .values(path="checkpoints", definition=definition)
    )

    october, february, due = date(2025, 10, 1), date(2026, 2, 1), date(2026, 3, 13)
    assert goal(page(town), "B1").steps == (
        (october, 4), (february, 4), (february, 6), (due, 6), (due, 20),
    )  # fmt: skip


def test_a_recurring_benchmark_tells_its_rule(town: Connection) -> None:
    definition = {"recurrence": {"met_of": 4, "occurrences": 6}, "checkpoints": []}
    town.execute(update(t.plan.benchmark).where(t.plan.benchmark.c.benchmark_id == 1).values(definition=definition))

    assert (goal(page(town), "B1").recurrence, goal(page(town), "B2").recurrence) == ((4, 6), None)


def test_what_follows_from_a_status_is_read_with_it(town: Connection) -> None:
    judge(
        town, 1, "off_track", "21", change=1, is_change_beyond_noise=False, pace=Decimal("-0.5"), pace_period="cycle",
        periods_left=2, projection=22, projection_low=19, projection_high=25,
    )  # fmt: skip
    judge(
        town, 2, "on_track", "21", occurrence="month", occurrences_met=3, occurrences_judged=4, occurrences_needed=4,
        occurrences_total=6,
    )  # fmt: skip

    plain, recurring = (goal(page(town), code).standing for code in ("B1", "B2"))

    assert plain is not None and recurring is not None
    assert plain.outlook == Outlook(
        Decimal(1), False, Decimal("-0.5"), "cycle", 2, Decimal(22), Decimal(19), Decimal(25)
    )
    assert (plain.times, recurring.times) == (None, Times("month", 3, 4, 4, 6))


def test_a_plans_steps_stand_as_of_the_day_by_due_date(town: Connection) -> None:
    for key, version, step, due, done in (
        (1, 2, "Third", date(2026, 2, 10), None),
        (2, 2, "First", date(2025, 10, 3), date(2025, 9, 26)),
        (3, 2, "Second", date(2026, 2, 9), date(2026, 2, 11)),  # done after the day of the report
        (4, 1, "Of a version that is over", date(2025, 10, 3), None),
    ):
        add(town, t.plan.timeline_step, step_id=key, version_id=version, initiative="I1", step=step, owner="Principal",
            due_on=due, done_on=done)  # fmt: skip

    (plan,) = page(town).plans

    assert [(step.step, step.status) for step in plan.timeline] == [
        ("First", "done"), ("Second", "overdue"), ("Third", "due"),
    ]  # fmt: skip


def test_a_status_without_data_names_the_arrival_that_is_missing(town: Connection) -> None:
    arrival = t.ops.arrival.c
    winter = town.scalars(select(arrival.arrival_id).where(arrival.window_code == "winter")).one()
    judge(town, 2, "no_data", None, arrival_id=winter)

    standing = goal(page(town), "B2").standing

    assert standing is not None and standing.missing == "assessment winter"


def test_an_assessment_is_charted_by_window(town: Connection) -> None:
    measure(town, ALDER, "2026-winter", GROWTH, "51", as_of=date(2026, 1, 23))
    measure(town, ALDER, "2026", GROWTH, "51")

    assert [point.label for point in goal(page(town), "B2").points] == ["winter 2025-26"]


def test_a_value_that_looks_beyond_the_day_is_not_shown(town: Connection) -> None:
    measure(town, ALDER, "2026-01", CHRONIC, "17", as_of=date(2026, 2, 11))

    assert goal(page(town), "B1").points == ()


def test_a_judged_value_that_rests_on_incomplete_data_is_marked(town: Connection) -> None:
    judge(town, 1, "incomplete", "18")

    standing = goal(page(town), "B1").standing

    assert standing is not None and standing.point is not None and standing.point.data_status == "incomplete"


def test_schools_are_sorted_by_chronic_absence_and_groups_by_their_order(town: Connection) -> None:
    measure(town, ALDER, "2026", CHRONIC, "12")
    measure(town, BIRCH, "2026", CHRONIC, "31", status="provisional")
    for group in ("grade_07", "hispanic", "asian", "all"):
        measure(town, "35010000", "2026", CHRONIC, "20", group=group)

    (chronic,) = page(town).chronic

    assert [pair.name for pair in chronic.schools] == ["Birch & Beech", "Alder"]
    assert [pair.name for pair in chronic.groups] == ["All students", "Asian", "Hispanic or Latino"]
    assert [pair.name for pair in chronic.grades] == ["Grade 7"]


def test_a_school_page_holds_that_school_alone(town: Connection) -> None:
    for school in (ALDER, BIRCH):
        measure(town, school, "2026", CHRONIC, "12", group="asian")

    found = gather(town, scope_of(town, "school", BIRCH), as_of=AS_OF)

    assert found.title == "Birch & Beech"
    assert found.plans == () and found.waiting == ()
    assert {row.school for row in found.cycles[0].rows} == {BIRCH}
    assert [list(coverage.schools) for coverage in found.coverage] == [["Birch & Beech"]]
    assert [pair.name for pair in found.chronic[0].groups] == ["Asian"]


def test_weeks_are_filled_from_what_deliveries_say_they_hold(town: Connection) -> None:
    span = {"from": "2026-01-05", "to": "2026-01-21", "n": 12}
    deliver(town, "a.csv", "accepted", part="accepted", wholeness={"schools": {ALDER: 9}, "days": {ALDER: span}})

    (coverage,) = page(town).coverage

    assert coverage.schools["Alder"][:3] == (
        Week(date(2026, 1, 5), days=5, here=5),
        Week(date(2026, 1, 12), days=5, here=5),
        Week(date(2026, 1, 19), days=4, here=2, overdue=2),  # the Monday is a holiday
    )
    assert coverage.schools["Alder"][-1] == Week(date(2026, 2, 9), days=2, here=0)  # due three school days later
    assert [week.here for week in coverage.schools["Birch & Beech"]] == [0] * 6


def test_weeks_are_those_of_the_day_whatever_came_later(town: Connection) -> None:
    def holds(last: str) -> dict[str, Any]:
        return {"schools": {ALDER: 9}, "days": {ALDER: {"from": "2026-01-05", "to": last, "n": 5}}}

    later = datetime(2026, 2, 20, tzinfo=UTC)
    gone = deliver(town, "a.csv", "superseded", part="superseded", wholeness=holds("2026-02-06"))
    deliver(town, "b.csv", "accepted", part="accepted", wholeness=holds("2026-01-09"), supersedes=gone)
    current = deliver(town, "c.csv", "superseded", part="superseded", wholeness=holds("2026-01-16"))
    deliver(
        town,
        "d.csv",
        "accepted",
        part="accepted",
        wholeness=holds("2026-02-20"),
        supersedes=current,
        received_at=later,
    )

    (coverage,) = page(town).coverage

    assert [week.here for week in coverage.schools["Alder"]] == [5, 5, 0, 0, 0, 0]


def test_readiness_names_what_the_benchmarks_lack(town: Connection) -> None:
    rows = {(row.school, row.feed): row for row in page(town).cycles[0].rows}

    assert rows[ALDER, "assessment"].state is State.BLOCKED
    assert [goal.code for goal in rows[ALDER, "assessment"].blocks] == ["B2"]
    assert rows[BIRCH, "assessment"].state is State.NOT_NEEDED


def test_due_times_are_told_in_the_homes_time_zone(town: Connection) -> None:
    due = [row.due_at for row in page(town).cycles[0].rows if (row.school, row.feed) == (ALDER, "assessment")]

    assert [at and at.isoformat() for at in due] == ["2026-01-30T18:00:00-05:00"]


def test_counts_cover_what_has_begun_and_been_received(town: Connection) -> None:
    deliver(town, "a.csv", "accepted")
    deliver(town, "b.csv", "duplicate", received_at=datetime(2026, 2, 11, tzinfo=UTC))
    judge(town, 1, "on_track", "18")

    glance = page(town).glance

    assert glance.deliveries == (Count("accepted", 1),)
    assert glance.benchmarks == (Count("on_track", 1), Count("not_judged", 1))
    assert sum(count.n for count in glance.arrivals) == 26 + 1  # school days from January 5 to February 10; winter


def test_held_refused_and_quarantined_deliveries_wait_with_the_command_to_act(town: Connection) -> None:
    held = deliver(town, "h.csv", "held", part="held", feed="roster")
    add(town, t.ops.hold, part_id=held, rows_before=1200, rows_after=10, rows_removed=1190, rows_changed=0)
    refused = deliver(town, "r.csv", "rejected", reason="no column says which school")
    deliver(town, "q.csv", "accepted", part="accepted", rows_quarantined=10)

    waiting = page(town).waiting

    assert [(each.kind, each.file_name) for each in waiting] == [
        (WaitKind.HELD, "h.csv"),
        (WaitKind.REJECTED, "r.csv"),
        (WaitKind.QUARANTINED, "q.csv"),
    ]
    assert waiting[0].command == f"sipetl hold show {held}"
    assert waiting[0].reason == "it would remove 1,190 and change 0 of 1,200 rows"
    assert (waiting[1].command, waiting[1].reason) == (
        f"sipetl delivery show {refused}",
        "no column says which school",
    )
    assert waiting[2].reason == "10 of 100 rows wait with a reason"


def test_what_was_mended_or_decided_waits_no_more(town: Connection) -> None:
    deliver(town, "r.csv", "rejected")
    deliver(town, "r.csv", "accepted", received_at=datetime(2026, 2, 7, tzinfo=UTC))
    part = deliver(town, "h.csv", "rejected", part="rejected")
    decided = {"decided_at": MOMENT, "decision": "reject", "decided_by": "A. Clerk"}
    add(town, t.ops.hold, part_id=part, rows_before=9, rows_after=1, rows_removed=8, rows_changed=0, **decided)

    assert page(town).waiting == ()


def test_other_districts_stay_out_of_a_district_page(town: Connection) -> None:
    deliver(town, "r.csv", "rejected", sender="9999")

    assert page(town).waiting != ()
    assert page(town, kind=Kind.DISTRICT, district=TOWN).waiting == ()


@pytest.mark.parametrize("code", [TOWN, "35010000"])
def test_a_district_is_found_by_either_code(town: Connection, code: str) -> None:
    assert scope_of(town, "district", code) == Scope(Kind.DISTRICT, district=TOWN)


@pytest.mark.parametrize(("kind", "code"), [("school", "99"), ("district", None), ("planet", "1")])
def test_what_is_not_there_cannot_be_reported_on(town: Connection, kind: str, code: str | None) -> None:
    with pytest.raises(ConfigError):
        scope_of(town, kind, code)
