"""What came, joined to what was expected: which parts answer which arrival.

Pure, but for `read_parts`. Windows are told by the code found in the content, else by dates; a daily arrival by
the days a part covers; a cycle's arrival by data newer than the cycle before had, so that a file of September does
not pass for March.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, text

from sipetl.arrivals.model import Answer, Arrival, Part
from sipetl.registry.calendar import YEAR_STARTS, count_school_days, school_year_of

Key = tuple[str, str, int]
"""District, feed, school year."""

_PARTS = """
with wanted as (
    select * from unnest(
        cast(:districts as text[]), cast(:feeds as text[]), cast(:years as int[]), cast(:days as date[])
    ) as w (district, feed, school_year, earliest)
),
elsewhere as materialized (
    select p.part_id, d.sender as district, p.feed, p.school_year
    from ops.delivery_part p
    join ops.delivery d using (delivery_id)
    where p.district <> d.sender
),
found as (
    select p.part_id
    from wanted w
    join ops.delivery_part p using (district, feed, school_year)
    where p.scope_to is null or p.scope_to >= w.earliest
    union
    select part_id
    from elsewhere
    join wanted using (district, feed, school_year)
    union
    select p.part_id
    from (select distinct district, school_year from wanted) w
    join ops.delivery_part p using (district, school_year)
    where p.feed = 'roster'
)
select
    p.part_id, d.sender, p.district, p.feed, p.school_year, p.status, d.received_at, p.scope_kind,
    p.scope_from, p.scope_to, p.scope_by, case when p.status = 'accepted' then p.wholeness end as wholeness
from found
join ops.delivery_part p using (part_id)
join ops.delivery d using (delivery_id)
where p.status in ('accepted', 'superseded', 'held', 'rejected')
  and d.received_at <= :now
order by d.received_at, p.part_id
"""
_REFUSED = """
select d.sender, d.feed_hint as feed, d.status, d.received_at
from ops.delivery d
where d.status in ('unrecognized', 'rejected', 'held')
  and (d.sender, d.feed_hint) in (select * from unnest(cast(:districts as text[]), cast(:feeds as text[])))
  and d.received_at <= :now
  and not exists (select from ops.delivery_part p where p.delivery_id = d.delivery_id)
order by d.received_at
"""


@dataclass(frozen=True, slots=True)
class _Slot:
    """An arrival for a window or a cycle, with what its neighbours say about it."""

    arrival: Arrival
    following: date = date.max
    """A window's: the day on which the next one opens."""
    after: date | None = None
    """A cycle's: data must reach beyond this day."""


def read_parts(connection: Connection, wanted: Mapping[Key, date], *, now: datetime, zone: ZoneInfo) -> list[Part]:
    """Read what was taken or refused up to a moment, oldest first, and every roster of the same districts.

    A delivery that was refused before it had parts counts as one.

    Args:
        connection: an open connection.
        wanted: districts, feeds and school years, each with the earliest day of data that matters.
        now: what was received later is not seen.
        zone: time zone in which a day of receipt is meant.
    """
    keys = list(zip(*wanted, strict=True)) or [(), (), ()]
    given = {"districts": list(keys[0]), "feeds": list(keys[1]), "now": now}
    scope = {**given, "years": list(keys[2]), "days": list(wanted.values())}
    parts = [_part(row, zone) for row in connection.execute(text(_PARTS), scope).mappings()]
    refused = connection.execute(text(_REFUSED), given).mappings()
    return parts + [_refused(row, zone) for row in refused]


def match(
    arrivals: Iterable[Arrival],
    parts: Iterable[Part],
    *,
    cycles: Collection[str],
    days: Mapping[str, Sequence[date]],
) -> dict[int, Answer]:
    """Find what answers each arrival.

    Args:
        arrivals: what is expected.
        parts: what came, oldest first.
        cycles: codes of the monitoring cycles: an arrival with such a window code is a cycle's.
        days: school days of each district, sorted.
    """
    arrivals = list(arrivals)
    answers = {arrival.arrival_id: Answer() for arrival in arrivals}
    expected, came = _by_key(arrivals), _by_sender_too(parts)
    for key, same in expected.items():
        found = came.get(key)
        if found:
            daily = sorted((a for a in same if a.is_daily), key=lambda a: a.opens_on)
            _match_days(daily, found, answers)
            slots = _slots((a for a in same if not a.is_daily), cycles, days.get(key[0], ()))
            for slot in slots:
                _take(answers[slot.arrival.arrival_id], (part for part in found if _answers(slot, part)))
    return answers


def _by_key(arrivals: Iterable[Arrival]) -> dict[Key, list[Arrival]]:
    found: dict[Key, list[Arrival]] = {}
    for arrival in arrivals:
        found.setdefault((arrival.district, arrival.feed, arrival.school_year), []).append(arrival)
    return found


def _by_sender_too(parts: Iterable[Part]) -> dict[Key, list[Part]]:
    """File each part under its district, and under its sender: the state's one file answers for both."""
    found: dict[Key, list[Part]] = {}
    for part in parts:
        for district in {part.district, part.sender}:
            found.setdefault((district, part.feed, part.school_year), []).append(part)
    return found


