"""A person's decision on a held part."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from sipetl.errors import ConfigError
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import take_up
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


def decide(home: OpenHome, part_id: UUID, *, accept: bool, by: str) -> list[DeliveryOutcome]:
    """Accept or reject a held part, and take its delivery up again.

    An accepted part replaces what is there; of a rejected one, the letter tells. The decision is written first, so that
    a command killed after it goes on with it.

    Raises:
        ConfigError: the part does not wait for a decision.
    """
    held, part, delivery = t.ops.hold, t.ops.delivery_part, t.ops.delivery
    with home.warehouse.begin() as connection:
        row = connection.execute(
            select(delivery.c.delivery_id, delivery.c.sender)
            .join(part, part.c.delivery_id == delivery.c.delivery_id)
            .join(held, held.c.part_id == part.c.part_id)
            .where(part.c.part_id == part_id, held.c.decision.is_(None), part.c.status == "held")
            .with_for_update(of=held)
        ).first()
        if row is None:
            raise ConfigError("no such part waits for a decision", where=str(part_id), cure="see 'sipetl hold list'")
        word = "accept" if accept else "reject"
        connection.execute(
            update(held).where(held.c.part_id == part_id).values(decision=word, decided_at=home.now(), decided_by=by)
        )
        if not accept:
            ledger.mark_part(connection, part_id, status="rejected", reason=f"rejected by {by}")
        ledger.conclude(connection, row.delivery_id, "landed", f"a person decided: {word}")
    return take_up(home, row.delivery_id, row.sender)
