"""Small tables that are made before the pass over the rows: a row that finds itself in one fails.

For what SQL cannot say of a single row (uniqueness, order, fences), and for predicates whose reference is
Python: regular expressions, date formats and JSON are judged over the *distinct* values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from sipetl.quality.sql import ROW_NUMBER, Column, all_of, quote, text
from sipetl.quality.values import Mask, Values, read_values
from sipetl.repeats import keep_repeated

_CHUNK = 50_000
"""Distinct values per fetch: keeps the Python predicates' memory flat."""
_LOOK = 20_000
"""Rows that are looked at first."""
_REPEATS = 4
"""Where a value comes this often among them, to find the distinct ones takes less time than a pattern on every row."""


class Lookup(Protocol):
    """What `run.py` asks of every lookup."""

    @property
    def key(self) -> str:
        """What of a row is looked up, as SQL."""

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        """Create the temporary table `name` of one column, `hit`: keys, distinct and none of them null."""


@dataclass(frozen=True, slots=True)
class BadTexts:
    """Distinct values of a text column that a Python predicate refuses.

    Python's `re` and `strptime` are the reference; DuckDB's own differ (`$` before a line end, digits
    beyond ASCII, look-around, month names). `surely` is a pattern of DuckDB's for texts that the predicate
    accepts without doubt, so that of a column of many values only the others need to be looked at.
    """

    column: Column
    accepts: Callable[[str], bool]
    surely: str | None = None

    @property
    def key(self) -> str:
        return self.column.sql

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        where = all_of(f"{self.key} is not null", self._doubtful(con, table))
        con.execute(f"select distinct {self.key} from {table} where {where}")
        bad: list[str] = []
        while chunk := con.fetchmany(_CHUNK):
            bad.extend(value for (value,) in chunk if not self.accepts(value))
        # as a parameter: pa.array(list) would load pandas
        con.execute(f"create or replace temp table {quote(name)} as select unnest(?::varchar[]) as hit", [bad])

    def _doubtful(self, con: duckdb.DuckDBPyConnection, table: str) -> str:
        if self.surely is None:
            return "true"
        look = f"select count(distinct c), count(c) from (select {self.key} as c from {table} limit {_LOOK})"
        ((distinct, present),) = con.execute(look).fetchall()
        if distinct * _REPEATS < present:
            return "true"
        try:
            con.execute("select regexp_matches('', ?)", [self.surely]).fetchall()
        except duckdb.Error:  # DuckDB takes no pattern as large as this one
            return "true"
        return f"not regexp_matches({self.key}, {text(self.surely)})"


@dataclass(frozen=True, slots=True)
class OutOfWindow:
    """Values of a column that do not fit with all others: `fits` sees how they are spread."""

    column: Column
    domain: str
    fits: Callable[[Values], Mask]

    @property
    def key(self) -> str:
        return self.column.sql

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        values = read_values(con, table, self.column, self.domain)
        _keep(con, name, values.where(~self.fits(values)))


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows whose keys another row inside `where` has too; missing parts of a key are equal to each other.

    Keys are compared by their 64-bit hash first, and exactly only where a hash repeats.
    """

    keys: tuple[str, ...]
    where: str

    @property
    def key(self) -> str:
        return ROW_NUMBER

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        keys = ", ".join(self.keys)
        ((rows,),) = con.execute(f"select count(*) from {table}").fetchall()
        repeated = f"{name}_repeated"
        keep_repeated(con, f"select hash({keys}) as h from {table} where {self.where}", rows, repeated)
        con.execute(
            f"create or replace temp table {quote(name)} as select {ROW_NUMBER} as hit from {table} "
            f"where {self.where} and hash({keys}) in (from {quote(repeated)}) "
            f"qualify count(*) over (partition by {keys}) > 1"
        )
        con.execute(f"drop table {quote(repeated)}")


def _keep(con: duckdb.DuckDBPyConnection, name: str, hits: pa.Array) -> None:
    given = f"{name}_given"
    con.register(given, pa.Table.from_arrays([hits], names=["hit"]))
    con.execute(f"create or replace temp table {quote(name)} as from {quote(given)}")
    con.unregister(given)


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Rows whose value does not follow, by `operator`, the last one before it that is not missing."""

    column: Column
    domain: str
    operator: str

    @property
    def key(self) -> str:
        return ROW_NUMBER

    def build(self, con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
        column = self.column.sql
        con.execute(
            f"create or replace temp table {quote(name)} as select {ROW_NUMBER} as hit from ("
            f"select {ROW_NUMBER}, {column} as v, lag({column}) over (order by {ROW_NUMBER}) as before "
            f"from {table} where ({self.domain}) and {column} is not null) where not v {self.operator} before"
        )
