"""Take a delivery back that was loaded wrongly: what it brought goes, part by part, by the protocol of every commit.

    lock -> intent row (a part without rows, which takes another one out) -> Delta commit -> accept row

An intent that a killed command left is settled like any other: committed, the part is retracted; not committed, it is
forgotten, the part stands, and a person asks again. Raw files stay in landing. What the delivery had replaced comes back
only when a person says so: by taking it again from landing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from sqlalchemy import Connection, func, insert, select
from uuid_utils.compat import uuid7

from sipetl.errors import ConfigError, LandingError
from sipetl.intake import load_contract
from sipetl.lake import (
    FOLDED,
    Difference,
    Part,
    Retraction,
    Scope,
    Snapshot,
    retraction_scope,
    rows_replaced,
    would_retract,
)
from sipetl.lake import retract as take_out
from sipetl.pipeline.accept import accept_part, is_whole, settle_intents
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.letters import write_letter
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.pipeline.replay import refuse_gone
from sipetl.pipeline.scratch import scratch_folder
from sipetl.pipeline.wholeness import DAY_COLUMN
from sipetl.quality import Outcome, PartOutcome
from sipetl.registry.models import FeedName
from sipetl.warehouse import advisory_locks, ledger
from sipetl.warehouse import tables as t

_delivery, _part = t.ops.delivery, t.ops.delivery_part
_SAME = ("delivery_id", "member", "feed", "district", "school_year", "layout", "layout_version", "content_sha256")
_DAYS = ("scope_from", "scope_to", "scope_by")
"""What a retraction says of the part that it takes out: arrivals of these days are judged again."""


@dataclass(frozen=True, slots=True)
class StandingPart:
    """A part that stands, and what taking it out would do to the rows that are there now."""

    part_id: UUID
    member: str
    feed: str
    district: str
    school_year: int
    would: Difference


@dataclass(frozen=True, slots=True)
class Replaced:
    """A delivery of which rows went when the retracted one was taken."""

    delivery_id: UUID
    file_name: str
    rows: int
    is_in_landing: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery and what stands of it; nothing, where it was retracted before."""

    delivery_id: UUID
    sender: str
    file_name: str
    status: str
    reason: str | None
    parts: tuple[StandingPart, ...]
    replaced: tuple[Replaced, ...]
    """What can be offered in its place: not whole now, and not retracted itself."""


def look(home: OpenHome, delivery_id: UUID) -> Standing:
    """What retracting a delivery would do, and what it had replaced; nothing is written.

    Raises:
        ConfigError: there is no such delivery, or nothing was loaded of it.
    """
    with home.warehouse.begin() as connection:
        row = _known(connection, delivery_id)
        parts = ledger.parts_of(connection, delivery_id)
    standing = [part for part in parts if part.status == "accepted"]
    if not standing and row.status != ledger.RETRACTED:
        raise _nothing_stands(row)
    with scratch_folder(home.settings.scratch_dir) as scratch, home.duckdb(spill=scratch) as con:
        told = tuple(_told(home, con, part) for part in standing)
        replaced = tuple(_replaced(home, con, parts))
    names = ("delivery_id", "sender", "file_name", "status", "reason")
    return Standing(**{name: getattr(row, name) for name in names}, parts=told, replaced=replaced)


def retract(home: OpenHome, delivery_id: UUID, *, by: str, reason: str | None = None) -> DeliveryOutcome:
    """Take out all that stands of a delivery, and write its letter anew; done twice, the second time changes nothing.

    Raises:
        ConfigError: there is no such delivery, or nothing was loaded of it.
        StoreError: a store failed; running it again goes on.
    """
    told = f"retracted by {by}" + (f": {reason}" if reason else "")
    with home.warehouse.begin() as connection:
        sender = _known(connection, delivery_id).sender
    with (
        advisory_locks(home.warehouse.etl, {f"ingest:{sender}"}),
        scratch_folder(home.settings.scratch_dir) as scratch,
        home.duckdb(spill=scratch) as con,
    ):
        settle_intents(home, delivery_id)
        with home.warehouse.begin() as connection:
            row = _known(connection, delivery_id)
            standing = [part for part in ledger.parts_of(connection, delivery_id) if part.status == "accepted"]
        if not standing and row.status != ledger.RETRACTED:
            raise _nothing_stands(row)
        for part in standing:
            _retract_part(home, con, _retraction_row(part, told), scratch)
        return _conclude(home, delivery_id)


