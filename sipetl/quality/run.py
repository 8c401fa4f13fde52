"""Execute a suite on a batch: one DuckDB pass for all counts, one for the rows that failed.

Decision 5: GX's own engines need 10 s where this needs half a second. Lookups (uniqueness, regular
expressions, date formats) are small tables made before the passes; a clean batch has no second pass.
No result holds a cell: row numbers, rule ids, counts and means only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import duckdb
from pydantic import ValidationError

from sipetl.errors import StoreError
from sipetl.quality.compile import FilePlan, Lookup, RowPlan
from sipetl.quality.sql import ROW_NUMBER, Columns, RuleError, quote, text
from sipetl.quality.suite import Action, Expectation, Severity, Suite
from sipetl.quality.types import TYPES


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule found.

    `element_count` (rows inside the row condition) and `unexpected_count` are those of GX; None for
    types that look at no single row. `error` says why a rule could not run: it is never a success.
    """

    rule_id: str
    type: str
    severity: Severity
    level: Literal["row", "file"]
    column: str | None
    success: bool
    error: str = ""
    element_count: int | None = None
    unexpected_count: int | None = None
    mostly: float = 1.0
    observed: float | int | None = None


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What a suite found in one batch, in the suite's order.

    `failing` names a temporary table (row_number bigint, rule_id varchar) of the same connection;
    the next run on the same batch table replaces it.
    """

    suite: str
    rows: int
    rules: tuple[RuleResult, ...]
    failing: str
    table: str
    """The batch."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule ready to run: `broken` is the SQL of its failing rows (row plans), `error` why it cannot."""

    expectation: Expectation
    plan: RowPlan | FilePlan | None = None
    broken: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch table on a connection; `source` grows by a join per lookup."""

    con: duckdb.DuckDBPyConnection
    table: str
    joins: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        return " ".join([quote(self.table), *self.joins])


def run_suite(con: duckdb.DuckDBPyConnection, table: str, suite: Suite) -> SuiteResult:
    """Run every rule on a batch table or view with `row_number` and typed contract columns.

    Raises:
        StoreError: DuckDB could not run the passes (memory, disk, no such table).
    """
    batch = _Batch(con, table)
    try:
        rules = _prepare(batch, suite)
        rows, results = _count(batch, rules)
        failing = _collect(batch, rules, results)
        for lookup in batch.lookups:
            con.execute(f"drop table {quote(lookup)}")
    except duckdb.Error as error:
        # DuckDB's own text may quote cells.
        raise StoreError("the checks could not be run", why=f"DuckDB: {type(error).__name__}") from None
    return SuiteResult(suite.name, rows, results, failing, table)


def _prepare(batch: _Batch, suite: Suite) -> list[_Rule]:
    described = batch.con.execute(f"describe {quote(batch.table)}").fetchall()
    columns = Columns.of((name, kind) for name, kind, *_ in described if name != ROW_NUMBER)
    return [_ready(batch, rule, columns) for rule in suite.expectations]


def _ready(batch: _Batch, rule: Expectation, columns: Columns) -> _Rule:
    known = TYPES.get(rule.type)
    if known is None:
        return _Rule(rule, error=f"type {rule.type!r} is not known")
    try:
        plan = known.plan(known.kwargs.model_validate(rule.kwargs), columns)
    except ValidationError:
        return _Rule(rule, error="the kwargs of the rule are wrong")
    except RuleError as error:
        return _Rule(rule, error=str(error))
    if isinstance(plan, FilePlan):
        return _Rule(rule, plan)
    unexpected = plan.unexpected if isinstance(plan.unexpected, str) else _look_up(batch, plan.unexpected)
    return _Rule(rule, plan, broken=f"{plan.domain} and {plan.scope} and {unexpected}")


def _look_up(batch: _Batch, lookup: Lookup) -> str:
    """Make a lookup and join it; give the SQL of a hit. An empty lookup costs no join."""
    name = f"{batch.table}__lookup_{len(batch.lookups)}"
    batch.lookups.append(name)
    lookup.build(batch.con, quote(batch.table), name)
    if not _one(batch.con, f"select count(*) from {quote(name)}")[0]:
        return "false"
    hit = quote(f"{name}_hit")
    same = (f"{key} is not distinct from {quote(f'{name}_{i}')}" for i, key in enumerate(lookup.keys))
    batch.joins.append(
        f"left join (select *, true as {hit} from {quote(name)}) as {quote(name)} on {' and '.join(same)}"
    )
    return f"{hit} is not null"


def _count(batch: _Batch, rules: Sequence[_Rule]) -> tuple[int, tuple[RuleResult, ...]]:
    """Run the counting pass: every aggregate of every rule in one `select`, equal ones once."""
    wanted = dict.fromkeys(["count(*)", *(sql for rule in rules for sql in _aggregates(rule))])
    counted = _one(batch.con, f"select {', '.join(wanted)} from {batch.source}")
    values = dict(zip(wanted, counted, strict=True))
    results = tuple(_result(rule, [values[sql] for sql in _aggregates(rule)]) for rule in rules)
    return values["count(*)"], results


def _aggregates(rule: _Rule) -> tuple[str, ...]:
    plan = rule.plan
    if isinstance(plan, FilePlan):
        return plan.aggregates
    if plan is None:
        return ()
    wheres = (plan.domain, f"{plan.domain} and {plan.scope}", rule.broken)
    return tuple(f"count(*) filter (where {where})" for where in wheres)


def _result(rule: _Rule, values: Sequence[Any]) -> RuleResult:
    blank = _blank(rule)
    match rule.plan:
        case None:
            return blank
        case FilePlan(judge=judge):
            verdict = judge(values)
            return replace(blank, success=verdict.success, observed=verdict.observed)
        case RowPlan(mostly=mostly):
            elements, considered, unexpected = values
            success = not considered or (considered - unexpected) / considered >= mostly
            return replace(blank, success=success, element_count=elements, unexpected_count=unexpected, mostly=mostly)


def _blank(rule: _Rule) -> RuleResult:
    given = rule.expectation
    by_row = isinstance(rule.plan, RowPlan) and given.action is not Action.REJECT_FILE
    column = given.kwargs.get("column")
    return RuleResult(
        rule_id=given.rule_id,
        type=given.type,
        severity=given.severity,
        level="row" if by_row else "file",
        column=column if isinstance(column, str) else None,
        success=False,
        error=rule.error,
    )


def _collect(batch: _Batch, rules: Sequence[_Rule], results: Sequence[RuleResult]) -> str:
    """Run the pass for failing rows, over the rules that have any."""
    name = f"{batch.table}__failing"
    batch.con.execute(f"create or replace temp table {quote(name)} ({ROW_NUMBER} bigint, rule_id varchar)")
    broken = [
        (result.rule_id, rule.broken) for rule, result in zip(rules, results, strict=True) if result.unexpected_count
    ]
    if broken:
        ids = ", ".join(f"case when {sql} then {text(rule_id)} end" for rule_id, sql in broken)
        anywhere = " or ".join(f"({sql})" for _, sql in broken)
        batch.con.execute(
            f"insert into {quote(name)} select * from (select {ROW_NUMBER}, unnest([{ids}]) as rule_id "
            f"from {batch.source} where {anywhere}) where rule_id is not null"
        )
    return name


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without group by always gives one row
    return tuple(row)
