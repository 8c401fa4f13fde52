"""Benchmarks and MAGs of the plans in force, with their standings and the values that a chart shows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on

from sipetl.metrics import load_catalogue
from sipetl.plans import StepRow, steps
from sipetl.plans.model import Cadence, TargetPath
from sipetl.plans.slots import FINER_THAN_A_MONTH
from sipetl.registry.calendar import school_year_of
from sipetl.reports.lacking import missing_days, missing_words
from sipetl.reports.model import Display, Goal, Place, Point, SchoolPlan, Standing
from sipetl.reports.progress import Outlook, Step, Times
from sipetl.warehouse import tables as t

FINE, COARSE = ("window", "month", "cycle", "year"), ("window", "cycle", "month", "year")
"""Kinds of periods in the order in which a chart prefers them; coarse where a month says another thing than a cycle."""
SAME = Decimal("1e-9")
"""Statuses keep fewer digits than values: nearer than this they are the same number."""
EVERYONE = "all"
TWO_YEARS = frozenset({"window", "year"})
"""Kinds whose last year is shown beside this one; a year-to-date curve begins anew."""
Values = Mapping[tuple[int, str, str], Sequence[RowMapping]]


def read_plans(connection: Connection, schools: Sequence[Place], as_of: date) -> tuple[SchoolPlan, ...]:
    """Read the plans in force on a day, in the order of the schools."""
    by_code = {school.code: school for school in schools}
    versions = [(by_code[row["school"]], row) for row in _in_force(connection, as_of) if row["school"] in by_code]
    goals = _goals(connection, [row["version_id"] for _, row in versions])
    standings = _standings(connection, [goal["benchmark_id"] for of in goals.values() for goal in of], as_of)
    values = _values(connection, [school.organization_id for school, _ in versions], goals, as_of)
    order = {school.code: place for place, school in enumerate(schools)}
    timelines = _timelines(connection, as_of)
    plans = [
        replace(
            _plan(school, row, goals[row["version_id"]], standings, values), timeline=timelines.get(row["plan"], ())
        )
        for school, row in versions
    ]
    return tuple(sorted(plans, key=lambda plan: order[plan.school]))


def _timelines(connection: Connection, as_of: date) -> dict[str, tuple[Step, ...]]:
    """The timeline steps of each plan, by due date."""
    found: defaultdict[str, list[StepRow]] = defaultdict(list)
    for step in steps(connection, as_of):
        found[step.plan].append(step)
    return {plan: tuple(_step(step) for step in rows) for plan, rows in found.items()}


def _step(row: StepRow) -> Step:
    return Step(row.initiative, row.step, row.owner, row.due_on, row.done_on, row.status.value)


def _in_force(connection: Connection, as_of: date) -> list[RowMapping]:
    version = t.plan.plan_version
    school = func.split_part("/" + version.c.organization_code, "/", -1).label("school")
    query = (
        select(version, school)
        .where(version.c.effective_from <= as_of)
        .order_by(version.c.plan, version.c.effective_from.desc())
        .ext(distinct_on(version.c.plan))
    )
    return list(connection.execute(query).mappings())


def _goals(connection: Connection, versions: Sequence[int]) -> dict[int, list[RowMapping]]:
    benchmark, metric, group = t.plan.benchmark, t.ref.metric, t.ref.student_group
    newest = (
        select(metric).order_by(metric.c.metric, metric.c.version.desc()).ext(distinct_on(metric.c.metric)).subquery()
    )
    query = (
        select(benchmark, newest.c.title.label("metric_title"), newest.c.display_unit, newest.c.decimals)
        .add_columns(group.c.label.label("group_label"))
        .outerjoin(newest, newest.c.metric == benchmark.c.metric)
        .outerjoin(group, group.c.student_group == benchmark.c.student_group)
        .where(benchmark.c.version_id.in_(versions))
        .order_by(benchmark.c.is_mag, benchmark.c.code)
    )
    found: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["version_id"]].append(row)
    return found


def _standings(connection: Connection, benchmarks: Sequence[int], as_of: date) -> dict[int, list[RowMapping]]:
    """Statuses by benchmark, a cycle each, the latest last."""
    status, cycle = t.metric.status, t.ref.cycle
    arrival, days = t.ops.arrival, missing_days()
    query = (
        select(status, cycle.c.data_as_of, arrival.c.feed.label("missing_feed"), arrival.c.window_code)
        .add_columns(days.c.days, days.c.first_day)
        .join(cycle, cycle.c.cycle == status.c.cycle)
        .outerjoin(arrival, arrival.c.arrival_id == status.c.arrival_id)
        .outerjoin(days, true())
        .where(status.c.benchmark_id.in_(benchmarks), status.c.as_of <= as_of)
        .order_by(cycle.c.data_as_of)
    )
    found: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["benchmark_id"]].append(row)
    return found


def _values(
    connection: Connection, schools: Sequence[int], goals: Mapping[int, Iterable[RowMapping]], as_of: date
) -> Values:
    value, period = t.metric.value, t.ref.period
    year = school_year_of(as_of)
    query = (
        select(value, period.c.kind, period.c.code, period.c.ends_on)
        .join(period, period.c.period_id == value.c.period_id)
        .where(
            value.c.organization_id.in_(schools),
            value.c.metric.in_({goal["metric"] for of in goals.values() for goal in of}),
            value.c.school_year.in_((year - 1, year)),
            value.c.value.is_not(None),
            value.c.as_of <= as_of,
        )
        .order_by(period.c.ends_on, period.c.sort)
    )
    found: defaultdict[tuple[int, str, str], list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["organization_id"], row["metric"], row["student_group"]].append(row)
    return found


def _plan(
    school: Place, row: RowMapping, goals: Iterable[RowMapping], standings: Mapping[int, Any], values: Values
) -> SchoolPlan:
    found = tuple(_goal(goal, standings[goal["benchmark_id"]], values, school) for goal in goals)
    return SchoolPlan(school.district, school.code, school.name, row["title"], row["effective_from"], found)


def _goal(row: RowMapping, standings: Sequence[RowMapping], values: Values, school: Place) -> Goal:
    measured = values.get((school.organization_id, row["metric"], row["student_group"]), ())
    goal = _asked(row, school)
    points = _series(measured, _kinds(row), goal.school_year)
    return replace(goal, points=points, standings=tuple(_standing(each, measured, points) for each in standings))


def _asked(row: RowMapping, school: Place) -> Goal:
    """What the plan says, nothing measured yet."""
    return Goal(
        key=re.sub(r"[^A-Za-z0-9]", "", f"g{school.code}x{row['code']}"),
        code=row["code"],
        is_mag=row["is_mag"],
        kind=row["kind"],
        text=row["text"] or row["metric_title"] or row["metric"],
        metric=row["metric_title"] or row["metric"].replace("_", " "),
        student_group=_group(row),
        display=Display(row["display_unit"] or "percent", 1 if row["decimals"] is None else row["decimals"]),
        target=row["target_level"],
        direction=row["direction"],
        path=row["path"],
        due_on=row["due_on"],
        baseline=row["baseline_value"],
        steps=_steps(row),
        recurrence=_recurrence(row),
    )


def _recurrence(row: RowMapping) -> tuple[int, int] | None:
    rule = (row["definition"] or {}).get("recurrence")
    return (rule["met_of"], rule["occurrences"]) if rule else None


def _group(row: RowMapping) -> str:
    """The student group; a measure of adults has none."""
    if row["kind"] == "educator" and row["student_group"] == EVERYONE:
        return ""
    return str(row["group_label"] or row["student_group"])


def _kinds(row: RowMapping) -> Sequence[str]:
    """Months, where they count from the year's start as a cycle does, or where the plan looks at each by itself.

    Of what is judged by its pieces of evidence the cycles: they count them from the year's start.
    """
    metric = load_catalogue().get(row["metric"])
    recurs = (row["definition"] or {}).get("recurrence") is not None
    if recurs and metric is not None and metric.unit == "entry" and row["cadence"] in FINER_THAN_A_MONTH:
        return COARSE
    each = row["path"] == TargetPath.RISES or recurs
    is_monthly = each and row["cadence"] not in (Cadence.QUARTERLY, Cadence.ANNUAL)
    return FINE if is_monthly or (metric is not None and metric.basis == "to_date") else COARSE


def _standing(row: RowMapping, measured: Iterable[RowMapping], points: Iterable[Point]) -> Standing:
    on = min(row["data_as_of"], row["as_of"])
    return Standing(
        cycle=row["cycle"],
        on=on,
        status=row["status"],
        certainty=row["certainty"],
        point=_judged(row, on, measured, points),
        expected=row["expected"],
        gap=row["gap"],
        outlook=_outlook(row),
        times=_times(row),
        missing=missing_words(row),
    )


def _outlook(row: RowMapping) -> Outlook:
    return Outlook(
        change=row["change"],
        is_beyond_noise=row["is_change_beyond_noise"],
        pace=row["pace"],
        pace_period=row["pace_period"] or "",
        periods_left=row["periods_left"] or 0,
        projection=row["projection"],
        low=row["projection_low"],
        high=row["projection_high"],
    )


def _times(row: RowMapping) -> Times | None:
    if row["occurrence"] is None:
        return None
    names = ("occurrence", "occurrences_met", "occurrences_judged", "occurrences_needed", "occurrences_total")
    return Times(*(row[name] for name in names))


def _judged(row: RowMapping, on: date, measured: Iterable[RowMapping], points: Iterable[Point]) -> Point | None:
    """The value that was judged: the last one charted by then, if it is that one, else of the cycle's own day."""
    value = row["value"]
    if value is None:
        return None
    before = [point for point in points if point.on <= on]
    is_charted = bool(before) and abs(before[-1].value - value) < SAME
    same = [each for each in measured if abs(each["value"] - value) < SAME and each["as_of"] <= on]
    marks = [each["data_status"] for each in sorted(same, key=lambda each: each["code"] == row["cycle"])]
    mark = "incomplete" if row["status"] == "incomplete" else (marks or ["final"])[-1]
    place = before[-1].on if is_charted else on
    return Point(place, f"cycle {row['cycle']}", value, row["low"], row["high"], row["n"], mark)


