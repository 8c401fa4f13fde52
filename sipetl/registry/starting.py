"""The registry that a new home starts with: commented files, dated for the school year that a newcomer plans.

The files of `starter/` name their days (`$first_day`); here each gets the day it has in a school year, counted from
the holidays of Massachusetts, so that a home made in any year starts in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from string import Template

COMING_FROM = 6
"""From this month (June) on a newcomer prepares the school year that comes."""
LATE = 7
"""A year that begins after this day of September ends a day later, for its 180 days (603 CMR 27.03)."""
MONDAY, THURSDAY = 0, 3
SEPTEMBER, OCTOBER, NOVEMBER, JANUARY, FEBRUARY, APRIL, MAY = 9, 10, 11, 1, 2, 4, 5
INBOX = Path("inbox") / "9901"
"""Inbox of the example district, as `feeds.yaml` names it."""


def year_to_start(today: date) -> int:
    """Tell the school year (its spring) to start with: the running one, from June on the one that comes."""
    return today.year + (today.month >= COMING_FROM)


def write_starter(folder: Path, today: date) -> None:
    """Write the commented registry into a folder that is not there yet."""
    days = starter_days(year_to_start(today))
    with as_file(files("sipetl.registry") / "starter") as starter:
        for source in sorted(path for path in starter.rglob("*") if path.is_file()):
            target = folder / source.relative_to(starter)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(source.read_text("utf-8")).substitute(days), encoding="utf-8")


def starter_days(year: int) -> Mapping[str, str]:
    """Name the days of a school year that the starter's files use, and the year itself."""
    autumn = year - 1
    days = _closures(year) | _windows(year)
    days["first_day"] = _nth(SEPTEMBER, autumn, MONDAY, 1) + timedelta(days=1)  # after Labor Day
    days["step_due"] = days["first_day"] + timedelta(weeks=4)
    late_start = days["first_day"].day > LATE
    days["last_day"] = days["spring_closes"] + timedelta(days=13 if late_start else 12)
    if days["last_day"] == days["juneteenth"]:
        days["last_day"] -= timedelta(days=1)
    days |= _cycles(days)
    return {name: day.isoformat() for name, day in days.items()} | {
        "year": str(year),
        "last_year": str(autumn),
        "next_year": str(year + 1),
        "years": f"{autumn}-{year % 100:02}",
    }


def _closures(year: int) -> dict[str, date]:
    thanksgiving = _nth(NOVEMBER, year - 1, THURSDAY, 4)
    presidents, patriots = _nth(FEBRUARY, year, MONDAY, 3), _nth(APRIL, year, MONDAY, 3)
    return {
        "october_holiday": _nth(OCTOBER, year - 1, MONDAY, 2),
        "veterans_day": _observed(date(year - 1, 11, 11)),
        "thanksgiving_eve": thanksgiving - timedelta(days=1),
        "thanksgiving": thanksgiving,
        "thanksgiving_ends": thanksgiving + timedelta(days=1),
        "winter_starts": date(year - 1, 12, 24),
        "winter_ends": date(year, 1, 2),
        "king_day": _nth(JANUARY, year, MONDAY, 3),
        "february_starts": presidents,
        "february_ends": presidents + timedelta(days=4),
        "april_starts": patriots,
        "april_ends": patriots + timedelta(days=4),
        "memorial_day": date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday()),
        "juneteenth": _observed(date(year, 6, 19)),
    }


def _windows(year: int) -> dict[str, date]:
    """Three weeks in September, three in January, four in May."""
    opens = {
        "fall": _nth(SEPTEMBER, year - 1, MONDAY, 1) + timedelta(weeks=2),
        "winter": _nth(JANUARY, year, MONDAY, 2),
        "spring": _nth(MAY, year, MONDAY, 2),
    }
    weeks = {"fall": 3, "winter": 3, "spring": 4}
    closes = {f"{name}_closes": day + timedelta(weeks=weeks[name], days=-3) for name, day in opens.items()}
    return {f"{name}_opens": day for name, day in opens.items()} | closes


def _cycles(days: Mapping[str, date]) -> dict[str, date]:
    """Each cycle's last day of data, the day by which the data must be here, and the review."""
    day, week = timedelta(days=1), timedelta(weeks=1)
    thanksgiving, presidents, patriots = days["thanksgiving"], days["february_starts"], days["april_starts"]
    before = thanksgiving - 13 * day
    as_of = before if before != days["veterans_day"] else before - day
    cycles = {
        "c1": (as_of, as_of + week, thanksgiving + 5 * day),
        "c2": (days["winter_closes"], days["winter_closes"] + week, presidents + 8 * day),
        "c3": (patriots - 10 * day, patriots - 3 * day, patriots + 15 * day),
        "eoy": (days["last_day"], days["last_day"] + 2 * week, days["last_day"] + 4 * week),
    }
    names = ("as_of", "due", "review")
    return {f"{cycle}_{name}": at for cycle, three in cycles.items() for name, at in zip(names, three, strict=True)}


def _nth(month: int, year: int, weekday: int, n: int) -> date:
    """The nth Monday (0), Tuesday (1), ... of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    """A holiday on a Sunday is kept on the Monday after it (Massachusetts, M.G.L. c. 4 s. 7)."""
    return day + timedelta(days=1) if day.isoweekday() == 7 else day
