"""Execute a suite on a batch: one DuckDB pass over the rows for those that fail, one for all counts.

Decision 5: GX's own engines need seconds where this needs a fraction of one. Lookups (uniqueness, regular
expressions, date formats) are small tables made before the passes. Suites of hundreds of rules take several
passes: DuckDB plans a long statement slowly. Only a rule that neither SQL nor Python knows goes to GX, with its
own columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from sipetl.errors import StoreError
from sipetl.quality.gx_engine import run_in_gx
from sipetl.quality.lookups import Lookup
from sipetl.quality.plans import FilePlan, Plan, RowPlan, ValuesPlan, Verdict
from sipetl.quality.results import RuleResult, SuiteResult
from sipetl.quality.ruletype import Way
from sipetl.quality.sql import ROW_NUMBER, Columns, RuleError, all_of, quote, rows_where, text
from sipetl.quality.suite import Action, Expectation, Suite
from sipetl.quality.types import TYPES
from sipetl.quality.values import Values, read_values

T = TypeVar("T")

_OF_A_PASS = 25
"""Rules, or counts, in one statement: of 10 to 500, this took the least time with 500 rules (measured)."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule ready to run: `broken` is the SQL of its failing rows (row plans), `error` why it cannot.

    `is_joined` says that the failing rows are found by a join with a lookup.
    """

    expectation: Expectation
    plan: Plan | None = None
    way: Way = Way.PASS
    broken: str = ""
    is_joined: bool = False
    verdict: Verdict | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch table on a connection, and what was made of it on the way."""

    con: duckdb.DuckDBPyConnection
    table: str
    columns: Columns
    lookups: list[str] = field(default_factory=list)
    values: dict[tuple[str, str], Values] = field(default_factory=dict)


def run_suite(con: duckdb.DuckDBPyConnection, table: str, suite: Suite) -> SuiteResult:
    """Run every rule on a batch table or view with `row_number` and typed contract columns.

    Raises:
        StoreError: DuckDB could not run the passes (memory, disk, no such table).
    """
    try:
        described = con.execute(f"describe {quote(table)}").fetchall()
        batch = _Batch(con, table, Columns.of((name, kind) for name, kind, *_ in described))
        rules = list(_ready_all(batch, suite))
        failing = _collect(batch, rules)
        rows, results = _count(batch, rules, failing)
        results = tuple(_or_in_gx(batch, *one, failing) for one in zip(rules, results, strict=True))
        for lookup in batch.lookups:
            con.execute(f"drop table {quote(lookup)}")
    except duckdb.Error as error:
        # DuckDB's own text may quote cells.
        raise StoreError("the checks could not be run", why=f"DuckDB: {type(error).__name__}") from None
    return SuiteResult(suite.name, rows, results, failing, table)


def _ready_all(batch: _Batch, suite: Suite) -> Iterator[_Rule]:
    """Make the rules ready; one with the id of a rule before it cannot run, as failing rows are told apart by it."""
    seen: set[str] = set()
    for rule in suite.expectations:
        again = rule.rule_id in seen
        yield _Rule(rule, error="another rule has the same rule_id") if again else _ready(batch, rule)
        seen.add(rule.rule_id)


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
            if isinstance(unexpected, str):
                return replace(rule, broken=all_of(domain, scope, unexpected))
            hit = _look_up(batch, unexpected)
            return replace(rule, broken=all_of(domain, scope, hit), is_joined=True) if hit else rule
    return rule


def _look_up(batch: _Batch, lookup: Lookup) -> str:
    """Make a lookup; give the SQL of a hit, or nothing where it is empty."""
    name = f"{batch.table}__lookup_{len(batch.lookups)}"
    batch.lookups.append(name)
    lookup.build(batch.con, quote(batch.table), name)
    ((hits,),) = batch.con.execute(f"select count(*) from {quote(name)}").fetchall()
    return f"{lookup.key} in (from {quote(name)})" if hits else ""


def _collect(batch: _Batch, rules: Sequence[_Rule]) -> str:
    """Find the failing rows of every rule that has any."""
    name = f"{batch.table}__failing"
    batch.con.execute(f"create or replace temp table {quote(name)} ({ROW_NUMBER} bigint, rule_id varchar)")
    judged = [rule for rule in rules if rule.broken and not rule.is_joined]
    passes = [*_portions(judged, _OF_A_PASS), *([rule] for rule in rules if rule.is_joined)]
    for some in passes:
        batch.con.execute(f"insert into {quote(name)} {_failing(quote(batch.table), some)}")
    return name


def _failing(table: str, rules: Sequence[_Rule]) -> str:
    """Write the query for the failing rows of some rules: a row once per rule it breaks."""
    ids = [text(rule.expectation.rule_id) for rule in rules]
    if len(rules) == 1:
        return f"select {ROW_NUMBER}, {ids[0]} from {table} where {rules[0].broken}"
    cases = ", ".join(f"case when {rule.broken} then {i} end" for rule, i in zip(rules, ids, strict=True))
    anywhere = " or ".join(f"({rule.broken})" for rule in rules)
    found = f"select {ROW_NUMBER}, unnest([{cases}]) as rule_id from {table} where {anywhere}"
    return f"from ({found}) where rule_id is not null"


def _count(batch: _Batch, rules: Sequence[_Rule], failing: str) -> tuple[int, tuple[RuleResult, ...]]:
    """Count the rows that each rule looks at, and what else is to be counted of the batch; equal counts once."""
    wanted = list(dict.fromkeys(["count(*)", *(sql for rule in rules for sql in _aggregates(rule))]))
    values: dict[str, Any] = {}
    for some in _portions(wanted, _OF_A_PASS):
        (counted,) = batch.con.execute(f"select {', '.join(some)} from {quote(batch.table)}").fetchall()
        values |= zip(some, counted, strict=True)
    found = batch.con.execute(f"select rule_id, count(*) from {quote(failing)} group by all").fetchall()
    broken = dict(found)
    results = tuple(
        _result(rule, [values[sql] for sql in _aggregates(rule)], broken.get(rule.expectation.rule_id, 0))
        for rule in rules
    )
    return values["count(*)"], results


def _aggregates(rule: _Rule) -> tuple[str, ...]:
    match rule.plan:
        case FilePlan(aggregates=aggregates):
            return aggregates
        case RowPlan(domain=domain, scope=scope):
            return tuple(rows_where(where) for where in (domain, all_of(domain, scope)))
    return ()


def _result(rule: _Rule, values: Sequence[Any], unexpected: int) -> RuleResult:
    blank = _blank(rule)
    match rule.plan:
        case None:
            return blank
        case RowPlan(mostly=mostly, tells_missing=tells_missing):
            elements, considered = values
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


def _portions(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (of[start : start + size] for start in range(0, len(of), size))
