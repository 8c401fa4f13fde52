"""The readiness room: before a cycle's review, whether its data is there and what is blocked (design/readiness.md)."""

from sipetl.readiness.countdown import countdown
from sipetl.readiness.model import CountdownStep, Goal, Readiness, Row, State
from sipetl.readiness.report import next_cycle, readiness

__all__ = ["CountdownStep", "Goal", "Readiness", "Row", "State", "countdown", "next_cycle", "readiness"]
