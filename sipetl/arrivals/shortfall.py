"""`ops.shortfall`: periods of which too many school days are not here, told from the ledger's verdicts.

Whoever computes values reads it; where it says something new, the values are asked for again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
from sqlalchemy import Connection, text

from sipetl.arrivals.context import NO_FEED, Context, local, read_periods
from sipetl.arrivals.lacking import Line, Span, Tally, read_days, tallies
from sipetl.arrivals.model import CAME, ONE_WINDOW, Word
from sipetl.registry.calendar import YEAR_STARTS
from sipetl.registry.models import FeedName
from sipetl.warehouse import ledger, merge
from sipetl.warehouse import tables as t

ADDING = frozenset(FeedName) - ONE_WINDOW
"""Feeds whose windows add up to a period, so that one that is not here makes it incomplete."""
SCHEMA = pa.schema(
    [
        ("organization_id", pa.int64()),
        ("feed", pa.string()),
        ("period_id", pa.int64()),
        ("basis", pa.string()),
        ("days_due", pa.int64()),
        ("days_overdue", pa.int64()),
        ("days_pending", pa.int64()),
        ("data_status", pa.string()),
    ]
)
Key = tuple[int, str, int, str]
"""Organization, feed, period, basis."""
_LINES = text("""
select a.district, a.feed, a.school_year, a.opens_on, a.closes_on, v.verdict, v.short_schools
from ops.arrival a
join ops.verdict v using (arrival_id)
where a.school_year = any(:years) and a.feed = any(:feeds) and a.opens_on <= :today
  and (a.opens_on < a.closes_on or v.verdict <> all(:came) or v.short_schools is not null)
""")
_ABOVE = text("""
select o.code, o.organization_id, d.district, d.organization_id, r.organization_id, s.organization_id
from ref.organization o
join ref.organization d on d.level = 'district' and d.district = o.district
left join ref.organization r on r.level = 'region' and r.organization_id = d.parent_id
left join ref.organization s on s.level = 'state'
where o.level = 'school'
""")
_BEFORE = text("""
select s.organization_id, s.feed, s.period_id, s.basis, s.data_status
from ops.shortfall s
join ref.period p using (period_id)
where p.school_year = any(:years)
""")
_TOUCHED = text("""
with changed as (
    select * from unnest(cast(:organizations as bigint[]), cast(:feeds as text[]), cast(:periods as bigint[]))
        as c (organization_id, feed, period_id)
)
select distinct w.feed, w.district, w.school_year
from changed c
join ref.period p using (period_id)
join ref.organization o using (organization_id)
join ref.organization d on d.level = 'district' and case o.level
    when 'state' then true
    when 'region' then d.parent_id = o.organization_id
    else d.district = o.district
