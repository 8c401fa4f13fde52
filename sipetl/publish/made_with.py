"""What a release was made with: readiness, definitions and lake versions, kept with every edition.

The numbers of a release must be readable when catalogue, plans, policy and calendars have long changed, so each
definition is kept as it was, whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from sipetl.disclosure import Policy
from sipetl.lake import Lake
from sipetl.lake.tables import open_table
from sipetl.metrics import load_catalogue
from sipetl.readiness import readiness
from sipetl.registry.models import FeedName
from sipetl.warehouse import tables as t

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MadeWith:
    """One edition, and what the warehouse does not know of it."""

    cycle: str
    edition: int
    now: datetime
    policy: Policy
    lake: Mapping[str, int]

    @property
    def key(self) -> dict[str, Any]:
        return {"cycle": self.cycle, "edition": self.edition}


def lake_versions(lake: Lake) -> dict[str, int]:
    """Delta version of every lake table that is there. `identity` is made from the rosters, and not listed."""
    tables = {feed.value: open_table(lake, feed) for feed in FeedName}
    return {name: table.version() for name, table in tables.items() if table is not None}


def keep_made_with(connection: Connection, made: MadeWith) -> str:
    """Write it all, and return the worst state of the cycle's data."""
    report = readiness(connection, made.cycle, now=made.now)
    rows = [
        {
            **made.key,
            "school": row.school,
            "feed": row.feed,
            "district": row.district,
            "state": row.state.value,
            "missing": row.missing,
            "owner": row.owner,
            "blocks": [{"plan": goal.plan, "code": goal.code} for goal in row.blocks],
        }
        for row in report.rows
    ]
    _write(connection, t.release.release_readiness, rows)
    _write(connection, t.release.release_definition, [{**made.key, **d} for d in _definitions(connection, made)])
    versions = [{**made.key, "feed": feed, "delta_version": version} for feed, version in made.lake.items()]
    _write(connection, t.release.release_lake, versions)
    return report.state.value


def _write(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _definitions(connection: Connection, made: MadeWith) -> Iterator[Content]:
    yield from _metrics(connection, made.cycle)
    for row in connection.execute(text(_PLANS), {"cycle": made.cycle}).mappings():
        yield {"kind": "plan", **row}
    yield _hashed("policy", made.policy.policy, made.policy.model_dump(mode="json"))
    for name, content in connection.execute(text(_CALENDARS), {"cycle": made.cycle}):
        yield _hashed("calendar", name, content)
    of_cycle = t.ref.cycle.c.cycle == made.cycle
    cycle = connection.execute(select(t.ref.cycle).where(of_cycle)).mappings().one()
    yield _hashed("cycle", made.cycle, {name: str(value) for name, value in cycle.items()})


def _metrics(connection: Connection, cycle: str) -> Iterator[Content]:
    """As the catalogue has them; of one that it no longer knows in this version, what `ref` still says."""
    catalogue = load_catalogue()
    for row in connection.execute(text(_METRICS), {"cycle": cycle}).mappings():
        metric = catalogue.get(row["metric"])
        is_same = metric is not None and metric.definition_sha256 == row["definition_sha256"]
        yield {
            "kind": "metric",
            "name": row["metric"],
            "version": str(row["version"]),
            "sha256": row["definition_sha256"],
            "content": metric.model_dump(mode="json", exclude_none=True) if metric and is_same else dict(row),
        }


def _hashed(kind: str, name: str, content: Content) -> Content:
    written = json.dumps(content, sort_keys=True, ensure_ascii=False)
    sha256 = hashlib.sha256(written.encode()).hexdigest()
    return {"kind": kind, "name": name, "version": "", "sha256": sha256, "content": content}


_METRICS = """
with used as (
    select metric, metric_version as version from ops.release_value where cycle = :cycle
    union
    select b.metric, max(m.version)
    from ops.release_status as s
    join plan.benchmark as b using (benchmark_id)
    join ref.metric as m on m.metric = b.metric
    where s.cycle = :cycle
    group by b.metric
)
select m.* from ref.metric as m join used using (metric, version) order by metric, version
"""
_PLANS = """
select
    v.plan as name,
    v.effective_from::text as version,
    v.sha256,
    jsonb_build_object('title', v.title, 'benchmarks', jsonb_agg(b.definition order by b.code)) as content
from plan.version as v
join plan.benchmark as b using (version_id)
where v.version_id in (
    select b.version_id from ops.release_status as s join plan.benchmark as b using (benchmark_id) where s.cycle = :cycle
)
group by v.version_id
order by v.plan, v.effective_from
"""
_CALENDARS = """
select
    d.calendar,
    jsonb_build_object(
        'first_day', min(d.day), 'last_day', max(d.day), 'school_days', count(*) filter (where d.kind <> 'closure'),
        'exceptions', jsonb_agg(jsonb_build_array(d.day, d.kind, d.reason) order by d.day) filter (where d.kind <> 'instructional')
    )
from ref.school_day as d
join ref.cycle as c using (school_year)
where c.cycle = :cycle
group by d.calendar
order by d.calendar
"""
