"""What a cycle rests on: the benchmarks and MAGs of the plans in force, by school and feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, text

from sipetl.readiness.model import Goal
from sipetl.registry.calendar import school_year_of
from sipetl.registry.models import Cycle

ROSTER = "roster"
EVERYONE = "all"
OF_STUDENTS = frozenset({"attendance", "assessment", "survey", "discipline", "course"})
"""Feeds of which only the roster says who should be in them: without it a value is there, its coverage unknown."""
EDUCATOR = "educator"
YEAR_END_ONLY = "year_end_only"

_GOALS = """
with in_force as (
    select distinct on (plan) version_id, plan, organization_code
    from plan.version
    where effective_from <= :day
    order by plan, effective_from desc
)
select
    v.plan, split_part('/' || v.organization_code, '/', -1) as school, b.code, b.is_mag, b.kind, b.text, b.feed,
    b.student_group, b.path, b.due_on, b.definition ->> 'window' as "window"
from in_force v
join plan.benchmark b using (version_id)
order by v.plan, b.is_mag, b.code
"""


@dataclass(frozen=True, slots=True)
class Need:
    """One goal's claim on a feed; `window` None = the newest window, or all that add up."""

    school: str
    feed: str
    window: str | None
    goal: Goal
    is_vital: bool = True
    """False: the goal can be judged without it, less surely."""


def read_needs(connection: Connection, cycle: Cycle) -> list[Need]:
    """Read what the plans in force on the cycle's last day of data rest on.

    A goal due in an earlier school year needs nothing more; one that only the year's end can judge needs nothing yet.
    """
    rows = connection.execute(text(_GOALS), {"day": cycle.data_as_of}).mappings()
    return [need for row in rows if _is_judged(row, cycle) for need in _needs(row)]


def _is_judged(row: RowMapping, cycle: Cycle) -> bool:
    if school_year_of(row["due_on"]) < cycle.school_year:
        return False
    return bool(row["path"] != YEAR_END_ONLY or row["due_on"] <= cycle.data_as_of)


def _needs(row: RowMapping) -> Iterable[Need]:
    goal = Goal(row["plan"], row["code"], row["is_mag"], row["text"])
    yield Need(row["school"], row["feed"], row["window"], goal)
    if row["feed"] != ROSTER and row["student_group"] != EVERYONE:
        yield Need(row["school"], ROSTER, None, goal)  # who is in a group, the roster says
    elif row["feed"] in OF_STUDENTS and row["kind"] != EDUCATOR:
        yield Need(row["school"], ROSTER, None, goal, is_vital=False)