end
join ops.work w on (w.feed, w.district, w.school_year) = (c.feed, d.district, p.school_year)
order by w.feed, w.district, w.school_year
""")
"""Partitions under some organizations that were ever computed."""


def note_shortfalls(connection: Connection, context: Context, years: Sequence[int], *, now: datetime) -> None:
    """Write `ops.shortfall` for school years, and ask for the values of what it says something new about.

    Args:
        connection: an open transaction, in which the verdicts are up to date.
        context: reference data.
        years: school years.
        now: the moment.
    """
    before = {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(_BEFORE, {"years": list(years)})}
    found = dict(_found(connection, context, years, local(now, context).date()))
    rows = [dict(zip(SCHEMA.names, (*key, *rest), strict=True)) for key, rest in sorted(found.items())]
    listed = ", ".join(map(str, sorted(years)))
    within = f"exists (select from ref.period p where p.period_id = t.period_id and p.school_year in ({listed}))"
    merge(connection, t.ops.shortfall, pa.Table.from_pylist(rows, SCHEMA), within=within)
    after = {key: rest[-1] for key, rest in found.items()}
    _request(connection, [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)], now)


def _request(connection: Connection, changed: Iterable[Key], now: datetime) -> None:
    columns = [list(column) for column in zip(*changed, strict=True)][:-1]
    if columns:
        given = dict(zip(("organizations", "feeds", "periods"), columns, strict=True))
        for feed, district, school_year in connection.execute(_TOUCHED, given).all():
            ledger.request_work(connection, feed, district, school_year, now)


def _found(
    connection: Connection, context: Context, years: Sequence[int], today: date
) -> Iterator[tuple[Key, tuple[int, int, int, str]]]:
    """The rows of organizations that lack days: schools, and what contains them."""
    school_ids, above = _read_organizations(connection)
    total: defaultdict[tuple[int, FeedName, Span], Tally] = defaultdict(Tally)
    for district, feed, (codes, span, tally) in _of_districts(connection, context, years, today):
        if tally.data_status(is_over=span.period.ends_on <= today):
            for code in codes:
                total[school_ids[code], feed, span] = tally
        for organization_id in above[district]:
            total[organization_id, feed, span] += tally.of(len(codes))
    for (organization_id, feed, (period, basis)), tally in total.items():
        status = tally.data_status(is_over=period.ends_on <= today)
        if status is not None:
            yield (organization_id, feed, period.period_id, basis), (tally.due, tally.overdue, tally.pending, status)


def _read_organizations(connection: Connection) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
    """School code to its id, and district to the ids of itself and what contains it."""
    schools, above = {}, {}
    for code, school, district, *ids in connection.execute(_ABOVE):
        schools[code] = school
        above[district] = tuple(one for one in ids if one is not None)
    return schools, above


@dataclass(frozen=True, slots=True)
class _Lines:
    """Arrivals by sender, feed and school year."""

    by_sender: Mapping[tuple[str, str, int], Sequence[Line]]
    states: Mapping[str, frozenset[str]]
    """Feeds that a sender that is no district (the state) sends for all."""

    def of(self, context: Context, district: str, feed: str, year: int) -> Sequence[Line] | None:
        """A district's arrivals: its own, else those of the state; None = nobody sends the feed."""
        if (district, feed) in context.feeds:
            return self.by_sender.get((district, feed, year), ())
        senders = self.states.get(feed)
        return [line for s in senders for line in self.by_sender.get((s, feed, year), ())] if senders else None


def _of_districts(
    connection: Connection, context: Context, years: Sequence[int], today: date
) -> Iterator[tuple[str, FeedName, tuple[list[str], Span, Tally]]]:
    """Days of every district, feed and period, for the schools that lack the same."""
    lines, periods = _read_lines(connection, context, years, today), read_periods(connection, years)
    for year in years:
        starts, ends = (date(y, *YEAR_STARTS) for y in (year - 1, year))
        begun = [period for period in periods if period.school_year == year and period.starts_on <= today]
        for district, schools in context.schools.items():
            days = [day for day in context.days.get(district, ()) if starts <= day < ends and day <= today]
            for feed in sorted(ADDING):
                given = lines.of(context, district, feed, year)
                if given is not None and days:
                    registered = context.feeds.get((district, feed))
                    floors = registered.floors if registered else NO_FEED
                    found = read_days(given, days, floors.days)
                    yield from ((district, feed, counted) for counted in tallies(found, schools, begun))


def _read_lines(connection: Connection, context: Context, years: Sequence[int], today: date) -> _Lines:
    given = {"years": list(years), "feeds": sorted(ADDING), "today": today, "came": sorted(CAME)}
    found: defaultdict[tuple[str, str, int], list[Line]] = defaultdict(list)
    for district, feed, year, opens, closes, word, short in connection.execute(_LINES, given):
        found[district, feed, year].append(Line(opens, closes, Word(word), frozenset(short or ())))
    states: defaultdict[str, set[str]] = defaultdict(set)
    for sender, feed in context.feeds:
        if sender not in context.schools:
            states[feed].add(sender)
    return _Lines(found, {feed: frozenset(senders) for feed, senders in states.items()})
