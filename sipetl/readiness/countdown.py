"""When to look: 10, 5, 2 and 0 school days before a cycle's `data_due` (design/readiness.md). Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sipetl.readiness.model import CountdownStep
from sipetl.registry.calendar import before_school_days
from sipetl.registry.models import Cycle

STEPS = (10, 5, 2, 0)


def countdown(
    cycle: Cycle, days: Sequence[date], *, today: date, recorded: Collection[int] = ()
) -> tuple[CountdownStep, ...]:
    """List the steps that are reached and not yet recorded, the earliest first: a missed day catches up.

    Args:
        cycle: the monitoring cycle.
        days: the district's school days, sorted.
        today: the day in the home's time zone.
        recorded: steps taken before, by their number of school days.
    """
    steps = (CountdownStep(cycle.cycle, n, before_school_days(days, cycle.data_due, n)) for n in STEPS)
    return tuple(step for step in steps if step.on <= today and step.school_days not in recorded)