def _known(connection: Connection, delivery_id: UUID) -> Any:
    row = connection.execute(select(_delivery).where(_delivery.c.delivery_id == delivery_id)).first()
    if row is None:
        raise ConfigError("there is no such delivery", where=str(delivery_id), cure="see 'sipetl deliveries'")
    if row.status == "landed":
        cure = "run 'sipetl ingest', which ends what another command began"
        raise ConfigError("this delivery is being taken", where=row.file_name, cure=cure)
    return row


def _nothing_stands(row: Any) -> ConfigError:
    cure = "reject it: 'sipetl hold reject'" if row.status == "held" else "see 'sipetl deliveries'"
    return ConfigError(
        "there is nothing to retract",
        where=row.file_name,
        why=f"nothing of it is loaded: it is {row.status}",
        cure=cure,
    )


def _told(home: OpenHome, con: duckdb.DuckDBPyConnection, part: Any) -> StandingPart:
    with home.warehouse.begin() as connection:
        out = _retraction(connection, _retraction_row(part, ""))
    would = would_retract(con, home.lake, out, time=_time_column(out.part.feed))
    names = ("part_id", "member", "feed", "district", "school_year")
    return StandingPart(**{name: getattr(part, name) for name in names}, would=would)


def _time_column(feed: FeedName) -> str | None:
    """Windows where the feed has them, else days; the spans of a folded feed have neither."""
    if feed in FOLDED:
        return None
    names = {column.name for column in load_contract(feed).columns}
    return "window" if "window" in names else DAY_COLUMN.get(feed)


def _retraction_row(part: Any, reason: str) -> ledger.PartRow:
    """The ledger's row of a part that takes another one out."""
    return ledger.PartRow(
        **{name: getattr(part, name) for name in (*_SAME, *_DAYS)},
        part_id=uuid7(),
        scope_kind=ledger.RETRACTION,
        rows_good=0,
        rows_quarantined=0,
        status="intent",
        reason=reason,
        supersedes=part.part_id,
    )


def _retraction(connection: Connection, row: ledger.PartRow) -> Retraction:
    """What the lake needs; of a folded feed, the snapshots that stay: which of them are as they were, and which fold anew."""
    gone = str(row.supersedes)
    feed = FeedName(row.feed)
    part = Part(str(row.part_id), feed, row.district, row.school_year, retraction_scope(gone), (gone,))
    if feed not in FOLDED:
        return Retraction(part)
    found = _snapshots(connection, row)
    is_out = {one.part_id: one.status == ledger.RETRACTED or str(one.part_id) == gone for one in found}
    first = min(one.scope_to for one in found if is_out[one.part_id])
    stay = [Snapshot(str(one.part_id), one.scope_to, one.delta_version) for one in found if not is_out[one.part_id]]
    base = [one for one in stay if one.day < first]
    return Retraction(part, base[-1] if base else None, tuple(one for one in stay if one.day >= first))


def _snapshots(connection: Connection, row: ledger.PartRow) -> Sequence[Any]:
    """Snapshots of a partition that are current or were retracted, oldest day first."""
    query = select(_part).where(
        _part.c.feed == row.feed,
        _part.c.district == row.district,
        _part.c.school_year == row.school_year,
        _part.c.scope_kind != ledger.RETRACTION,
        _part.c.status.in_(("accepted", ledger.RETRACTED)),
    )
    return connection.execute(query.order_by(_part.c.scope_to, _part.c.part_id)).all()


