"""Small reference tables, from the warehouse or the registry into DuckDB."""

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


def make_places(
    con: duckdb.DuckDBPyConnection, districts: Iterable[tuple[str, str]], links: Iterable[Sequence[Any]]
) -> None:
    """Make `map_districts` and `map_crosswalk`, as the intake room wants them.

    Args:
        con: where.
        districts: organization code and district; a district may be written as either, or as a code's first half.
        links: district, local code, organization, and the days from and to which it holds.
    """
    con.execute("create temp table map_districts (code varchar, district varchar)")
    con.execute(
        "create temp table map_crosswalk"
        " (district varchar, local_code varchar, organization varchar, valid_from date, valid_to date)"
    )
    fill(con, "map_districts", sorted({(form, d) for code, d in districts for form in (code, _short(code), d)}))
    fill(con, "map_crosswalk", links)


def _short(code: str) -> str:
    """The district's half of an 8-digit organization code (glossary); another code as it is."""
    return code[:4] if len(code) == 8 else code
