"""What is expected: the registry's feeds, calendars and cycles, turned into dated arrivals for whole school years.

The first half of the ledger (decision 6): a file that never came is found because it stands here. Due rules are
those of design/readiness.md; deadlines are counted in the district's school days, at a local time of day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sipetl.arrivals.model import Arrival
from sipetl.registry import Registry
from sipetl.registry.calendar import (
    YEAR_STARTS,
    add_school_days,
    before_school_days,
    default_days,
    instructional,
    padded,
    school_days,
    stable_id,
)
from sipetl.registry.models import Calendar, Cycle, Feed, Waiver, Window

ID_BITS = 63
BY_REGISTRY = "(registry)"
"""Ends `waived_by` of a waiver that stands in `waivers.yaml`: it goes when it is taken out there."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The days that one district counts in."""

    days: Sequence[date]
    years: Mapping[int, Sequence[date]]
    zone: ZoneInfo

    def moment(self, day: date, by: time) -> datetime:
        """A local time of day as a moment; at the change of clocks the earlier of two, the later for none."""
        return datetime.combine(day, by, self.zone).astimezone(UTC)

    def after(self, day: date, n: int) -> date:
        return add_school_days(self.days, day, n)

    def before(self, day: date, n: int) -> date:
        return before_school_days(self.days, day, n)


@dataclass(frozen=True, slots=True)
class _Slot:
    """One thing a feed is expected for."""

    school_year: int
    code: str
    opens: date
    closes: date
    due_on: date


def expected_arrivals(registry: Registry) -> list[Arrival]:
    """List every arrival that the registry expects, in the order of district, feed and due date."""
    places = _places(registry)
    default = places[None]
    found = [
        arrival
        for feed in registry.feeds
        for arrival in _of_feed(feed, places.get(feed.district, default), registry.cycles)
    ]
    by_feed: dict[tuple[str, str, int], list[Waiver]] = {}
    for waiver in registry.waivers:
        by_feed.setdefault((waiver.district, waiver.feed.value, waiver.school_year), []).append(waiver)
    waived = [_waived(a, by_feed.get((a.district, a.feed, a.school_year), ())) for a in found]
    return sorted(waived, key=lambda a: (a.district, a.feed, a.due_at, a.window_code))


def _places(registry: Registry) -> dict[str | None, _Place]:
    """The days of every district; under None those of a sender without a calendar (the state)."""
    zone = ZoneInfo(registry.home.time_zone)
    by_code: dict[str, list[Calendar]] = {}
    for calendar in registry.calendars:
        by_code.setdefault(calendar.calendar, []).append(calendar)
    years = {c.school_year for c in registry.calendars} | {w.school_year for w in _windows(registry.feeds)}
    years |= {c.school_year for c in registry.cycles}
    by_calendar = {code: _place(registry, same, years, zone) for code, same in by_code.items()}
    default = _place(registry, [], years, zone)
    districts = registry.organizations.districts
    return {None: default, **{d.district: by_calendar.get(d.calendar, default) for d in districts}}


def _place(registry: Registry, calendars: Iterable[Calendar], years: set[int], zone: ZoneInfo) -> _Place:
    """Join the years of one calendar; a year that only other calendars have gets the state's default."""
    home = registry.home
    known = {c.school_year: instructional(school_days(c, home)) for c in calendars}
    kept = sorted({c.school_year for c in registry.calendars})
    yearly = {year: known.get(year) or default_days(year, home.holidays) for year in kept}
    return _Place(padded(known, years, home), yearly, zone)


def _windows(feeds: Iterable[Feed]) -> Iterator[Window]:
    for feed in feeds:
        yield from feed.windows


def _of_feed(feed: Feed, place: _Place, cycles: Iterable[Cycle]) -> Iterator[Arrival]:
    for slot in _slots(feed, place, cycles):
        key = stable_id(feed.district, feed.feed.value, slot.school_year, slot.code, bits=ID_BITS)
        due_at, grace_until, hard_stop_at = _deadlines(feed, place, slot.due_on)
        yield Arrival(
            arrival_id=key,
            district=feed.district,
            feed=feed.feed.value,
            school_year=slot.school_year,
            window_code=slot.code,
            opens_on=slot.opens,
            closes_on=slot.closes,
            due_at=due_at,
            grace_until=grace_until,
            hard_stop_at=hard_stop_at,
            owner=feed.owner,
            tier=feed.tier,
        )


def _slots(feed: Feed, place: _Place, cycles: Iterable[Cycle]) -> Iterator[_Slot]:
    due = feed.due
    if due.rule == "each_school_day":
        yield from _daily(place, due.school_days)
    elif due.rule == "before_cycle":
        yield from _before_cycles(place, cycles, due.school_days)
    else:
        for window in feed.windows:
            due_on = _same_day(feed, window) if due.on else place.after(window.closes, due.school_days)
            yield _Slot(window.school_year, window.code, window.opens, window.closes, due_on)


def _daily(place: _Place, n: int) -> Iterator[_Slot]:
    for year, days in place.years.items():
        for day in days:
            yield _Slot(year, day.isoformat(), day, day, place.after(day, n))


def _before_cycles(place: _Place, cycles: Iterable[Cycle], n: int) -> Iterator[_Slot]:
    for cycle in cycles:
        opens = min(_year_start(place, cycle.school_year), cycle.data_as_of)
        yield _Slot(cycle.school_year, cycle.cycle, opens, cycle.data_as_of, place.before(cycle.data_due, n))


def _year_start(place: _Place, year: int) -> date:
    """The first school day of a year, by its calendar or by the default that stands in for it."""
    return place.after(date(year - 1, *YEAR_STARTS), 0)


def _same_day(feed: Feed, window: Window) -> date:
    """The day of rule `date` for a window: `on` is meant for the latest window open by then, others follow by years.

    So one entry serves an annual source in every school year.
    """
    on = feed.due.on
    assert on is not None  # noqa: S101 (the model has checked it)
    open_by_then = [w for w in feed.windows if w.opens <= on] or list(feed.windows)
    meant_for = max(open_by_then, key=lambda w: w.opens)
    year = on.year + window.school_year - meant_for.school_year
    try:
        return on.replace(year=year)
    except ValueError:  # February 29 in a common year
        return date(year, 2, 28)


def _deadlines(feed: Feed, place: _Place, due_on: date) -> tuple[datetime, datetime, datetime]:
    grace = place.after(due_on, feed.grace_school_days) if feed.grace_school_days else due_on
    stop = max(grace, place.after(due_on, feed.hard_stop_school_days))
    due_at, grace_until, hard_stop_at = (place.moment(day, feed.due.by) for day in (due_on, grace, stop))
    return due_at, grace_until, hard_stop_at


def _waived(arrival: Arrival, waivers: Iterable[Waiver]) -> Arrival:
    for waiver in waivers:
        if waiver.window in (None, arrival.window_code):
            return replace(arrival, waived_reason=waiver.reason, waived_by=f"{waiver.by} {BY_REGISTRY}")
    return arrival
