"""What a report says of progress: what follows from a judged value, how often a goal was met, the timeline's steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Outlook:
    """What follows from a judged value: the change since the review before, the pace still needed, the projection."""

    change: Decimal | None = None
    is_beyond_noise: bool | None = None
    pace: Decimal | None = None
    """Change per measurement to come."""
    pace_period: str = ""
    periods_left: int = 0
    projection: Decimal | None = None
    """At the due date."""
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How often a recurring benchmark was met: `met` of `judged` so far, `needed` of `total` by its rule."""

    occurrence: str
    met: int
    judged: int
    needed: int
    total: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an implementation timeline, and how it stands: done, due or overdue."""

    initiative: str
    step: str
    owner: str
    due_on: date
    done_on: date | None
    status: str
