"""How goals stand at each cycle: one town, its values put in by hand, statuses worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Row, insert, select, text, update

from sipetl.errors import ConfigError
from sipetl.plans import apply_plans, evaluate
from sipetl.registry import Registry
from sipetl.registry.models import (
    Calendar,
    Closure,
    Cycle,
    District,
    Due,
    Feed,
    FeedName,
    Home,
    Organizations,
    School,
    Window,
)
from sipetl.warehouse import Written
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import apply_registry

TOWN, SCHOOL = "3501", "35010001"
CHRISTMAS = tuple(Closure(on=date(year, 12, 25), reason="Christmas") for year in (2024, 2025))
CALENDARS = (
    Calendar(calendar="town", school_year=2025, first_day=date(2024, 9, 2), last_day=date(2025, 6, 13),
             closures=CHRISTMAS[:1]),
    Calendar(calendar="town", school_year=2026, first_day=date(2025, 9, 1), last_day=date(2026, 6, 12),
             closures=CHRISTMAS[1:]),
)  # fmt: skip
"""Every weekday but Christmas. 2025-26: Sep 22, Oct 23, Nov 20, Dec 22, Jan 22, Feb 20 days."""
CYCLES = tuple(
    Cycle(cycle=code, school_year=year, data_as_of=as_of, data_due=due, review_date=review)
    for code, year, as_of, due, review in (
        ("EOY25", 2025, date(2025, 6, 30), date(2025, 7, 10), date(2025, 7, 20)),
        ("C0", 2026, date(2025, 9, 19), date(2025, 9, 24), date(2025, 9, 30)),
        ("C1", 2026, date(2025, 11, 14), date(2025, 11, 21), date(2025, 12, 2)),
        ("C2", 2026, date(2026, 1, 30), date(2026, 2, 6), date(2026, 2, 24)),
        ("C3", 2026, date(2026, 3, 13), date(2026, 3, 20), date(2026, 3, 26)),
        ("EOY", 2026, date(2026, 6, 30), date(2026, 7, 10), date(2026, 7, 20)),
        ("MCAS", 2026, date(2026, 9, 30), date(2026, 10, 9), date(2026, 10, 20)),
    )
)
AFTER = {cycle.cycle: datetime(2026, 3, 27, 12, tzinfo=UTC) for cycle in CYCLES}
AFTER |= {"EOY": datetime(2026, 7, 10, 12, tzinfo=UTC), "MCAS": datetime(2026, 10, 9, 12, tzinfo=UTC)}
WINDOWS = tuple(
    Window(code=code, school_year=year, opens=opens, closes=closes)
    for code, year, opens, closes in (
        ("fall", 2025, date(2024, 9, 9), date(2024, 10, 4)),
        ("winter", 2025, date(2025, 1, 6), date(2025, 1, 24)),
        ("fall", 2026, date(2025, 9, 8), date(2025, 10, 3)),
        ("winter", 2026, date(2026, 1, 5), date(2026, 1, 23)),
        ("annual", 2026, date(2026, 3, 23), date(2026, 9, 22)),
    )
)
CHRONIC = "metric: chronic_absence_rate_pk12, feed: attendance, academic: false, direction: down"
GROWTH = "metric: map_met_growth_math, feed: assessment, academic: true, direction: up"
RATINGS = "metric: observation_at_or_above_3, feed: observation, academic: true, direction: up, kind: educator"
MCAS = "metric: mcas_meeting_exceeding_ela, feed: assessment, academic: true, direction: up, path: year_end_only"


def _feed(name: str, **given: Any) -> Feed:
    due = given.pop("due", Due(rule="each_school_day", school_days=2))
    return Feed(district=TOWN, feed=FeedName(name), inbox="inbox", owner="A. Clerk", due=due, **given)


REGISTRY = Registry(
    folder=Path("registry"),
    sha256="0",
    home=Home(state_name="Massachusetts"),
    organizations=Organizations(
        districts=(District(district=TOWN, code="35010000", name="Town", calendar="town"),),
        schools=(School(code=SCHOOL, name="Alder", district=TOWN),),
    ),
    feeds=(
        _feed("attendance"),
        _feed("observation"),
        _feed("assessment", due=Due(rule="after_window", school_days=5), windows=WINDOWS),
    ),
    calendars=CALENDARS,
    cycles=CYCLES,
)


@dataclass
class Town:
    """The applied registry, and ways to put values, arrivals and plans beside it."""

    connection: Connection
    folder: Path
    files: list[Path] = field(default_factory=list)

    def plan(self, *goals: str, effective: str = "2025-09-02") -> None:
        """A version with these goals, each a YAML flow mapping without its braces."""
        listed = "\n".join(f"      - {{code: B{n}, {_whole(goal)}}}" for n, goal in enumerate(goals, start=1))
        text_ = (
            f'plan: "MA/{SCHOOL}"\neffective_from: {effective}\npractices:\n- practice: TP4\n  objectives:\n'
            f"  - code: O1\n    initiatives:\n    - code: I1\n      benchmarks:\n{listed}\n"
        )
        path = self.folder / f"{effective}.yaml"
        path.write_text(text_, encoding="utf-8")
        self.files.append(path)
        apply_plans(self.connection, self.files)

    def value(self, metric: str, kind: str, code: str, value: str | None, **given: Any) -> UUID:
        """A value of the school, as a computation up to the period's end would leave it."""
        period = self.connection.execute(
            select(t.ref.period).where(t.ref.period.c.kind == kind, t.ref.period.c.code == code)
        ).one()
        input_id = uuid4()
        row = {
            "organization_id": self._school(), "period_id": period.period_id, "metric": metric,
            "student_group": "all", "metric_version": 1, "school_year": period.school_year, "as_of": period.ends_on,
            "numerator": 1, "denominator": 1, "sum_xx": 1, "sum_xy": 1, "sum_yy": 1, "n": 100, "expected_n": 100,
            "coverage": 1, "value": value, "data_status": "final", "input_id": input_id, **given,
        }  # fmt: skip
        self.connection.execute(insert(t.metric.value).values(row))
        return input_id

    def chronic(self, **by_cycle: str) -> None:
        for code, value in by_cycle.items():
            self.value("chronic_absence_rate_pk12", "cycle", code, value)

    def arrival(self, feed: str, window: str, opens: date, closes: date, verdict: str) -> int:
        arrival_id = 7000 + closes.toordinal()
        due = datetime(closes.year, closes.month, closes.day, 23, tzinfo=UTC)
        row = {
            "arrival_id": arrival_id, "district": TOWN, "feed": feed, "school_year": 2026, "window_code": window,
            "opens_on": opens, "closes_on": closes, "due_at": due, "grace_until": due, "hard_stop_at": due,
            "owner": "A. Clerk", "tier": 1,
        }  # fmt: skip
        self.connection.execute(insert(t.ops.arrival).values(row))
        judged = {"arrival_id": arrival_id, "as_of": due, "verdict": verdict, "since": due}
        self.connection.execute(insert(t.ops.verdict).values(judged))
        return arrival_id

    def judge(self, cycle: str, **given: Any) -> Row[Any]:
        """The status of the only goal at a cycle."""
        evaluate(self.connection, now=AFTER[cycle], cycles=[cycle], **given)
        return self.status(cycle)

    def status(self, cycle: str) -> Row[Any]:
        return self.connection.execute(select(t.metric.status).where(t.metric.status.c.cycle == cycle)).one()

    def _school(self) -> int:
        organization = t.ref.organization.c
        return self.connection.execute(
            select(organization.organization_id).where(organization.code == SCHOOL)
        ).scalar_one()


