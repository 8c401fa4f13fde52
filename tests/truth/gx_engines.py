"""One frame, three engines: sipetl's executor, GX on pandas, GX on PostgreSQL, and what each says of a rule."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from sipetl.quality import Expectation, RuleResult, Suite, run_suite
from sipetl.quality.table_types import TABLE_TYPES
from sipetl.warehouse import embedded

Kwargs = Mapping[str, Any]
_ROW = {"result_format": "COMPLETE", "unexpected_index_column_names": ["row_number"]}
_POSTGRESQL = {"double": "double precision", "varchar": "text"}
_ARROW = {
    "bigint": pa.int64(),
    "double": pa.float64(),
    "decimal(18,6)": pa.decimal128(18, 6),
    "varchar": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
_FRESH = itertools.count()


@dataclass(frozen=True)
class Frame:
    """Columns of a batch: name to DuckDB type and cells. `row_number` is added where rows are told apart."""

    cells: Mapping[str, tuple[str, Sequence[Any]]]
    keeps_nan: bool = False
    """Whether not-a-number reaches PostgreSQL as such; else it goes in as missing."""

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return list(zip(*(cells for _, cells in self.cells.values()), strict=True))

    @property
    def numbered(self) -> list[tuple[Any, ...]]:
        """The rows, each behind its number."""
        return [(number, *row) for number, row in enumerate(self.rows, 1)]

    def values(self, column: str) -> list[Any]:
        """The cells that are not missing."""
        return [cell for cell in self.cells[column][1] if not is_missing(cell)]


def is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


@dataclass(frozen=True)
class Rule:
    """An expectation."""

    type: str
    kwargs: Kwargs


@dataclass(frozen=True)
class Found:
    """What an engine says of one rule; `observed` is compared only where both engines tell it."""

    success: bool
    element_count: int | None = None
    unexpected_count: int | None = None
    missing_count: int | None = None
    rows: tuple[int, ...] | None = ()
    error: str = field(default="", compare=False)
    observed: Any = field(default=None, compare=False)


class Executor:
    """sipetl."""

    def run(self, frame: Frame, rules: Sequence[Rule]) -> list[Found]:
        """Run rules on a frame."""
        with duckdb.connect() as con:
            told, failing = self.told(con, frame, frame.numbered, rules)
        return [
            Found(
                r.success,
                r.element_count,
                r.counts.get("unexpected_count", r.unexpected_count),
                r.counts.get("missing_count", r.missing_count),
                tuple(number for number, rule_id in failing if rule_id == r.rule_id),
                r.error,
                r.observed,
            )
            for r in told
        ]

    def told(
        self, con: duckdb.DuckDBPyConnection, frame: Frame, rows: Sequence[tuple[Any, ...]], rules: Sequence[Rule]
    ) -> tuple[Sequence[RuleResult], list[tuple[int, str]]]:
        """Run rules on rows in the order that they come in; give all results, and all failing rows."""
        declared = ", ".join(f'"{name}" {kind}' for name, (kind, _) in frame.cells.items())
        con.execute(f"create table batch (row_number bigint, {declared})")
        if rows:
            names = ["row_number", *frame.cells]
            kinds = [pa.int64(), *(_ARROW[kind] for kind, _ in frame.cells.values())]
            columns = [_array(cells, kind) for cells, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
            con.register("given", pa.table(columns, names=names))
            con.execute("insert into batch from given")
        suite = Suite("s", tuple(Expectation(str(i), r.type, r.kwargs) for i, r in enumerate(rules)))
        result = run_suite(con, "batch", suite)
        return result.rules, con.execute(f"from {result.failing} order by all").fetchall()


class _GX:
    """Great Expectations; one context for all frames."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations

        self._gx = great_expectations
        self._context = great_expectations.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}

    def _batch(self, frame: Frame, *, numbered: bool) -> Any:
        raise NotImplementedError

    def run(self, frame: Frame, rules: Sequence[Rule]) -> list[Found]:
        """Run rules; those about the table's shape see it without the row number, as in sipetl."""
        shape = [i for i, rule in enumerate(rules) if rule.type in TABLE_TYPES]
        rest = [i for i, rule in enumerate(rules) if rule.type not in TABLE_TYPES]
        found: dict[int, Found] = {}
        for at in (shape, rest):
            told = self._run(frame, [rules[i] for i in at], numbered=at is rest) if at else ()
            found |= dict(zip(at, told, strict=True))
        return [found[i] for i in range(len(rules))]

    def suite(self, rules: Sequence[Rule]) -> Any:
        """GX's own suite of some rules."""
        configs = [{"type": r.type, "kwargs": dict(r.kwargs), "meta": {"at": i}} for i, r in enumerate(rules)]
        return self._gx.ExpectationSuite(name="s", expectations=configs)

    def _run(self, frame: Frame, rules: Sequence[Rule], *, numbered: bool) -> list[Found]:
        suite = self.suite(rules)
        batch = self._batch(frame, numbered=numbered)
        results = batch.validate(suite, result_format=_ROW if numbered else "BASIC").results
        found = {r.expectation_config.meta["at"]: _read(r) for r in results}
        return [found[i] for i in range(len(rules))]


