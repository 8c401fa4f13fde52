"""How every benchmark and MAG stands at each cycle: `metric.status`, from the values, the plans in force, the ledger.

A cycle that was released is frozen and not judged again; equal statuses are not written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as Arithmetic
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, select

from sipetl.arrivals.context import Context, local, read_context, read_periods
from sipetl.errors import ConfigError
from sipetl.plans.answers import answer
from sipetl.plans.history import Before, read_history
from sipetl.plans.outlook import Estimate, change_since
from sipetl.plans.questions import Answer, Asked, Facts
from sipetl.plans.readings import (
    Goal,
    in_force,
    place_of,
    read_arrivals,
    read_goals,
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
ARITHMETIC = Arithmetic(prec=LEVEL.precision, rounding=ROUND_HALF_UP)
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
        ("change_low", LEVEL),
        ("change_high", LEVEL),
        ("is_change_beyond_noise", pa.bool_()),
        ("pace", LEVEL),
        ("pace_period", pa.string()),
        ("periods_left", pa.int32()),
        ("projection", LEVEL),
        ("projection_low", LEVEL),
        ("projection_high", LEVEL),
        ("occurrence", pa.string()),
        ("occurrences_met", pa.int32()),
        ("occurrences_judged", pa.int32()),
        ("occurrences_needed", pa.int32()),
        ("occurrences_total", pa.int32()),
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
        cycles: which cycles; None = those of the running school year, and older ones that are still to be reviewed or
            were never judged: a home set up in July has last year's reviews to look back at.
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
        judged_goals = list(zip(goals, answers, strict=True))
        rows += (_row(Asked(goal, cycle, facts), given, before) for goal, given in judged_goals)
        history.keep(cycle, {goal.identity: _judged_value(given) for goal, given in judged_goals})
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
    judged = set(connection.scalars(select(t.metric.status.c.cycle).distinct()))
    running = school_year_of(today)
    chosen = [
        cycle
        for cycle in every
        if cycle.data_as_of <= today
        and cycle.cycle not in released
        and (
            cycle.cycle in codes
            if codes is not None
            else cycle.cycle not in judged or _is_running(cycle, running, today)
        )
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
        periods={(p.school_year, p.kind.value, p.code): p for p in read_periods(connection, years)},
        arrivals=read_arrivals(connection, years),
        places={(goal.district, goal.benchmark.feed): place_of(context, goal) for goal in goals},
        minimum_n=minimum_n,
    )


def _row(asked: Asked, given: Answer, before: Before) -> Mapping[str, Any]:
    goal, cycle = asked.goal, asked.cycle
    value, expected, reading = given.value, given.expected, given.reading
    return {
        **_change(_judged_value(given), before.get(goal.identity)),
        **_outlook(given, asked.rhythm),
        **_occurrences(given),
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
        "arrival_id": given.arrival_id,
        "input_id": str(reading.input_id) if reading and reading.input_id else None,
    }


def _judged_value(given: Answer) -> Estimate | None:
    """The value that was judged, as it is stored."""
    if given.value is None:
        return None
    bounds = (given.reading.low, given.reading.high) if given.reading else (None, None)
    return Estimate(_rounded(given.value), *map(_level, bounds))


def _change(now: Estimate | None, before: Estimate | None) -> Mapping[str, Any]:
    if now is None or before is None:
        return {}
    change = change_since(now, before)
    return {
        "change": _level(change.value),
        "change_low": _level(change.low),
        "change_high": _level(change.high),
        "is_change_beyond_noise": change.is_beyond_zero,
    }


def _outlook(given: Answer, rhythm: Rhythm) -> Mapping[str, Any]:
    pace, projection = given.pace, given.projection
    return {
        "pace": _level(pace.change) if pace else None,
        "pace_period": rhythm.value if pace else None,
        "periods_left": pace.left if pace else None,
        "projection": _level(projection.value) if projection else None,
        "projection_low": _level(projection.low) if projection else None,
        "projection_high": _level(projection.high) if projection else None,
    }


def _occurrences(given: Answer) -> Mapping[str, Any]:
    counted = given.occurrences
    if counted is None:
        return {}
    return {
        "occurrence": given.occurrence.value if given.occurrence else None,
        "occurrences_met": counted.met,
        "occurrences_judged": counted.judged,
        "occurrences_needed": counted.needed,
        "occurrences_total": counted.total,
    }


def _difference(value: Decimal | None, of: Decimal | None) -> Decimal | None:
    return None if value is None or of is None else value - of


def _level(value: Decimal | None) -> Decimal | None:
    return None if value is None else _rounded(value)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(PLACES, context=ARITHMETIC)


def _within(cycles: Iterable[Cycle]) -> str:
    """The rows of the judged cycles; a colon in a code must not be taken for a parameter."""
    codes = (cycle.cycle.replace("'", "''").replace(":", r"\:") for cycle in cycles)
    return "t.cycle in (" + ", ".join(f"'{code}'" for code in codes) + ")"
