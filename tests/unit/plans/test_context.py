"""What lint knows around a plan, read from a warehouse that was filled by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert

from sipetl.plans import CycleFacts, Direction, TargetPath, lint_context, lint_plans, load_plan
from sipetl.warehouse import tables as t

SCHOOL, TOWN, STATE = "00350012", "0035", "state"


@pytest.fixture
def home(connection: Connection) -> Connection:
    """A town with one school; the town sends attendance, the state sends published results."""
    _put(connection, t.ref.home, authority="MA", state_code="0", time_zone="America/New_York", policy="dese")
    _put(connection, t.ref.organization, authority="MA", code=SCHOOL, level="school", name="Alder", district=TOWN)
    for district, feed in ((TOWN, "attendance"), (TOWN, "assessment"), (STATE, "published_results")):
        _put(connection, t.ref.feed, district=district, feed=feed, inbox="inbox", config={})
    days = {"data_as_of": date(2026, 3, 2), "data_due": date(2026, 3, 6), "review_date": date(2026, 3, 20)}
    _put(connection, t.ref.cycle, cycle="C1", school_year=2026, **days)
    for year, group in ((2026, "english_learner"), (2025, "disability")):
        _put(connection, t.ref.identified_group, organization_code=SCHOOL, student_group=group, school_year=year)
    return connection


def _put(connection: Connection, table: Any, **row: Any) -> None:
    connection.execute(insert(table).values(row))


def _arrival(connection: Connection, key: int, feed: str, due: datetime, **given: Any) -> None:
    row = {
        "arrival_id": key, "district": TOWN, "feed": feed, "school_year": 2026, "window_code": str(key),
        "opens_on": due.date(), "closes_on": due.date(), "due_at": due, "grace_until": due, "hard_stop_at": due,
        "owner": "A. Clerk", "tier": 1,
    }  # fmt: skip
    _put(connection, t.ops.arrival, **row, **given)


def _size(connection: Connection, year: int, group: str, n: int) -> None:
    organization = connection.scalar(
        t.ref.organization.select().with_only_columns(t.ref.organization.c.organization_id)
    )
    row = {
        "organization_id": organization, "period_id": year, "metric": "attendance_rate", "student_group": group,
        "metric_version": 1, "school_year": year, "as_of": date(year, 3, 1), "numerator": 1, "denominator": 1,
        "sum_xx": 1, "sum_xy": 1, "sum_yy": 1, "n": n, "data_status": "final", "input_id": uuid4(),
    }  # fmt: skip
    _put(connection, t.metric.value, **row)


def _year(connection: Connection, year: int) -> None:
    days = {"starts_on": date(year - 1, 9, 1), "ends_on": date(year, 6, 18)}
    _put(connection, t.ref.period, period_id=year, school_year=year, kind="year", code=str(year), sort=0, **days)


def test_metrics_are_as_the_catalogue_has_them(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    context = lint_context(home, load_plan(plan_file(good_plan)))

    growth, mcas = context.metrics["map_met_growth_math"], context.metrics["mcas_meeting_exceeding_ela"]
    assert (growth.feed, growth.direction, growth.result_from) == ("assessment", Direction.UP, None)
    assert growth.paths == {TargetPath.SAME_WINDOW, TargetPath.LINEAR, TargetPath.CHECKPOINTS}
    assert context.metrics["chronic_absence_rate_pk12"].direction is Direction.DOWN
    assert mcas.result_from == date(2026, 9, 22)


def test_a_metric_that_only_data_brings_is_known_when_a_plan_names_it(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    named = good_plan.replace("team_review_rate", "staff_with_evidence_team_review")

    facts = lint_context(home, load_plan(plan_file(named))).metrics["staff_with_evidence_team_review"]

    assert (facts.feed, facts.direction) == ("evidence", Direction.UP)


def test_a_figure_of_unknown_direction_takes_the_plans(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    named = good_plan.replace("metric: chronic_absence_rate_pk12", "metric: published_dropout_rate", 1)

    facts = lint_context(home, load_plan(plan_file(named))).metrics["published_dropout_rate"]

    assert facts.direction is Direction.DOWN


def test_feeds_are_those_of_the_district_and_of_senders_for_all(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    _arrival(home, 1, "attendance", datetime(2026, 3, 5, 3, tzinfo=UTC))  # still March 4 in the town
    _arrival(home, 2, "attendance", datetime(2026, 2, 3, 23, tzinfo=UTC))
    _arrival(
        home, 3, "attendance", datetime(2026, 2, 4, 23, tzinfo=UTC), waived_reason="closed", waived_by="A. Clerk"
    )
    _put(home, t.ref.organization, authority="MA", code="00990001", level="school", name="Other", district="0099")
    _put(home, t.ref.feed, district="0099", feed="survey", inbox="inbox", config={})

    context = lint_context(home, load_plan(plan_file(good_plan)))

    assert context.feed_due == {
        "attendance": (date(2026, 2, 3), date(2026, 3, 4)),
        "assessment": (),
        "published_results": (),
    }


def test_cycles_year_and_identified_groups_are_those_of_the_plan(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    context = lint_context(home, load_plan(plan_file(good_plan)))

    assert context.cycles == (CycleFacts("C1", date(2026, 3, 2), date(2026, 3, 6), date(2026, 3, 20)),)
    assert (context.year_starts_on, context.year_ends_on) == (date(2025, 7, 1), date(2026, 6, 30))
    assert context.identified_groups == {"english_learner"}


def test_schools_are_those_that_a_name_of_the_registry_leads_to(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    _put(home, t.ref.organization, authority="MA", code="00350099", level="school", name="Gone", district=TOWN)
    _put(home, t.ref.crosswalk, district=TOWN, local_code="alder", organization_code=SCHOOL)

    assert lint_context(home, load_plan(plan_file(good_plan))).schools == {f"MA/{SCHOOL}"}


def test_groups_and_schools_that_are_not_there_are_found_with_the_rest(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    _put(home, t.ref.crosswalk, district=TOWN, local_code="alder", organization_code=SCHOOL)
    path = plan_file(good_plan.replace('"MA/00350012"', "MA/00350013"))

    found = [(f.rule, f.cure) for _, f in lint_plans(home, [path]) if f.rule in ("PL16", "PL17")]

    assert found == [
        ("PL16", f"did you mean MA/{SCHOOL}?"),
        ("PL17", "did you mean english_learner?"),
        ("PL17", "did you mean english_learner?"),
    ]


def test_group_sizes_are_the_latest_that_were_counted(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    for year in (2025, 2026):
        _year(home, year)
    _size(home, 2025, "all", 380)
    _size(home, 2025, "disability", 41)
    _size(home, 2026, "all", 402)

    assert lint_context(home, load_plan(plan_file(good_plan))).group_sizes == {"all": 402}


def test_findings_name_file_and_line(home: Connection, plan_file: Callable[[str], Path], good_plan: str) -> None:
    path = plan_file(good_plan)

    found = [finding for _, finding in lint_plans(home, [path]) if finding.rule == "PL07"]

    assert [finding.what for finding in found] == [
        "the metric reading_on_grade_rate is not in the catalogue",
        "the metric team_review_rate is not in the catalogue",
        "the metric mcas_ela_me_rate is not in the catalogue",
    ]
    assert all(finding.where.startswith(f"{path}:") for finding in found)


def test_the_minimum_is_the_callers(home: Connection, plan_file: Callable[[str], Path], good_plan: str) -> None:
    _year(home, 2026)
    _size(home, 2026, "all", 15)

    path = plan_file(good_plan)

    assert not [f for _, f in lint_plans(home, [path]) if f.rule == "PL11"]
    assert [f for _, f in lint_plans(home, [path], minimum_n=20) if f.rule == "PL11"]


def test_a_file_that_is_no_plan_gives_its_faults_as_findings(
    home: Connection, plan_file: Callable[[str], Path], good_plan: str
) -> None:
    path = plan_file(good_plan.replace("practice: TP4", "practise: TP4").replace("kind: educator", "kind: teacher"))

    found = lint_plans(home, [path])

    assert {finding.rule for _, finding in found} == {"PL00"}
    assert len(found) >= 2
    assert all(file == path for file, _ in found)
