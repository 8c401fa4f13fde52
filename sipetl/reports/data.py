"""Fills a report page from the warehouse: reads only, as everything stood at the end of one day.

The first half of the room; `html` draws what this gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from sipetl.arrivals import Judged, Wholeness, judge_all
from sipetl.errors import ConfigError
from sipetl.readiness import Readiness, next_cycle, readiness
from sipetl.registry.calendar import school_year_of
from sipetl.reports.chronic import read_chronic
from sipetl.reports.coverage import read_coverage
from sipetl.reports.goals import read_plans
from sipetl.reports.model import Count, Coverage, Glance, Kind, Page, Place, SchoolPlan, Scope
from sipetl.reports.waiting import MOST_WAITING, read_waiting
from sipetl.reports.words import in_order
from sipetl.warehouse import tables as t

DAY_ENDS = time(23, 59, 59)
"""A report tells the end of its day, as every command does (settings.py)."""


def scope_of(connection: Connection, kind: str, code: str | None) -> Scope:
    """Find what a report is about.

    Args:
        connection: the warehouse.
        kind: `home`, `district`, `school` or `readiness`.
        code: the authority's code, or the lake's code of a district; of a cycle for `readiness`, None = under way.

    Raises:
        ConfigError: there is no such report, district or school.
    """
    if kind not in set(Kind):
        raise ConfigError(f"there is no report '{kind}'", cure=f"use one of {', '.join(Kind)}")
    wanted = Kind(kind)
    if wanted is Kind.HOME:
        return Scope()
    if wanted is Kind.READINESS:
        return Scope(wanted, cycle=code)
    organization = t.ref.organization.c
    is_meant = organization.code == code
    if wanted is Kind.DISTRICT:
        is_meant |= organization.district == code
    row = connection.execute(
        select(organization.code, organization.district).where(organization.level == wanted.value, is_meant)
    ).first()
    if row is None:
        raise ConfigError(f"there is no {wanted.value} '{code}'", cure="use a code of organizations.yaml")
    return Scope(wanted, district=row.district, school=row.code if wanted is Kind.SCHOOL else None)


def gather(connection: Connection, scope: Scope, *, as_of: date, title: str | None = None) -> Page:
    """Read all that a report says.

    Args:
        connection: the warehouse; nothing is written.
        scope: what it is about.
        as_of: the day at whose end things are told.
        title: heading; None = the name of what it is about.

    Raises:
        ConfigError: no registry has been applied, or there is no such cycle.
    """
    now = datetime.combine(as_of, DAY_ENDS, UTC)
    districts, schools = _places(connection, scope)
    page = Page(
        title=title or _title(scope, districts, schools),
        scope=scope,
        as_of=as_of,
        districts={place.district: place.name for place in districts},
        cycles=_cycles(connection, scope, now),
    )
    waiting = () if scope.kind is Kind.SCHOOL else read_waiting(connection, scope, now)
    page = replace(page, waiting=waiting[:MOST_WAITING], waiting_more=max(len(waiting) - MOST_WAITING, 0))
    context, judged = judge_all(connection, now=now, years=(school_year_of(as_of),), district=scope.district)
    plans: tuple[SchoolPlan, ...] = ()
    if scope.kind is not Kind.READINESS:
        plans = read_plans(connection, schools, as_of)
        page = replace(page, plans=plans, chronic=read_chronic(connection, districts, schools, as_of))
    coverage = read_coverage(connection, context, judged, districts, now)
    return replace(
        page,
        glance=_glance(connection, scope, judged, plans, now),
        coverage=tuple(_of_school(each, schools) if scope.school else each for each in coverage),
    )


def _of_school(coverage: Coverage, schools: Iterable[Place]) -> Coverage:
    names = {school.name for school in schools}
    return replace(coverage, schools={name: weeks for name, weeks in coverage.schools.items() if name in names})


def _places(connection: Connection, scope: Scope) -> tuple[list[Place], list[Place]]:
    """The districts and schools of the report, by name."""
    organization = t.ref.organization.c
    rows = connection.execute(
        select(organization.organization_id, organization.code, organization.name, organization.district)
        .add_columns(organization.level)
        .where(organization.level.in_(("district", "school")), organization.district.is_not(None))
        .order_by(organization.name, organization.code)
    )
    found: dict[str, list[Place]] = {"district": [], "school": []}
    for *values, level in rows:
        place = Place(*values)
        if scope.holds(place.district, place.code if level == "school" else None):
            found[level].append(place)
    return found["district"], found["school"]


def _title(scope: Scope, districts: Sequence[Place], schools: Sequence[Place]) -> str:
    if scope.kind is Kind.SCHOOL:
        return schools[0].name
    if scope.kind is Kind.DISTRICT:
        return districts[0].name
    return "Readiness for review" if scope.kind is Kind.READINESS else "All districts"


def _cycles(connection: Connection, scope: Scope, now: datetime) -> tuple[Readiness, ...]:
    """The cycle that was asked for, or the one under way and those before it in its year."""
    code = scope.cycle or next_cycle(connection, now.date())
    wanted = [code]
    if scope.cycle is None:
        cycle = t.ref.cycle
        this = select(cycle.c.school_year, cycle.c.review_date).where(cycle.c.cycle == code).subquery()
        before = (
            select(cycle.c.cycle)
            .where(cycle.c.school_year == this.c.school_year, cycle.c.review_date < this.c.review_date)
            .order_by(cycle.c.review_date.desc())
        )
        wanted += connection.scalars(before).all()
    zone = _zone(connection)
    return tuple(_within(readiness(connection, each, now=now), scope, zone) for each in wanted)


def _within(whole: Readiness, scope: Scope, zone: ZoneInfo) -> Readiness:
    """The rows of the report, due times as they are meant."""
    rows = (row for row in whole.rows if scope.holds(row.district, row.school))
    return replace(whole, rows=tuple(replace(row, due_at=row.due_at and row.due_at.astimezone(zone)) for row in rows))


def _zone(connection: Connection) -> ZoneInfo:
    return ZoneInfo(connection.scalars(select(t.ref.home.c.time_zone)).one())


def _glance(
    connection: Connection, scope: Scope, judged: Sequence[Judged], plans: Iterable[SchoolPlan], now: datetime
) -> Glance:
    """Counts; a school has no arrivals and deliveries of its own."""
    goals = Counter(goal.status for plan in plans for goal in plan.goals)
    if scope.kind is Kind.SCHOOL:
        return Glance(benchmarks=in_order(goals))
    begun = [one for one in judged if one.arrival.opens_on <= now.date()]
    return Glance(
        arrivals=in_order(Counter(one.verdict.word.value for one in begun)),
        incomplete=sum(one.verdict.wholeness is Wholeness.INCOMPLETE for one in begun),
        deliveries=_deliveries(connection, scope, now),
        benchmarks=in_order(goals),
    )


def _deliveries(connection: Connection, scope: Scope, now: datetime) -> tuple[Count, ...]:
    delivery = t.ops.delivery.c
    query = select(delivery.status, func.count()).where(delivery.received_at <= now).group_by(delivery.status)
    if scope.district is not None:
        query = query.where(delivery.sender == scope.district)
    return in_order(dict(map(tuple, connection.execute(query))))
