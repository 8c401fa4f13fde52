"""The readiness room: before a cycle's review, whether its data is there and what is blocked (design/readiness.md)."""

from sipetl.readiness.countdown import countdown
from sipetl.readiness.model import CountdownStep, Goal, Readiness, Row, State
from sipetl.readiness.report import data_closes, next_cycle, read_cycle, readiness, readiness_of

__all__ = [
    "CountdownStep",
    "Goal",
    "Readiness",
    "Row",
    "State",
    "countdown",
    "data_closes",
    "next_cycle",
    "read_cycle",
    "readiness",
    "readiness_of",
]
