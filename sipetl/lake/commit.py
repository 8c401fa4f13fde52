"""One Delta commit for the parts of a batch: exactly each part's scope is replaced, everything else stays.

The new files are written first, then one transaction swaps them for the files they replace and carries each part's
id as a Delta application transaction. Delta stores that id and does not refuse a second one, so the caller asks
`is_committed` first (decision 7). Callers hold the parts' locks.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from sipetl.errors import LakeError
from sipetl.intake import failures, open_place, reason
from sipetl.intake.contract import load_contract
from sipetl.lake.fold import fold
from sipetl.lake.guard import Part, pruning
from sipetl.lake.tables import (
    FOLDED,
    PARTITION,
    UNCHANGED,
    Lake,
    arrow_schema,
    column_types,
    create_table,
    files_of,
    idents,
    one_row,
    open_table,
    quoted,
    read_files,
    why,
)
from sipetl.registry.models import FeedName

ATTEMPTS = 50
"""At the optimistic commit, when other districts commit in between (choice 2 used the same number)."""
_DATES = "date"


@dataclass(frozen=True, slots=True)
class _Swap:
    adds: tuple[AddAction, ...]
    removes: tuple[RemoveAction, ...]


def is_committed(lake: Lake, part: Part) -> int | None:
    """A version of the table that holds this part's transaction; None when it was never committed."""
    table = open_table(lake, part.feed)
    if table is None or table.transaction_version(part.part_id) is None:
        return None
    return table.version()


def commit(con: duckdb.DuckDBPyConnection, lake: Lake, rows: str, parts: Sequence[Part], scratch: Path) -> int:
    """Commit parts of one feed in one transaction. Returns the table's new version.

    Args:
        con: where the table of good rows is.
        lake: the lake.
        rows: table of good rows: contract columns, school_year, district, row_number.
        parts: of one feed, no two of the same partition; the locks of all are held.
        scratch: folder for files before they are moved into the table.

    Raises:
        LakeError: the files or the commit failed; nothing has changed.
    """
    table = create_table(lake, parts[0].feed)
    return _put(lake, table, parts, [_swap(con, lake, table, rows, part, scratch) for part in parts])


def rewrite(con: duckdb.DuckDBPyConnection, lake: Lake, part: Part, state: str, scratch: Path) -> int:
    """Commit what a query says as all that is in a part's partition. Returns the table's new version.

    Raises:
        LakeError: the files or the commit failed; nothing has changed.
    """
    table = create_table(lake, part.feed)
    old = files_of(table, part.partition())
    added = _write(con, lake, part, state, scratch)
    swap = _Swap((added,) if added else (), _removals(lake.table_url(part.feed), old, part))
    return _put(lake, table, [part], [swap])


def _put(lake: Lake, table: DeltaTable, parts: Sequence[Part], swaps: Sequence[_Swap]) -> int:
    feed = parts[0].feed
    actions: list[AddAction | RemoveAction] = []
    for swap in swaps:
        actions += [*swap.adds, *swap.removes]
    for _ in range(ATTEMPTS):
        try:
            return _transact(table, feed, actions, parts)
        except CommitFailedError:
            table = create_table(lake, feed)
        except (DeltaError, OSError) as error:
            what = f"the commit failed ({why(error)})"
            raise LakeError(what, where=lake.table_url(feed), cure=UNCHANGED) from None
    raise LakeError("the commit failed: others kept committing", where=lake.table_url(feed), cure="run it again")


def _transact(
    table: DeltaTable, feed: FeedName, actions: list[AddAction | RemoveAction], parts: Sequence[Part]
) -> int:
    """Commit on the table as it is now.

    Delta takes any commit in between for a conflict, since it cannot know which rows were read; the parts' locks
    guarantee that none touched these partitions, so the same actions hold on the newer version. Would two commits remove
    the same file, the second fails for good.
    """
    table.create_write_transaction(
        actions,
        mode="append",
        schema=arrow_schema(feed),
        partition_by=list(PARTITION),
        commit_properties=CommitProperties(
            max_commit_retries=0, app_transactions=[Transaction(p.part_id, 1) for p in parts]
        ),
    )
    table.update_incremental()
    return table.version()


def _swap(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: DeltaTable, rows: str, part: Part, scratch: Path
) -> _Swap:
    """Write the new files of a part's scope, and name the files they replace."""
    old = files_of(table, pruning(part))
    lake.opened.extend(old)
    added = _write(con, lake, part, _new_state(con, part, rows, old), scratch)
    return _Swap((added,) if added else (), _removals(lake.table_url(part.feed), old, part))


