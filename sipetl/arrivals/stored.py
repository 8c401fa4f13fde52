"""The ledger as it stands: arrivals with their last verdict, and which of them must be judged again.

Most of a year's daily arrivals are settled, and judging them again every night would say the same. A daily arrival
rests while nothing that its verdict depends on has moved: the registry, the clock, its parts, its district's roster.
Windows and cycles are few, and are always judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from sipetl.arrivals.ledger import SCHEMA
from sipetl.arrivals.model import Arrival, Verdict, Wholeness, Word

_STATE = f"""
with news as materialized (
    select
        near.district, p.feed, p.school_year,
        min(coalesce(p.scope_from, '-infinity')) as starts,
        max(coalesce(p.scope_to, 'infinity')) as ends
    from ops.delivery_part p
    join ops.delivery d using (delivery_id)
    cross join lateral (values (p.district), (d.sender)) near (district)
    where greatest(d.received_at, p.published_at) >= (
        select max(as_of) from ops.verdict where as_of <= :now
    )
      and d.received_at <= :now
    group by near.district, p.feed, p.school_year
),
ledger as (
    select
        {", ".join("a." + name for name in SCHEMA.names)},
        v.verdict, v.wholeness, v.lacks, v.schools_share, v.days_share, v.students_share, v.since,
        (
            a.opens_on = a.closes_on
            and v.as_of <= :now
            and v.as_of > (select max(applied_at) from ref.registry)
            and case
                when a.waived_reason is not null then v.verdict = 'waived'
                when v.verdict = 'not_due' then a.due_at > :horizon
                else v.verdict in ('on_time', 'recovered') and v.wholeness = 'complete'
            end
            and roster.district is null
            and (news.district is null or news.ends < a.opens_on or news.starts > a.closes_on)
        ) is true as rests
    from ops.arrival a
    left join ops.verdict v using (arrival_id)
    left join news using (district, feed, school_year)
    left join news roster on (roster.district, roster.feed, roster.school_year) = (a.district, 'roster', a.school_year)
    where a.school_year = any(:years)
      and (cast(:district as text) is null or a.district = :district)
)
select * from ledger where not rests or :with_resting order by district, feed, due_at, window_code
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the ledger: school years, as known at a moment, of one district or of all."""

    years: Collection[int]
    now: datetime
    horizon: datetime
    """What is due after this cannot be due soon in any district."""
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An arrival with the verdict it had."""

    arrival: Arrival
    verdict: Verdict | None
    rests: bool
    """Whether that verdict still stands for certain."""


def read_stored(connection: Connection, asked: Asked, *, with_resting: bool) -> list[Stored]:
    """Read arrivals and their last verdicts; without those that rest if they are not wanted."""
    given = {
        "years": sorted(asked.years),
        "now": asked.now,
        "horizon": asked.horizon,
        "district": asked.district,
        "with_resting": with_resting,
    }
    return [_stored(row) for row in connection.execute(text(_STATE), given).mappings()]


def earliest_days(open_ones: Iterable[Arrival]) -> dict[tuple[str, str, int], date]:
    """From which day on parts matter, by district, feed and year; windows and cycles need the whole year's."""
    found: dict[tuple[str, str, int], date] = {}
    for arrival in open_ones:
        key = (arrival.district, arrival.feed, arrival.school_year)
        day = arrival.opens_on if arrival.is_daily else date.min
        found[key] = min(day, found.get(key, date.max))
    return found


def _stored(row: RowMapping) -> Stored:
    values: tuple[Any, ...] = tuple(row.values())
    width = len(SCHEMA.names)
    arrival = Arrival(*values[:width])
    word, wholeness, lacks, schools, days, students, since, rests = values[width:]
    if word is None:
        return Stored(arrival, None, rests)
    whole = Wholeness(wholeness) if wholeness else None
    return Stored(
        arrival, Verdict(arrival.arrival_id, Word(word), since, whole, lacks, schools, days, students), rests
    )
