"""What must hold between the registry's files: codes used once, references that lead somewhere, spans that do not overlap.

Each file has been checked by its model before; here every fault names the line of the entry that is wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING

from sipetl.errors import RegistryError
from sipetl.registry.csvfile import read_rows
from sipetl.registry.groups import group_meant, group_names
from sipetl.registry.models import Calendar, CrosswalkRow, Cycle, Feed, Identified, Waiver, Window
from sipetl.registry.spelling import cure
from sipetl.registry.yamlfile import Location, read_document

if TYPE_CHECKING:
    from sipetl.registry.load import Registry

SEASONS = frozenset({"fall", "winter", "spring"})
"""Windows that follow one another: a file is told by its days. Others (annual) may lie across them."""
Place = tuple[str, Location]
"""A file of the registry, and a place in it."""


def relations(registry: Registry) -> Iterator[RegistryError]:
    """All faults between the entries of the registry's files."""
    yield from _duplicates(registry)
    yield from _references(registry)
    yield from _csv_references(registry)
    yield from _code_overlaps(registry)
    for index, feed in enumerate(registry.feeds):
        yield from _window_overlaps(registry, index, feed)


def _where(registry: Registry, place: Place) -> str:
    name, at = place
    return read_document(registry.folder / name).where(at)


def _duplicates(registry: Registry) -> Iterator[RegistryError]:
    given = registry.organizations
    listed: list[tuple[str, Iterable[tuple[Place, Hashable]]]] = [
        ("district", ((_district(i), d.district) for i, d in enumerate(given.districts))),
        ("organization code", _codes(registry)),
        ("district and feed", ((_feed(i), f"{f.district} {f.feed}") for i, f in enumerate(registry.feeds))),
        ("calendar and year", ((_calendar(i), f"{c.calendar} {c.school_year}") for i, c in _calendars(registry))),
        ("cycle", ((("cycles.yaml", ("cycles", i, "cycle")), c.cycle) for i, c in enumerate(registry.cycles))),
    ]
    for i, feed in enumerate(registry.feeds):
        windows = [(_window(i, w), f"{one.code} {one.school_year}") for w, one in enumerate(feed.windows)]
        listed.append(("window", windows))
    for what, found in listed:
        yield from _twice(registry, what, found)


def _twice(registry: Registry, what: str, found: Iterable[tuple[Place, Hashable]]) -> Iterator[RegistryError]:
    first: dict[Hashable, Place] = {}
    for place, value in found:
        if value in first:
            why = f"first in {_where(registry, first[value])}"
            again = f"the {what} {value} is here a second time"
            yield RegistryError(again, where=_where(registry, place), why=why, cure="keep one, or mend the code")
        first.setdefault(value, place)


def _district(index: int) -> Place:
    return "organizations.yaml", ("districts", index, "district")


def _feed(index: int) -> Place:
    return "feeds.yaml", ("feeds", index, "feed")


def _calendar(index: int) -> Place:
    return "calendars.yaml", ("calendars", index, "calendar")


def _window(feed: int, window: int, key: str = "code") -> Place:
    return "feeds.yaml", ("feeds", feed, "windows", window, key)


def _calendars(registry: Registry) -> Iterable[tuple[int, Calendar]]:
    return enumerate(registry.calendars)


def _codes(registry: Registry) -> Iterator[tuple[Place, str]]:
    given = registry.organizations
    yield ("home.yaml", ("state_code",)), registry.home.state_code
    listed = {
        "regions": [region.code for region in given.regions],
        "districts": [district.code for district in given.districts],
        "schools": [school.code for school in given.schools],
    }
    for name, codes in listed.items():
        for index, code in enumerate(codes):
            yield ("organizations.yaml", (name, index, "code")), code


def _references(registry: Registry) -> Iterator[RegistryError]:
    given = registry.organizations
    districts = [d.district for d in given.districts]
    senders = [*districts, registry.home.state_code]
    calendars, regions = [c.calendar for c in registry.calendars], [r.code for r in given.regions]
    schools = [s.code for s in given.schools]
    for i, school in enumerate(given.schools):
        at = ("organizations.yaml", ("schools", i, "district"))
        yield from _known(registry, at, "district", school.district, districts)
    for i, district in enumerate(given.districts):
        at = ("organizations.yaml", ("districts", i, "calendar"))
        yield from _known(registry, at, "calendar", district.calendar, calendars, "calendars.yaml")
        at = ("organizations.yaml", ("districts", i, "region"))
        yield from _known(registry, at, "region", district.region, regions)
    for i, feed in enumerate(registry.feeds):
        at = ("feeds.yaml", ("feeds", i, "district"))
        yield from _known(registry, at, "district", feed.district, senders)
        for w, window in enumerate(feed.windows):
            for code in window.schools:
                yield from _known(registry, _window(i, w, "schools"), "school", code, schools)
    for i, waiver in enumerate(registry.waivers):
        at = ("waivers.yaml", ("waivers", i, "district"))
        yield from _known(registry, at, "district", waiver.district, senders)
        at = ("waivers.yaml", ("waivers", i, "window"))
        yield from _known(registry, at, "window", waiver.window, _waivable(registry, waiver), "feeds.yaml")


