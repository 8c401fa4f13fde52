"""Reading and writing `ops.arrival`: what the registry expects is merged in, and nothing expected vanishes silently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection, select, text

from sipetl.arrivals.expect import BY_REGISTRY
from sipetl.arrivals.model import Arrival
from sipetl.registry.calendar import school_year_of
from sipetl.warehouse import copy_in
from sipetl.warehouse import tables as t

REMOVED = "no longer in the registry"
SCHEMA = pa.schema(
    [
        ("arrival_id", pa.int64()),
        ("district", pa.string()),
        ("feed", pa.string()),
        ("school_year", pa.int32()),
        ("window_code", pa.string()),
        ("opens_on", pa.date32()),
        ("closes_on", pa.date32()),
        ("due_at", pa.timestamp("us", "UTC")),
        ("grace_until", pa.timestamp("us", "UTC")),
        ("hard_stop_at", pa.timestamp("us", "UTC")),
        ("owner", pa.string()),
        ("tier", pa.int32()),
        ("waived_reason", pa.string()),
        ("waived_by", pa.string()),
    ]
)
_PLAIN = [name for name in SCHEMA.names if name not in ("arrival_id", "waived_reason", "waived_by")]
_OURS = f"(t.waived_by is null or t.waived_by like '%{BY_REGISTRY}')"
"""Waivers that the registry gave, or none: it may change them. One that a person gave stays."""

_ADD = f"""
insert into ops.arrival ({", ".join(SCHEMA.names)})
select {", ".join("s." + name for name in SCHEMA.names)}
from stage_expected s
where not exists (select from ops.arrival t where t.arrival_id = s.arrival_id)
"""
_CHANGE = f"""
update ops.arrival t
set {", ".join(f"{name} = s.{name}" for name in _PLAIN)},
    waived_reason = case when {_OURS} then s.waived_reason else t.waived_reason end,
    waived_by = case when {_OURS} then s.waived_by else t.waived_by end
from stage_expected s
where t.arrival_id = s.arrival_id
  and (
    ({", ".join("t." + name for name in _PLAIN)}) is distinct from ({", ".join("s." + name for name in _PLAIN)})
    or ({_OURS} and (t.waived_reason, t.waived_by) is distinct from (s.waived_reason, s.waived_by))
  )
"""
_UNEXPECTED = """
t.school_year = any(:years) and not exists (select from stage_expected s where s.arrival_id = t.arrival_id)
"""
_REMOVE = f"""
delete from ops.arrival t
where {_UNEXPECTED}
  and t.due_at > :now
  and not exists (select from ops.arrival_part p where p.arrival_id = t.arrival_id)
  and exists (select from stage_expected s where s.district = t.district and s.feed = t.feed)
"""
_FORGET = """
delete from ops.arrival t
where not exists (select from stage_expected s where s.district = t.district)
  and not exists (select from ref.crosswalk c where c.district = t.district)
  and not exists (select from ref.feed f where f.district = t.district)
  and not exists (select from ops.delivery d where d.sender = t.district)
  and not exists (select from ops.delivery_part p where p.district = t.district)
"""
"""Of a district that left the registry wholly and never sent anything: the example of a new home."""
_WAIVE = f"""
update ops.arrival t
set waived_reason = '{REMOVED}', waived_by = '{BY_REGISTRY}'
where {_UNEXPECTED} and t.waived_reason is null
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """How many arrivals a change of the registry added, changed, waived and took away."""

    added: int
    changed: int
    waived: int
    removed: int


def write_expected(connection: Connection, arrivals: Sequence[Arrival], *, now: datetime) -> Expected:
    """Make `ops.arrival` say what the registry expects, for the years it covers and for every year that still runs.

    An arrival that is no longer expected is waived, with the reason. Only where its feed goes on (a day that became
    a snow day, a window that moved) and it was never due nor answered, or its whole district left without ever sending
    anything, it is taken away. A person's waiver stays.
    """
    running = school_year_of(now.date())
    known = connection.scalars(select(t.ops.arrival.c.school_year).distinct()).all()
    years = {a.school_year for a in arrivals} | {year for year in known if year >= running}
    connection.execute(text("create temporary table stage_expected (like ops.arrival) on commit drop"))
    copy_in(connection, "stage_expected", _table(arrivals))
    given = {"years": sorted(years), "now": now}
    changed = connection.execute(text(_CHANGE)).rowcount
    removed = connection.execute(text(_REMOVE), given).rowcount
    removed += connection.execute(text(_FORGET)).rowcount
    waived = connection.execute(text(_WAIVE), {"years": given["years"]}).rowcount
    added = connection.execute(text(_ADD)).rowcount
    connection.execute(text("drop table stage_expected"))
    return Expected(added, changed, waived, removed)


def _table(arrivals: Sequence[Arrival]) -> pa.Table:
    return pa.table([[getattr(a, name) for a in arrivals] for name in SCHEMA.names], SCHEMA)


def read_arrivals(connection: Connection, years: Iterable[int], district: str | None = None) -> list[Arrival]:
    """Read the expected arrivals of school years, in the order of district, feed and due date."""
    arrival = t.ops.arrival
    query = select(*(arrival.c[name] for name in SCHEMA.names)).where(arrival.c.school_year.in_(list(years)))
    if district is not None:
        query = query.where(arrival.c.district == district)
    ordered = query.order_by(arrival.c.district, arrival.c.feed, arrival.c.due_at, arrival.c.window_code)
    return [Arrival(*row) for row in connection.execute(ordered)]
