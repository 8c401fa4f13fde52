"""Take deliveries again from landing, after the registry or the rules were mended: what waited goes in, once.

The same delivery is taken anew: it keeps its id, the time it came and the terms it was asked for. What stood of it is
noted with those terms (`Asked.replayed`) and stands until the new reading of it is accepted; then the ledger shows it
superseded by its own successor. The note and the status `landed` are one transaction, so whoever comes after a kill goes
on with the replay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update

from sipetl.errors import ConfigError, LandingError
from sipetl.intake import open_place
from sipetl.lake import FOLDED
from sipetl.pipeline.asked import Asked
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import take_up
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t

AGAIN = ("accepted", "held", *ledger.REFUSED)
"""Statuses of deliveries that can be taken again; a superseded or repeated one has nothing that waits."""
_delivery, _part = t.ops.delivery, t.ops.delivery_part


@dataclass(frozen=True, slots=True)
class Replayed:
    """A delivery taken again: rows that stood of it before and stand now, and rows that still wait."""

    outcome: DeliveryOutcome
    rows_before: int
    rows_now: int
    rows_waiting: int


def waits(part: Any = _part) -> ColumnElement[bool]:
    """Rows of this part wait in quarantine, and are not those of a snapshot whose successor stands."""
    later = _part.alias("later")
    has_successor = exists().where(
        later.c.feed == part.c.feed,
        later.c.district == part.c.district,
        later.c.school_year == part.c.school_year,
        later.c.status == "accepted",
        later.c.scope_to > part.c.scope_to,
    )
    is_past = and_(part.c.feed.in_([feed.value for feed in FOLDED]), has_successor)
    return and_(part.c.status == "accepted", part.c.rows_quarantined > 0, ~is_past)


def waiting(home: OpenHome, *, district: str | None = None, feed: str | None = None) -> list[UUID]:
    """Deliveries with rows in quarantine, or refused and not sent again since; oldest first.

    Args:
        home: the home.
        district: only what this district sent, or what speaks of it.
        feed: only deliveries that are, or were expected to be, of this feed.
    """
    later = _delivery.alias("later")
    sent_again = exists().where(
        later.c.sender == _delivery.c.sender,
        later.c.received_at >= _delivery.c.received_at,
        later.c.delivery_id > _delivery.c.delivery_id,
        or_(later.c.source_path == _delivery.c.source_path, later.c.sha256 == _delivery.c.sha256),
        later.c.status.in_(("accepted", "held", "superseded", "duplicate")),
    )
    has_rows = exists().where(_part.c.delivery_id == _delivery.c.delivery_id, waits())
    query = (
        select(_delivery)
        .where(
            _delivery.c.status.in_(AGAIN), or_(has_rows, and_(_delivery.c.status.in_(ledger.REFUSED), ~sent_again))
        )
        .order_by(_delivery.c.modified_at, _delivery.c.received_at, _delivery.c.delivery_id)
    )
    with home.warehouse.begin() as connection:
        rows = connection.execute(query).all()
        parts = {row.delivery_id: ledger.parts_of(connection, row.delivery_id) for row in rows}
    return [row.delivery_id for row in rows if _is_of(row, parts[row.delivery_id], district, feed)]


def _is_of(row: Any, parts: list[Any], district: str | None, feed: str | None) -> bool:
    feeds = {part.feed for part in parts} or {name for name, _ in Asked.from_json(row.asked).expected}
    of_district = district in (None, row.sender, *(part.district for part in parts))
    return of_district and (feed is None or not feeds or feed in feeds)


def replay(home: OpenHome, delivery_id: UUID, *, restoring: bool = False) -> Replayed | None:
    """Take a delivery again from landing, on the terms it was asked for; None when another command did meanwhile.

    Args:
        home: the home.
        delivery_id: which.
        restoring: also one that a later delivery replaced, since that was retracted.

    Raises:
        ConfigError: there is no such delivery, or it is being taken, or a later one replaced it.
        LandingError: landing has the file no longer.
    """
    sender = _begin(home, delivery_id, ("accepted", "superseded") if restoring else ("accepted",))
    before = sum(good for _, good, _ in _standing(home, delivery_id))
    outcomes = take_up(home, delivery_id, sender)
    now = _standing(home, delivery_id)
    for outcome in outcomes:
        return Replayed(outcome, before, sum(good for _, good, _ in now), sum(bad for _, _, bad in now))
    return None


def replay_all(
    home: OpenHome, *, district: str | None = None, feed: str | None = None, watch: Callable[[Replayed], None]
) -> Iterator[Replayed]:
    """Take all that waits again, oldest first; `watch` hears of each.

    Raises:
        LandingError: landing has one of the files no longer; all others were taken first.
    """
    gone: LandingError | None = None
    for delivery_id in waiting(home, district=district, feed=feed):
        try:
            done = replay(home, delivery_id)
        except LandingError as error:
            gone = gone or error
            continue
        if done:
            watch(done)
            yield done
    if gone:
        raise gone


def _begin(home: OpenHome, delivery_id: UUID, noted: Collection[str]) -> str:
    """Note the parts with some statuses, and mark the delivery as landed; returns its sender."""
    with home.warehouse.begin() as connection:
        row = connection.execute(
            select(_delivery).where(_delivery.c.delivery_id == delivery_id).with_for_update()
        ).first()
        if row is None or row.status not in {*AGAIN, *noted}:
            why = f"it is {row.status}" if row else "there is none with this id"
            cure = "see 'sipetl quarantine list' and 'sipetl deliveries'"
            raise ConfigError("no such delivery can be taken again", where=str(delivery_id), why=why, cure=cure)
        refuse_gone(row.landed_path)
        asked = Asked.from_json(row.asked)
        parts = [part for part in ledger.parts_of(connection, delivery_id) if part.status in noted]
        replayed = dict.fromkeys((*asked.replayed, *(str(part.part_id) for part in parts)))
        kept = replace(asked, replayed=tuple(replayed)).to_json()
        connection.execute(update(_delivery).where(_delivery.c.delivery_id == delivery_id).values(asked=kept))
        ledger.conclude(connection, delivery_id, "landed", "taken again from landing")
        standing = [part for part in parts if part.status == "accepted"]
        counts = {"parts": len(standing), "rows": sum(p.rows_good for p in standing)}
        step = {"delivery_id": delivery_id, "step": "replay", "outcome": "done", "counts": counts}
        connection.execute(insert(t.ops.step).values(**step, started_at=func.now(), ended_at=func.now()))
    return str(row.sender)


def refuse_gone(url: str) -> None:
    """Raise a LandingError where landing has a file no longer."""
    landed = open_place(url)
    if not landed.store.exists(landed.path):
        raise LandingError("landing has the file no longer", where=url, cure="ask its sender to send it again")


def _standing(home: OpenHome, delivery_id: UUID) -> list[tuple[str, int, int]]:
    with home.warehouse.begin() as connection:
        parts = ledger.parts_of(connection, delivery_id)
    return [(part.status, part.rows_good, part.rows_quarantined) for part in parts if part.status == "accepted"]
