"""Primary suppression: cells of a release that are hidden for what they are themselves.

Works on the frozen rows of one release, in the database, before they are visible. What a reader sees of a hidden
cell is decided by the views of `publish`: the row and its display text, nothing else. Complementary suppression (a cell hidden because
the others would give it away), top and bottom coding and the proof are not here yet: a hidden cell can still be
worked out from a total and its other parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sipetl.disclosure.policy import DEFAULT, Policy
from sipetl.metrics import Interval, Metric, load_catalogue


class Code(StrEnum):
    """Why the public does not see a cell; the first that applies."""

    EMBARGOED = "E"
    NOT_REPORTED = "N"
    PRIMARY = "P"


@dataclass(frozen=True, slots=True)
class Decided:
    """How many rows of a release are hidden."""

    values: int
    statuses: int


def decide(connection: Connection, cycle: str, *, policy: Policy, day: date) -> Decided:
    """Write the code of every hidden row of a release's values and statuses.

    A status is hidden with the value it judges. One whose value is no longer among `metric.value` cannot be looked into, and
    is hidden as well. A status without a value (`no_data`, `awaiting_source`) has nothing to hide.

    Args:
        connection: an open transaction in which the rows were frozen.
        cycle: the release.
        policy: the limits.
        day: of the release; an embargo that ends later holds.
    """
    given = {"cycle": cycle, "day": day, "rules": json.dumps(_rules(_metrics(connection, cycle), policy))}
    values = connection.execute(text(f"{_GIVEN} {_VALUES}"), given).rowcount
    statuses = connection.execute(text(f"{_GIVEN} {_STATUSES}"), given).rowcount
    return Decided(values, statuses)


def _metrics(connection: Connection, cycle: str) -> list[str]:
    query = """
        select metric from ops.release_value where cycle = :cycle
        union
        select b.metric from ops.release_status as s join plan.benchmark as b using (benchmark_id) where s.cycle = :cycle
    """
    return list(connection.execute(text(query), {"cycle": cycle}).scalars())


def _rules(metrics: Iterable[str], policy: Policy) -> list[dict[str, Any]]:
    """One rule per metric; one that the catalogue no longer knows is held to the strictest reading."""
    catalogue = load_catalogue()
    rules = []
    for name in metrics:
        metric = catalogue.get(name)
        limits = policy.limits(metric.minimum_n if metric else DEFAULT)
        rules.append({"metric": name, **asdict(_kind(metric)), **limits.model_dump()})
    return rules


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a metric's integers can be asked: whether x counts people, is a part of y, or is a mean's sum."""

    counts_people: bool
    is_share: bool
    is_mean: bool


def _kind(metric: Metric | None) -> _Kind:
    if metric is None:
        return _Kind(counts_people=True, is_share=True, is_mean=False)
    is_share = metric.interval in (Interval.WILSON, Interval.RATIO)
    is_count = metric.denominator is None
    return _Kind(metric.interval is Interval.WILSON or is_count, is_share, metric.interval is Interval.T)


_GIVEN = """
with recursive rule as (
    select *
    from jsonb_to_recordset(cast(:rules as jsonb)) as r(
        metric text, counts_people boolean, is_share boolean, is_mean boolean,
        minimum_n bigint, minimum_part bigint, zero_is_small boolean, both_parts boolean, all_alike boolean
    )
),
embargoed as (
    select m.input_id
    from ops.input_member as m
    join ops.delivery_part as p on m.member = 'part:' || p.part_id
    where p.embargo_until > :day
    union
    select m.input_id
    from ops.input_member as m
    join embargoed as e on m.member = 'input:' || e.input_id
)
"""

_PART = "({x} < r.minimum_part and ({x} > 0 or r.zero_is_small))"

_SMALL = f"""(
    c.n < r.minimum_n
    or (r.counts_people and {_PART.format(x="c.numerator")})
    or (r.counts_people and r.is_share and r.both_parts and {_PART.format(x="(c.denominator - c.numerator)")})
    or (r.all_alike and r.is_share and c.numerator in (0, c.denominator))
    or (r.all_alike and r.is_mean and c.n * c.sum_xx = c.numerator::numeric * c.numerator)
)"""

_CODE = f"""
case
    when c.data_status = 'embargoed' or c.input_id in (select input_id from embargoed) then '{Code.EMBARGOED}'
    when c.data_status = 'missing' or c.value is null then '{Code.NOT_REPORTED}'
    when {_SMALL} then '{Code.PRIMARY}'
end
"""

_VALUES = f"""
update ops.release_value as c
set suppression = {_CODE}
from rule as r
where c.cycle = :cycle and r.metric = c.metric and {_CODE} is not null
"""

_STATUSES = f"""
, judged as (
    select
        s.benchmark_id,
        case
            when s.input_id in (select input_id from embargoed) then '{Code.EMBARGOED}'
            when s.status = 'insufficient_n' then '{Code.PRIMARY}'
            when s.value is null then null
            when s.n is null or s.n < r.minimum_n then '{Code.PRIMARY}'
            else coalesce(
                (
                    select min(coalesce({_CODE}, 'shown'))
                    from metric.value as c
                    join ref.organization as o using (organization_id)
                    where c.metric = b.metric and c.student_group = b.student_group
                        and o.code = p.organization_code and o.authority = (select authority from ref.home)
                        and c.value = s.value and c.n = s.n
                ),
                '{Code.PRIMARY}'
            )
        end as code
    from ops.release_status as s
    join plan.benchmark as b using (benchmark_id)
    join plan.version as p using (version_id)
    join rule as r on r.metric = b.metric
    where s.cycle = :cycle
)
update ops.release_status as s
set suppression = j.code
from judged as j
where s.cycle = :cycle and s.benchmark_id = j.benchmark_id and j.code <> 'shown'
"""
