"""Who is one student: the lake table `identity`, from pseudonym to student key (decision 10).

Rosters say which local id and which state id belong together. Ids that are linked, directly or over others, are one
student; `student_key` comes from the smallest hash of the linked set, so a rebuild gives the same. The table is joined at
compute time: a late state id or a corrected roster recomputes, and never rewrites rows.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from sipetl.errors import LakeError
from sipetl.lake.tables import Lake, attach, column_types, one_row, quoted
from sipetl.registry.models import FeedName

NAME = "identity"
LOCK = "lake:identity"
SCHEMA = pa.schema([("id_hash", pa.binary()), ("student_key", pa.int64())])


def refresh_identity(con: duckdb.DuckDBPyConnection, lake: Lake) -> bool:
    """Make the table what the rosters say now; says whether it changed. The caller holds `LOCK`.

    Raises:
        LakeError: two students would get the same key, or the commit failed.
    """
    roster = attach(con, lake, FeedName.ROSTER)
    con.execute(f"create or replace temp table edge as {_edges(roster)}")
    _spread(con)
    con.execute(f"""
        create or replace temp table new_identity as
        select id_hash, {key_of("head")} as student_key, head from link
    """)
    _refuse_collisions(con)
    if not _differs(con, lake):
        return False
    rows = con.table("new_identity").project("id_hash, student_key").order("id_hash").to_arrow_table()
    try:
        write_deltalake(lake.table_url(NAME), rows.cast(SCHEMA), mode="overwrite")
    except DeltaError as error:
        raise LakeError(f"the commit failed ({type(error).__name__})", where=lake.table_url(NAME)) from None
    return True


def attach_identity(con: duckdb.DuckDBPyConnection, lake: Lake) -> str:
    """Make view `identity(id_hash, student_key)`; an id that is not in it is a student of its own."""
    files = _files(lake)
    lake.opened.extend(files)
    lake.views[NAME] = files
    listed = ", ".join(map(quoted, files))
    source = (
        f"read_parquet([{listed}])"
        if files
        else "(select null::blob as id_hash, null::bigint as student_key limit 0)"
    )
    con.execute(f"create or replace temp view {NAME} as select id_hash, student_key from {source}")
    return NAME


def view_types(view: str) -> dict[str, str]:
    """DuckDB types of the columns of a view that `attach` or `attach_identity` makes."""
    if view == NAME:
        return {"id_hash": "blob", "student_key": "bigint"}
    feed = FeedName(view.removeprefix("lake_"))
    return {**column_types(feed), "school_year": "integer", "district": "varchar"}


def key_of(column: str) -> str:
    """SQL: the 63-bit key of a hash, as a bigint that is never negative."""
    return f"(('0x' || substr(hex({column}), 1, 16))::ubigint >> 1)::bigint"


def _edges(roster: str) -> str:
    """Every id with every id it stands beside in a roster row, both ways, and with itself."""
    return f"""
        with pair as (
            select distinct id_hash as a, coalesce(state_id_hash, id_hash) as b from {roster}
            where id_hash is not null
        )
        select a, b from pair union select b, a from pair union select a, a from pair union select b, b from pair
    """


def _spread(con: duckdb.DuckDBPyConnection) -> None:
    """Let every linked set agree on its smallest hash: each id takes the smallest head among its neighbours."""
    con.execute("create or replace temp table link as select a as id_hash, min(b) as head from edge group by a")
    settled = False
    while not settled:
        con.execute("""
            create or replace temp table next_link as
            select a as id_hash, min(head) as head from edge join link on link.id_hash = edge.b group by a
        """)
        moved = "select count(*) from link join next_link n using (id_hash) where link.head <> n.head"
        settled = one_row(con, moved)[0] == 0
        con.execute("create or replace temp table link as select * from next_link")


def _refuse_collisions(con: duckdb.DuckDBPyConnection) -> None:
    if one_row(con, "select count(distinct head) - count(distinct student_key) from new_identity")[0]:
        raise LakeError("two students would get the same key", where=NAME, cure="make a new key for this home")


def _differs(con: duckdb.DuckDBPyConnection, lake: Lake) -> bool:
    old = attach_identity(con, lake)
    differs = f"""
        select exists (select id_hash, student_key from new_identity except select id_hash, student_key from {old})
            or exists (select id_hash, student_key from {old} except select id_hash, student_key from new_identity)
    """
    return bool(one_row(con, differs)[0])


def _files(lake: Lake) -> list[str]:
    try:
        return sorted(DeltaTable(lake.table_url(NAME)).file_uris())
    except TableNotFoundError:
        return []
    except (DeltaError, OSError) as error:
        raise LakeError(f"the table cannot be read ({type(error).__name__})", where=NAME) from None