def _waivable(registry: Registry, waiver: Waiver) -> Collection[str]:
    """The windows that a waiver may name; its own where nothing is known of that year."""
    for feed in registry.feeds:
        if (feed.district, feed.feed) != (waiver.district, waiver.feed):
            continue
        slots = registry.cycles if feed.due.rule == "before_cycle" else feed.windows
        codes = [_slot_code(one) for one in slots if one.school_year == waiver.school_year]
        if codes and feed.due.rule != "each_school_day":
            return codes
    return [waiver.window or ""]


def _slot_code(one: Cycle | Window) -> str:
    return one.cycle if isinstance(one, Cycle) else one.code


def _known(
    registry: Registry,
    at: Place,
    what: str,
    value: str | None,
    known: Collection[str],
    file: str = "organizations.yaml",
) -> Iterator[RegistryError]:
    if value is None or value in known:
        return
    mend = cure(value, known, f"add it to {file}, or mend the code")
    yield RegistryError(f"{what} '{value}' is not in the registry", where=_where(registry, at), cure=mend)


def _csv_references(registry: Registry) -> Iterator[RegistryError]:
    given = registry.organizations
    districts, schools = [d.district for d in given.districts], [s.code for s in given.schools]
    codes = [code for _, code in _codes(registry)]
    links = read_rows(registry.folder / "crosswalk.csv", CrosswalkRow)[0]
    identified = read_rows(registry.folder / "identified.csv", Identified)[0]
    columns: list[tuple[str, str, Collection[str], Iterable[tuple[int, str]]]] = [
        ("crosswalk.csv", "district", districts, ((n, row.district) for n, row in links)),
        ("crosswalk.csv", "organization", codes, ((n, row.organization) for n, row in links)),
        ("identified.csv", "school", schools, ((n, row.school) for n, row in identified)),
    ]
    for name, what, known, used in columns:
        for number, value in used:
            if value not in known:
                says, where = f"{what} '{value}' is not in the registry", f"{registry.folder / name}:{number}"
                yield RegistryError(says, where=where, cure=cure(value, known, "mend the code"))
    for number, row in identified:
        if row.student_group not in group_names():
            says, where = (
                f"the student group {row.student_group} is not known",
                f"{registry.folder}/identified.csv:{number}",
            )
            yield RegistryError(says, where=where, cure=group_meant(row.student_group))


def _code_overlaps(registry: Registry) -> Iterator[RegistryError]:
    """A local code that means two schools on one day (the embedded server has no exclusion constraint for it)."""
    by_code: dict[tuple[str, str], list[tuple[int, CrosswalkRow]]] = {}
    for number, row in read_rows(registry.folder / "crosswalk.csv", CrosswalkRow)[0]:
        by_code.setdefault((row.district, row.local_code.strip().casefold()), []).append((number, row))
    for (district, code), rows in by_code.items():
        rows.sort(key=lambda pair: (pair[1].valid_from is not None, pair[1].valid_from))
        for (_, earlier), (number, later) in itertools.pairwise(rows):
            if earlier.valid_to is None or later.valid_from is None or later.valid_from < earlier.valid_to:
                what = f"local code '{code}' of district {district} means two organizations at once"
                where = f"{registry.folder / 'crosswalk.csv'}:{number}"
                yield RegistryError(what, where=where, cure="date them with valid_from and valid_to")


def _window_overlaps(registry: Registry, index: int, feed: Feed) -> Iterator[RegistryError]:
    seasons = [(w, window) for w, window in enumerate(feed.windows) if window.code in SEASONS]
    seasons.sort(key=lambda pair: pair[1].opens)
    for (_, earlier), (w, later) in itertools.pairwise(seasons):
        if later.opens <= earlier.closes and _share_schools(earlier, later):
            what = f"the window {later.code} {later.school_year} opens before {earlier.code} {earlier.school_year} closes"
            yield RegistryError(
                what,
                where=_where(registry, _window(index, w, "opens")),
                why=f"{later.opens} is not after {earlier.closes}, and a file is told by its days",
                cure="mend the days",
            )


def _share_schools(one: Window, other: Window) -> bool:
    return not one.schools or not other.schools or bool({*one.schools} & {*other.schools})