class Pandas(_GX):
    """GX's pandas engine."""

    def __init__(self) -> None:
        super().__init__()
        asset = self._context.data_sources.add_pandas("pandas").add_dataframe_asset("batch")
        self._definition = asset.add_batch_definition_whole_dataframe("whole")

    def _batch(self, frame: Frame, *, numbered: bool) -> Any:
        import pandas as pd

        series = {
            name: pd.Series(list(cells), dtype=_dtype(kind, cells)) for name, (kind, cells) in frame.cells.items()
        }
        numbers = {"row_number": pd.Series(range(1, len(frame.rows) + 1), dtype="int64")} if numbered else {}
        return self._definition.get_batch({"dataframe": pd.DataFrame({**numbers, **series})})


class Postgres(_GX):
    """GX's SQL engine on the embedded PostgreSQL; not-a-number goes in as missing, see NAN in `gx_differences`."""

    def __init__(self, server: embedded.Lease, database: str) -> None:
        super().__init__()
        from sqlalchemy import create_engine

        self._engine = create_engine(server.url("owner", database))
        self._source = self._context.data_sources.add_postgres(
            "postgres", connection_string=server.url("owner", database)
        )

    def _batch(self, frame: Frame, *, numbered: bool) -> Any:
        table = f"batch_{next(_FRESH)}"
        declared = [f'"{name}" {_POSTGRESQL.get(kind, kind)}' for name, (kind, _) in frame.cells.items()]
        rows = [[None if is_missing(cell) and not frame.keeps_nan else cell for cell in row] for row in frame.rows]
        if numbered:
            declared = ["row_number bigint", *declared]
            rows = [[number, *row] for number, row in enumerate(rows, 1)]
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"create table {table} ({', '.join(declared)})")
            insert = f"insert into {table} values ({', '.join(['%s'] * len(declared))})"
            for row in rows:
                connection.exec_driver_sql(insert, tuple(row))
        return self._source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("w").get_batch()

    def close(self) -> None:
        """Let go of the database."""
        self._source.get_engine().dispose()
        self._engine.dispose()


def _array(cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        cells = [None if cell is None else Decimal(cell) for cell in cells]
    return pa.array(cells, kind)


def _dtype(kind: str, cells: Sequence[Any]) -> str:
    if kind == "bigint":
        return "float64" if None in cells else "int64"
    return {"double": "float64", "decimal(18,6)": "float64", "varchar": "str", "timestamp": "datetime64[us]"}.get(
        kind, "object"
    )


def _read(result: Any) -> Found:
    info = result.exception_info
    told = [info, *(value for value in info.values() if isinstance(value, dict))]
    error = next((str(one.get("exception_message")) for one in told if one.get("raised_exception")), "")
    body = result.result
    rows: tuple[int, ...] | None = tuple(
        sorted(int(item["row_number"]) for item in body.get("unexpected_index_list") or ())
    )
    if "unexpected_index_query" in body and "unexpected_index_list" not in body:
        rows = None
    return Found(
        bool(result.success),
        body.get("element_count"),
        # GX's SQL engine sums no row to no number
        0 if body.get("element_count") == 0 else body.get("unexpected_count"),
        body.get("missing_count"),
        rows,
        error,
        body.get("observed_value"),
    )
