"""The registry, applied: `ref` is made equal to the registry's files, which stages then read (choice 16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, select, text

from sipetl.registry import Registry
from sipetl.registry.calendar import periods, school_days
from sipetl.registry.groups import load_groups
from sipetl.registry.models import Feed
from sipetl.warehouse import tables as t
from sipetl.warehouse.bulk import copy_in, merge

Rows = Iterable[Mapping[str, Any]]


def applied(connection: Connection) -> str | None:
    """Hash of the registry that `ref` holds; None before the first."""
    return connection.execute(select(t.ref.registry.c.sha256)).scalar()


def apply_registry(connection: Connection, registry: Registry, *, now: datetime) -> bool:
    """Make `ref` equal to the registry; says whether anything had to be done."""
    if applied(connection) == registry.sha256:
        return False
    _home(connection, registry)
    _organizations(connection, registry)
    _replace(connection, t.ref.crosswalk, _crosswalk(registry))
    _replace(connection, t.ref.school_day, _school_days(registry))
    _replace(connection, t.ref.period, _periods(registry))
    _cycles(connection, registry)
    _replace(connection, t.ref.feed, (_feed(feed) for feed in registry.feeds))
    _replace(connection, t.ref.student_group, (g.model_dump(exclude={"aliases"}) for g in load_groups()))
    _replace(connection, t.ref.survey_item, (i.model_dump() for i in registry.survey_items))
    _replace(connection, t.ref.identified_group, _identified(registry))
    _replace(connection, t.ref.registry, [{"sha256": registry.sha256, "applied_at": now}])
    return True


def _replace(connection: Connection, table: Table, rows: Rows) -> None:
    connection.execute(table.delete())
    values = list(rows)
    if values:
        connection.execute(table.insert(), values)


def _home(connection: Connection, registry: Registry) -> None:
    home = registry.home
    row = {
        "authority": home.authority,
        "state_code": home.state_code,
        "time_zone": home.time_zone,
        "policy": home.policy,
    }
    _replace(connection, t.ref.home, [row])


def _organizations(connection: Connection, registry: Registry) -> None:
    """Upsert by code: values point at organization ids, so an organization that goes stays as it was."""
    columns = ("code", "level", "name", "district", "calendar", "grades", "valid_from", "valid_to", "parent")
    stage = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in _all_organizations(registry)])
    authority = {"a": registry.home.authority}
    connection.execute(text("create temporary table stage_org (like ref.organization, parent text) on commit drop"))
    connection.execute(
        text("alter table stage_org alter organization_id drop not null, alter authority drop not null")
    )
    copy_in(connection, "stage_org", stage)
    shared = "level, name, district, calendar, grades, valid_from, valid_to"
    updates = ", ".join(f"{c} = excluded.{c}" for c in shared.split(", "))
    connection.execute(
        text(
            f"insert into ref.organization (authority, code, {shared})"
            f" select :a, code, {shared} from stage_org on conflict (authority, code) do update set {updates}"
        ),
        authority,
    )
    connection.execute(
        text(
            "update ref.organization o set parent_id = p.organization_id from stage_org s"
            " left join ref.organization p on p.authority = :a and p.code = s.parent"
            " where o.authority = :a and o.code = s.code"
        ),
        authority,
    )
    connection.execute(text("drop table stage_org"))


def _all_organizations(registry: Registry) -> list[tuple[Any, ...]]:
    home, given = registry.home, registry.organizations
    code_of = {d.district: d.code for d in given.districts}
    none = (None, None, None, None, None)
    rows: list[tuple[Any, ...]] = [(home.state_code, "state", home.state_name, *none, None)]
    rows += [(r.code, "region", r.name, *none, home.state_code) for r in given.regions]
    rows += [
        (d.code, "district", d.name, d.district, d.calendar, None, None, None, d.region or home.state_code)
        for d in given.districts
    ]
    rows += [
        (
            s.code,
            "school",
            s.name,
            s.district,
            None,
            ",".join(s.grades),
            s.valid_from,
            s.valid_to,
            code_of[s.district],
        )
        for s in given.schools
    ]
    return rows


def _crosswalk(registry: Registry) -> Rows:
    """The registry's lines, and every school under its own code and name."""
    for row in registry.crosswalk:
        yield {
            "district": row.district,
            "local_code": row.local_code.strip().casefold(),
            "organization_code": row.organization,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        }
    taken = {(row.district, row.local_code.strip().casefold()) for row in registry.crosswalk}
    for school in registry.organizations.schools:
        for local in {school.code.casefold(), school.name.casefold()}:
            if (school.district, local) not in taken:
                yield {
                    "district": school.district,
                    "local_code": local,
                    "organization_code": school.code,
                    "valid_from": None,
                    "valid_to": None,
                }


def _school_days(registry: Registry) -> Rows:
    for calendar in registry.calendars:
        for day in school_days(calendar, registry.home):
            yield {
                "calendar": calendar.calendar,
                "day": day.day,
                "school_year": calendar.school_year,
                "kind": day.kind,
                "reason": day.reason,
            }


def _periods(registry: Registry) -> Rows:
    windows = [window for feed in registry.feeds for window in feed.windows]
    for period in periods(registry.calendars, windows, registry.cycles):
        yield {name: getattr(period, name) for name in t.ref.period.columns.keys()}  # noqa: SIM118 (a column collection)


def _cycles(connection: Connection, registry: Registry) -> None:
    """Merge: releases point at cycles, so one that was released cannot vanish."""
    days = [(name, pa.date32()) for name in ("data_as_of", "data_due", "review_date")]
    schema = pa.schema([("cycle", pa.string()), ("school_year", pa.int32()), *days])
    rows = pa.Table.from_pylist([c.model_dump() for c in registry.cycles], schema=schema)
    merge(connection, t.ref.cycle, rows, within="not exists (select from ops.release r where r.cycle = t.cycle)")


def _feed(feed: Feed) -> dict[str, Any]:
    return {
        "district": feed.district,
        "feed": feed.feed.value,
        "inbox": feed.inbox,
        "config": feed.model_dump(mode="json"),
    }


def _identified(registry: Registry) -> Rows:
    for row in registry.identified:
        yield {
            "organization_code": row.school,
            "student_group": row.student_group,
            "school_year": row.school_year,
        }
