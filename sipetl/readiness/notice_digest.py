"""Digests: news by owner, and the same cause in one line: one feed, window and layout, however many districts. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sipetl.readiness.notice_model import ENDS, LABEL, MEND, Digest, Item, Kind, Matter, Place, Recipient
from sipetl.readiness.notices import Sifted

SCHOOL_DAYS = "school days"
_ORDER = {kind: n for n, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a digest says of districts beside their matters."""

    zone: ZoneInfo
    names: Mapping[str, str]
    """District to its name."""
    inboxes: Mapping[tuple[str, str], str]
    """District and feed to where its files are put."""
    layouts: Mapping[tuple[str, str], str]
    """District and feed to the layout that its files have."""


def digests(sifted: Sifted, day: date, around: Surroundings) -> list[Digest]:
    """One digest for each recipient that has news."""
    news, still = _by_recipient(sifted.news), _by_recipient(sifted.still)
    return [
        Digest(day, recipient, _items(of_recipient, around), _items(still.get(recipient, ()), around))
        for recipient, of_recipient in sorted(news.items())
    ]


def _by_recipient(matters: Iterable[Matter]) -> dict[Recipient, list[Matter]]:
    found: defaultdict[Recipient, list[Matter]] = defaultdict(list)
    for one in matters:
        found[one.recipient].append(one)
    return found


def _items(matters: Iterable[Matter], around: Surroundings) -> tuple[Item, ...]:
    groups: defaultdict[tuple[int, str, str, bool, str], list[Matter]] = defaultdict(list)
    for one in matters:
        window = SCHOOL_DAYS if one.day else one.window
        layout = around.layouts.get((one.district, one.feed), "")
        groups[_ORDER[one.kind], one.feed, window, one.arrival_id is None, layout].append(one)
    return tuple(_item(group, layout, around) for (*_, layout), group in sorted(groups.items(), key=lambda g: g[0]))


def _item(group: Sequence[Matter], layout: str, around: Surroundings) -> Item:
    first = group[0]
    window = SCHOOL_DAYS if first.day else first.window
    places = tuple(_places(group, around))
    return Item(
        kind=first.kind,
        headline=_headline(first, places, layout),
        feed=first.feed,
        window=window,
        layout=layout,
        places=places,
        blocks=tuple(sorted({goal for one in group for goal in one.blocks})),
        mend=MEND[first.kind].replace("CYCLE", first.window),
    )


def _headline(one: Matter, places: Sequence[Place], layout: str) -> str:
    """Say what it is, as `Assessment winter (layout iready): 37 districts late`."""
    feed = one.feed.replace("_", " ")
    if one.arrival_id is None:
        what = f"Cycle {one.window}, {feed}"
    else:
        what = feed.capitalize() if one.day else f"{feed.capitalize()} {one.window}"
    who = f"{len(places)} districts" if len(places) > 1 else places[0].name
    told = f" (layout {layout})" if layout and one.arrival_id is not None else ""
    return f"{what}{told}: {who} {LABEL[one.kind]}"


def _places(group: Iterable[Matter], around: Surroundings) -> Iterator[Place]:
    by_district: defaultdict[str, list[Matter]] = defaultdict(list)
    for one in group:
        by_district[one.district].append(one)
    for district, own in sorted(by_district.items()):
        tell: Callable[[Sequence[Matter], ZoneInfo], str] = _of_days if own[0].day else _of_one
        name = around.names.get(district, district)
        yield Place(district, name, around.inboxes.get((district, own[0].feed), ""), tell(own, around.zone))


def _of_days(own: Sequence[Matter], zone: ZoneInfo) -> str:
    """So many school days, from the first to the last; and what they lack, where it is the same."""
    days = sorted(one.day for one in own if one.day)
    count = "1 school day" if len(days) == 1 else f"{len(days)} school days"
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    words = {one.words for one in own}
    says = f": {words.pop()}" if len(words) == 1 and own[0].words else ""
    return f"{count}, {span}{says}" if own[0].kind in ENDS else f"{count}, {span}{_due(own, zone)}{says}"


def _of_one(own: Sequence[Matter], zone: ZoneInfo) -> str:
    words = "; ".join(dict.fromkeys(one.words for one in own if one.words))
    due = _due(own, zone).removeprefix(", ") if own[0].kind not in ENDS else ""
    return ": ".join(part for part in (due, words) if part)


def _due(own: Sequence[Matter], zone: ZoneInfo) -> str:
    """When the first of them was due."""
    due = [one.due_at for one in own if one.due_at]
    if not due:
        return ""
    return f", {'first ' if len(due) > 1 else ''}due {min(due).astimezone(zone):%Y-%m-%d %H:%M}"
