"""Benchmarks and MAGs of the plans in force, with their standings and the values that a chart shows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from sipetl.registry.calendar import school_year_of
from sipetl.reports.model import Display, Goal, Place, Point, SchoolPlan, Standing
from sipetl.warehouse import tables as t

KINDS = ("window", "month", "cycle", "year")
"""Periods in the order in which a chart prefers them: the finest rhythm in which a metric is measured."""
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
    plans = [_plan(school, row, goals[row["version_id"]], standings, values) for school, row in versions]
    return tuple(sorted(plans, key=lambda plan: order[plan.school]))


def _in_force(connection: Connection, as_of: date) -> list[RowMapping]:
    version = t.plan.plan_version
    school = func.split_part("/" + version.c.organization_code, "/", -1).label("school")
    query = (
        select(version, school)
        .where(version.c.effective_from <= as_of)
        .order_by(version.c.plan, version.c.effective_from.desc())
        .distinct(version.c.plan)
    )
    return list(connection.execute(query).mappings())


def _goals(connection: Connection, versions: Sequence[int]) -> dict[int, list[RowMapping]]:
    benchmark, metric, group = t.plan.benchmark, t.ref.metric, t.ref.student_group
    newest = select(metric).order_by(metric.c.metric, metric.c.version.desc()).distinct(metric.c.metric).subquery()
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
    query = (
        select(status, cycle.c.data_as_of)
        .join(cycle, cycle.c.cycle == status.c.cycle)
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
    definition: Mapping[str, Any] = row["definition"] or {}
    goal = Goal(
        key=re.sub(r"[^A-Za-z0-9]", "", f"g{school.code}x{row['code']}"),
        code=row["code"],
        is_mag=row["is_mag"],
        kind=row["kind"],
        text=row["text"] or row["metric_title"] or row["metric"],
        metric=row["metric_title"] or row["metric"].replace("_", " "),
        student_group=row["group_label"] or row["student_group"],
        display=Display(row["display_unit"] or "percent", 1 if row["decimals"] is None else row["decimals"]),
        target=row["target_level"],
        direction=row["direction"],
        path=row["path"],
        due_on=row["due_on"],
        baseline=row["baseline_value"],
        standings=tuple(_standing(each, measured) for each in standings),
        steps=_steps(row["path"], definition, row),
    )
    return replace(goal, points=tuple(_series(measured, goal.school_year)))


def _standing(row: RowMapping, measured: Iterable[RowMapping]) -> Standing:
    same = [each["data_status"] for each in measured if each["value"] == row["value"]]
    on = min(row["data_as_of"], row["as_of"])
    point = None
    if row["value"] is not None:
        data_status = "incomplete" if row["status"] == "incomplete" else (same or ["final"])[-1]
        point = Point(on, f"cycle {row['cycle']}", row["value"], row["low"], row["high"], row["n"], data_status)
    return Standing(row["cycle"], on, row["status"], row["certainty"], point, row["expected"], row["gap"])


def _series(measured: Iterable[RowMapping], year: int) -> Iterable[Point]:
    """The values of the finest rhythm; one point a day."""
    by_kind: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in measured:
        by_kind[row["kind"]].append(row)
    kind = next((kind for kind in KINDS if by_kind[kind]), None)
    rows = by_kind[kind] if kind else []
    kept = [row for row in rows if kind in TWO_YEARS or row["school_year"] == year]
    return {point.on: point for point in map(_point, kept)}.values()


def _point(row: RowMapping) -> Point:
    on = min(row["ends_on"], row["as_of"])
    return Point(on, _label(row), row["value"], row["low"], row["high"], row["n"], row["data_status"])


def _label(row: RowMapping) -> str:
    if row["kind"] == "month":
        return f"{row['ends_on']:%b %Y}"
    if row["kind"] == "year":
        return f"{row['school_year'] - 1}-{row['school_year'] % 100:02d}"
    year, _, window = row["code"].partition("-")
    return f"{window} {int(year) - 1}-{int(year) % 100:02d}" if window and year.isdigit() else f"cycle {row['code']}"


def _steps(path: str, definition: Mapping[str, Any], row: RowMapping) -> tuple[tuple[date, Decimal], ...]:
    """Corners of the path that the plan itself draws; what other paths expect stands in the standings."""
    given = [(date.fromisoformat(c["on"]), Decimal(str(c["value"]))) for c in definition.get("checkpoints") or ()]
    if path != "checkpoints" or not given:
        return ()
    end = (row["due_on"], row["target_level"])
    if definition.get("between") == "straight":
        return (*given, end)
    corners = [given[0]]
    for on, level in (*given[1:], end):
        corners += [(on, corners[-1][1]), (on, level)]
    return tuple(corners)
