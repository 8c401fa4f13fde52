"""What is news: state changes that nobody was told of yet. Pure: matters in, news and what goes on quietly out.

A daily feed that is down is one outage, told when it begins, when it turns from late to missing, and when days of it
come; a further day of it is remembered, not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sipetl.readiness.notice_model import WORSE, Kind, Matter, Recipient


@dataclass(frozen=True, slots=True)
class Sifted:
    """Matters of all owners."""

    news: tuple[Matter, ...]
    quiet: tuple[Matter, ...]
    """They changed, and only go on with an outage that was told: to be remembered."""
    still: tuple[Matter, ...]
    """Open as it was told, or quiet: shown beside the news."""


def sift(matters: Iterable[Matter], days: Mapping[str, Sequence[date]], served: Collection[Recipient]) -> Sifted:
    """Tell news from what is known; who had the day's digest already is told tomorrow.

    Args:
        matters: all that is open, or was told to be.
        days: each district's school days, sorted.
        served: recipients with a digest of this day.
    """
    wanted = [one for one in matters if one.recipient not in served]
    quiet = {one.subject for one in _going_on(wanted, days)}
    changed = [one for one in wanted if one.is_news]
    return Sifted(
        news=tuple(one for one in changed if one.subject not in quiet),
        quiet=tuple(one for one in changed if one.subject in quiet),
        still=tuple(one for one in wanted if one.now and (not one.is_news or one.subject in quiet)),
    )


def may_be_told(matter: Matter, *, is_looked_at: bool) -> bool:
    """Whether a cycle's matter is up: what grew worse waits for a step of the countdown, what mended does not."""
    return is_looked_at or WORSE[matter.now] <= WORSE[matter.told]


def _going_on(matters: Iterable[Matter], days: Mapping[str, Sequence[date]]) -> Iterator[Matter]:
    """Days whose change continues what was told of the school day before."""
    daily: defaultdict[tuple[str, str], list[tuple[date, Matter]]] = defaultdict(list)
    for one in matters:
        if one.now and one.day:
            daily[one.district, one.feed].append((one.day, one))
    for (district, _), of_feed in daily.items():
        numbers = {day: n for n, day in enumerate(days.get(district, ()))}
        yield from _of_feed(sorted(of_feed, key=lambda pair: pair[0]), numbers)


def _of_feed(of_feed: Sequence[tuple[date, Matter]], numbers: Mapping[date, int]) -> Iterator[Matter]:
    last: int | None = None
    before: Kind | None = None
    for day, one in of_feed:
        number = numbers.get(day)
        follows = number is not None and last is not None and number == last + 1
        known: Kind | None = one.now
        if one.is_news:
            if follows and _covers(before, one.now):
                yield one
            else:
                known = None
        last, before = number, known


def _covers(before: Kind | None, now: Kind | None) -> bool:
    """Whether an outage that was told as `before` says enough of a day that is `now`."""
    if Kind.INCOMPLETE in (before, now):
        return before is now
    return before is not None and WORSE[before] >= WORSE[now]
