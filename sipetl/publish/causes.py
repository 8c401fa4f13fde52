"""Why a released number is another one now: the deliveries, definitions, calendars and plans that changed between two editions.

A delivery is named where it replaced one the released number was computed from, or else where it came since the release
and speaks of the number's days. Two deliveries that changed at once are both named: which of them moved a number, only a
computation without the other could tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from sipetl.publish.release import read_sql

_LACKING = frozenset({"incomplete", "provisional"})
"""What a value is called while days of it are not here."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that changed."""

    kind: str
    """delivery, definition, registry, plan, embargo, arrivals or other."""
    what: str
    was: str | None = None
    now: str | None = None
    part_was: str | None = None
    part_now: str | None = None
    how: str | None = None
    """How it ended, where nothing came instead."""

    def told(self) -> str:
        """The cause for people."""
        if self.kind == "delivery":
            if self.now is None:
                return f"{self.what}: {self.was} " + (f"was {self.how}" if self.how else "is not current any more")
            return f"{self.what}: {self.now} " + (f"replaced {self.was}" if self.was else "came")
        return self.what if self.was is None and self.now is None else f"{self.what}: {self.was} -> {self.now}"

    def as_json(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Editions:
    """What differs between two editions of a release beside the numbers."""

    released_at: datetime
    """Of the edition before."""
    definitions: Mapping[tuple[str, str], tuple[str | None, str | None]]
    """Definitions that changed, by kind and name: version then and now."""
    registry_changed: bool


class Causes:
    """Finds causes; what it read of deliveries is kept for the next number."""

    def __init__(self, connection: Connection, editions: Editions, inputs: Collection[UUID]) -> None:
        rows = connection.execute(text(read_sql("parts_of_inputs")), {"inputs": list(map(str, inputs))})
        found: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for of_input, part_id in rows:
            found[of_input].add(part_id)
        every = {str(part) for parts in found.values() for part in parts}
        beside = connection.execute(text(read_sql("parts_beside")), {"parts": sorted(every)})
        self._inputs = found
        self._parts = {row.part_id: row for row in beside}
        self._editions = editions

    def of(self, row: Row[Any]) -> tuple[Cause, ...]:
        """The causes of one restated number."""
        found = [*self._definitions(row), *self._deliveries(row), *self._calendar(row)]
        if not found and row.released_status == "embargoed":
            found = [Cause("embargo", "the embargo ended")]
        if not found and _LACKING & {row.released_status, row.current_status}:
            found = [Cause("arrivals", "days that are overdue or waived", row.released_status, row.current_status)]
        if not found and self._editions.registry_changed:
            found = [Cause("registry", "the registry's files changed")]
        return tuple(found or [Cause("other", "no delivery, definition or registry file changed")])

    def _definitions(self, row: Row[Any]) -> Iterable[Cause]:
        changed = self._editions.definitions
        if row.plan is not None and ("plan", row.plan) in changed:
            yield Cause("plan", f"plan {row.plan}", *changed["plan", row.plan])
        if ("metric", row.metric) in changed:
            yield Cause("definition", f"metric {row.metric}", *changed["metric", row.metric])

    def _calendar(self, row: Row[Any]) -> Iterable[Cause]:
        for kind, name in self._editions.definitions:
            if kind == "cycle" or (kind == "calendar" and row.calendar in (None, name)):
                yield Cause("registry", f"{kind} {name}")

    def _deliveries(self, row: Row[Any]) -> Iterable[Cause]:
        then = self._inputs.get(row.released_input, set())
        now = self._inputs.get(row.current_input, set()) or self._beside(then)
        came = [self._parts[p] for p in now - then if _speaks_of(self._parts[p], row.starts_on, row.as_of)]
        gone = [self._parts[p] for p in then if self._parts[p].status != "accepted" and p not in now]
        if gone:
            return [self._replaced(part, came) for part in sorted(gone, key=_order)]
        since = [part for part in came if part.published_at and part.published_at >= self._editions.released_at]
        return [_delivery(None, part) for part in sorted(since or came, key=_order)]

    def _beside(self, parts: Iterable[UUID]) -> set[UUID]:
        """What is current now of the same feeds and districts: of a number that is no more, there is no input."""
        places = {_place(self._parts[p]) for p in parts}
        return {key for key, part in self._parts.items() if _place(part) in places and part.status == "accepted"}

    def _replaced(self, part: Row[Any], came: Iterable[Row[Any]]) -> Cause:
        if part.status == "retracted":
            return replace(_delivery(part, None), how="retracted")
        by = [one for one in came if _place(one) == _place(part)]
        named = [one for one in by if one.supersedes == part.part_id]
        last = part.scope_to or date.max
        same_days = [one for one in by if _speaks_of(one, part.scope_from, last)]
        return _delivery(part, next(iter(named or same_days), None))


def _place(part: Row[Any]) -> tuple[str, str, int]:
    return part.feed, part.district, part.school_year


def _order(part: Row[Any]) -> tuple[str, str]:
    return part.file_name, str(part.part_id)


def _speaks_of(part: Row[Any], first: date | None, last: date) -> bool:
    """Whether a part's days touch those of a number; a snapshot without a first day speaks of all."""
    if part.scope_from is None:
        return True
    return bool(part.scope_from <= last and (first is None or part.scope_to is None or part.scope_to >= first))


def _delivery(was: Row[Any] | None, now: Row[Any] | None) -> Cause:
    of = now if now is not None else was
    assert of is not None  # noqa: S101 - one of the two is always given
    return Cause(
        "delivery",
        f"{of.feed} of {of.district}",
        was.file_name if was else None,
        now.file_name if now else None,
        str(was.part_id) if was else None,
        str(now.part_id) if now else None,
    )
