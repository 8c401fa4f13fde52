"""What became of a delivery, for the command line, the letter and the DAG's grid: counts and words, never values."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sipetl.quality import Outcome, PartOutcome


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """One delivery."""

    delivery_id: UUID
    sender: str
    file_name: str
    status: Outcome
    reason: str
    parts: tuple[PartOutcome, ...]

    @property
    def needs_a_person(self) -> bool:
        """Somebody must look: held, rejected or unrecognized, now or when it was taken again."""
        is_refused = self.status in (Outcome.HELD, Outcome.REJECTED, Outcome.UNRECOGNIZED)
        return is_refused or any(part.stays for part in self.parts)


RANK = (
    Outcome.HELD,
    Outcome.REJECTED,
    Outcome.UNRECOGNIZED,
    Outcome.ACCEPTED,
    Outcome.QUARANTINED,
    Outcome.SUPERSEDED,
    Outcome.DUPLICATE,
)
"""A delivery's status is the first of these that one of its parts has."""
TAKEN = (Outcome.ACCEPTED, Outcome.QUARANTINED)
"""A delivery with such parts, and no others that rank higher, is accepted."""
