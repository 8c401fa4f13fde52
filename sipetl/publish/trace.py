"""From a number back to the files it was computed from (decision 9).

A value points to an input: a set of parts, or for regions and the state a set of inputs below it (choice 13). The
integers, the definition's version and the parts are all that is needed to compute it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from sipetl.errors import ConfigError

SQL = files("sipetl.publish") / "sql"


@dataclass(frozen=True, slots=True)
class TracedPart:
    """One part that a value was computed from."""

    part_id: str
    delivery_id: str
    member: str
    feed: str
    district: str
    school_year: int
    layout: str
    layout_version: int
    scope_kind: str
    scope_from: str | None
    scope_to: str | None
    rows_good: int
    rows_quarantined: int
    status_then: str
    """`accepted`, since only such parts are computed from; `unknown` where no acceptance is on record."""
    status: str
    """Its status now."""
    replaced_by: str | None
    """The part that superseded it since."""
    embargo_until: str | None
    delta_version: int | None


@dataclass(frozen=True, slots=True)
class TracedDelivery:
    """One delivery that parts came in."""

    delivery_id: str
    sender: str
    file_name: str
    source_path: str
    sha256: str
    received_at: str
    landed_path: str
    status: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A number, how it was made, and from what. Every field is plain: `dataclasses.asdict` of it goes into JSON."""

    cycle: str | None
    """The release that was looked into; None = the current value."""
    organization: str
    organization_name: str
    period_kind: str
    period: str
    school_year: int
    metric: str
    metric_version: int
    title: str | None
    source: str | None
    """Where the definition comes from."""
    definition_sha256: str | None
    student_group: str
    as_of: str
    value: str | None
    """Decimals are text, digit for digit."""
    low: str | None
    high: str | None
    numerator: int
    denominator: int
    sum_xx: str
    sum_xy: str
    sum_yy: str
    n: int
    expected_n: int | None
    coverage: str | None
    data_status: str
    days_due: int | None
    """School days of the period, where too many of them are not here now; else None."""
    days_overdue: int | None
    days_pending: int | None
    suppression: str | None
    """Why the public does not see it, in a release."""
    input_id: str
    parts: tuple[TracedPart, ...]
    deliveries: tuple[TracedDelivery, ...]


def trace(
    connection: Connection,
    *,
    organization: str,
    metric: str,
    period: str,
    student_group: str = "all",
    cycle: str | None = None,
) -> Trace:
    """Follow a number to its files.

    Args:
        connection: the warehouse, as a role that may read its tables.
        organization: code of the organization.
        metric: name in the catalogue.
        period: code of the period: `2026`, `2025-10`, `2026-fall`, a cycle.
        student_group: code of the group.
        cycle: look into this release; None = the current value.

    Raises:
        ConfigError: there is no such number, or the period's code stands for several.
    """
    key = {"organization": organization, "metric": metric, "period": period, "student_group": student_group}
    rows = connection.execute(text(_value_query(cycle)), {**key, "cycle": cycle} if cycle else key).all()
    if len(rows) != 1:
        cell = ", ".join(f"{name} {value}" for name, value in key.items())
        where = f"release {cycle}" if cycle else "the current values"
        raise ConfigError(f"{len(rows) or 'no'} such numbers in {where}: {cell}", cure="see the view dim_period")
    row = rows[0]
    members = connection.execute(text(_read("trace_members")), {"input_id": row.input_id}).all()
    found = {name: _plain(value) for name, value in row._mapping.items()}
    return Trace(cycle=cycle, **found, parts=tuple(map(_part, members)), deliveries=_deliveries(members))


def _value_query(cycle: str | None) -> str:
    query = _read("trace_value")
    if cycle is None:
        return query.format(suppression="null", table="metric.value", condition="true", is_current="true")
    frozen = {"table": "ops.release_value", "condition": "v.cycle = :cycle", "is_current": "false"}
    return query.format(suppression="v.suppression", **frozen)


def _part(row: Row[Any]) -> TracedPart:
    names = [name for name in TracedPart.__dataclass_fields__ if name != "status_then"]
    then = "unknown" if row.published_at is None else "accepted"
    return TracedPart(status_then=then, **{name: _plain(row._mapping[name]) for name in names})


def _deliveries(rows: list[Row[Any]] | Any) -> tuple[TracedDelivery, ...]:
    names = [name for name in TracedDelivery.__dataclass_fields__ if name != "status"]
    found = {
        row.delivery_id: TracedDelivery(
            status=row.delivery_status, **{name: _plain(row._mapping[name]) for name in names}
        )
        for row in rows
    }
    return tuple(found.values())


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers that must stay exact, days, moments and ids become text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _read(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
