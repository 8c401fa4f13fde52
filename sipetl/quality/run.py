"""Execute a suite on a batch: one DuckDB pass for all counts, one for the rows that failed.

Decision 5: GX's own engines need 10 s where this needs half a second. Lookups (uniqueness, regular
expressions, date formats) are small tables made before the passes; a clean batch has no second pass.
Only a rule that neither SQL nor Python knows goes to GX, with its own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from sipetl.errors import StoreError
from sipetl.quality.gx_engine import run_in_gx
from sipetl.quality.lookups import Lookup
from sipetl.quality.plans import FilePlan, Plan, RowPlan, ValuesPlan, Verdict
from sipetl.quality.results import RuleResult, SuiteResult
from sipetl.quality.ruletype import Way
from sipetl.quality.sql import ROW_NUMBER, Columns, RuleError, quote, text
from sipetl.quality.suite import Action, Expectation, Suite
from sipetl.quality.types import TYPES
from sipetl.quality.values import Values, read_values


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule ready to run: `broken` is the SQL of its failing rows (row plans), `error` why it cannot."""

    expectation: Expectation
    plan: Plan | None = None
    way: Way = Way.PASS
    broken: str = ""
    verdict: Verdict | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch table on a connection; `source` grows by a join per lookup."""

    con: duckdb.DuckDBPyConnection
    table: str
    columns: Columns
    joins: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    values: dict[tuple[str, str], Values] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return " ".join([quote(self.table), *self.joins])


def run_suite(con: duckdb.DuckDBPyConnection, table: str, suite: Suite) -> SuiteResult:
    """Run every rule on a batch table or view with `row_number` and typed contract columns.

    Raises:
        StoreError: DuckDB could not run the passes (memory, disk, no such table).
    """
    try:
        described = con.execute(f"describe {quote(table)}").fetchall()
        batch = _Batch(con, table, Columns.of((name, kind) for name, kind, *_ in described))
        rules = [_ready(batch, rule) for rule in suite.expectations]
        rows, results = _count(batch, rules)
        failing = _collect(batch, rules, results)
        results = tuple(_or_in_gx(batch, *one, failing) for one in zip(rules, results, strict=True))
        for lookup in batch.lookups:
            con.execute(f"drop table {quote(lookup)}")
    except duckdb.Error as error:
        # DuckDB's own text may quote cells.
        raise StoreError("the checks could not be run", why=f"DuckDB: {type(error).__name__}") from None
    return SuiteResult(suite.name, rows, results, failing, table)


def _ready(batch: _Batch, rule: Expectation) -> _Rule:
    known = TYPES.get(rule.type)
    if known is None:
        return _Rule(rule, way=Way.GX)
    if known.plan is None:
        return _Rule(rule, way=known.way, error=f"it cannot be run on a batch: {known.note}")
    try:
        kwargs = known.kwargs.model_validate(rule.kwargs)
        if kwargs.is_foreign:
            return _Rule(rule, way=Way.GX)
        return _planned(batch, _Rule(rule, known.plan(kwargs, batch.columns), known.way))
    except ValidationError:
        return _Rule(rule, way=known.way, error="the kwargs of the rule are wrong")
    except RuleError as error:
        return _Rule(rule, way=known.way, error=str(error))


def _planned(batch: _Batch, rule: _Rule) -> _Rule:
    """Answer what must be known before the pass: how a column is spread, and which values or rows a lookup finds."""
    match rule.plan:
        case ValuesPlan(column=column, domain=domain, judge=judge):
            key = (column.sql, domain)
            if key not in batch.values:
                batch.values[key] = read_values(batch.con, quote(batch.table), column, domain)
            return replace(rule, verdict=judge(batch.values[key]))
        case RowPlan(domain=domain, scope=scope, unexpected=unexpected):
            hit = unexpected if isinstance(unexpected, str) else _look_up(batch, unexpected)
            return replace(rule, broken=f"{domain} and {scope} and {hit}")
    return rule


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
    if not isinstance(plan, RowPlan):
        return ()
    wheres = (plan.domain, f"{plan.domain} and {plan.scope}", rule.broken)
    return tuple(f"count(*) filter (where {where})" for where in wheres)


def _result(rule: _Rule, values: Sequence[Any]) -> RuleResult:
    blank = _blank(rule)
    match rule.plan:
        case None:
            return blank
        case RowPlan(mostly=mostly, tells_missing=tells_missing):
            elements, considered, unexpected = values
            return replace(
                blank,
                success=not considered or (considered - unexpected) / considered >= mostly,
                element_count=elements,
                unexpected_count=unexpected,
                missing_count=elements - considered if tells_missing else None,
                mostly=mostly,
            )
        case FilePlan(judge=judge):
            verdict = judge(values)
        case _:
            verdict = rule.verdict or Verdict(success=False)
    return replace(blank, success=verdict.success, observed=verdict.observed, counts=verdict.counts)


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
        way=rule.way,
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


def _or_in_gx(batch: _Batch, rule: _Rule, result: RuleResult, failing: str) -> RuleResult:
    """Give a rule's result; run it in GX itself where nothing else can, and note the rows that fail there."""
    if rule.way is not Way.GX:
        return result
    found = run_in_gx(batch.con, quote(batch.table), rule.expectation, batch.columns)
    if found.rows:
        given = f"{failing}_given"
        batch.con.register(given, pa.table({"row_number": pa.array(found.rows, pa.int64())}))
        batch.con.execute(
            f"insert into {quote(failing)} select row_number, {text(result.rule_id)} from {quote(given)}"
        )
        batch.con.unregister(given)
    by_row = found.unexpected_count is not None and rule.expectation.action is not Action.REJECT_FILE
    return replace(
        result,
        success=found.success,
        error=found.error,
        level="row" if by_row else "file",
        element_count=found.element_count,
        unexpected_count=found.unexpected_count,
        missing_count=found.missing_count,
        mostly=found.mostly,
    )


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """Give the one row of an aggregate; fetched to its end, so that the connection is free for the next."""
    ((*row,),) = con.execute(sql).fetchall()
    return tuple(row)
