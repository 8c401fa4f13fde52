"""What became of a delivery, for the command line, the letter and the DAG's grid: counts and words, never values."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sipetl.quality import Finding, Outcome


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """One feed, district and school year of a member."""

    member: str
    outcome: Outcome
    feed: str = ""
    district: str = ""
    school_year: int | None = None
    layout: str = ""
    rows_read: int = 0
    rows_good: int = 0
    rows_quarantined: int = 0
    rows_rejected: int = 0
    rows_left_out: int = 0
    rows_repeated: int = 0
    is_row_for_row: bool = True
    reason: str = ""
    findings: tuple[Finding, ...] = field(default=(), repr=False)


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
        """Somebody must look: held, rejected or unrecognized."""
        return self.status in (Outcome.HELD, Outcome.REJECTED, Outcome.UNRECOGNIZED)


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