def _whole(goal: str) -> str:
    """A goal with what it leaves out."""
    left_out = {"kind": "student", "due": "2026-06-12", "cadence": "quarterly"}
    return ", ".join([goal, *(f"{name}: {value}" for name, value in left_out.items() if f"{name}:" not in goal)])


@pytest.fixture
def town(connection: Connection, tmp_path: Path) -> Town:
    apply_registry(connection, REGISTRY, now=datetime(2025, 8, 1, tzinfo=UTC))
    return Town(connection, tmp_path)


def near(value: Decimal | None, expected: Decimal | float | str) -> bool:
    return value is not None and abs(value - Decimal(expected)) < Decimal("1e-15")


# One test per status.


def test_a_rate_is_judged_against_its_target_all_year(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2026-03-01")
    town.chronic(C1="25")

    row = town.judge("C1")

    assert (row.status, row.expected, row.target, row.gap) == ("off_track", 24, 24, 1)
    assert row.as_of == date(2025, 11, 14)


def test_the_first_cycle_on_or_after_the_due_date_closes_a_goal_for_good(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2026-03-01")
    input_id = town.value("chronic_absence_rate_pk12", "cycle", "C3", "23", low="21", high="23.9", n=400)
    town.chronic(EOY="30")

    at_due, later = town.judge("C3"), town.judge("EOY")

    assert (at_due.status, at_due.certainty, at_due.value, at_due.gap) == ("met", "clear", 23, -1)
    assert (at_due.low, at_due.high, at_due.n, at_due.input_id) == (21, Decimal("23.9"), 400, input_id)
    assert (later.status, later.value) == ("met", 23)


def test_a_value_worse_than_the_target_at_the_due_date_has_not_met_it(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2026-03-13")
    town.value("chronic_absence_rate_pk12", "cycle", "C3", "24.5", low="23", high="26")

    row = town.judge("C3")

    assert (row.status, row.certainty) == ("not_met", "close")


def test_chronic_absence_has_not_started_before_the_twentieth_school_day(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.chronic(C0="10")

    assert town.judge("C0").status == "not_started"  # September 19 is the 15th


def test_mcas_waits_for_its_source_until_late_september(town: Town) -> None:
    town.plan(f"{MCAS}, target: {{value: 22}}, due: 2026-09-30")
    missing = town.arrival("assessment", "annual", date(2026, 3, 23), date(2026, 9, 22), "late")

    in_spring, in_autumn = town.judge("C3"), town.judge("MCAS")

    assert (in_spring.status, in_spring.arrival_id) == ("awaiting_source", None)
    assert (in_autumn.status, in_autumn.arrival_id) == ("no_data", missing)


@pytest.mark.parametrize(("value", "status"), [("22", "met"), ("21.9", "not_met")])
def test_mcas_closes_with_its_result(town: Town, value: str, status: str) -> None:
    town.plan(f"{MCAS}, target: {{value: 22}}, due: 2026-09-30")
    town.value("mcas_meeting_exceeding_ela", "window", "2026-annual", value)
    town.value("mcas_meeting_exceeding_ela", "year", "2026", "1")

    assert town.judge("MCAS").status == status


def test_a_result_under_embargo_is_not_told(town: Town) -> None:
    town.plan(f"{MCAS}, target: {{value: 22}}, due: 2026-09-30")
    town.value("mcas_meeting_exceeding_ela", "window", "2026-annual", "25", data_status="embargoed")

    row = town.judge("MCAS")

    assert (row.status, row.value, row.n, row.input_id) == ("awaiting_source", None, None, None)


def test_no_data_names_the_arrival_that_is_missing(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.arrival("attendance", "2026-01-29", date(2026, 1, 29), date(2026, 1, 29), "missing")
    latest = town.arrival("attendance", "2026-01-30", date(2026, 1, 30), date(2026, 1, 30), "late")
    town.arrival("attendance", "2026-02-02", date(2026, 2, 2), date(2026, 2, 2), "late")

    row = town.judge("C2")

    assert (row.status, row.arrival_id, row.value) == ("no_data", latest, None)


def test_too_few_units_are_marked_and_the_minimum_is_policy(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.value("chronic_absence_rate_pk12", "cycle", "C1", "20", n=9)

    by_default, by_policy = town.judge("C1"), town.judge("C1", minimum_n={"attendance": 6})

    assert (by_default.status, by_default.value, by_default.n) == ("insufficient_n", 20, 9)
    assert by_policy.status == "on_track"


@pytest.mark.parametrize("status", ["incomplete", "on_track"])
def test_an_incomplete_value_gives_no_verdict_on_the_goal(town: Town, status: str) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.value(
        "chronic_absence_rate_pk12",
        "cycle",
        "C1",
        "20",
        data_status="incomplete" if status == "incomplete" else "final",
    )

    row = town.judge("C1")

    assert (row.status, row.value) == (status, 20)


# One test per path.


@pytest.mark.parametrize(
    ("period", "expected"),
    [("2025", Decimal(40) + Decimal(20) * 109 / 139), ("2025-10", Decimal(40) + Decimal(20) * 64 / 94)],
)
def test_a_line_runs_over_school_days_from_its_baseline(town: Town, period: str, expected: Decimal) -> None:
    """Jan 30 is school day 109 and Mar 13 day 139 of the year; October ends with day 45."""
    baseline = f"baseline: {{value: 40, period: '{period}'}}"
    town.plan(f"{RATINGS}, path: linear, {baseline}, target: {{value: 60}}, due: 2026-03-13")
    town.value("observation_at_or_above_3", "cycle", "C2", "56")

    row = town.judge("C2")

    assert row.status == "on_track"
    assert near(row.expected, expected)


WINTER_GOAL = (
    f"{GROWTH}, path: same_window, window: winter, baseline: {{value: 45, period: 2025 winter}}, target: {{value: 50}},"
    " due: 2026-02-13"
)


def test_a_window_is_held_against_the_same_window_of_last_year(town: Town) -> None:
    town.plan(WINTER_GOAL)
    town.value("map_met_growth_math", "window", "2025-fall", "38")
    town.value("map_met_growth_math", "window", "2026-fall", "42")
    town.value("map_met_growth_math", "window", "2026-winter", "51")

    in_fall, in_winter = town.judge("C1"), town.judge("C2")

    assert (in_fall.status, in_fall.expected, in_fall.gap) == ("off_track", 43, -1)  # 38 + (50 - 45)
    assert (in_winter.status, in_winter.expected, in_winter.value) == ("met", 50, 51)


@pytest.mark.parametrize(("verdict", "status", "value"), [("due_soon", "off_track", 42), ("late", "no_data", None)])
def test_the_window_before_speaks_until_the_newest_is_overdue(
    town: Town, verdict: str, status: str, value: int | None
) -> None:
    town.plan(WINTER_GOAL)
    town.value("map_met_growth_math", "window", "2025-fall", "38")
    town.value("map_met_growth_math", "window", "2026-fall", "42")
    winter = town.arrival("assessment", "winter", date(2026, 1, 5), date(2026, 1, 23), verdict)

    row = town.judge("C2")

    assert (row.status, row.value) == (status, value)
    assert row.arrival_id == (winter if verdict == "late" else None)


@pytest.mark.parametrize(
    ("cycle", "share"),
    [("C2", Decimal(11) / 30), ("C1", (Decimal(3) + Decimal(2) * 11 / 21) / 30)],
)
def test_a_growing_count_follows_last_years_own_curve(town: Town, cycle: str, share: Decimal) -> None:
    """Jan 30 is day 109, as Jan 31 was last year; Nov 14 is day 55, between last year's days 44 and 65."""
    town.plan("metric: absent_10_or_more_days, feed: attendance, academic: false, direction: down, path: cumulative,"
              " target: {value: 20}")  # fmt: skip
    months = ["2024-09", "2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]
    for month, value in zip([*months, "2025-06"], (1, 3, 5, 8, 11, 14, 18, 22, 26, 30), strict=True):
        town.value("absent_10_or_more_days", "month", month, str(value))
    town.value("absent_10_or_more_days", "cycle", cycle, "2.5")

    row = town.judge(cycle)

    assert row.status == "on_track"
    assert near(row.expected, 20 * share)


def test_the_plans_own_checkpoints_are_expected(town: Town) -> None:
    points = "checkpoints: [{on: 2025-10-31, value: 45}, {on: 2026-01-30, value: 55}]"
    town.plan(f"{RATINGS}, path: checkpoints, {points}, target: {{value: 60}}")
    town.value("observation_at_or_above_3", "cycle", "C1", "44")
    town.value("observation_at_or_above_3", "cycle", "C2", "55")

    first, second = town.judge("C1"), town.judge("C2")

    assert (first.status, first.expected) == ("off_track", 45)
    assert (second.status, second.expected) == ("on_track", 55)


@pytest.mark.parametrize(("february", "status"), [("93.4", "on_track"), ("93.0", "off_track")])
def test_a_monthly_rise_is_held_against_the_month_before(town: Town, february: str, status: str) -> None:
    town.plan("metric: attendance_rate_in_month, feed: attendance, academic: false, direction: up, path: rises,"
              " target: {value: 96}")  # fmt: skip
    town.value("attendance_rate_in_month", "month", "2026-01", "93.0")
    town.value("attendance_rate_in_month", "month", "2026-02", february)
    town.value("attendance_rate_in_month", "month", "2026-03", "50")

    row = town.judge("C3")

    assert (row.status, row.expected, row.value) == (status, 93, Decimal(february))


def test_nothing_is_expected_of_a_years_end_before_it(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: year_end_only, target: {{value: 24}}")
    before = town.judge("C3").status
    town.value("chronic_absence_rate_pk12", "year", "2026", "22")

    assert before == "not_started"
    assert town.judge("EOY").status == "met"


# Recurring goals, grades, changes, versions.

MONTHLY = "path: rises, cadence: monthly, recurrence: {met_of: 4, occurrences: 6}, due: 2026-03-13"


def test_a_recurring_goal_counts_its_occurrences(town: Town) -> None:
    town.plan(f"{RATINGS}, {MONTHLY}, baseline: {{value: 49, period: '2025'}}, target: {{value: 90}}")
    months = ("2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02")
    for month, value in zip(months, ("50", "55", "54", "58", "60", "61"), strict=True):  # all rise but November
        town.value("observation_at_or_above_3", "month", month, value)

    early, late = town.judge("C1"), town.judge("C3")

    assert (early.status, early.value, early.expected) == ("on_track", 55, 50)
    assert (late.status, late.value, late.expected) == ("met", 61, 60)
    assert (early.occurrence, *_times(early)) == ("month", 2, 2, 4, 6)
    assert (late.occurrence, *_times(late)) == ("month", 5, 6, 4, 6)


def _times(row: Row[Any]) -> tuple[int, ...]:
    """Met, judged, needed, total."""
    return (row.occurrences_met, row.occurrences_judged, row.occurrences_needed, row.occurrences_total)


MEETINGS = (
    "metric: evidence_count_agenda_review, feed: evidence, kind: educator, academic: true, direction: up, path: hold,"
    " cadence: per_meeting, recurrence: {met_of: 8, occurrences: 10}, target: {value: 8}, due: 2026-03-13"
)


def test_a_goal_per_meeting_counts_its_meetings(town: Town) -> None:
    """Each piece of evidence is a meeting; so few of them are no few people. 8 of 10 is at least 9.6 of 12."""
    town.plan(MEETINGS)
    for cycle, met, held in (("C1", 4, 5), ("C2", 5, 7), ("C3", 9, 12)):
        town.value("evidence_count_agenda_review", "cycle", cycle, str(met), numerator=met, n=held)

    rows = [town.judge(cycle) for cycle in ("C1", "C2", "C3")]

    assert [(row.status, row.occurrence, *_times(row)) for row in rows] == [
        ("on_track", "entry", 4, 5, 8, 10),
        ("off_track", "entry", 5, 7, 8, 10),
        ("not_met", "entry", 9, 12, 10, 12),
    ]
    assert [(row.value, row.expected, row.pace, row.projection) for row in rows[:1]] == [(4, None, None, None)]


def test_meetings_that_no_evidence_has_come_of_are_not_missed(town: Town) -> None:
    town.plan(MEETINGS)
    missing = town.arrival("evidence", "2025-10", date(2025, 10, 1), date(2025, 10, 31), "late")

    row = town.judge("C1")

    assert (row.status, row.arrival_id, *_times(row)) == ("no_data", missing, 0, 0, 8, 10)


@pytest.mark.parametrize(("log_is_late", "status"), [(False, "not_met"), (True, "no_data")])
def test_meetings_that_did_not_take_place_are_not_met_unless_a_log_is_missing(
    town: Town, log_is_late: bool, status: str
) -> None:
    town.plan(MEETINGS)
    town.value("evidence_count_agenda_review", "cycle", "C3", "7", numerator=7, n=9)
    late = town.arrival("evidence", "2025-12", date(2025, 12, 1), date(2025, 12, 31), "late") if log_is_late else None

    row = town.judge("C3")

    assert (row.status, row.value, row.arrival_id, *_times(row)) == (status, 7, late, 7, 9, 8, 10)


def test_a_weekly_goal_on_a_rate_is_judged_by_the_months_of_its_weeks(town: Town) -> None:
    """Ten weeks before March 13 begin in January: 8 of 10 is more than one month of the two."""
    rule = "path: hold, cadence: weekly, recurrence: {met_of: 8, occurrences: 10}, due: 2026-03-13"
    town.plan(f"{RATINGS}, {rule}, target: {{value: 60}}")
    for month, value in (("2025-12", "70"), ("2026-01", "61"), ("2026-02", "59")):
        town.value("observation_at_or_above_3", "month", month, value)

    row = town.judge("C3")

    assert (row.status, row.occurrence, *_times(row)) == ("not_met", "month", 1, 2, 2, 2)


def test_a_goal_that_does_not_recur_has_no_occurrences(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.chronic(C1="25")

    row = town.judge("C1")

    assert (row.occurrence, *_times(row)) == (None,) * 5


def test_the_last_occurrence_must_rise_too_not_reach_the_target(town: Town) -> None:
    every = MONTHLY.replace("met_of: 4", "met_of: 6").replace("2026-03-13", "2026-02-27")  # the last day of February
    town.plan(f"{RATINGS}, {every}, baseline: {{value: 49, period: '2025'}}, target: {{value: 90}}")
    months = ("2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02")
    for month, value in zip(months, ("50", "51", "52", "53", "54", "55"), strict=True):
        town.value("observation_at_or_above_3", "month", month, value)

    assert town.judge("C3").status == "met"


def test_a_month_is_over_on_its_last_school_day(town: Town) -> None:
    town.plan("metric: attendance_rate_in_month, feed: attendance, academic: false, direction: up, path: rises,"
              " target: {value: 96}, due: 2026-06-12")  # fmt: skip
    town.value("attendance_rate_in_month", "month", "2026-05", "95")
    town.value("attendance_rate_in_month", "month", "2026-06", "97")

    row = town.judge("EOY")

    assert (row.status, row.value, row.expected) == ("met", 97, 96)


def test_a_recurring_goal_without_any_value_says_so(town: Town) -> None:
    town.plan(f"{RATINGS}, {MONTHLY}, baseline: {{value: 49, period: '2025'}}, target: {{value: 90}}")
    missing = town.arrival("observation", "C1", date(2025, 9, 1), date(2025, 10, 30), "missing")

    row = town.judge("C1")

    assert (row.status, row.arrival_id) == ("no_data", missing)


def test_grades_are_added_up_from_their_integers(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, grades: ['KP', 'KF', '04'], target: {{value: 31}}")
    for grade, numerator, denominator in (("K", 10, 40), ("04", 20, 60)):
        sums = {"numerator": numerator, "denominator": denominator, "n": denominator, "expected_n": denominator}
        town.value("chronic_absence_rate_pk12", "cycle", "C1", "0", student_group=f"grade_{grade}", **sums)

    row = town.judge("C1")

    assert (row.status, row.value, row.n) == ("on_track", 30, 100)


def test_a_change_is_told_since_the_cycle_before(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 23}}", effective="2026-01-15")
    town.chronic(C1="25", C2="24.5")

    evaluate(town.connection, now=AFTER["C2"], cycles=["C1", "C2"])

    assert (town.status("C1").change, town.status("C2").change) == (None, Decimal("-0.5"))


@pytest.mark.parametrize(
    ("value", "low", "high", "bounds", "beyond"),
    [
        ("20", "17", "24", (-10, 0), False),
        ("15", "12", "19", (-15, -5), True),
        ("20", None, None, (None, None), None),
    ],
)
def test_a_change_is_more_than_noise_where_its_interval_leaves_out_zero(
    town: Town, value: str, low: str | None, high: str | None, bounds: tuple[int | None, ...], beyond: bool | None
) -> None:
    """From 25 (22 to 29): down by 5 on either side, since 3 and 4 make 5."""
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.value("chronic_absence_rate_pk12", "cycle", "C1", "25", low="22", high="29")
    town.value("chronic_absence_rate_pk12", "cycle", "C2", value, low=low, high=high)
    town.judge("C1")

    row = town.judge("C2")

    assert row.change == Decimal(value) - 25
    assert (row.change_low, row.change_high, row.is_change_beyond_noise) == (*bounds, beyond)


def test_the_pace_is_what_each_review_to_come_must_bring(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.chronic(C1="27", C2="25", C3="23")

    rows = [town.judge(cycle) for cycle in ("C1", "C2", "C3")]

    # until June 12: C2, C3 and EOY are left; then two, a half each; at C3 the target is reached
    assert [(row.pace, row.pace_period, row.periods_left) for row in rows] == [
        (-1, "cycle", 3),
        (Decimal("-0.5"), "cycle", 2),
        (None, None, None),
    ]


def test_a_pace_is_rounded_half_up_where_it_is_stored(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.chronic(C1="26")

    assert town.judge("C1").pace == Decimal("-0.666666666666666667")


LINE = (("2025-09", "27.8"), ("2025-10", "25.5"), ("2025-11", "23.5"))
"""A tenth of a point each school day from 30: days 22, 45 and 65; January 30 is day 109."""


@pytest.mark.parametrize(
    ("bounds", "projected"), [({}, ("16.1", "16.1")), ({"low": "17.1", "high": "22.1"}, ("14.1", "19.1"))]
)
def test_a_rate_to_date_goes_on_in_the_line_of_its_months(
    town: Town, bounds: dict[str, str], projected: tuple[str, str]
) -> None:
    """March 13 is day 139. The line has no scatter at all; it is no surer than the value it goes on from."""
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2026-03-13")
    for month, value in LINE:
        town.value("chronic_absence_rate_pk12", "month", month, value)
    town.value("chronic_absence_rate_pk12", "month", "2026-01", "90")  # over on the cycle's own day
    town.value("chronic_absence_rate_pk12", "month", "2026-02", "90")  # not over
    town.value("chronic_absence_rate_pk12", "cycle", "C2", "19.1", **bounds)

    row = town.judge("C2")

    assert (row.status, row.projection) == ("on_track", Decimal("16.1"))
    assert (row.projection_low, row.projection_high) == tuple(map(Decimal, projected))


def test_three_measurements_are_no_line(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    for month, value in LINE:
        data = "incomplete" if month == "2025-10" else "final"
        town.value("chronic_absence_rate_pk12", "month", month, value, data_status=data)
    town.chronic(C2="19.1")

    assert town.judge("C2").projection is None


def test_a_window_is_projected_to_move_as_it_did_last_year(town: Town) -> None:
    """42 + 48 - 38, the bounds of all three together; one window to come for the 8 points that are missing."""
    town.plan(WINTER_GOAL)
    town.value("map_met_growth_math", "window", "2025-fall", "38", low="36", high="44")
    town.value("map_met_growth_math", "window", "2025-winter", "48", low="45", high="51")
    town.value("map_met_growth_math", "window", "2026-fall", "42", low="40", high="48")

    row = town.judge("C1")

    assert (row.projection, row.projection_low, row.projection_high) == (52, 45, 59)
    assert (row.pace, row.pace_period, row.periods_left) == (8, "window", 1)


def test_a_growing_count_is_projected_along_last_years_curve(town: Town) -> None:
    """Last year 11 of 30 were there by this day; this year 2.2 (1.1 to 3.3) become 6 (3 to 9)."""
    town.plan("metric: absent_10_or_more_days, feed: attendance, academic: false, direction: down, path: cumulative,"
              " target: {value: 20}")  # fmt: skip
    town.value("absent_10_or_more_days", "month", "2025-01", "11")
    town.value("absent_10_or_more_days", "month", "2025-06", "30")
    town.value("absent_10_or_more_days", "cycle", "C2", "2.2", low="1.1", high="3.3")

    row = town.judge("C2")

    assert near(row.projection, 6) and near(row.projection_low, 3) and near(row.projection_high, 9)
    assert (row.pace, row.periods_left) == (Decimal("8.9"), 2)  # it may still grow by 17.8 at C3 and EOY together


def test_what_is_decided_or_cannot_be_judged_has_no_outlook(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2026-03-13")
    for month, value in LINE:
        town.value("chronic_absence_rate_pk12", "month", month, value)
    town.value("chronic_absence_rate_pk12", "cycle", "C2", "27", n=9)
    town.chronic(C3="26")

    rows = [town.judge("C2"), town.judge("C3")]

    assert [row.status for row in rows] == ["insufficient_n", "not_met"]
    assert [(row.pace, row.projection) for row in rows] == [(None, None)] * 2


def test_a_change_of_plan_applies_from_its_day_on(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 22}}", effective="2026-02-01")
    town.chronic(C2="23", C3="23")

    before, after = town.judge("C2"), town.judge("C3")

    assert (before.status, before.target) == ("on_track", 24)
    assert (after.status, after.target) == ("off_track", 22)
    assert before.benchmark_id != after.benchmark_id


def test_a_cycle_after_the_summer_judges_the_plan_of_the_year_that_is_over(town: Town) -> None:
    town.plan(f"{MCAS}, target: {{value: 22}}, due: 2026-09-30")
    town.plan(f"{MCAS}, target: {{value: 30}}, due: 2027-09-30", effective="2026-09-01")
    town.value("mcas_meeting_exceeding_ela", "window", "2026-annual", "25")

    row = town.judge("MCAS")

    assert (row.status, row.target) == ("met", 22)


def test_last_years_goals_are_not_judged_by_this_years_values(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}, due: 2025-06-13", effective="2024-09-03")
    town.chronic(C1="20")

    evaluate(town.connection, now=AFTER["C1"])

    judged = set(town.connection.scalars(select(t.metric.status.c.cycle)))
    assert judged == {"EOY25"}


# What is judged, and written.


def _judged(town: Town, now: datetime, **given: Any) -> list[str]:
    evaluate(town.connection, now=now, **given)
    return sorted(town.connection.scalars(select(t.metric.status.c.cycle)))


def test_by_default_the_cycles_of_the_running_year_are_judged_once_their_day_has_come(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")

    assert _judged(town, datetime(2026, 1, 30, 12, tzinfo=UTC)) == ["C0", "C1", "C2"]


def test_cycles_of_last_year_that_were_never_judged_are_judged_after_all(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")

    assert _judged(town, datetime(2026, 9, 20, 12, tzinfo=UTC)) == ["C0", "C1", "C2", "C3", "EOY"]


def test_a_cycle_of_last_year_is_judged_again_until_its_review(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    _judged(town, datetime(2026, 7, 20, 12, tzinfo=UTC))
    town.chronic(C3="25", EOY="25")

    _judged(town, datetime(2026, 7, 20, 12, tzinfo=UTC))

    values = dict(town.connection.execute(select(t.metric.status.c.cycle, t.metric.status.c.value)).all())
    assert (values["C3"], values["EOY"]) == (None, 25)


def test_a_second_run_writes_nothing(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}", WINTER_GOAL, f"{MCAS}, target: {{value: 22}}")
    town.chronic(C1="25", C2="24.333333333333333333")
    town.value("map_met_growth_math", "window", "2026-fall", "42")

    first = evaluate(town.connection, now=AFTER["C3"])
    second = evaluate(town.connection, now=AFTER["C3"])

    assert first == Written(upserted=12)  # three goals at C0, C1, C2, C3
    assert second == Written()


def test_a_released_cycle_is_not_judged_again(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.chronic(C1="25", C2="25")
    evaluate(town.connection, now=AFTER["C2"])
    frozen = {"cycle": "C1", "released_at": AFTER["C1"], "as_of": date(2025, 12, 1), "policy": "dese", "sha256": "0"}
    town.connection.execute(insert(t.release.release).values(frozen))
    town.connection.execute(update(t.metric.value).values(value=20))

    evaluate(town.connection, now=AFTER["C2"])

    assert (town.status("C1").status, town.status("C2").status) == ("off_track", "on_track")
    assert evaluate(town.connection, now=AFTER["C2"], cycles=["C1"]) == Written()


def test_a_goal_that_left_the_plan_loses_its_status(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}", f"{CHRONIC}, path: hold, target: {{value: 20}}")
    evaluate(town.connection, now=AFTER["C1"], cycles=["C1"])
    town.files.clear()

    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")

    assert len(town.connection.execute(select(t.metric.status)).all()) == 1


def test_an_unknown_cycle_is_told(town: Town) -> None:
    with pytest.raises(ConfigError, match="there is no cycle C9"):
        evaluate(town.connection, now=AFTER["C1"], cycles=["C9"])


def test_a_school_that_is_not_in_the_registry_has_no_data(town: Town) -> None:
    town.plan(f"{CHRONIC}, path: hold, target: {{value: 24}}")
    town.connection.execute(text("update plan.version set organization_code = '99990001'"))

    assert town.judge("C1").status == "no_data"
