"""What each goal was judged by in the cycles before: what a change is a change from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from sipetl.plans.outlook import Estimate
from sipetl.registry.models import Cycle

Identity = tuple[str, str, str, str]
"""Plan, code, metric and student group: the same goal in every version of its plan."""
Before = Mapping[Identity, Estimate]

_STORED = text("""
select s.cycle, v.plan, b.code, b.metric, b.student_group, s.value, s.low, s.high
from metric.status s
join plan.benchmark b using (benchmark_id)
join plan.version v using (version_id)
where s.value is not null
order by v.effective_from
""")
_CYCLES = text("select school_year, data_as_of, cycle from ref.cycle order by school_year, data_as_of, cycle")


@dataclass(frozen=True, slots=True)
class History:
    """The judged values of every cycle."""

    cycles: tuple[tuple[int, date, str], ...]
    values: dict[str, Before]

    def before(self, cycle: Cycle) -> Before:
        """The values of the cycle before, in the same school year."""
        this = (cycle.school_year, cycle.data_as_of, cycle.cycle)
        earlier = [code for year, day, code in self.cycles if year == this[0] and (year, day, code) < this]
        return self.values.get(earlier[-1], {}) if earlier else {}

    def keep(self, cycle: Cycle, values: Mapping[Identity, Estimate | None]) -> None:
        """Remember what a cycle was just judged by."""
        self.values[cycle.cycle] = {goal: value for goal, value in values.items() if value is not None}


def read_history(connection: Connection) -> History:
    """Read what is stored."""
    values: dict[str, dict[Identity, Estimate]] = {}
    for cycle, plan, code, metric, group, *numbers in connection.execute(_STORED):
        values.setdefault(cycle, {})[plan, code, metric, group] = Estimate(*numbers)
    return History(tuple((row[0], row[1], row[2]) for row in connection.execute(_CYCLES)), {**values})