def _retract_part(home: OpenHome, con: duckdb.DuckDBPyConnection, row: ledger.PartRow, scratch: Path) -> None:
    lock = Part(str(row.part_id), FeedName(row.feed), row.district, row.school_year, Scope(row.scope_kind)).lock
    with advisory_locks(home.warehouse.etl, {lock}):
        with home.warehouse.begin() as connection:
            status = connection.scalar(select(_part.c.status).where(_part.c.part_id == row.supersedes))
            if status != "accepted":  # another sender's file has replaced it meanwhile
                return
            out = _retraction(connection, row)
            ledger.add_parts(connection, [row])
        version = take_out(con, home.lake, out, scratch)
        accept_part(home, con, row, version)
        with home.warehouse.begin() as connection:
            step = {"delivery_id": row.delivery_id, "step": "retract", "outcome": "done", "counts": {"parts": 1}}
            connection.execute(insert(t.ops.step).values(**step, started_at=func.now(), ended_at=func.now()))


def _conclude(home: OpenHome, delivery_id: UUID) -> DeliveryOutcome:
    """The delivery as it is now; its letter says so."""
    with home.warehouse.begin() as connection:
        row = connection.execute(select(_delivery).where(_delivery.c.delivery_id == delivery_id)).one()
        parts = [part for part in ledger.parts_of(connection, delivery_id) if part.status == ledger.RETRACTED]
    delivery = ledger.Delivery(**row._mapping)
    names = ("member", "feed", "district", "school_year", "layout", "reason")
    told = tuple(
        PartOutcome(outcome=Outcome.RETRACTED, **{name: getattr(part, name) for name in names})
        for part in parts
        if part.scope_kind != ledger.RETRACTION
    )
    outcome = DeliveryOutcome(
        delivery_id, delivery.sender, delivery.file_name, Outcome(delivery.status), delivery.reason or "", told
    )
    write_letter(home.settings, delivery, outcome)
    return outcome


def _replaced(home: OpenHome, con: duckdb.DuckDBPyConnection, parts: Sequence[Any]) -> Iterator[Replaced]:
    """Other deliveries of which parts of this one replaced rows, where those are not here again."""
    rows: Counter[UUID] = Counter()
    for part in parts:
        if part.delta_version is not None and part.scope_kind != ledger.RETRACTION:
            for part_id, count in _rows_replaced(home, con, part).items():
                rows[part_id] += count
    with home.warehouse.begin() as connection:
        found = connection.execute(
            select(_delivery, _part.c.part_id)
            .join(_part, _part.c.delivery_id == _delivery.c.delivery_id)
            .where(
                _part.c.part_id.in_(list(rows)),
                _delivery.c.delivery_id.not_in({part.delivery_id for part in parts}),
                _delivery.c.status.in_(("accepted", "superseded")),
            )
            .order_by(_delivery.c.received_at, _delivery.c.delivery_id)
        ).all()
    counts: Counter[UUID] = Counter()
    for one in found:
        counts[one.delivery_id] += rows[one.part_id]
    for one in {one.delivery_id: one for one in found}.values():
        if not _is_here(home, con, one.delivery_id):
            yield Replaced(one.delivery_id, one.file_name, counts[one.delivery_id], _is_in_landing(one.landed_path))


def _rows_replaced(home: OpenHome, con: duckdb.DuckDBPyConnection, part: Any) -> dict[UUID, int]:
    """Rows by the part they were of; of a folded feed only a snapshot of the same day is replaced."""
    feed = FeedName(part.feed)
    if feed not in FOLDED:
        own = Part(str(part.part_id), feed, part.district, part.school_year, Scope(part.scope_kind))
        found = rows_replaced(con, home.lake, own, part.delta_version)
        return {UUID(part_id): count for part_id, count in found.items()}
    if part.supersedes is None:
        return {}
    with home.warehouse.begin() as connection:
        query = select(_part.c.rows_good).where(_part.c.part_id == part.supersedes)
        return {part.supersedes: connection.scalar(query) or 0}


def _is_here(home: OpenHome, con: duckdb.DuckDBPyConnection, delivery_id: UUID) -> bool:
    """Whether every row of a delivery is in the lake."""
    with home.warehouse.begin() as connection:
        parts = [part for part in ledger.parts_of(connection, delivery_id) if part.status == "accepted"]
    return bool(parts) and all(is_whole(home, con, part) for part in parts)


def _is_in_landing(url: str) -> bool:
    try:
        refuse_gone(url)
    except LandingError:
        return False
    return True
