"""Which weeks of attendance are here, school by school, from what accepted deliveries say they hold.

A delivery says of each school the first and the last day it holds; a school day between them counts as here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, and_, exists, or_, select

from sipetl.arrivals import Context, Judged, Word
from sipetl.registry.calendar import school_year_of
from sipetl.reports.model import Coverage, Place, Week
from sipetl.warehouse import tables as t

ATTENDANCE = "attendance"
Span = tuple[date, date]
Spans = Mapping[str, Sequence[Span]]
"""First and last days, by school."""


def read_coverage(
    connection: Connection, context: Context, judged: Sequence[Judged], districts: Iterable[Place], now: datetime
) -> tuple[Coverage, ...]:
    """Lay the school days of the running year, until now, beside what came; a district without the feed is left out."""
    spans = _spans(connection, now)
    found = (_of_district(context, judged, district.district, spans, now.date()) for district in districts)
    return tuple(coverage for coverage in found if coverage is not None)


def _of_district(
    context: Context, judged: Iterable[Judged], district: str, spans: Spans, as_of: date
) -> Coverage | None:
    own = [one for one in judged if (one.arrival.district, one.arrival.feed) == (district, ATTENDANCE)]
    year = school_year_of(as_of)
    days = [day for day in context.days.get(district, ()) if day <= as_of and school_year_of(day) == year]
    if not own or not days:
        return None
    due_until = _due_until(own)
    schools = context.schools_of(district, days[0], days[-1])
    named = sorted((name, code) for code, name in schools.items())
    return Coverage(district, {name: weeks_of(days, spans.get(code, ()), due_until) for name, code in named})


def _spans(connection: Connection, now: datetime) -> Spans:
    """What was current at that moment: what has been replaced since counts, what was replaced before does not."""
    part, delivery = t.ops.delivery_part, t.ops.delivery
    newer, its = part.alias("newer"), delivery.alias("its")
    replaced_since = exists().where(
        newer.c.supersedes == part.c.part_id, its.c.delivery_id == newer.c.delivery_id, its.c.received_at > now
    )
    query = (
        select(part.c.wholeness)
        .join(delivery, delivery.c.delivery_id == part.c.delivery_id)
        .where(
            part.c.feed == ATTENDANCE,
            part.c.school_year == school_year_of(now.date()),
            or_(part.c.status == "accepted", and_(part.c.status == "superseded", replaced_since)),
            delivery.c.received_at <= now,
        )
    )
    found: dict[str, list[Span]] = {}
    for counts in connection.scalars(query):
        for school, span in ((counts or {}).get("days") or {}).items():
            found.setdefault(school, []).append((date.fromisoformat(span["from"]), date.fromisoformat(span["to"])))
    return found


def _due_until(judged: Iterable[Judged]) -> date:
    """The last day that is overdue, or that something came for: what is later is not due yet."""
    settled = (Word.ON_TIME, Word.RECOVERED, Word.LATE, Word.MISSING)
    return max((one.arrival.closes_on for one in judged if one.verdict.word in settled), default=date.min)


def weeks_of(days: Sequence[date], spans: Sequence[Span], due_until: date) -> tuple[Week, ...]:
    """Count the days of every week from the first to the last school day; a week without school has none."""
    by_monday: dict[date, list[date]] = {}
    for day in days:
        by_monday.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    first, last = min(by_monday), max(by_monday)
    mondays = [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]
    return tuple(_week(monday, by_monday.get(monday, ()), spans, due_until) for monday in mondays)


def _week(monday: date, days: Sequence[date], spans: Sequence[Span], due_until: date) -> Week:
    here = [day for day in days if any(first <= day <= last for first, last in spans)]
    overdue = [day for day in days if day <= due_until and day not in here]
    return Week(monday, days=len(days), here=len(here), overdue=len(overdue))
