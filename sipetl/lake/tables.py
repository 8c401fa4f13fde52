"""Delta tables, one per feed, partitioned by school year and district; and how any engine reads them.

Partition types are forced from the Delta schema: district `3501` must stay text (design decision 2). The files of
a table are listed by Delta and read by DuckDB, so that what was opened can be counted.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from sipetl.errors import LakeError
from sipetl.intake.contract import load_contract
from sipetl.registry.models import FeedName

PARTITION = ("school_year", "district")
PROVENANCE = {"part_id": "varchar", "row_number": "bigint"}
FOLDED = (FeedName.ROSTER, FeedName.STAFF)
"""Feeds whose snapshots are folded into dated spans (choice 5)."""
SPAN = {"valid_from": "date", "valid_to": "date"}
NO_SPACE = os.strerror(errno.ENOSPC)
"""Of a full disk DuckDB and Delta pass the system's words on, and not its number."""
UNCHANGED = "the table is as it was: mend it, or make room there, and run again"
_ARROW = {
    "varchar": pa.string(),
    "blob": pa.binary(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "decimal(18,6)": pa.decimal128(18, 6),
}


@dataclass(frozen=True)
class Lake:
    """The lake of a home: where it is, and which of its files this process has opened."""

    url: str
    opened: list[str] = field(default_factory=list)
    known: dict[str, DeltaTable] = field(default_factory=dict, repr=False, compare=False)
    """Tables whose log was read before: only what is new in it is read again."""
    views: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    """Files of the views that were made last, by name: an engine other than DuckDB reads them itself."""
    others: dict[str, Lake] = field(default_factory=dict, repr=False, compare=False)

    def beside(self, name: str) -> Lake:
        """The same lake for another thread; a name always gets the same one."""
        return self.others.setdefault(name, Lake(self.url))

    @cached_property
    def root(self) -> str:
        """The folder or URL below which the tables are, without a trailing slash."""
        return self.url.removeprefix("file://").rstrip("/")

    @property
    def is_local(self) -> bool:
        """On a file system of this machine."""
        return urlparse(self.root).scheme == ""

    def table_url(self, name: str) -> str:
        """Where the table of a feed (or `identity`) is."""
        return f"{self.root}/{name}"


def column_types(feed: FeedName) -> dict[str, str]:
    """DuckDB types of a lake table's columns, in order, without the partition columns."""
    types = {c.name: c.physical_type for c in load_contract(feed).columns}
    return {**types, **(SPAN if feed in FOLDED else {}), **PROVENANCE}


def arrow_schema(feed: FeedName) -> pa.Schema:
    """Schema of a lake table, partition columns last."""
    fields = [pa.field(name, _ARROW[kind]) for name, kind in column_types(feed).items()]
    return pa.schema([*fields, pa.field("school_year", pa.int32()), pa.field("district", pa.string())])


def open_table(lake: Lake, feed: FeedName, version: int | None = None) -> DeltaTable | None:
    """The table as it is now, or as it was at a version; None before the first commit.

    Raises:
        LakeError: it is there and cannot be read.
    """
    try:
        if version is not None:
            return DeltaTable(lake.table_url(feed), version=version)
        if feed not in lake.known:
            lake.known[feed] = DeltaTable(lake.table_url(feed))
        else:
            lake.known[feed].update_incremental()
        return lake.known[feed]
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise LakeError(f"the table cannot be read ({why(error)})", where=lake.table_url(feed)) from None


def create_table(lake: Lake, feed: FeedName) -> DeltaTable:
    """The table, made if it is not there yet; safe when two processes make it at once."""
    there = open_table(lake, feed)
    if there is not None:
        return there
    try:
        return DeltaTable.create(
            lake.table_url(feed), schema=arrow_schema(feed), mode="ignore", partition_by=list(PARTITION)
        )
    except (DeltaError, OSError) as error:
        table = open_table(lake, feed)
        if table is None:
            what = f"the table cannot be made ({why(error)})"
            raise LakeError(what, where=lake.table_url(feed), cure=UNCHANGED) from None
        return table


def why(error: Exception) -> str:
    """The class of an error, or that the disk is full: the words of DuckDB and Delta may quote rows."""
    return NO_SPACE if NO_SPACE in str(error) else type(error).__name__


def partition_predicate(years: Collection[int] | None, districts: Collection[str] | None) -> str:
    """SQL predicate on the partition columns, for pruning files."""
    parts = []
    if years is not None:
        parts.append(f"school_year in ({', '.join(str(int(year)) for year in sorted(years))})")
    if districts is not None:
        parts.append(f"district in ({', '.join(map(quoted, sorted(districts)))})")
    return " and ".join(parts)


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The single row of a query, read to its end: DuckDB refuses new work while a result is open."""
    return con.execute(sql).fetchall()[0]


def idents(names: Iterable[str], prefix: str = "") -> str:
    """SQL identifiers with commas between; some columns (`window`) have names that SQL keeps for itself."""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def files_of(table: DeltaTable | None, predicate: str) -> list[str]:
    """Files that may hold rows for which the predicate is true; empty predicate = all files."""
    if table is None:
        return []
    return sorted(table.file_uris(file_pruning_predicate=predicate) if predicate else table.file_uris())


def rows_by_district(lake: Lake, feed: FeedName, school_year: int) -> dict[str, int]:
    """How many rows each district has in a year, by the table's log alone."""
    table = open_table(lake, feed)
    if table is None:
        return {}
    files = pa.table(table.get_add_actions(flatten=True))
    own = files.filter(pa.compute.equal(files["partition.school_year"], school_year))
    sums = own.group_by("partition.district").aggregate([("num_records", "sum")])
    return dict(zip(sums["partition.district"].to_pylist(), sums["num_records_sum"].to_pylist(), strict=True))


def attach(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    feed: FeedName,
    *,
    years: Collection[int] | None = None,
    districts: Collection[str] | None = None,
    version: int | None = None,
) -> str:
    """Make view `lake_<feed>`: the rows of some years and districts (None = all). Returns its name."""
    nothing = (years is not None and not years) or (districts is not None and not districts)
    table = None if nothing else open_table(lake, feed, version)
    files = files_of(table, partition_predicate(years, districts))
    lake.opened.extend(files)
    name = f"lake_{feed}"
    lake.views[name] = files
    con.execute(f"create or replace temp view {name} as {read_files(feed, files)}")
    return name


def close_off(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Let an engine read the lake and no other file for the rest of its life, whatever a statement says.

    A lake elsewhere than on this machine is read through extensions, which DuckDB could then not load any more.
    """
    if lake.is_local:
        root = Path(lake.root).absolute()  # Delta names files by where links lead to
        con.execute("set allowed_directories = $1", [[str(root), str(root.resolve())]])
        con.execute("set enable_external_access = false")


def read_files(feed: FeedName, files: list[str]) -> str:
    """A query over files of a feed's table, with its types; over no rows when there are no files."""
    types = column_types(feed)
    if not files:
        columns = ", ".join(f'null::{kind} as "{name}"' for name, kind in types.items())
        return f"select {columns}, null::integer as school_year, null::varchar as district where false"
    listed = ", ".join(map(quoted, files))
    return (
        f"select {idents(types)}, school_year, district from read_parquet([{listed}], hive_partitioning = true,"
        " hive_types = {'school_year': integer, 'district': varchar}, union_by_name = true)"
    )
