"""The implementation timelines: what is done, still due and overdue on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from sipetl.plans.model import TimelineStep
from sipetl.plans.readings import in_force, read_versions
from sipetl.plans.status import StepStatus, step_status
from sipetl.warehouse import tables as t


@dataclass(frozen=True, slots=True)
class StepRow:
    """A timeline step of a plan in force, and how it stands."""

    plan: str
    organization_code: str
    initiative: str
    step: str
    owner: str
    due_on: date
    done_on: date | None
    status: StepStatus


def steps(connection: Connection, on: date) -> list[StepRow]:
    """List the timeline steps of the plans in force on a day, by plan and due date."""
    version, step = t.plan.plan_version, t.plan.timeline_step
    columns = (step.c.initiative, step.c.step, step.c.owner, step.c.due_on, step.c.done_on)
    query = (
        select(version.c.plan, version.c.organization_code, *columns)
        .join(step, step.c.version_id == version.c.version_id)
        .where(version.c.version_id.in_(in_force(read_versions(connection), on)))
        .order_by(version.c.plan, step.c.due_on, step.c.initiative, step.c.step_id)
    )
    return [StepRow(*row, status=_status(*row[3:], on)) for row in connection.execute(query)]


def _status(step: str, owner: str, due: date, done_on: date | None, on: date) -> StepStatus:
    return step_status(TimelineStep(step=step, owner=owner, due=due, done_on=done_on), on)
