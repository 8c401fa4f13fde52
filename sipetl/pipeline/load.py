"""Small reference tables, from the warehouse into DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Make a table's content these rows, in the order of its columns."""
    con.execute(f"delete from {table}")
    columns = list(zip(*rows, strict=True))
    if not columns:
        return
    con.register("filling", pa.table([pa.array(c) for c in columns], names=[f"c{i}" for i in range(len(columns))]))
    con.execute(f"insert into {table} select * from filling")
    con.unregister("filling")