def _new_state(con: duckdb.DuckDBPyConnection, part: Part, rows: str, old: list[str]) -> str:
    """Query for the rows of the touched files after the commit."""
    names = idents(column_types(part.feed))
    current = f"select * from ({read_files(part.feed, old)}) where {part.partition()}"
    if part.feed in FOLDED:
        fold(con, part, spans=current, snapshot=rows, target="folded")
        return f"select {names} from folded"
    own = quoted(part.part_id)
    new = f"select *, {own}::enum({own}) as part_id from {rows} where {part.partition()}"
    kept = f"select {names} from ({current}) o where not ({part.outgoing()})"
    if part.scope.kind == "increment":
        same = " and ".join(f'o."{c}" is not distinct from n."{c}"' for c in load_contract(part.feed).key)
        replaced = f"part_id in ({', '.join(map(quoted, part.replaces))})" if part.replaces else "false"
        kept = f"select {names} from ({current}) o where not {replaced}"
        kept += f" and not exists (select 1 from ({new}) n where {same})"
    return f"{kept} union all select {names} from ({new})" if old else f"select {names} from ({new})"


def _write(con: duckdb.DuckDBPyConnection, lake: Lake, part: Part, query: str, scratch: Path) -> AddAction | None:
    """Write a Parquet file into the table's folder; None when there are no rows."""
    relative = f"school_year={part.school_year}/district={part.district}/part-{uuid.uuid4()}.parquet"
    scratch.mkdir(parents=True, exist_ok=True)
    draft = scratch / Path(relative).name
    try:
        done = _copy(con, query, draft, part.feed)
    except duckdb.Error as error:
        what = f"the rows cannot be written ({why(error)})"
        raise LakeError(what, where=str(scratch), cure=UNCHANGED) from None
    if done[1] == 0:
        draft.unlink(missing_ok=True)
        return None
    _move(draft, f"{lake.table_url(part.feed)}/{relative}")
    size, count, statistics = done[2], done[1], done[4]
    return AddAction(
        path=relative,
        size=size,
        partition_values={"school_year": str(part.school_year), "district": part.district},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps(_stats(part.feed, count, statistics)),
    )


def _copy(con: duckdb.DuckDBPyConnection, query: str, draft: Path, feed: FeedName) -> tuple[Any, ...]:
    """Write a query's rows; the file's name, rows, bytes and statistics.

    Words of a closed list are written as such: for a text of any value DuckDB makes a dictionary row by row, which took a
    third of the time of nine million rows of attendance. The file is the same.
    """
    lists = {c.name: ", ".join(map(quoted, c.enum)) for c in load_contract(feed).columns if c.enum}
    words = ", ".join(f'"{name}"::enum({listed}) as "{name}"' for name, listed in lists.items())
    if words:
        with suppress(duckdb.ConversionException):  # a district's own rules may let other words pass
            return _copied(con, f"select * replace ({words}) from ({query})", draft)
    return _copied(con, query, draft)


def _copied(con: duckdb.DuckDBPyConnection, query: str, draft: Path) -> tuple[Any, ...]:
    return one_row(con, f"copy ({query}) to {quoted(str(draft))} (format parquet, compression zstd, return_stats)")


def _stats(feed: FeedName, count: int, statistics: dict[str, dict[str, str]]) -> dict[str, object]:
    """Delta's file statistics: the row count, and the range of every date column, by which files are pruned."""
    ranges = {
        name: found
        for name, kind in column_types(feed).items()
        if kind == _DATES and (found := statistics.get(f'"{name}"') or statistics.get(name)) and "min" in found
    }
    return {
        "numRecords": count,
        "minValues": {name: found["min"] for name, found in ranges.items()},
        "maxValues": {name: found["max"] for name, found in ranges.items()},
        "nullCount": {name: int(found.get("null_count", 0)) for name, found in ranges.items()},
    }


def _move(draft: Path, url: str) -> None:
    """Put a finished file in place; readers see it only when the commit names it."""
    place = open_place(url)
    try:
        if place.is_local:
            Path(place.path).parent.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):
                os.replace(draft, place.path)  # noqa: PTH105 (the same call, and an OSError across file systems)
                return
        place.store.put_file(str(draft), place.path)
        draft.unlink()
    except failures() as error:
        where = url.rsplit("/", 1)[0]
        raise LakeError(f"a file cannot be written ({reason(error)})", where=where, cure=UNCHANGED) from None


def _removals(root: str, uris: list[str], part: Part) -> tuple[RemoveAction, ...]:
    """Actions that take the replaced files out of the table; the files stay, for reads of older versions."""
    now = int(time.time() * 1000)
    values: dict[str, str | None] = {"school_year": str(part.school_year), "district": part.district}
    return tuple(
        RemoveAction(uri.removeprefix(f"{root}/"), data_change=True, deletion_timestamp=now, partition_values=values)
        for uri in uris
    )
