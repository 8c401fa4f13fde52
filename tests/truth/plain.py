"""What the files of a demo say, read once more with pandas: registry, rosters, groups, periods.

Imports nothing of sipetl (a test holds that): same rules, other code, so that equal integers mean something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

TRUNCATED = 0.7
"""A snapshot with less than this share of the one before is not a roster: a person has to look at it."""
FOREVER = date(9999, 1, 1)
RACES = {
    "White": "white",
    "Black": "black",
    "Asian": "asian",
    "American Indian": "american_indian",
    "Pacific Islander": "pacific_islander",
    "Multi-race": "multi_race",
}
GENDERS = {"F": "female", "M": "male", "N": "nonbinary"}
LEARNER = {"Limited": (True, True), "Fluent": (False, False), "FLEP-Transitioning": (False, True)}
"""Learner now; now or formerly."""
WINDOWS = ("fall", "winter", "spring")


@dataclass(frozen=True)
class Period:
    """A period, and its last day that is looked at."""

    year: int
    kind: str
    code: str
    starts: date
    ends: date


@dataclass(frozen=True)
class Span:
    """A student at a school, from a day up to (not including) another, with the groups of that time."""

    student: str
    school: str
    starts: date
    ends: date
    grade: str
    groups: frozenset[str]


def read_csv(path: Path) -> pd.DataFrame:
    """Everything as text, blanks kept."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def grade_group(grade: str) -> str:
    """Name of a grade's group."""
    return "grade_K" if grade in {"KF", "K"} else f"grade_{grade.zfill(2)}"


@dataclass(frozen=True)
class Home:
    """A home's registry and inboxes, on a day."""

    root: Path
    today: date

    def _yaml(self, name: str) -> Any:
        return YAML(typ="safe").load((self.root / "registry" / f"{name}.yaml").read_text(encoding="utf-8"))

    def _csv(self, name: str) -> pd.DataFrame:
        return read_csv(self.root / "registry" / f"{name}.csv")

    @cached_property
    def districts(self) -> dict[str, str]:
        """District -> calendar."""
        return {d["district"]: d["calendar"] for d in self._yaml("organizations")["districts"]}

    @cached_property
    def schools(self) -> dict[tuple[str, str], str]:
        """District and local code or name -> school."""
        real = {s["code"] for s in self._yaml("organizations")["schools"]}
        rows = self._csv("crosswalk").itertuples()
        return {(r.district, r.local_code): r.organization for r in rows if r.organization in real}

    @cached_property
    def days(self) -> dict[tuple[str, int], list[date]]:
        """District and school year -> school days."""
        calendars = {(c["calendar"], c["school_year"]): c for c in self._yaml("calendars")["calendars"]}
        own = (
            (d, year, c) for d, of in self.districts.items() for (name, year), c in calendars.items() if name == of
        )
        return {(district, year): list(_school_days(calendar)) for district, year, calendar in own}

    @cached_property
    def items(self) -> dict[str, tuple[str, bool, int, int]]:
        """Survey item -> topic, whether it is reversed, highest answer, lowest favourable answer."""
        return {
            r.item: (r.topic, r.reverse == "true", int(r.scale_max), int(r.favorable_from))
            for r in self._csv("survey_items").itertuples()
        }

    def periods(self, year: int) -> Iterator[Period]:
        """Year, months begun, and cycles past."""
        first = min(days[0] for (_, y), days in self.days.items() if y == year)
        last = min(self.today, max(days[-1] for (_, y), days in self.days.items() if y == year))
        yield Period(year, "year", str(year), first, last)
        month = first.replace(day=1)
        while month <= last:
            following = (month + timedelta(days=31)).replace(day=1)
            yield Period(year, "month", f"{month:%Y-%m}", month, min(following - timedelta(days=1), self.today))
            month = following
        for cycle in self._yaml("cycles")["cycles"]:
            if cycle["school_year"] == year and cycle["data_as_of"] <= self.today:
                yield Period(year, "cycle", cycle["cycle"], first, cycle["data_as_of"])

    def windows(self, year: int) -> Iterator[Period]:
        """Test windows that have begun; one code spans all feeds that have it."""
        spans: dict[str, list[tuple[date, date]]] = {}
        for feed in self._yaml("feeds")["feeds"]:
            for window in feed.get("windows", ()):
                if window["school_year"] == year and window["code"] in WINDOWS:
                    spans.setdefault(window["code"], []).append((window["opens"], window["closes"]))
        for code, found in spans.items():
            first, last = min(a for a, _ in found), max(b for _, b in found)
            if first <= self.today:
                yield Period(year, "window", f"{year}-{code}", first, min(last, self.today))

    def files(self, district: str, pattern: str) -> list[Path]:
        """Files of an inbox as they came."""
        return sorted(
            (self.root / "inbox" / district).glob(pattern), key=lambda path: (path.stat().st_mtime, path.name)
        )

    def spans(self, district: str, year: int) -> list[Span]:
        """Who was where, from the snapshots: the first one speaks for the time since the year began."""
        snapshots = sorted(
            (date.fromisoformat(path.stem[-10:]), path) for path in self.files(district, "students_export_*.csv")
        )
        found: list[Span] = []
        open_now: dict[tuple[str, str], Span] = {}
        starts, size = date(year - 1, 7, 1), 0
        for day, path in snapshots:
            if school_year(day) != year:
                continue
            rows = read_csv(path)
            rows = rows[rows["enrollment_status"] == "Active"]
            if len(rows) < TRUNCATED * size:
                continue
            starts, size = (starts if not size else day), len(rows)
            named = {(s.student, s.school): s for s in self._named(district, rows, starts)}
            found += [_until(span, day) for key, span in open_now.items() if key not in named]
            open_now = {key: open_now.get(key, span) for key, span in named.items()}
        return found + list(open_now.values())

    def _named(self, district: str, rows: pd.DataFrame, starts: date) -> Iterator[Span]:
        for row in rows.itertuples():
            school = self.schools[district, row.school_local_id]
            yield Span(row.local_id, school, starts, FOREVER, row.grade, frozenset(_groups(row)))


