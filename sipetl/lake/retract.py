"""Take one part's rows out again, as if it had never been taken: what a person retracts.

Most rows carry their part's id. A snapshot was folded into spans with all others of its year, so its partition is folded
anew without it: from the last state that the snapshots before it made, with what each later one showed. Both are read
from older versions of the table, of which Delta keeps every one (nothing here deletes the files of past versions).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from sipetl.errors import LakeError
from sipetl.intake.contract import load_contract
from sipetl.lake.commit import rewrite
from sipetl.lake.diff import Difference, difference
from sipetl.lake.fold import ENDS, fold
from sipetl.lake.guard import Part, Scope
from sipetl.lake.tables import FOLDED, Lake, column_types, files_of, idents, open_table, quoted, read_files
from sipetl.registry.models import FeedName

_ROWS, _STATE = "retraction_rows", "retraction_state"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folded part, and a version of the table that holds it; an earlier one may, too."""

    part_id: str
    day: date
    version: int


@dataclass(frozen=True, slots=True)
class Retraction:
    """A part (`part.replaces`) to be taken out by another one, which has no rows."""

    part: Part
    base: Snapshot | None = None
    """Of a folded feed: the last snapshot whose state nothing retracted is in; None = the year begins anew."""
    later: tuple[Snapshot, ...] = ()
    """The snapshots to be folded onto it again, oldest day first."""


def retract(con: duckdb.DuckDBPyConnection, lake: Lake, out: Retraction, scratch: Path) -> int:
    """Commit the partition without the part. Returns the table's new version; the caller holds the part's lock.

    Raises:
        LakeError: an older version is not there any more, or the commit failed; nothing has changed.
    """
    return rewrite(con, lake, out.part, _state(con, lake, out), scratch)


def would_retract(
    con: duckdb.DuckDBPyConnection, lake: Lake, out: Retraction, *, time: str | None = None
) -> Difference:
    """What taking the part out would do; of a folded feed to those who are enrolled, or employed, now.

    Args:
        con: any connection.
        lake: the lake.
        out: what would be taken out.
        time: the feed's column of days or windows; a folded feed has none.
    """
    part, rows = out.part, read_files(out.part.feed, [])
    if part.feed in FOLDED:
        left = f"select * from ({_state(con, lake, out)}) where valid_to is null"
        rows = f"select * replace (coalesce(row_number, 0) as row_number), {_partition(part)} from ({left})"
    con.execute(f"create or replace temp table {_ROWS} as {rows}")
    return difference(con, lake, _ROWS, part, time=time)


def retraction_scope(part_id: str) -> Scope:
    """The scope of a part that takes another one out."""
    return Scope("retraction", by_columns=("part_id",), by_values=((part_id,),))


def rows_replaced(con: duckdb.DuckDBPyConnection, lake: Lake, part: Part, version: int) -> Counter[str]:
    """How many rows of which other parts a part replaced when it was committed.

    Args:
        con: any connection.
        lake: the lake.
        part: of a feed that is not folded.
        version: a version of the table that holds it.
    """
    own = _version_of(lake, part.feed, part.part_id, version)
    before, after = (_count(con, _state_at(lake, part, v)) for v in (own - 1, own))
    return before - after


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> Counter[str]:
    return Counter(dict(con.execute(f"select part_id, count(*) from ({rows}) group by all").fetchall()))


def _state(con: duckdb.DuckDBPyConnection, lake: Lake, out: Retraction) -> str:
    """Query for all rows of the partition without the part."""
    part, names = out.part, idents(column_types(out.part.feed))
    if part.feed not in FOLDED:
        return f"select {names} from ({_state_at(lake, part)}) where not ({part.outgoing()})"
    try:
        _refold(con, lake, out)
    except duckdb.IOException:
        raise LakeError(
            "a file of an older version is not there any more",
            where=lake.table_url(part.feed),
            why="a snapshot is taken out by folding the others anew",
            cure="send a right snapshot of a later day, or rebuild the home from landing",
        ) from None
    return f"select {names} from {_STATE}"


def _refold(con: duckdb.DuckDBPyConnection, lake: Lake, out: Retraction) -> None:
    part, names = out.part, idents(column_types(out.part.feed))
    base = -1 if out.base is None else _version_of(lake, part.feed, out.base.part_id, out.base.version)
    con.execute(f"create or replace temp table {_STATE} as select {names} from ({_state_at(lake, part, base)})")
    for one in out.later:
        own = _version_of(lake, part.feed, one.part_id, one.version)
        con.execute(f"create or replace temp table {_ROWS} as {_shown(lake, part, one, own)}")
        folded = Part(one.part_id, part.feed, part.district, part.school_year, Scope("snapshot", ends=one.day))
        fold(con, folded, spans=f"select * from {_STATE}", snapshot=_ROWS, target="retraction_folded")
        con.execute(f"create or replace temp table {_STATE} as select {names} from retraction_folded")


def _shown(lake: Lake, part: Part, one: Snapshot, version: int) -> str:
    """Query for a snapshot's rows, from what it made of the spans: it showed those that were open after it.

    Those that it closed it showed with a last day, or not at all; a span that it let vanish had ended before it began.
    A row's number in the file is known only where the snapshot itself opened its span.
    """
    ends, day = ENDS[part.feed], f"date '{one.day}'"
    names = [c.name for c in load_contract(part.feed).columns if c.name not in {ends, "snapshot_on"}]
    opened = [*load_contract(part.feed).key, "valid_from", "part_id", "row_number"]
    same = " and ".join(f'b."{name}" is not distinct from n."{name}"' for name in opened)
    last = f"least(coalesce(n.valid_to, b.valid_from), {day})"
    own = f"case when part_id = {quoted(one.part_id)} then row_number end as row_number"
    where = f"{day} as snapshot_on, {_partition(part)}"
    return f"""
        with n as ({_state_at(lake, part, version)}), b as ({_state_at(lake, part, version - 1)})
        select {idents(names)}, "{ends}", {own}, {where} from n where valid_to is null
        union all
        select {idents(names, "b.")}, {last} as "{ends}", null as row_number, {where}
        from b left join n on {same}
        where b.valid_to is null and (n.part_id is null or n.valid_to is not null)
    """


def _partition(part: Part) -> str:
    return f"{part.school_year}::integer as school_year, {quoted(part.district)} as district"


def _state_at(lake: Lake, part: Part, version: int | None = None) -> str:
    """Query for a partition's rows at a version (None = now; before the first there are none)."""
    table = None if version is not None and version < 0 else open_table(lake, part.feed, version)
    files = files_of(table, part.partition())
    lake.opened.extend(files)
    return f"select * from ({read_files(part.feed, files)}) where {part.partition()}"


def _version_of(lake: Lake, feed: FeedName, part_id: str, known: int) -> int:
    """The version that a part was committed as: the first that holds its transaction."""
    low, high = 0, known
    while low < high:
        middle = (low + high) // 2
        table = open_table(lake, feed, middle)
        if table is not None and table.transaction_version(part_id) is not None:
            high = middle
        else:
            low = middle + 1
    return low
