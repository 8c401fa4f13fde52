"""A batch in both engines: a DuckDB table for sipetl, a pandas frame for Great Expectations itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest

from sipetl.quality import Action, Expectation, Severity, Suite, SuiteResult, run_suite

BATCH = "batch"

Cells = Mapping[str, tuple[str, Sequence[Any]]]
Rules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Found:
    """What either engine says of one rule."""

    success: bool
    element_count: int | None
    unexpected_count: int | None
    rows: tuple[int, ...]
    observed: Any = field(default=None, compare=False)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def fill(con: duckdb.DuckDBPyConnection) -> Callable[[Cells], str]:
    """Write a batch: column -> (DuckDB type, values); row numbers start at 1."""

    def write(cells: Cells) -> str:
        declared = ", ".join(f'"{name}" {kind}' for name, (kind, _) in cells.items())
        con.execute(f"create or replace table {BATCH} (row_number bigint, {declared})")
        rows = [(i, *row) for i, row in enumerate(zip(*(v for _, v in cells.values()), strict=True), 1)]
        if rows:
            con.executemany(f"insert into {BATCH} values ({', '.join('?' * (len(cells) + 1))})", rows)
        return BATCH

    return write


@pytest.fixture
def rule() -> Callable[..., Expectation]:
    """Write a rule in one line."""

    def make(
        rule_id: str,
        kind: str,
        *,
        severity: Severity = Severity.CRITICAL,
        action: Action = Action.QUARANTINE,
        **kwargs: Any,
    ) -> Expectation:
        return Expectation(rule_id=rule_id, type=f"expect_{kind}", kwargs=kwargs, severity=severity, action=action)

    return make


@pytest.fixture
def ours(con: duckdb.DuckDBPyConnection, fill: Callable[[Cells], str]) -> Callable[[Cells, Rules], dict[str, Found]]:
    """Run rules in sipetl; each rule is `{"type": ..., **kwargs}`, keyed by rule id."""

    def run(cells: Cells, rules: Rules) -> dict[str, Found]:
        table = fill(cells)
        result = run_suite(con, table, suite_of(rules))
        return {r.rule_id: _found(con, result, r.rule_id) for r in result.rules if _no_error(r.error)}

    return run


def suite_of(rules: Rules) -> Suite:
    return Suite(
        "test",
        tuple(
            Expectation(rule_id, str(r["type"]), {k: v for k, v in r.items() if k != "type"})
            for rule_id, r in rules.items()
        ),
    )


def _no_error(error: str) -> bool:
    assert not error
    return True


def _found(con: duckdb.DuckDBPyConnection, result: SuiteResult, rule_id: str) -> Found:
    rows = con.execute(
        f"select row_number from {result.failing} where rule_id = ? order by all", [rule_id]
    ).fetchall()
    one = next(r for r in result.rules if r.rule_id == rule_id)
    return Found(one.success, one.element_count, one.unexpected_count, tuple(row for (row,) in rows), one.observed)


@pytest.fixture(scope="session")
def gx() -> Callable[[Cells, Rules], dict[str, Found]]:
    """Run rules in Great Expectations' pandas engine: the reference. One context per session."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("batch")
    definition = asset.add_batch_definition_whole_dataframe("whole")

    def run(cells: Cells, rules: Rules) -> dict[str, Found]:
        suite = great_expectations.ExpectationSuite(
            name="test",
            expectations=[
                {
                    "type": r["type"],
                    "kwargs": {k: v for k, v in r.items() if k != "type"},
                    "meta": {"rule_id": rule_id},
                }
                for rule_id, r in rules.items()
            ],
        )
        batch = definition.get_batch({"dataframe": _frame(cells)})
        result = batch.validate(
            suite,
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": ["row_number"],
            },
        )
        return {r.expectation_config.meta["rule_id"]: _gx_found(r) for r in result.results}

    return run


def _frame(cells: Cells) -> Any:
    import pandas as pd

    series = {name: pd.Series(list(values), dtype=_dtype(kind, values)) for name, (kind, values) in cells.items()}
    count = len(next(iter(series.values())))
    return pd.DataFrame({"row_number": pd.Series(range(1, count + 1), dtype="int64"), **series})


def _dtype(kind: str, values: Sequence[Any]) -> str:
    if kind == "bigint":
        return "float64" if None in values else "int64"
    return "object"


def _gx_found(result: Any) -> Found:
    assert not result.exception_info.get("raised_exception", False), result.exception_info
    assert not any(isinstance(v, dict) and v.get("raised_exception") for v in result.exception_info.values())
    body = result.result
    rows = tuple(sorted(int(item["row_number"]) for item in body.get("unexpected_index_list") or ()))
    return Found(
        bool(result.success),
        body.get("element_count"),
        body.get("unexpected_count"),
        rows,
        body.get("observed_value"),
    )
