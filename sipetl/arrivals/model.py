"""The words of the arrivals ledger: an expected arrival, what came for it, and the verdict.

Time intervals are half open: what happens at the very moment of a deadline is after it. Moments are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class Word(StrEnum):
    """The verdict on an arrival (choice 19)."""

    NOT_DUE = "not_due"
    DUE_SOON = "due_soon"
    ON_TIME = "on_time"
    LATE = "late"
    MISSING = "missing"
    RECOVERED = "recovered"
    WAIVED = "waived"


class Wholeness(StrEnum):
    """Whether what came holds all that was expected: a column beside the verdict."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


DUE_SOON_SCHOOL_DAYS = 5
"""An arrival is due soon within a school week of its due day."""
CAME = frozenset({Word.ON_TIME, Word.RECOVERED})
OVERDUE = frozenset({Word.LATE, Word.MISSING})
ONE_WINDOW = frozenset({"roster", "staff", "assessment", "survey", "published_results"})
"""Feeds whose newest window is measured by itself; the windows of the others add up to the year."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row of `ops.arrival`: one feed of one district is expected for one window, day or cycle."""

    arrival_id: int
    district: str
    feed: str
    school_year: int
    window_code: str
    opens_on: date
    closes_on: date
    due_at: datetime
    grace_until: datetime
    hard_stop_at: datetime
    owner: str
    tier: int
    waived_reason: str | None = None
    waived_by: str | None = None

    @property
    def is_daily(self) -> bool:
        """Whether it is for one school day."""
        return self.opens_on == self.closes_on and self.window_code == self.opens_on.isoformat()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What came: a delivery part, or (`part_id` None) a delivery that was refused before it had parts."""

    part_id: UUID | None
    sender: str
    district: str
    feed: str
    school_year: int
    status: str
    received_at: datetime
    received_on: date
    """`received_at` as a day in the home's time zone."""
    is_snapshot: bool = False
    starts: date | None = None
    ends: date | None = None
    windows: frozenset[str] = frozenset()
    """Window codes found in the content, lower case."""
    grades: tuple[str, ...] = ()
    """Grades that its scope is narrowed to; empty = not narrowed."""
    wholeness: Mapping[str, Any] | None = None
    """Counts by school: `schools` rows, `days` {from, to, n}, `students`."""

    @property
    def is_taken(self) -> bool:
        """Whether its rows went into the lake, now or once."""
        return self.status in ("accepted", "superseded")


@dataclass(slots=True)
class Answer:
    """What came for one arrival."""

    first: Part | None = None
    """The first part that was taken: it decides on_time or recovered."""
    current: list[Part] = field(default_factory=list)
    """Accepted parts: they decide the wholeness."""
    refused: Part | None = None
    """The latest that came and was not taken."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one arrival at one moment."""

    arrival_id: int
    word: Word
    since: datetime
    wholeness: Wholeness | None = None
    """None: nothing came, or what came could not be counted."""
    lacks: str | None = None
    schools_share: Decimal | None = None
    days_share: Decimal | None = None
    students_share: Decimal | None = None
    by_school: Mapping[str, str] = field(default_factory=dict)
    """What each incomplete school lacks, by its code."""
    absent: frozenset[str] = frozenset()
    """Schools of which nothing came."""
    short: frozenset[str] = frozenset()
    """Those, and schools of which too few days came."""
