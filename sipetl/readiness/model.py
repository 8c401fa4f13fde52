"""What a readiness report says: per district, feed and school, whether a cycle's data is there and what hangs on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sipetl.registry.models import Cycle


class State(StrEnum):
    """Whether the data is there; `not_needed`: no benchmark of this cycle rests on it."""

    NOT_NEEDED = "not_needed"
    READY = "ready"
    AT_RISK = "at_risk"
    BLOCKED = "blocked"


SEVERITY: Mapping[State, int] = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Goal:
    """A benchmark or MAG that rests on a feed."""

    plan: str
    code: str
    is_mag: bool
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One school and feed."""

    district: str
    feed: str
    school: str
    school_name: str
    state: State
    missing: str | None
    """What is not there, and what is waived, in words."""
    owner: str
    due_at: datetime | None
    """The earliest due time of what is not there."""
    blocks: tuple[Goal, ...]
    """What cannot be judged without it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The report of one cycle at one moment."""

    cycle: Cycle
    as_of: datetime
    rows: tuple[Row, ...]

    @property
    def state(self) -> State:
        """The worst state of all rows."""
        return max((row.state for row in self.rows), key=SEVERITY.__getitem__, default=State.NOT_NEEDED)

    @property
    def counts(self) -> dict[State, int]:
        """Rows by state."""
        found = Counter(row.state for row in self.rows)
        return {state: found[state] for state in State}

    def as_json(self) -> dict[str, Any]:
        """The report in plain values, for `--json`."""
        rows = [{**asdict(row), "due_at": row.due_at and row.due_at.isoformat()} for row in self.rows]
        return {
            "cycle": self.cycle.model_dump(mode="json"),
            "as_of": self.as_of.isoformat(),
            "state": self.state.value,
            "counts": {state.value: n for state, n in self.counts.items()},
            "rows": rows,
        }


@dataclass(frozen=True, slots=True)
class CountdownStep:
    """A look at the readiness that is to be taken a number of school days before `data_due`."""

    cycle: str
    school_days: int
    on: date
