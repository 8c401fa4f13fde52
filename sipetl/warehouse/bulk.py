"""Bulk writes: Arrow tables go in by COPY, and only rows that differ are written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection, Table, text


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
    buffer = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(data, buffer, options)
    columns = ", ".join(f'"{name}"' for name in data.column_names)
    raw = connection.connection.dbapi_connection
    with raw.cursor().copy(f"copy {target} ({columns}) from stdin with (format csv)") as copy:  # type: ignore[union-attr]
        copy.write(buffer.getvalue())


def merge(connection: Connection, table: Table, data: pa.Table, *, within: str) -> Written:
    """Make the rows of a table `within` a condition equal to `data`; rows that are equal already are not touched.

    Args:
        connection: an open transaction.
        table: the target; its primary key identifies rows.
        data: the new rows, with all columns that are to be written.
        within: SQL condition on the target (alias `t`): rows there that `data` lacks are deleted.
    """
    target = f"{table.schema}.{table.name}"
    stage = f"stage_{table.name}"
    connection.execute(text(f"create temporary table {stage} (like {target}) on commit drop"))
    _drop_not_null(connection, stage, [c.name for c in table.columns if c.name not in data.column_names])
    copy_in(connection, stage, data)
    connection.execute(text(f"analyze {stage}"))
    key = [c.name for c in table.primary_key.columns]
    written = Written(
        upserted=_upsert(connection, target, stage, key, data.column_names),
        deleted=_delete(connection, target, stage, key, within),
    )
    connection.execute(text(f"drop table {stage}"))
    return written


def _drop_not_null(connection: Connection, stage: str, columns: Sequence[str]) -> None:
    for name in columns:
        connection.execute(text(f'alter table {stage} alter column "{name}" drop not null'))


def _upsert(connection: Connection, target: str, stage: str, key: Sequence[str], columns: Sequence[str]) -> int:
    names = ", ".join(f'"{name}"' for name in columns)
    others = [name for name in columns if name not in key]
    new = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    differs = " or ".join(f't."{name}" is distinct from excluded."{name}"' for name in others)
    action = f"update set {new} where {differs}" if others else "nothing"
    keys = ", ".join(f'"{name}"' for name in key)
    sql = f"insert into {target} as t ({names}) select {names} from {stage} on conflict ({keys}) do {action}"
    return connection.execute(text(sql)).rowcount


def _delete(connection: Connection, target: str, stage: str, key: Sequence[str], within: str) -> int:
    same = " and ".join(f't."{name}" = s."{name}"' for name in key)
    sql = f"delete from {target} t where ({within}) and not exists (select from {stage} s where {same})"
    return connection.execute(text(sql)).rowcount
