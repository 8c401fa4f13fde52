"""A person's decision on a held part."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, select, update

from sipetl.errors import ConfigError
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import ingest
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


def decide(home: OpenHome, part_id: UUID, *, accept: bool, by: str) -> list[DeliveryOutcome]:
    """Accept or reject a held part. Accepting takes its delivery up again, which replaces what is there.

    The decision is written first, so that a command killed after it goes on with it.

    Raises:
        ConfigError: the part does not wait for a decision.
    """
    held, part = t.ops.hold, t.ops.delivery_part
    with home.warehouse.begin() as connection:
        row = connection.execute(
            select(part.c.delivery_id, part.c.status)
            .join(held, held.c.part_id == part.c.part_id)
            .where(part.c.part_id == part_id, held.c.decision.is_(None), part.c.status == "held")
        ).first()
        if row is None:
            raise ConfigError("no such part waits for a decision", where=str(part_id), cure="see 'sipetl hold list'")
        word = "accept" if accept else "reject"
        connection.execute(
            update(held).where(held.c.part_id == part_id).values(decision=word, decided_at=home.now(), decided_by=by)
        )
        if accept:
            ledger.conclude(connection, row.delivery_id, "landed", "a person accepted the hold")
        else:
            ledger.mark_part(connection, part_id, status="rejected", reason=f"rejected by {by}")
            _conclude_rejected(connection, row.delivery_id, by)
    return ingest(home) if accept else []


def _conclude_rejected(connection: Connection, delivery_id: UUID, by: str) -> None:
    """The delivery follows its parts: it stays accepted where another part was taken."""
    statuses = {part.status for part in ledger.parts_of(connection, delivery_id)}
    if "held" not in statuses:
        status = "accepted" if "accepted" in statuses else "rejected"
        ledger.conclude(connection, delivery_id, status, f"held, then rejected by {by}")
