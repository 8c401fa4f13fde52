"""What the ledger is judged against, read from `ref` in a few queries: zone, calendars, schools, floors, rosters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from sipetl.arrivals.model import Arrival, Part
from sipetl.arrivals.whole import Expectations
from sipetl.errors import ConfigError
from sipetl.registry.calendar import Period, PeriodKind, padded
from sipetl.registry.models import Feed, Floors, Home
from sipetl.warehouse import tables as t

ROSTER = "roster"
EPOCH = date(2000, 1, 1)
NO_FEED = Floors()
"""Floors of an arrival whose feed has left the registry."""


class School(NamedTuple):
    """A school while it exists."""

    code: str
    name: str
    valid_from: date | None
    valid_to: date | None

    def exists(self, first: date, last: date) -> bool:
        """Whether it exists on some day from first to last."""
        return (self.valid_from is None or self.valid_from <= last) and (
            self.valid_to is None or first < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Context:
    """Reference data of the ledger, by district."""

    zone: ZoneInfo
    days: Mapping[str, Sequence[date]]
    schools: Mapping[str, Sequence[School]]
    feeds: Mapping[tuple[str, str], Feed]
    cycles: frozenset[str]
    _cache: dict[tuple[str, date, date], Mapping[str, str]] = field(default_factory=dict)

    def expectations(self, arrival: Arrival, students: Mapping[str, int]) -> Expectations:
        """Say what an arrival should hold."""
        feed = self.feeds.get((arrival.district, arrival.feed))
        days = self.days.get(arrival.district, ())
        return Expectations(self._schools(arrival), students, days, feed.floors if feed else NO_FEED)

    def expects(self, arrival: Arrival, school: str) -> bool:
        """Whether a school is among those that an arrival should hold."""
        return school in self._schools(arrival)

    def _schools(self, arrival: Arrival) -> Mapping[str, str]:
        schools = self.schools_of(arrival.district, arrival.opens_on, arrival.closes_on)
        feed = self.feeds.get((arrival.district, arrival.feed))
        only = _narrowed(feed, arrival) if feed and feed.windows else ()
        return {code: schools.get(code, code) for code in only} if only else schools

    def schools_of(self, district: str, first: date, last: date) -> Mapping[str, str]:
        """The schools of a district that exist between two days: code to name."""
        key = (district, first, last)
        if key not in self._cache:
            given = self.schools.get(district, ())
            self._cache[key] = {s.code: s.name for s in given if s.exists(first, last)}
        return self._cache[key]


def read_context(connection: Connection) -> Context:
    """Read the reference data.

    Raises:
        ConfigError: no registry has been applied.
    """
    home = connection.execute(select(t.ref.home)).mappings().first()
    if home is None:
        raise ConfigError("no registry has been applied to the warehouse", cure="run any sipetl command that ingests")
    feeds = {(f.district, f.feed): Feed.model_validate(f.config) for f in connection.execute(select(t.ref.feed))}
    return Context(
        zone=ZoneInfo(home["time_zone"]),
        days=_days(connection, feeds),
        schools=_schools(connection),
        feeds=feeds,
        cycles=frozenset(connection.scalars(select(t.ref.cycle.c.cycle))),
    )


def read_periods(connection: Connection, years: Iterable[int]) -> list[Period]:
    """Read the periods of some school years."""
    period = t.ref.period.c
    columns = (getattr(period, name) for name in Period.__dataclass_fields__)
    rows = connection.execute(select(*columns).where(period.school_year.in_(sorted(years)))).mappings()
    return [Period(**{**row, "kind": PeriodKind(row["kind"])}) for row in rows]


def students_by_school(parts: Iterable[Part]) -> dict[tuple[str, int], dict[str, int]]:
    """Count the students of each school as its latest roster part does; by district and school year."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for part in sorted((p for p in parts if p.feed == ROSTER and p.wholeness), key=lambda p: p.received_at):
        counts = (part.wholeness or {}).get("students", {})
        found.setdefault((part.district, part.school_year), {}).update(counts)
    return found


def local(now: datetime, context: Context) -> datetime:
    """The moment in the home's time zone, in which days are counted."""
    return now.astimezone(context.zone)


def _days(connection: Connection, feeds: Iterable[tuple[str, str]]) -> dict[str, Sequence[date]]:
    """School days of each district; a year beyond its calendar gets weekdays less the federal holidays."""
    day = t.ref.school_day.c
    by_calendar: dict[str, dict[int, list[date]]] = {}
    years: set[int] = set(connection.scalars(select(t.ref.cycle.c.school_year)))
    in_order = func.array_agg(aggregate_order_by(day.day - EPOCH, day.day))  # a date costs ten times a number's time
    open_days = select(day.calendar, day.school_year, in_order).where(day.kind != "closure")
    for calendar, year, numbers in connection.execute(open_days.group_by(day.calendar, day.school_year)):
        by_calendar.setdefault(calendar, {})[year] = [date.fromordinal(EPOCH.toordinal() + n) for n in numbers]
        years.add(year)
    federal = Home(state_name="", holidays="")
    known = {code: padded(of_year, years, federal) for code, of_year in by_calendar.items()}
    default = padded({}, years, federal)
    found: dict[str, Sequence[date]] = {district: default for district, _ in feeds}
    organization = t.ref.organization.c
    districts = select(organization.district, organization.calendar).where(organization.level == "district")
    for district, calendar in connection.execute(districts):
        found[district] = known.get(calendar, default)
    return found


def _schools(connection: Connection) -> dict[str, list[School]]:
    organization = t.ref.organization.c
    query = select(
        organization.district, organization.code, organization.name, organization.valid_from, organization.valid_to
    ).where(organization.level == "school")
    found: dict[str, list[School]] = {}
    for district, *school in connection.execute(query.order_by(organization.code)):
        found.setdefault(district, []).append(School(*school))
    return found


def _narrowed(feed: Feed, arrival: Arrival) -> Sequence[str]:
    """The only schools that a window is for; empty = all."""
    for window in feed.windows:
        if (window.code, window.school_year) == (arrival.window_code, arrival.school_year):
            return window.schools
    return ()