def school_year(day: date) -> int:
    """The spring year of a day."""
    return day.year + (day.month >= 7)


def _school_days(calendar: Any) -> Iterator[date]:
    closed = set()
    for shut in calendar.get("closures", ()):
        day = shut.get("on") or shut["starts"]
        while day <= (shut.get("on") or shut["ends"]):
            closed.add(day)
            day += timedelta(days=1)
    day = calendar["first_day"]
    while day <= calendar["last_day"]:
        if day.weekday() < 5 and day not in closed:
            yield day
        day += timedelta(days=1)


def _until(span: Span, day: date) -> Span:
    return Span(span.student, span.school, span.starts, day, span.grade, span.groups)


def _groups(row: Any) -> Iterator[str]:
    """Groups that the roster knows somebody to be in; unknown is not no, and not yes."""
    yield "all"
    yield grade_group(row.grade)
    if row.hispanic_latino == "1":
        yield "hispanic"
    elif row.race in RACES:
        yield RACES[row.race]
    if row.gender in GENDERS:
        yield GENDERS[row.gender]
    now, ever = LEARNER.get(row.limited_english_proficiency, (False, False))
    disabled = row.program_assigned == "Sp Ed"
    flags = {
        "english_learner": now,
        "el_or_former_el": ever,
        "disability": disabled,
        "local_frl": row.free_reduced_lunch in {"Free Lunch", "Reduced Lunch"},
    }
    yield from (name for name, is_in in flags.items() if is_in)


def members(spans: Iterable[Span], period: Period) -> dict[tuple[str, str], tuple[Span, bool]]:
    """Student and school -> the last span begun by the period's end, and whether it holds on that day."""
    found: dict[tuple[str, str], tuple[Span, bool]] = {}
    for span in sorted(spans, key=lambda s: s.starts):
        if span.starts <= period.ends:
            _, before = found.get((span.student, span.school), (span, False))
            found[span.student, span.school] = (span, before or span.ends > period.ends)
    return found


Units = Iterable[tuple[str, frozenset[str], dict[str, tuple[int, int, int]]]]
"""School, groups, and by metric: part of the numerator, part of the denominator, 1 if counted."""


def add_up(period: Period, units: Units) -> list[dict[str, Any]]:
    """Sum units into rows of school x group x metric; what nobody is counted in is no row."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for school, groups, metrics in units:
        for metric, parts in metrics.items():
            for group in groups:
                into = sums.setdefault((school, metric, group), [0, 0, 0])
                for at, part in enumerate(parts):
                    into[at] += int(part)
    fixed = {"level": "school", "school_year": period.year, "period_kind": period.kind, "period_code": period.code}
    return [
        {**fixed, "organization": s, "metric": m, "student_group": g, "numerator": a, "denominator": b, "n": n}
        for (s, m, g), (a, b, n) in sums.items()
        if n
    ]
