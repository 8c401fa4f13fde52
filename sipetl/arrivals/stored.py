"""The ledger as it stands: arrivals with their last verdict, and which of them must be judged again.

Most of a year's daily arrivals are settled, and judging them again every night would say the same. A daily arrival
rests while nothing that its verdict depends on has moved: the registry, the clock, its parts, its district's roster.
Windows and cycles are few, and are judged every night. Who only looks may let those of a feed rest together, for what
answers one depends on its neighbours; and what is missing, until something comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from sipetl.arrivals.ledger import SCHEMA
from sipetl.arrivals.model import Arrival, Verdict, Wholeness, Word

_VERDICT = ("verdict", "wholeness", "lacks", "schools_share", "days_share", "students_share", "since")
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
        {", ".join("v." + name for name in _VERDICT)},
        day.is_daily,
        (
            (day.is_daily or :windows_rest)
            and v.as_of <= :now
            and v.as_of > (select max(applied_at) from ref.registry)
            and case
                when a.waived_reason is not null then v.verdict = 'waived'
                when v.verdict = 'not_due' then a.due_at > :horizon
                when v.verdict = 'missing' then :windows_rest
                else v.verdict in ('on_time', 'recovered') and v.wholeness = 'complete'
            end
            and roster.district is null
            and (
                news.district is null
                or day.is_daily and (news.ends < a.opens_on or news.starts > a.closes_on)
            )
        ) is true as rests
    from ops.arrival a
    cross join lateral (select a.opens_on = a.closes_on and a.window_code = a.opens_on::text as is_daily) day
    left join ops.verdict v using (arrival_id)
    left join news using (district, feed, school_year)
    left join news roster on (roster.district, roster.feed, roster.school_year) = (a.district, 'roster', a.school_year)
    where a.school_year = any(:years)
      and (cast(:district as text) is null or a.district = :district)
),
restless as (
    select distinct district, feed, school_year, is_daily from ledger where not is_daily and not rests
)
select {", ".join(SCHEMA.names)}, {", ".join(_VERDICT)}, rests and restless.feed is null as rests
from ledger
left join restless using (district, feed, school_year, is_daily)
where not rests
   or restless.feed is not null
   or verdict = 'missing'
   or school_year = any(:resting_in) and (cast(:resting_until as timestamptz) is null or due_at < :resting_until)
order by district, feed, due_at, window_code
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
class Resting:
    """Which of the arrivals that rest are wanted."""

    years: Collection[int]
    until: datetime | None = None
    """Only those that are due before."""
    with_windows: bool = False
    """Whether windows and cycles may rest too, and what is missing, which is always wanted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An arrival with the verdict it had."""

    arrival: Arrival
    verdict: Verdict | None
    rests: bool
    """Whether that verdict still stands for certain."""


def read_stored(connection: Connection, asked: Asked, resting: Resting) -> list[Stored]:
    """Read arrivals and their last verdicts; of those that rest only what is wanted."""
    given = {
        "years": sorted(asked.years),
        "now": asked.now,
        "horizon": asked.horizon,
        "district": asked.district,
        "resting_in": sorted(resting.years),
        "resting_until": resting.until,
        "windows_rest": resting.with_windows,
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
