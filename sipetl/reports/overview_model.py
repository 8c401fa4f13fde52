"""What the overview says, as plain values: `overview` fills it, the template draws it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sipetl.readiness import State
from sipetl.registry.models import Cycle
from sipetl.reports.grid import Cell
from sipetl.reports.model import Count, WaitKind


@dataclass(frozen=True, slots=True)
class Lack:
    """What a cycle lacks of one district and feed."""

    state: State
    district: str
    feed: str
    owner: str
    due_at: datetime | None
    schools: int
    goals: int
    """Benchmarks and MAGs that rest on it."""


@dataclass(frozen=True, slots=True)
class NextCycle:
    """The cycle that is under way: districts that are not ready, by feed, and what they lack."""

    cycle: Cycle
    state: State
    feeds: tuple[str, ...]
    districts: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    districts_more: int
    districts_ready: int
    lacks: tuple[Lack, ...]
    lacks_more: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """An arrival that is late, missing or incomplete; school days of one district and feed that say the same are one."""

    word: str
    district: str
    feed: str
    what: str
    owner: str
    due_at: datetime
    tier: int
    short_of: tuple[str, ...] = ()
    """Kinds of what it is not whole of."""


@dataclass(frozen=True, slots=True)
class FeedLoads:
    """The last load of a feed, and what became of those of the last days."""

    feed: str | None
    """None = files that no layout fits."""
    last_at: datetime | None = None
    district: str = ""
    status: str = ""
    recent: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """Something that waits for a person, and the command that shows it."""

    kind: WaitKind
    district: str
    feed: str | None
    received_at: datetime
    command: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the page says, in plain values; moments are in the home's time zone."""

    as_of: datetime
    cycle: NextCycle | None
    overdue: tuple[Overdue, ...]
    overdue_more: int
    due_soon: int
    loads: tuple[FeedLoads, ...]
    waiting: tuple[Waits, ...]
    waiting_more: int
