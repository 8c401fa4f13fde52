"""A held part: what it would do, and a person's decision on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from sipetl.errors import ConfigError, DeliveryError
from sipetl.intake import load_contract
from sipetl.lake import FOLDED, Difference, difference
from sipetl.pipeline.asked import Asked
from sipetl.pipeline.bench import Taking, Workbench
from sipetl.pipeline.bring import Candidate, candidates_of
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import take_up
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.pipeline.take import look_at
from sipetl.pipeline.wholeness import DAY_COLUMN
from sipetl.registry.models import FeedName
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t

LIMITS = {"removed": "removeLimitPercent", "changed": "changeLimitPercent"}
"""Kind of a change -> what a contract calls its limit, in percent of the rows that are there."""
_held, _part, _delivery = t.ops.hold, t.ops.delivery_part, t.ops.delivery


@dataclass(frozen=True, slots=True)
class Held:
    """A part that waits for a person, or waited."""

    part_id: UUID
    delivery_id: UUID
    file_name: str
    member: str
    feed: str
    district: str
    school_year: int
    status: str
    reason: str | None
    counts: Mapping[str, int]
    """Rows before, after, removed and changed, when it was held."""
    limits: Mapping[str, float]
    """Percent of the rows before that a part of this feed may remove or change without a look."""
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    would: Difference | None = None
    """What it would do now; None where a decision was made."""
    cannot: str | None = None
    """Why that cannot be told: the file no longer reads as it did."""


def show(home: OpenHome, part_id: UUID) -> Held:
    """A held part, and what it would do to the rows that are there now: read again from landing, nothing is written.

    Raises:
        ConfigError: no such part was ever held.
    """
    query = (
        select(_part, _delivery.c.file_name, _held)
        .join(_delivery, _delivery.c.delivery_id == _part.c.delivery_id)
        .join(_held, _held.c.part_id == _part.c.part_id)
        .where(_part.c.part_id == part_id)
    )
    with home.warehouse.begin() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise ConfigError("no such part was held", where=str(part_id), cure="see 'sipetl hold list'")
    would, cannot = None, None
    if row.status == "held" and row.decision is None:
        try:
            would = _would(home, row)
        except DeliveryError as error:
            cannot = str(error)
    contract = load_contract(FeedName(row.feed))
    return Held(
        **{name: getattr(row, name) for name in ("delivery_id", "file_name", "member", "feed", "district")},
        **{name: getattr(row, name) for name in ("school_year", "status", "reason")},
        **{name: getattr(row, name) for name in ("decision", "decided_by", "decided_at")},
        part_id=part_id,
        counts={kind: getattr(row, f"rows_{kind}") for kind in ("before", "after", "removed", "changed")},
        limits={kind: contract.custom(name) for kind, name in LIMITS.items()},
        would=would,
        cannot=cannot,
    )


def _would(home: OpenHome, row: Any) -> Difference:
    with home.warehouse.begin() as connection:
        kept = connection.execute(select(_delivery).where(_delivery.c.delivery_id == row.delivery_id)).one()
    delivery = ledger.Delivery(**kept._mapping)
    with Workbench.open(home) as bench:
        taking = Taking(bench, delivery, Asked.from_json(delivery.asked))
        checked = look_at(taking, row.member)
        candidate = _same(candidates_of(taking, checked), row)
        time = None if candidate.part.feed in FOLDED else _time_column(candidate)
        return difference(bench.con, home.lake, checked.split.good, candidate.part, time=time)


def _same(candidates: list[Candidate], row: Any) -> Candidate:
    for one in candidates:
        if (one.row.feed, one.row.district, one.row.school_year) == (row.feed, row.district, row.school_year):
            return one
    raise DeliveryError("the file no longer has this part", why="the registry or a layout was changed since")


def _time_column(candidate: Candidate) -> str | None:
    """Windows where the feed has them, else days."""
    names = {column.name for column in load_contract(candidate.part.feed).columns}
    return "window" if "window" in names else DAY_COLUMN.get(candidate.part.feed)


def decide(
    home: OpenHome, part_id: UUID, *, accept: bool, by: str, reason: str | None = None
) -> list[DeliveryOutcome]:
    """Accept or reject a held part, and take its delivery up again.

    An accepted part replaces what is there; of a rejected one, the letter tells. The decision is written first, so that
    a command killed after it goes on with it. Who decided, and the reason, stay with the held part.

    Raises:
        ConfigError: the part does not wait for a decision.
    """
    with home.warehouse.begin() as connection:
        row = connection.execute(
            select(_delivery.c.delivery_id, _delivery.c.sender)
            .join(_part, _part.c.delivery_id == _delivery.c.delivery_id)
            .join(_held, _held.c.part_id == _part.c.part_id)
            .where(_part.c.part_id == part_id, _held.c.decision.is_(None), _part.c.status == "held")
            .with_for_update(of=_held)
        ).first()
        if row is None:
            raise ConfigError("no such part waits for a decision", where=str(part_id), cure="see 'sipetl hold list'")
        word = "accept" if accept else "reject"
        decision = {"decision": word, "decided_at": home.now(), "decided_by": by}
        connection.execute(update(_held).where(_held.c.part_id == part_id).values(decision))
        told = f"{'released' if accept else 'rejected'} by {by}" + (f": {reason}" if reason else "")
        ledger.mark_part(connection, part_id, reason=told, **({} if accept else {"status": "rejected"}))
        ledger.conclude(connection, row.delivery_id, "landed", f"a person decided: {word}")
    return take_up(home, row.delivery_id, row.sender)
