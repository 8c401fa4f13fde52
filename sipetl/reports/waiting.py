"""What waits for a person: held parts, refused files, rows in quarantine, each with the command to act on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, exists, or_, select

from sipetl.intake import harmless
from sipetl.reports.model import Scope, Waiting, WaitKind
from sipetl.warehouse import tables as t

MOST_WAITING = 60
"""Longer lists are the command line's: `sipetl deliveries`."""

_delivery, _part, _hold = t.ops.delivery, t.ops.delivery_part, t.ops.hold


def read_waiting(connection: Connection, scope: Scope, now: datetime) -> tuple[Waiting, ...]:
    """Read what is open: held first, then refused, then quarantined; the newest first in each."""
    kinds = (_held, _refused, _quarantined)
    found = (waiting for read in kinds for waiting in read(connection, scope, now))
    return tuple(replace(one, file_name=harmless(one.file_name), reason=harmless(one.reason)) for one in found)


def _held(connection: Connection, scope: Scope, now: datetime) -> Iterator[Waiting]:
    query = (
        select(
            _delivery, _part.c.feed, _part.c.district, _part.c.member, _part.c.part_id, _part.c.reason.label("why")
        )
        .add_columns(_hold.c.rows_before, _hold.c.rows_after, _hold.c.rows_removed, _hold.c.rows_changed)
        .join(_part, _part.c.delivery_id == _delivery.c.delivery_id)
        .join(_hold, _hold.c.part_id == _part.c.part_id)
        .where(_part.c.status == "held", _hold.c.decided_at.is_(None), _delivery.c.received_at <= now)
        .order_by(_delivery.c.received_at.desc(), _part.c.member)
    )
    for row in connection.execute(query):
        if scope.holds(row.district):
            reason = row.why or (
                f"it would remove {row.rows_removed:,} and change {row.rows_changed:,} of {row.rows_before:,} rows"
            )
            command = f"sipetl hold show {row.part_id}"
            yield Waiting(WaitKind.HELD, row.district, row.feed, row.member, row.received_at, reason, command)


def _refused(connection: Connection, scope: Scope, now: datetime) -> Iterator[Waiting]:
    """Files and parts that were not taken, unless the same file came again and was, or a person has refused them."""
    later = _delivery.alias("later")
    mended = exists().where(
        later.c.sender == _delivery.c.sender,
        later.c.file_name == _delivery.c.file_name,
        later.c.received_at > _delivery.c.received_at,
        later.c.received_at <= now,
        later.c.status == "accepted",
    )
    decided = exists().where(_hold.c.part_id == _part.c.part_id, _hold.c.decided_at.is_not(None))
    refused_part = and_(_part.c.delivery_id == _delivery.c.delivery_id, _part.c.status == "rejected")
    query = (
        select(_delivery, _part.c.feed, _part.c.member, _part.c.reason.label("why"))
        .outerjoin(_part, refused_part)
        .where(
            or_(_delivery.c.status.in_(("rejected", "unrecognized")), _part.c.status == "rejected"),
            _delivery.c.received_at <= now,
            ~mended,
            ~decided,
        )
        .order_by(_delivery.c.received_at.desc(), _delivery.c.file_name)
    )
    for row in connection.execute(query):
        if scope.holds(row.sender):
            kind = WaitKind.UNRECOGNIZED if row.status == "unrecognized" else WaitKind.REJECTED
            reason = row.why or row.reason or "see the letter to the sender"
            name = row.member or row.file_name
            yield Waiting(
                kind, row.sender, row.feed or row.feed_hint, name, row.received_at, reason,
                f"sipetl delivery show {row.delivery_id}",
            )  # fmt: skip


def _quarantined(connection: Connection, scope: Scope, now: datetime) -> Iterator[Waiting]:
    query = (
        select(_delivery.c.delivery_id, _delivery.c.received_at, _part)
        .join(_part, _part.c.delivery_id == _delivery.c.delivery_id)
        .where(_part.c.status == "accepted", _part.c.rows_quarantined > 0, _delivery.c.received_at <= now)
        .order_by(_delivery.c.received_at.desc(), _part.c.member)
    )
    for row in connection.execute(query):
        if scope.holds(row.district):
            reason = f"{row.rows_quarantined:,} of {row.rows_good + row.rows_quarantined:,} rows wait with a reason"
            command = f"sipetl delivery show {row.delivery_id}"
            yield Waiting(WaitKind.QUARANTINED, row.district, row.feed, row.member, row.received_at, reason, command)
