"""The ledger of deliveries: what came, which parts it had, what became of them (design/readiness.md, "What came").

Statements alone; what they mean together is decided by the pipeline. Every function runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import (
    Connection,
    Row,
    Text,
    and_,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert

from sipetl.warehouse import tables as t
from sipetl.warehouse.bulk import copy_in

MOST_ISSUES = 10_000
"""Issues kept per delivery with their row numbers; findings count all of them."""

_delivery, _part, _work = t.ops.delivery, t.ops.delivery_part, t.ops.work


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of `ops.delivery`."""

    delivery_id: UUID
    sender: str
    feed_hint: str | None
    source_path: str
    file_name: str
    sha256: str
    size: int
    modified_at: datetime | None
    received_at: datetime
    landed_path: str
    status: str = "landed"
    reason: str | None = None
    asked: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PartRow:
    """A row of `ops.delivery_part`."""

    part_id: UUID
    delivery_id: UUID
    member: str
    feed: str
    district: str
    school_year: int
    layout: str
    layout_version: int
    scope_kind: str
    scope_from: date | None
    scope_to: date | None
    scope_by: Mapping[str, Sequence[str]] | None
    rows_good: int
    rows_quarantined: int
    content_sha256: str
    status: str
    reason: str | None = None
    embargo_until: date | None = None
    wholeness: Mapping[str, Any] | None = None
    supersedes: UUID | None = None


REFUSED = ("rejected", "unrecognized")
"""Statuses of deliveries of which nothing was taken: a person may try them again once the cause is mended."""
RETRACTED = "retracted"
"""Status of deliveries, and parts, that a person took back: the same bytes may be taken anew, on other terms."""
RETRACTION = "retraction"
"""Scope of a part that brings no row, and takes out those of the one that it supersedes."""


def seen(connection: Connection, sender: str, *, with_refused: bool = True) -> set[tuple[str, int, datetime]]:
    """Files of a sender that were tried, as (path, size, modified at); without those refused or retracted, if so asked."""
    query = select(_delivery.c.source_path, _delivery.c.size, _delivery.c.modified_at).where(
        _delivery.c.sender == sender
    )
    if not with_refused:
        query = query.where(_delivery.c.status.not_in((*REFUSED, RETRACTED)))
    return {(path, size, modified) for path, size, modified in connection.execute(query)}


def record(connection: Connection, delivery: Delivery) -> None:
    """Write a delivery."""
    connection.execute(insert(_delivery), asdict(delivery))


def conclude(connection: Connection, delivery_id: UUID, status: str, reason: str | None = None) -> None:
    """Give a delivery its status."""
    connection.execute(
        update(_delivery).where(_delivery.c.delivery_id == delivery_id).values(status=status, reason=reason)
    )


def unfinished(connection: Connection, sender: str) -> list[Row[Any]]:
    """Deliveries that were landed and got no further: a command was killed."""
    return list(
        connection.execute(
            select(_delivery)
            .where(_delivery.c.sender == sender, _delivery.c.status == "landed")
            .order_by(_delivery.c.received_at, _delivery.c.delivery_id)
        )
    )


def accepted_twins(connection: Connection, sender: str, sha256: str, delivery_id: UUID) -> list[Row[Any]]:
    """Id and file name of earlier deliveries with these bytes all of whose parts are accepted.

    Of a part that was held first, the held try does not count; nor, of a delivery taken again, what it replaced of itself.
    """
    released = select(t.ops.hold.c.part_id).where(t.ops.hold.c.decision == "accept")
    superseded = exists().where(
        _part.c.delivery_id == _delivery.c.delivery_id,
        _part.c.status != "accepted",
        _part.c.part_id.not_in(released),
        not_(func.coalesce(_delivery.c.asked["replayed"].has_key(cast(_part.c.part_id, Text)), false())),
    )
    accepted = exists().where(_part.c.delivery_id == _delivery.c.delivery_id, _part.c.status == "accepted")
    query = select(_delivery.c.delivery_id, _delivery.c.file_name).where(
        _delivery.c.sender == sender,
        _delivery.c.sha256 == sha256,
        _delivery.c.delivery_id != delivery_id,
        _delivery.c.status == "accepted",
        accepted,
        not_(superseded),
    )
    return list(connection.execute(query))


def add_parts(connection: Connection, parts: Iterable[PartRow]) -> None:
    """Write parts; those with status `intent` are settled from the Delta log after a kill."""
    rows = [asdict(part) for part in parts]
    if rows:
        connection.execute(insert(_part), rows)


def intents(connection: Connection) -> list[Row[Any]]:
    """Parts that were about to be committed when a command ended."""
    return list(connection.execute(select(_part).where(_part.c.status == "intent").order_by(_part.c.part_id)))


def parts_of(connection: Connection, delivery_id: UUID) -> list[Row[Any]]:
    """The parts of a delivery, in a stable order."""
    return list(
        connection.execute(
            select(_part)
            .where(_part.c.delivery_id == delivery_id)
            .order_by(_part.c.member, _part.c.feed, _part.c.district, _part.c.school_year)
        )
    )


def newest_snapshot(connection: Connection, feed: str, district: str, school_year: int) -> date | None:
    """Day of the newest snapshot that was taken for a partition."""
    return connection.execute(
        select(func.max(_part.c.scope_to)).where(
            _part.c.feed == feed,
            _part.c.district == district,
            _part.c.school_year == school_year,
            _part.c.status == "accepted",
        )
    ).scalar()


def mark_part(connection: Connection, part_id: UUID, **values: Any) -> None:
    """Change columns of a part."""
    connection.execute(update(_part).where(_part.c.part_id == part_id).values(**values))


