"""Earlier tries at a delivery: what a killed command or a person left of it, and what stood when it was replayed.

A file taken once more goes the same way as the first time; only its own earlier parts do not stand in its way, and
whatever was accepted after them does. `bring` asks here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select

from sipetl.errors import DeliveryError
from sipetl.pipeline.accept import same_part
from sipetl.pipeline.bench import Checked, Taking
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.overtaken import standing_there
from sipetl.quality import Outcome, PartOutcome
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


class Before(Protocol):
    """A row of `ops.delivery_part`: a part that stood when its delivery was taken again."""

    part_id: UUID
    district: str
    school_year: int
    rows_good: int
    scope_from: date | None
    scope_to: date | None


@dataclass(frozen=True)
class Earlier:
    """What an earlier try at a part came to."""

    status: str
    reason: str | None
    decision: str | None

    @property
    def stands(self) -> bool:
        """Nothing is to be done again, unless a person released the part."""
        return self.decision != "accept"

    def told(self, outcome: PartOutcome) -> PartOutcome:
        """The outcome once more, for the letter."""
        if self.status == "accepted":
            return outcome
        return replace(outcome, outcome=Outcome(self.status), reason=self.reason or "", rows_good=0)


def earlier_try(home: OpenHome, row: ledger.PartRow, replayed: Sequence[str]) -> Earlier | None:
    """What an earlier try at this delivery came to: the ledger's last word on the part, a released hold if no other.

    What stood before the delivery was taken again from landing is not asked.
    """
    part, hold = t.ops.delivery_part, t.ops.hold
    tries = (
        select(part.c.status, part.c.reason, hold.c.decision)
        .outerjoin(hold, hold.c.part_id == part.c.part_id)
        .where(same_part(row), part.c.part_id.not_in([UUID(one) for one in replayed]))
        .order_by(hold.c.decision.is_not_distinct_from("accept"), part.c.status, part.c.part_id.desc())
    )
    with home.warehouse.begin() as connection:
        found = connection.execute(tries).first()
    return Earlier(*found) if found else None


def parts_before(taking: Taking, checked: Checked) -> dict[tuple[str, int], Any]:
    """What stands of a member since it was taken before, by district and school year; nothing the first time.

    Raises:
        DeliveryError: the member reads as another feed than before, and what it loaded there would be counted too.
    """
    rows = [row for row in _standing(taking) if row.member == checked.member.name]
    if others := {row.feed for row in rows} - {checked.feed.value}:
        raise DeliveryError(
            f"the file now reads as feed {checked.feed}, and was loaded as {', '.join(sorted(others))}",
            where=checked.member.name,
            why="its rows would count in both",
            cure="mend the layouts, so that it reads as before; what was loaded stays",
        )
    return {(row.district, row.school_year): row for row in rows}


def _standing(taking: Taking) -> Sequence[Any]:
    replayed = taking.asked.replayed
    if not replayed:
        return ()
    with taking.bench.home.warehouse.begin() as connection:
        parts = ledger.parts_of(connection, taking.delivery.delivery_id)
    return [part for part in parts if str(part.part_id) in replayed and part.status == "accepted"]


def what_stays(taking: Taking) -> Iterator[PartOutcome]:
    """The outcomes, where of a file that was taken again and is refused now stands what was loaded before."""
    standing = _standing(taking)
    members = {row.member for row in standing}
    for part in taking.outcomes:
        is_refused = part.outcome.value in ledger.REFUSED and not part.district
        is_whole = part.member == taking.delivery.file_name and part.member not in members
        rows = [row for row in standing if is_whole or row.member == part.member] if is_refused else []
        yield from [_stays(part, row) for row in rows] or [part]


def _stays(refused: PartOutcome, row: Any) -> PartOutcome:
    why = f"taken again and refused: {refused.reason}; what was loaded from it before stays"
    names = ("member", "feed", "district", "school_year", "layout", "rows_good", "rows_quarantined")
    outcome = Outcome.QUARANTINED if row.rows_quarantined else Outcome.ACCEPTED
    known = {name: getattr(row, name) for name in names}
    return replace(refused, **known, outcome=outcome, rows_read=0, rows_rejected=0, reason=why, stays=True)


def taken_since(home: OpenHome, row: ledger.PartRow, before: Before | None) -> str | None:
    """The name of a file, whoever sent it, that was accepted after a part now taken again, and speaks of the same."""
    if before is None:
        return None
    part = t.ops.delivery_part.c
    # part ids are made from the clock: a later part has a greater one
    return standing_there(home, row, part.delivery_id != row.delivery_id, part.part_id > before.part_id)
