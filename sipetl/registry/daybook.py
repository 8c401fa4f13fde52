"""The daybook: the days on which a scheduler looks, in one small file that it reads without registry or warehouse.

Written when the registry is applied; read by the Airflow plugin's timetable in the scheduler, where nothing may
raise and nothing heavy may be loaded. A day is in it when some district has school, or a dated file should have come
the day before. Countdown days (design/readiness.md) are school days, so they are in it too.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sipetl.errors import RegistryError
from sipetl.registry.calendar import WEEKEND, instructional, padded, school_days
from sipetl.registry.load import Registry
from sipetl.registry.models import Home

FILE = "daybook.json"
"""Its name in the home's folder."""
VERSION = 1
MOST_BYTES = 1 << 20
"""A daybook of ten school years has 30 kB; something larger is another file."""
DEFAULT_ZONE = ZoneInfo(str(Home.model_fields["time_zone"].default))
DAY = timedelta(days=1)
CURE = "run 'sipetl check', then any command that opens the home: it writes the daybook anew"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Daybook:
    """Days to look on, sorted; before the first and after the last one every weekday stands in."""

    zone: ZoneInfo = DEFAULT_ZONE
    days: Sequence[date] = ()

    def on_or_after(self, day: date) -> date:
        """The first day to look on that is not before a day."""
        if self.days and self.days[0] <= day <= self.days[-1]:
            return self.days[bisect_left(self.days, day)]
        found = day
        while found.weekday() >= WEEKEND:
            found += DAY
        return min(found, self.days[0]) if self.days and day < self.days[0] else found

    def on_or_before(self, day: date) -> date:
        """The last day to look on that is not after a day."""
        if self.days and self.days[0] <= day <= self.days[-1]:
            return self.days[bisect_right(self.days, day) - 1]
        found = day
        while found.weekday() >= WEEKEND:
            found -= DAY
        return max(found, self.days[-1]) if self.days and day > self.days[-1] else found

    def moment(self, day: date, at: time) -> datetime:
        """A time of day as a moment; at the change of clocks the earlier of two, the later for none."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The day that a moment lies in, in the home's time zone."""
        return moment.astimezone(self.zone).date()


WEEKDAYS = Daybook()
"""Stands in where there is no daybook that can be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a scheduler knows when it asks for the next run."""

    now: datetime
    last: datetime | None = None
    """When the last scheduled run was meant."""
    earliest: datetime | None = None
    catchup: bool = False
    """Whether every missed day gets a run of its own; else the newest missed day has one for all of them."""


def next_run(book: Daybook, at: time, asked: Asked) -> datetime:
    """Tell when to look next: once a day, never twice for the same day, at once if a day was missed."""
    missed = _newest(book, at, asked.now)
    if asked.last is not None:
        first = book.on_or_after(book.day_of(asked.last) + DAY)
    elif asked.earliest is not None:
        first = _not_before(book, at, asked.earliest)
    else:
        first = missed
    return book.moment(first if asked.catchup else max(first, missed), at)


def _newest(book: Daybook, at: time, now: datetime) -> date:
    """The latest day whose time has come."""
    today = book.day_of(now)
    return book.on_or_before(today if book.moment(today, at) <= now else today - DAY)


def _not_before(book: Daybook, at: time, moment: datetime) -> date:
    day = book.day_of(moment)
    return book.on_or_after(day if book.moment(day, at) >= moment else day + DAY)


def daybook_of(registry: Registry) -> Daybook:
    """Join the school days of all districts, and the days after a dated due day: a summer's file is missed then."""
    days: set[date] = set()
    for of_calendar in _by_calendar(registry).values():
        days.update(of_calendar)
    days.update(feed.due.on + DAY for feed in registry.feeds if feed.due.on is not None)
    return Daybook(ZoneInfo(registry.home.time_zone), tuple(sorted(days)))


def _by_calendar(registry: Registry) -> Mapping[str, Sequence[date]]:
    """School days by calendar that a district follows, and by default where it has none, as the ledger counts them.

    Years without a calendar get weekdays less the federal holidays, one year beyond the last each way.
    """
    federal = Home(state_name="", holidays="")
    known: dict[str, dict[int, Sequence[date]]] = {}
    for calendar in registry.calendars:
        of_year = instructional(school_days(calendar, registry.home))
        known.setdefault(calendar.calendar, {})[calendar.school_year] = of_year
    years = {c.school_year for c in registry.calendars} | {c.school_year for c in registry.cycles}
    followed = {district.calendar for district in registry.organizations.districts}
    return {code: padded(known.get(code, {}), years, federal) for code in followed}


def write_daybook(registry: Registry, home: Path) -> Path:
    """Write the daybook of a home; a file that says the same is left as it is."""
    book, path = daybook_of(registry), home / FILE
    days = [day.isoformat() for day in book.days]
    text = json.dumps({"version": VERSION, "time_zone": book.zone.key, "days": days}, indent=0)
    if not path.exists() or path.read_text("utf-8", errors="replace") != text:
        _replace(path, text)
    return path


def _replace(path: Path, text: str) -> None:
    """Put a whole file in the place of the old one: who reads meanwhile sees either."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_daybook(path: Path) -> Daybook:
    """Read a daybook.

    Raises:
        RegistryError: it is absent, or not a daybook.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        given = json.loads(path.read_text("utf-8"))
        if given["version"] != VERSION:
            raise ValueError("another version")
        return Daybook(ZoneInfo(given["time_zone"]), _dates(given["days"]))
    except FileNotFoundError:
        raise RegistryError("there is no daybook", where=str(path), cure=CURE) from None
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        why = type(error).__name__
        raise RegistryError("the daybook cannot be read", where=str(path), why=why, cure=CURE) from None


def _dates(given: Iterable[str]) -> tuple[date, ...]:
    return tuple(sorted({date.fromisoformat(day) for day in given}))


class DaybookFile:
    """A daybook that follows its file and never fails: the last good one stays, weekdays stand in for none.

    Each trouble is logged once, not at every look of a scheduler.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book = WEEKDAYS
        self._seen: tuple[int, ...] | None = ()
        self._told: date | None = None

    def read(self) -> Daybook:
        """The daybook as the file has it now."""
        seen = self._stamp()
        if seen != self._seen:
            self._seen = seen
            self._renew()
        return self._book

    def tell_end(self, today: date) -> None:
        """Warn, once a day, where the daybook has ended and weekdays stand in."""
        days = self._book.days
        if days and days[-1] < today and self._told != today:
            self._told = today
            logger.warning("daybook ended: path=%s last_day=%s cure=add a calendar", self._path, days[-1])

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _renew(self) -> None:
        try:
            self._book = read_daybook(self._path)
        except RegistryError as error:
            stands_in = "weekdays" if self._book is WEEKDAYS else "the last good daybook"
            logger.warning("daybook not read: %s Until then: %s.", error, stands_in)