def _match_days(daily: Sequence[Arrival], parts: Sequence[Part], answers: Mapping[int, Answer]) -> None:
    """Give each day its first part in one sweep: `free[i]` leads to the next day that nothing answered yet.

    A year-to-date file every day would else cost days x days.
    """
    days = [arrival.opens_on for arrival in daily]
    free = list(range(len(days) + 1))
    for part in parts:
        if not part.is_taken:
            continue
        low, high = _span(part, days)
        at = _next_free(free, low)
        while at < high:
            answers[daily[at].arrival_id].first = part
            free[at] = at + 1
            at = _next_free(free, at + 1)
        if part.status == "accepted":
            for arrival in daily[low:high]:
                answers[arrival.arrival_id].current.append(part)
    unanswered = [arrival for at, arrival in enumerate(daily) if free[at] == at]
    _refuse_days(unanswered, [part for part in parts if not part.is_taken], answers)


def _span(part: Part, days: Sequence[date]) -> tuple[int, int]:
    """Which days a part covers, as a half-open range of indexes; a snapshot without a first day starts with the year."""
    if part.ends is None:
        return 0, 0
    starts = part.starts or (date.min if part.is_snapshot else part.ends)
    return bisect_left(days, starts), bisect_right(days, part.ends)


def _next_free(free: list[int], at: int) -> int:
    while free[at] != at:
        free[at] = free[free[at]]
        at = free[at]
    return at


def _refuse_days(unanswered: Sequence[Arrival], refused: Sequence[Part], answers: Mapping[int, Answer]) -> None:
    """Remember what came for a day and was not taken; without known days it may have been for any that was open."""
    for part in refused:
        for arrival in unanswered:
            if part.ends is not None:
                fits = (part.starts or part.ends) <= arrival.opens_on <= part.ends
            else:
                fits = arrival.opens_on <= part.received_on and part.received_at < arrival.hard_stop_at
            if fits:
                answers[arrival.arrival_id].refused = part


def _slots(arrivals: Iterable[Arrival], cycles: Collection[str], days: Sequence[date]) -> list[_Slot]:
    ordered = sorted(arrivals, key=lambda a: (a.closes_on, a.opens_on))
    of_cycles = [a for a in ordered if a.window_code in cycles]
    windows = [a for a in ordered if a.window_code not in cycles]
    found = [_Slot(a, following=_following(a, windows)) for a in windows]
    after: date | None = None
    for arrival in of_cycles:
        after = _newer_than(arrival, found[-1] if after else None, days)
        found.append(_Slot(arrival, after=after))
    return found


def _following(arrival: Arrival, windows: Iterable[Arrival]) -> date:
    """The day on which the next window opens."""
    return min((w.opens_on for w in windows if w.opens_on > arrival.opens_on), default=date.max)


def _newer_than(arrival: Arrival, before: _Slot | None, days: Sequence[date]) -> date:
    """The day beyond which a part must hold data: the cycle before's, if any school day lies between the two."""
    if before is None or before.after is None:
        return arrival.opens_on - timedelta(days=1)
    year_ends = date(arrival.school_year, *YEAR_STARTS) - timedelta(days=1)
    closed = before.arrival.closes_on
    between = count_school_days(days, closed + timedelta(days=1), min(arrival.closes_on, year_ends))
    return closed if between else before.after


def _take(answer: Answer, parts: Iterable[Part]) -> None:
    for part in parts:
        if not part.is_taken:
            answer.refused = part
            continue
        answer.first = answer.first or part
        if part.status == "accepted":
            answer.current.append(part)


def _answers(slot: _Slot, part: Part) -> bool:
    arrival = slot.arrival
    if slot.after is not None:
        return (part.ends or part.received_on) > slot.after
    if part.windows:
        return arrival.window_code.casefold() in part.windows
    if part.ends is None:
        return arrival.opens_on <= part.received_on and part.received_at < arrival.hard_stop_at
    if (part.starts or part.ends) <= arrival.closes_on and part.ends >= arrival.opens_on:
        return True
    return part.is_snapshot and arrival.closes_on < part.ends < slot.following


def _part(row: RowMapping, zone: ZoneInfo) -> Part:
    by = row["scope_by"] or {}
    return Part(
        part_id=row["part_id"],
        sender=row["sender"],
        district=row["district"],
        feed=row["feed"],
        school_year=row["school_year"],
        status=row["status"],
        received_at=row["received_at"],
        received_on=row["received_at"].astimezone(zone).date(),
        is_snapshot=row["scope_kind"] == "snapshot",
        starts=row["scope_from"] or (None if row["scope_kind"] == "snapshot" else row["scope_to"]),
        ends=row["scope_to"] or row["scope_from"],
        windows=frozenset(value.casefold() for value in _values(by.get("window"))),
        grades=tuple(sorted(_values(by.get("grade")))),
        wholeness=row["wholeness"],
    )


def _refused(row: RowMapping, zone: ZoneInfo) -> Part:
    received_on = row["received_at"].astimezone(zone).date()
    return Part(
        part_id=None,
        sender=row["sender"],
        district=row["sender"],
        feed=row["feed"],
        school_year=school_year_of(received_on),
        status=row["status"],
        received_at=row["received_at"],
        received_on=received_on,
    )


def _values(given: object) -> list[str]:
    """A scope's values: a list, or one alone."""
    if given is None:
        return []
    return [str(value) for value in given] if isinstance(given, list | tuple) else [str(given)]
