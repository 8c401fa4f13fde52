"""How every benchmark and MAG stands at each cycle: `metric.status`, from the values, the plans in force, the ledger.

A cycle that was released is frozen and not judged again; equal statuses are not written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Context as Arithmetic
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, select

from sipetl.arrivals.context import Context, local, read_context
from sipetl.errors import ConfigError
from sipetl.plans.history import Before, read_history
from sipetl.plans.questions import Answer, Asked, Facts, answer
from sipetl.plans.readings import (
    Goal,
    in_force,
    place_of,
    read_arrivals,
    read_goals,
    read_periods,
    read_values,
    read_versions,
)
from sipetl.plans.slots import Rhythm, due_year, rhythm_of
from sipetl.registry.calendar import YEAR_STARTS, school_year_of
from sipetl.registry.models import Cycle
from sipetl.warehouse import Written, merge
from sipetl.warehouse import tables as t

LEVEL = pa.decimal128(38, 18)
PLACES = Decimal(1).scaleb(-LEVEL.scale)
ARITHMETIC = Arithmetic(prec=LEVEL.precision)
SCHEMA = pa.schema(
    [
        ("benchmark_id", pa.int64()),
        ("cycle", pa.string()),
        ("as_of", pa.date32()),
        ("status", pa.string()),
        ("certainty", pa.string()),
        ("value", LEVEL),
        ("low", LEVEL),
        ("high", LEVEL),
        ("n", pa.int64()),
        ("expected", LEVEL),
        ("target", LEVEL),
        ("gap", LEVEL),
        ("change", LEVEL),
        ("arrival_id", pa.int64()),
        ("input_id", pa.string()),
    ]
)


def evaluate(
    connection: Connection,
    *,
    now: datetime,
    cycles: Sequence[str] | None = None,
    minimum_n: Mapping[str, int] | None = None,
) -> Written:
    """Judge every goal of the plans in force, at every cycle whose data is over and that was not released.

    Args:
        connection: an open transaction.
        now: the moment; its day in the home's time zone counts.
        cycles: which cycles; None = those of the running school year, and older ones that are still to be reviewed.
        minimum_n: fewest units that a status is given for, by the catalogue's `minimum_n` family; else 10.

    Raises:
        ConfigError: a cycle is not in the registry.
    """
    context = read_context(connection)
    judged = _cycles(connection, local(now, context).date(), cycles)
    if not judged:
        return Written()
    known = read_versions(connection)
    wanted = {cycle.cycle: in_force(known, _plan_day(cycle)) for cycle in judged}
    versions = frozenset().union(*wanted.values())
    facts = _read(connection, context, cycles=judged, versions=versions, minimum_n=minimum_n or {})
    history = read_history(connection)
    rows: list[Mapping[str, Any]] = []
    for cycle in judged:
        goals = [goal for goal in facts.goals if goal.version_id in wanted[cycle.cycle] and _counts(goal, cycle)]
        answers = [answer(Asked(goal, cycle, facts)) for goal in goals]
        before = history.before(cycle)
        rows += (_row(goal, cycle, given, before) for goal, given in zip(goals, answers, strict=True))
        history.keep(cycle, {goal.identity: given.value for goal, given in zip(goals, answers, strict=True)})
    return merge(connection, t.metric.status, pa.Table.from_pylist(rows, SCHEMA), within=_within(judged))


def _cycles(connection: Connection, today: date, codes: Sequence[str] | None) -> list[Cycle]:
    """The cycles to judge, in the order of their days."""
    columns = t.ref.cycle.columns
    every = [Cycle.model_validate(dict(row)) for row in connection.execute(select(*columns)).mappings()]
    unknown = sorted(set(codes or ()) - {cycle.cycle for cycle in every})
    if unknown:
        known = ", ".join(sorted(cycle.cycle for cycle in every))
        raise ConfigError(f"there is no cycle {unknown[0]}", cure=f"known here: {known}")
    released = set(connection.scalars(select(t.release.release.c.cycle)))
    running = school_year_of(today)
    chosen = [
        cycle
        for cycle in every
        if cycle.data_as_of <= today
        and cycle.cycle not in released
        and (cycle.cycle in codes if codes is not None else _is_running(cycle, running, today))
    ]
    return sorted(chosen, key=lambda cycle: (cycle.data_as_of, cycle.cycle))


def _is_running(cycle: Cycle, school_year: int, today: date) -> bool:
    return cycle.school_year == school_year or cycle.review_date >= today


def _plan_day(cycle: Cycle) -> date:
    """The day whose plans a cycle judges: a cycle of the autumn after (MCAS) looks at the year that is over."""
    return min(cycle.data_as_of, date.fromordinal(date(cycle.school_year, *YEAR_STARTS).toordinal() - 1))


def _counts(goal: Goal, cycle: Cycle) -> bool:
    """Whether a goal is still judged: one of last year only where its result comes after the year."""
    if rhythm_of(goal.benchmark, goal.metric) is Rhythm.ANNUAL:
        return goal.benchmark.due.year >= cycle.school_year - 1
    return due_year(goal.benchmark) >= cycle.school_year


def _read(
    connection: Connection,
    context: Context,
    *,
    cycles: Iterable[Cycle],
    versions: frozenset[int],
    minimum_n: Mapping[str, int],
) -> Facts:
    years = {cycle.school_year + step for cycle in cycles for step in (-1, 0, 1)}
    goals = read_goals(connection, versions)
    return Facts(
        goals=goals,
        values=read_values(connection, versions, years),
        periods=read_periods(connection, years),
        arrivals=read_arrivals(connection, years),
        places={(goal.district, goal.benchmark.feed): place_of(context, goal) for goal in goals},
        floors={key: feed.floors.students for key, feed in context.feeds.items()},
        minimum_n=minimum_n,
    )


def _row(goal: Goal, cycle: Cycle, given: Answer, before: Before) -> Mapping[str, Any]:
    value, expected, reading = given.value, given.expected, given.reading
    earlier = before.get(goal.identity)
    return {
        "benchmark_id": goal.benchmark_id,
        "cycle": cycle.cycle,
        "as_of": cycle.data_as_of,
        "status": given.status.value,
        "certainty": given.certainty.value if given.certainty else None,
        "value": _level(value),
        "low": _level(reading.low) if reading else None,
        "high": _level(reading.high) if reading else None,
        "n": reading.n if reading else None,
        "expected": _level(expected),
        "target": _level(goal.benchmark.target_level),
        "gap": _level(_difference(value, expected)),
        "change": _level(_difference(value, earlier)),
        "arrival_id": given.arrival_id,
        "input_id": str(reading.input_id) if reading and reading.input_id else None,
    }


def _difference(value: Decimal | None, of: Decimal | None) -> Decimal | None:
    return None if value is None or of is None else value - of


def _level(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(PLACES, context=ARITHMETIC)


def _within(cycles: Iterable[Cycle]) -> str:
    """The rows of the judged cycles; a colon in a code must not be taken for a parameter."""
    codes = (cycle.cycle.replace("'", "''").replace(":", r"\:") for cycle in cycles)
    return "t.cycle in (" + ", ".join(f"'{code}'" for code in codes) + ")"
