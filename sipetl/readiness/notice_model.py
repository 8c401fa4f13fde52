"""The words of a notice: whom it is for, what became of what, and the digest that one owner gets on one day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is told: five things that are open, and four ends of them."""

    BLOCKED = "blocked"
    MISSING = "missing"
    LATE = "late"
    AT_RISK = "at_risk"
    INCOMPLETE = "incomplete"
    RECOVERED = "recovered"
    READY = "ready"
    WAIVED = "waived"
    DROPPED = "dropped"


ENDS = frozenset({Kind.RECOVERED, Kind.READY, Kind.WAIVED, Kind.DROPPED})
WORSE: Mapping[Kind | None, int] = {
    None: 0,
    Kind.INCOMPLETE: 1,
    Kind.LATE: 2,
    Kind.MISSING: 3,
    Kind.AT_RISK: 1,
    Kind.BLOCKED: 2,
}
"""How bad an open thing is: of arrivals among themselves, of cycles among themselves."""
LABEL: Mapping[Kind, str] = {
    Kind.BLOCKED: "blocked",
    Kind.MISSING: "missing",
    Kind.LATE: "late",
    Kind.AT_RISK: "at risk",
    Kind.INCOMPLETE: "incomplete",
    Kind.RECOVERED: "recovered",
    Kind.READY: "ready again",
    Kind.WAIVED: "waived",
    Kind.DROPPED: "no longer waited for",
}
MEND: Mapping[Kind, str] = {
    Kind.BLOCKED: (
        "Send what is missing before the review; what comes later counts from the next cycle on. "
        "'sipetl readiness CYCLE' says what is missing for each school."
    ),
    Kind.MISSING: (
        "Put the file into the inbox: it is still taken. If it will never come, waive it (waivers.yaml, or 'sipetl waive'), "
        "so that nobody waits for it."
    ),
    Kind.LATE: "Put the file into the inbox. If a file came and was refused, mend what its letter names, and send it again.",
    Kind.AT_RISK: "Send what is missing before the cycle's data is due. 'sipetl readiness CYCLE' says what is missing.",
    Kind.INCOMPLETE: "Send the whole file again, with the schools and days that are named here. 'sipetl arrivals' lists them.",
    Kind.RECOVERED: "Nothing to do.",
    Kind.READY: "Nothing to do.",
    Kind.WAIVED: "Nothing to do, if the reason holds.",
    Kind.DROPPED: "Nothing to do: the registry expects it later, or no more.",
}


_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """Whom a digest is for. Two addresses of one owner are two recipients: districts may share an owner's title."""

    owner: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that somebody may have to be told of: an expected arrival, or a cycle's need of a feed."""

    subject: str
    recipient: Recipient
    district: str
    feed: str
    window: str
    """Window, day or cycle."""
    now: Kind | None
    """What is open; None = nothing is."""
    end: Kind = Kind.RECOVERED
    """How it ended, where nothing is open."""
    since: datetime | None = None
    told: Kind | None = None
    told_since: datetime | None = None
    told_to: Recipient | None = None
    due_at: datetime | None = None
    words: str = ""
    blocks: tuple[str, ...] = ()
    """Plan and code of the goals that cannot be judged without it."""
    arrival_id: int | None = None
    """None: it is a cycle's."""

    @property
    def is_news(self) -> bool:
        """Whether it is not as it was told, or is open and was told to another."""
        before = (self.told_since, self.told_to)
        return self.now is not self.told or (self.now is not None and (self.since, self.recipient) != before)

    @property
    def kind(self) -> Kind:
        """What is to be told of it."""
        return self.now or self.end

    @property
    def day(self) -> date | None:
        """The school day that it is for; None = a window or a cycle."""
        if self.arrival_id is None or not _ISO_DAY.fullmatch(self.window):
            return None
        return date.fromisoformat(self.window)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is so: a district, with what is to be said of it alone."""

    district: str
    name: str
    inbox: str
    detail: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a digest: the same thing in as many districts as it holds for."""

    kind: Kind
    headline: str
    feed: str
    window: str
    layout: str
    places: tuple[Place, ...]
    blocks: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What one owner is told on one day: changes, and beside them what is open still."""

    day: date
    recipient: Recipient
    news: tuple[Item, ...]
    still_open: tuple[Item, ...]

    @property
    def subject(self) -> str:
        """One line: of how many districts' feeds something is told, by what it is."""
        counts = {kind: sum(len(item.places) for item in self.news if item.kind is kind) for kind in Kind}
        told = ", ".join(f"{n} {LABEL[kind]}" for kind, n in counts.items() if n)
        return f"sipetl {self.day}: {told}"

    def as_json(self) -> dict[str, Any]:
        """The digest in plain values: what is kept, and what templates draw."""
        plain: dict[str, Any] = asdict(self)
        recipient = plain.pop("recipient")
        return {**plain, **recipient, "day": self.day.isoformat(), "subject": self.subject}
