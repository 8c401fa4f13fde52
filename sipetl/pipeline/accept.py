"""The second half of a commit: what the Delta log holds is accepted in the ledger, now or after a kill (decision 7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, select

from sipetl.lake import FOLDED, Lake, Part, Scope, attach, is_committed
from sipetl.pipeline.home import OpenHome
from sipetl.registry.models import FeedName
from sipetl.warehouse import advisory_locks, ledger
from sipetl.warehouse import tables as t

_PART_NAME = ("delivery_id", "member", "feed", "district", "school_year")
"""What a part is called, whichever try at it: its id is made anew with each."""


def accept_part(home: OpenHome, con: Any, row: Any, version: int) -> None:
    """The accept row of a part that the Delta log holds, and what it superseded."""
    still_there = None if row.feed in FOLDED else _parts_with_rows(con, home.lake, row)
    with home.warehouse.begin() as connection:
        ledger.accept(connection, row, version, home.now())
        ledger.supersede(connection, row, still_there)
        close_hold(connection, row)


def is_whole(home: OpenHome, con: Any, part: Any) -> bool:
    """Whether the lake still shows every row of an accepted part. A snapshot was folded: its ledger row tells."""
    if part.feed in FOLDED:
        return True
    view = attach(con, home.lake, FeedName(part.feed), years={part.school_year}, districts={part.district})
    rows = con.execute(f"select count(*) from {view} where part_id = ?", [str(part.part_id)]).fetchall()[0][0]
    return bool(rows == part.rows_good)


def close_hold(connection: Connection, row: Any) -> None:
    """A held try at the same part is over once it was taken up again; its reason says who released it."""
    part = t.ops.delivery_part
    connection.execute(part.update().where(same_part(row), part.c.status == "held").values(status="superseded"))


def _parts_with_rows(con: Any, lake: Lake, row: Any) -> set[str]:
    view = attach(con, lake, FeedName(row.feed), years={row.school_year}, districts={row.district})
    return {part for (part,) in con.execute(f"select distinct part_id from {view}").fetchall()}


def settle_intents(home: OpenHome, delivery_id: UUID | None = None) -> None:
    """Decide every intent (of one delivery) from the Delta log: accept what was committed, forget what was not."""
    with home.warehouse.begin() as connection:
        rows = [row for row in ledger.intents(connection) if delivery_id in (None, row.delivery_id)]
    if not rows:
        return
    con = home.duckdb()
    for row in rows:
        part = Part(str(row.part_id), FeedName(row.feed), row.district, row.school_year, Scope(row.scope_kind))
        with advisory_locks(home.warehouse.etl, {part.lock}):
            _settle(home, con, row, part)
    con.close()


def _settle(home: OpenHome, con: Any, row: Any, part: Part) -> None:
    """Under the part's lock, so that the command that wrote the intent is not at work on it."""
    table = t.ops.delivery_part
    with home.warehouse.begin() as connection:
        status = connection.execute(select(table.c.status).where(table.c.part_id == row.part_id)).scalar()
    if status != "intent":
        return
    version = is_committed(home.lake, part)
    if version is not None:
        accept_part(home, con, row, version)
    else:
        with home.warehouse.begin() as connection:
            connection.execute(table.delete().where(table.c.part_id == row.part_id))


def same_part(row: Any) -> ColumnElement[bool]:
    """All tries at a part of a delivery."""
    part = t.ops.delivery_part
    return and_(*(part.c[name] == getattr(row, name) for name in _PART_NAME))
