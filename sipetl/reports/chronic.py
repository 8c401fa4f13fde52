"""Chronic absence by school and by student group: this year to date beside last year, from `metric.value`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, RowMapping, select

from sipetl.registry.calendar import school_year_of
from sipetl.reports.model import Chronic, Pair, Place, Point
from sipetl.warehouse import tables as t

METRIC = "chronic_absence_rate_pk12"
EVERYONE, GRADES = "all", "grade"
Rows = Mapping[tuple[int, str], Mapping[int, Point]]
"""Values by organization and group, then school year."""


def read_chronic(
    connection: Connection, districts: Iterable[Place], schools: Sequence[Place], as_of: date
) -> tuple[Chronic, ...]:
    """Read the schools of each district, the highest rate first, and the district's student groups in their order.

    With a single school, the groups are that school's.
    """
    districts = list(districts)
    year = school_year_of(as_of)
    rows = _read(connection, [p.organization_id for p in (*districts, *schools)], as_of)
    group = t.ref.student_group.c
    groups = connection.execute(select(group.student_group, group.label, group.family).order_by(group.sort)).all()
    found = []
    for district in districts:
        own = [school for school in schools if school.district == district.district]
        of_schools = [_pair(rows, school.organization_id, EVERYONE, school.name, year) for school in own]
        whose = own[0] if len(own) == len(schools) == 1 else district
        of_groups = [
            (family, _pair(rows, whose.organization_id, code, label, year)) for code, label, family in groups
        ]
        known = [(family, pair) for family, pair in of_groups if _has(pair)]
        found.append(
            Chronic(
                district=district.district,
                key=district.code,
                schools=_sorted(of_schools),
                groups=tuple(pair for family, pair in known if family != GRADES),
                grades=tuple(pair for family, pair in known if family == GRADES),
            )
        )
    return tuple(each for each in found if each.schools or each.groups)


def _pair(rows: Rows, organization_id: int, group: str, name: str, year: int) -> Pair:
    years = rows.get((organization_id, group), {})
    return Pair(name, years.get(year), years.get(year - 1))


def _has(pair: Pair) -> bool:
    return pair.now is not None or pair.before is not None


def _sorted(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    known = [pair for pair in pairs if _has(pair)]
    return tuple(sorted(known, key=lambda p: (p.now is None, -(p.now.value if p.now else 0), p.name)))


def _read(connection: Connection, organizations: Sequence[int], as_of: date) -> Rows:
    value, period = t.metric.value, t.ref.period
    year = school_year_of(as_of)
    query = (
        select(value)
        .join(period, period.c.period_id == value.c.period_id)
        .where(
            value.c.organization_id.in_(organizations),
            value.c.metric == METRIC,
            period.c.kind == "year",
            value.c.school_year.in_((year - 1, year)),
            value.c.value.is_not(None),
            value.c.as_of <= as_of,
        )
    )
    found: dict[tuple[int, str], dict[int, Point]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault((row["organization_id"], row["student_group"]), {})[row["school_year"]] = _point(row)
    return found


def _point(row: RowMapping) -> Point:
    label = f"{row['school_year'] - 1}-{row['school_year'] % 100:02d}"
    return Point(row["as_of"], label, row["value"], row["low"], row["high"], row["n"], row["data_status"])