def accept(connection: Connection, part: PartRow | Row[Any], version: int, now: datetime) -> None:
    """The accept row: the part is current from here on (or retracted), and its values are to be recomputed."""
    if part.scope_kind == RETRACTION:
        _retract(connection, part)
        mark_part(connection, part.part_id, status=RETRACTED, delta_version=version, published_at=now)
    else:
        mark_part(connection, part.part_id, status="accepted", delta_version=version, published_at=now, reason=None)
    request_work(connection, part.feed, part.district, part.school_year, now)


def _retract(connection: Connection, part: PartRow | Row[Any]) -> None:
    """The part that was taken out is retracted; with the last of its delivery the whole, and what was held of it."""
    values = {"status": RETRACTED, "reason": part.reason}
    mark_part(connection, UUID(str(part.supersedes)), **values)
    of_delivery = _part.c.delivery_id == part.delivery_id
    others = exists().where(of_delivery, _part.c.part_id != part.part_id, _part.c.status.in_(("accepted", "intent")))
    if not connection.scalar(select(others)):
        connection.execute(update(_part).where(of_delivery, _part.c.status == "held").values(**values))
        conclude(connection, part.delivery_id, RETRACTED, part.reason)


def supersede(connection: Connection, part: PartRow | Row[Any], still_there: set[str] | None) -> list[UUID]:
    """Mark earlier parts of the partition superseded that have no row left.

    Args:
        connection: the transaction.
        part: the part that was accepted.
        still_there: ids of parts with rows in the partition; None for folded snapshots, where only a snapshot of the same
            day is superseded.
    """
    if part.scope_kind == RETRACTION:
        return []
    same = and_(
        _part.c.feed == part.feed,
        _part.c.district == part.district,
        _part.c.school_year == part.school_year,
        _part.c.status == "accepted",
        _part.c.part_id != part.part_id,
    )
    if still_there is None:
        gone = and_(same, _part.c.scope_to == part.scope_to)
    else:
        gone = and_(same, _part.c.rows_good > 0, _part.c.part_id.not_in([UUID(i) for i in still_there]))
    ids = list(
        connection.execute(update(_part).where(gone).values(status="superseded").returning(_part.c.part_id)).scalars()
    )
    if ids:
        mark_part(connection, part.part_id, supersedes=max(ids))
        _supersede_deliveries(connection, ids)
    return ids


def _supersede_deliveries(connection: Connection, part_ids: list[UUID]) -> None:
    """A delivery is superseded when none of its parts is current; one with a refused part stays refused."""
    touched = select(_part.c.delivery_id).where(_part.c.part_id.in_(part_ids))
    current = select(_part.c.delivery_id).where(_part.c.status.in_(("accepted", "held", "intent")))
    connection.execute(
        update(_delivery)
        .where(
            _delivery.c.delivery_id.in_(touched),
            _delivery.c.delivery_id.not_in(current),
            _delivery.c.status.not_in(REFUSED),
        )
        .values(status="superseded", reason="a later delivery replaced it")
    )


def drop_findings(connection: Connection, delivery_id: UUID) -> None:
    """Forget what an earlier try found, so that the delivery can be taken again."""
    for table in (t.ops.issue, t.ops.finding):
        connection.execute(delete(table).where(table.c.delivery_id == delivery_id))


def add_issues(connection: Connection, delivery_id: UUID, member: str, issues: pa.Table) -> None:
    """Write issues (rule_id, severity, column_name, row_number), the first of them with row numbers."""
    kept = issues.slice(0, MOST_ISSUES)
    count = kept.num_rows
    kept = kept.append_column("delivery_id", pa.array([str(delivery_id)] * count, pa.string()))
    copy_in(connection, "ops.issue", kept.append_column("member", pa.array([member] * count, pa.string())))


def add_findings(connection: Connection, delivery_id: UUID, member: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write findings counted by rule."""
    values = [{"delivery_id": delivery_id, "member": member, **row} for row in rows]
    if values:
        connection.execute(insert(t.ops.finding), values)


def request_work(connection: Connection, feed: str, district: str, school_year: int, now: datetime) -> None:
    """Ask for the values of a partition to be recomputed; asking twice is asking once.

    On an injected day all moments are equal, so a new request is made a little later than the one before: whoever
    computes meanwhile must see that it was asked for again.
    """
    row = {"feed": feed, "district": district, "school_year": school_year, "requested_at": now, "done_at": None}
    later = func.greatest(now, _work.c.requested_at + timedelta(microseconds=1))
    connection.execute(
        pg_insert(_work)
        .values(row)
        .on_conflict_do_update(
            index_elements=["feed", "district", "school_year"], set_={"requested_at": later, "done_at": None}
        )
    )


def request_everything(
    connection: Connection, now: datetime, *, district: str | None = None, school_year: int | None = None
) -> None:
    """Ask for the values of all partitions (of a district, of a year) to be recomputed, whether they changed or not."""
    moment = literal(now, t.ops.work.c.requested_at.type)
    wanted = {_part.c.status: "accepted", _part.c.district: district, _part.c.school_year: school_year}
    current = select(_part.c.feed, _part.c.district, _part.c.school_year, moment).where(
        *(column == value for column, value in wanted.items() if value is not None)
    )
    columns = ["feed", "district", "school_year", "requested_at"]
    statement = pg_insert(_work).from_select(columns, current.distinct())
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=columns[:3], set_={"requested_at": statement.excluded.requested_at, "done_at": None}
        )
    )


def open_work(connection: Connection) -> list[Row[Any]]:
    """What is still to be recomputed."""
    return list(
        connection.execute(
            select(_work)
            .where(_work.c.done_at.is_(None))
            .order_by(_work.c.feed, _work.c.school_year, _work.c.district)
        )
    )