def _series(measured: Iterable[RowMapping], kinds: Sequence[str], year: int) -> tuple[Point, ...]:
    """The values of the first kind that there is; one point a day."""
    by_kind: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in measured:
        by_kind[row["kind"]].append(row)
    kind = next((kind for kind in kinds if by_kind[kind]), None)
    rows = by_kind[kind] if kind else []
    kept = [row for row in rows if kind in TWO_YEARS or row["school_year"] == year]
    return tuple({point.on: point for point in map(_point, kept)}.values())


def _point(row: RowMapping) -> Point:
    on = min(row["ends_on"], row["as_of"])
    numbers = (row["value"], row["low"], row["high"], row["n"])
    return Point(on, _label(row), *numbers, row["data_status"], row["school_year"])


def _label(row: RowMapping) -> str:
    if row["kind"] == "month":
        return f"{row['ends_on']:%b %Y}"
    if row["kind"] == "year":
        return f"{row['school_year'] - 1}-{row['school_year'] % 100:02d}"
    year, _, window = row["code"].partition("-")
    return f"{window} {int(year) - 1}-{int(year) % 100:02d}" if window and year.isdigit() else f"cycle {row['code']}"


def _steps(row: RowMapping) -> tuple[tuple[date, Decimal], ...]:
    """Corners of the path that the plan itself draws; what other paths expect stands in the standings."""
    definition = row["definition"] or {}
    given = [(date.fromisoformat(c["on"]), Decimal(str(c["value"]))) for c in definition.get("checkpoints") or ()]
    if row["path"] != TargetPath.CHECKPOINTS or not given:
        return ()
    end = (row["due_on"], row["target_level"])
    if definition.get("between") == "straight":
        return (*given, end)
    corners = [given[0]]
    for on, level in (*given[1:], end):
        corners += [(on, corners[-1][1]), (on, level)]
    return tuple(corners)
