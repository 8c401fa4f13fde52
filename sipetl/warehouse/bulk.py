"""Bulk reads and writes: Arrow tables go in and out by COPY, and only rows that differ are written."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Table, text

WORTH_ANALYSING = 1_000
"""Rows of a stage from which its statistics save the planner more than they cost."""
PART_ROWS, PART_BYTES = 50_000, 8 << 20
"""How much of a table is turned into the text that goes to the server, or comes from it, at a time."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a merge wrote (new or changed) and removed."""

    upserted: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """All rows touched."""
        return self.upserted + self.deleted

    def __add__(self, other: Written) -> Written:
        return Written(self.upserted + other.upserted, self.deleted + other.deleted)


def copy_in(connection: Connection, target: str, data: pa.Table) -> None:
    """Append an Arrow table by COPY; columns are matched by name.

    An empty string stays an empty string, null stays null: CSV quotes the first and not the second.
    """
    if data.num_rows == 0:
        return
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    columns = ", ".join(f'"{name}"' for name in data.column_names)
    raw = connection.connection.dbapi_connection
    with raw.cursor().copy(f"copy {target} ({columns}) from stdin with (format csv)") as copy:  # type: ignore[union-attr]
        for first in range(0, data.num_rows, PART_ROWS):
            buffer = io.BytesIO()
            pyarrow.csv.write_csv(data.slice(first, PART_ROWS), buffer, options)
            copy.write(buffer.getbuffer())


def copy_out(connection: Connection, query: str, given: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Read a query by COPY, many times faster than row by row.

    Args:
        connection: an open transaction.
        query: its parameters are written `%(name)s`.
        given: the parameters.
        schema: of the result, in the query's order; no booleans, which PostgreSQL writes as `t` and `f`.
    """
    return pa.concat_tables([schema.empty_table(), *copy_out_parts(connection, query, given, schema)])


def copy_out_parts(
    connection: Connection, query: str, given: Mapping[str, Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Read a query by COPY, some rows at a time: for a caller that does not want to hold them all."""
    raw = connection.connection.dbapi_connection
    buffer = io.BytesIO()
    with raw.cursor().copy(f"copy ({query}) to stdout (format csv)", given) as copy:  # type: ignore[union-attr]
        for row in copy:  # the server sends each row by itself
            buffer.write(row)
            if buffer.tell() >= PART_BYTES:
                yield _parsed(buffer, schema)
                buffer = io.BytesIO()
    if buffer.tell():
        yield _parsed(buffer, schema)


def _parsed(buffer: io.BytesIO, schema: pa.Schema) -> pa.Table:
    buffer.seek(0)
    return pyarrow.csv.read_csv(
        buffer,
        pyarrow.csv.ReadOptions(column_names=schema.names),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def merge(connection: Connection, table: Table, data: pa.Table, *, within: str) -> Written:
    """Make the rows of a table `within` a condition equal to `data`; rows that are equal already are not touched.

    Args:
        connection: an open transaction.
        table: the target; its primary key identifies rows.
        data: the new rows, with all columns that are to be written.
        within: SQL condition on the target (alias `t`): rows there that `data` lacks are deleted.
    """
    with _staged(connection, table, data) as stage:
        same = _same_key(table)
        lacking = f"delete from {table} t where ({within}) and not exists (select from {stage} s where {same})"
        return Written(
            _upsert(connection, table, stage, data.column_names), connection.execute(text(lacking)).rowcount
        )


def append(connection: Connection, table: Table, rows: pa.Table) -> Written:
    """Write rows that should not be there yet, in half the time of `patch`; if one is there, it is brought up to date."""
    try:
        with connection.begin_nested():
            copy_in(connection, str(table), rows)
    except UniqueViolation:
        return patch(connection, table, rows, rows.slice(0, 0))
    return Written(upserted=rows.num_rows)


def patch(connection: Connection, table: Table, rows: pa.Table, gone: pa.Table) -> Written:
    """Write rows, and delete others by their keys: for callers that have compared already.

    Args:
        connection: an open transaction.
        table: the target; its primary key identifies rows.
        rows: rows that are new or changed, with all columns that are to be written.
        gone: primary keys of the rows to delete.
    """
    written = Written()
    if rows.num_rows:
        with _staged(connection, table, rows) as stage:
            written += Written(upserted=_upsert(connection, table, stage, rows.column_names))
    if gone.num_rows:
        with _staged(connection, table, gone) as stage:
            found = connection.execute(text(f"delete from {table} t using {stage} s where {_same_key(table)}"))
            written += Written(deleted=found.rowcount)
    return written


@contextmanager
def _staged(connection: Connection, table: Table, data: pa.Table) -> Iterator[str]:
    """A temporary table with the data, under the types of the target."""
    stage, names = f"stage_{table.name}", ", ".join(f'"{name}"' for name in data.column_names)
    connection.execute(
        text(f"create temporary table {stage} on commit drop as select {names} from {table} with no data")
    )
    copy_in(connection, stage, data)
    if data.num_rows >= WORTH_ANALYSING:
        connection.execute(text(f"analyze {stage}"))
    yield stage
    connection.execute(text(f"drop table {stage}"))


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _same_key(table: Table) -> str:
    return " and ".join(f't."{name}" = s."{name}"' for name in _key(table))


def _upsert(connection: Connection, table: Table, stage: str, columns: Sequence[str]) -> int:
    key = _key(table)
    names = ", ".join(f'"{name}"' for name in columns)
    others = [name for name in columns if name not in key]
    new = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    differs = " or ".join(f't."{name}" is distinct from excluded."{name}"' for name in others)
    action = f"update set {new} where {differs}" if others else "nothing"
    keys = ", ".join(f'"{name}"' for name in key)
    sql = f"insert into {table} as t ({names}) select {names} from {stage} on conflict ({keys}) do {action}"
    return connection.execute(text(sql)).rowcount
