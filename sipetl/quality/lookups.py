"""Small tables that are made before the counting pass and joined to the batch: a row that finds itself in one fails.

For what SQL cannot say of a single row (uniqueness, order, fences), and for predicates whose reference is
Python: regular expressions, date formats and JSON are judged over the *distinct* values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from sipetl.quality.sql import ROW_NUMBER, Column, quote
from sipetl.quality.values import Mask, Values, read_values
from sipetl.repeats import keep_repeated

_CHUNK = 50_000
"""Distinct values per fetch: keeps the Python predicates' memory flat."""


class Lookup(Protocol):
    """What `run.py` asks of every lookup."""

    @property
    def keys(self) -> tuple[str, ...]: ...

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        """Create the temporary table `name` with columns `{name}_0`, ... one per key, distinct."""


@dataclass(frozen=True, slots=True)
class BadTexts:
    """Distinct values of a text column that a Python predicate refuses.

    Python's `re` and `strptime` are the reference; DuckDB's own differ (`$` before a line end, digits
    beyond ASCII, look-around, month names).
    """

    column: Column
    accepts: Callable[[str], bool]

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.column.sql,)

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        column = self.column.sql
        con.execute(f"select distinct {column} from {table} where {column} is not null")
        bad: list[str] = []
        while chunk := con.fetchmany(_CHUNK):
            bad.extend(value for (value,) in chunk if not self.accepts(value))
        # as a parameter: pa.array(list) would load pandas
        con.execute(
            f"create or replace temp table {quote(name)} as select unnest(?::varchar[]) as {quote(f'{name}_0')}",
            [bad],
        )


@dataclass(frozen=True, slots=True)
class OutOfWindow:
    """Values of a column that do not fit with all others: `fits` sees how they are spread."""

    column: Column
    domain: str
    fits: Callable[[Values], Mask]

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.column.sql,)

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        values = read_values(con, table, self.column, self.domain)
        given = f"{name}_given"
        con.register(given, pa.Table.from_arrays([values.where(~self.fits(values))], names=[f"{name}_0"]))
        con.execute(f"create or replace temp table {quote(name)} as from {quote(given)}")
        con.unregister(given)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Keys that more than one row inside `where` has; missing parts of a key are equal to each other.

    Keys are compared by their 64-bit hash first, and exactly only where a hash repeats.
    """

    keys: tuple[str, ...]
    where: str

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        keys = ", ".join(self.keys)
        named = ", ".join(f"{key} as {quote(f'{name}_{i}')}" for i, key in enumerate(self.keys))
        ((rows,),) = con.execute(f"select count(*) from {table}").fetchall()
        repeated = f"{name}_repeated"
        keep_repeated(con, f"select hash({keys}) as h from {table} where {self.where}", rows, repeated)
        con.execute(
            f"create or replace temp table {quote(name)} as "
            f"select {named} from {table} where {self.where} and hash({keys}) in (from {quote(repeated)}) "
            f"group by {keys} having count(*) > 1"
        )
        con.execute(f"drop table {quote(repeated)}")


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Rows whose value does not follow, by `operator`, the last one before it that is not missing."""

    column: Column
    domain: str
    operator: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (ROW_NUMBER,)

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        column = self.column.sql
        con.execute(
            f"create or replace temp table {quote(name)} as select {ROW_NUMBER} as {quote(f'{name}_0')} from ("
            f"select {ROW_NUMBER}, {column} as v, lag({column}) over (order by {ROW_NUMBER}) as before "
            f"from {table} where ({self.domain}) and {column} is not null) where not v {self.operator} before"
        )
