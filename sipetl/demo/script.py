"""The days of the demo, and the files that arrive on each: what the pipeline acts on, one day after the other.

Files wait in `HOME/.arriving/<day>/<district>/`; `deliver` moves a day's files into the inbox with that day, 06:00,
as their time of change. So a demo can go on, or be run again from inbox and registry alone: a file's day is its
time of change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from sipetl.demo.dates import CYCLES, FIRST_RUN, LAST_RUN
from sipetl.demo.names import Canary

ZONE = ZoneInfo("America/New_York")
ARRIVES_AT = time(6, 0)
WAITING, NOTE = ".arriving", "script.json"


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which the pipeline acts; `files` are paths inside the inbox."""

    day: date
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect: its kind, the file (inside the inbox) it is in or is, the rows it touches, what should come of it."""

    kind: str
    file: str
    rows: int
    expected: str


@dataclass(frozen=True, slots=True)
class Script:
    """What happens, when; and what was planted."""

    home: Path
    days: tuple[Day, ...]
    planted: tuple[Planted, ...] = ()
    canaries: tuple[Canary, ...] = ()

    def deliver(self, day: date) -> tuple[Path, ...]:
        """Put a day's files into the inbox; those already there stay as they are."""
        files = next((each.files for each in self.days if each.day == day), ())
        arrived = []
        for file in files:
            target, waiting = self.home / "inbox" / file, self.home / WAITING / day.isoformat() / file
            if waiting.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                waiting.replace(target)
                at = datetime.combine(day, ARRIVES_AT, ZONE).timestamp()
                os.utime(target, (at, at))
            arrived.append(target)
        return tuple(arrived)

    def recall(self) -> None:
        """Take every file out of the inbox again, to wait for its day."""
        for each in self.days:
            for file in each.files:
                arrived, waiting = self.home / "inbox" / file, self.home / WAITING / each.day.isoformat() / file
                if arrived.exists():
                    waiting.parent.mkdir(parents=True, exist_ok=True)
                    arrived.replace(waiting)

    def save(self) -> None:
        """Note beside the waiting files what was planted, for a demo that goes on later."""
        note = {"planted": [asdict(each) for each in self.planted], "canaries": [asdict(c) for c in self.canaries]}
        folder = self.home / WAITING
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def from_inbox(cls, home: Path) -> Script:
        """Read the days back: from the times of change in the inbox, and from what still waits."""
        here = {(_day_of(path), path.relative_to(home / "inbox")) for path in _files(home / "inbox")}
        waiting = home / WAITING
        for folder in sorted(path for path in waiting.glob("*-*-*") if path.is_dir()):
            here |= {(date.fromisoformat(folder.name), path.relative_to(folder)) for path in _files(folder)}
        note = waiting / NOTE
        said = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {"planted": [], "canaries": []}
        return cls(
            home=home,
            days=days_of(here),
            planted=tuple(Planted(**each) for each in said["planted"]),
            canaries=tuple(Canary(**each) for each in said["canaries"]),
        )


def days_of(arrivals: Iterable[tuple[date, Path]]) -> tuple[Day, ...]:
    """Days with files, the dates of the cycles that fall into the demo, and the last day."""
    files: dict[date, list[Path]] = {LAST_RUN: []}
    for cycle in CYCLES:
        for day in (cycle.data_due, cycle.review_date):
            if FIRST_RUN <= day <= LAST_RUN:
                files[day] = []
    for day, path in arrivals:
        files.setdefault(day, []).append(path)
    return tuple(Day(day, tuple(sorted(files[day]))) for day in sorted(files))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NOTE)


def _day_of(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, ZONE).date()


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where files are written to until their day comes."""

    home: Path
    arrivals: list[tuple[date, Path]]
    planted: list[Planted]

    def place(self, day: date, district: str, name: str) -> Path:
        """The path to write a file to that arrives on a day."""
        inside = Path(district) / name
        self.arrivals.append((day, inside))
        path = self.home / WAITING / day.isoformat() / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def plant(self, kind: str, path: Path, *, rows: int, expected: str) -> None:
        """Note a defect in a file."""
        file = path.relative_to(self.home / WAITING)
        self.planted.append(Planted(kind, Path(*file.parts[1:]).as_posix(), rows, expected))
