"""How whole an arrival is: what came, by school, against the schools, school days and students that were expected.

Pure. The counts were taken at ingest (`ops.delivery_part.wholeness`); nothing here can name a student.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sipetl.arrivals.model import Arrival, Part, Wholeness
from sipetl.registry.calendar import count_school_days
from sipetl.registry.models import Floors

EVERY_SCHOOL = frozenset({"roster", "attendance", "assessment", "survey", "course", "staff"})
"""Feeds in which a school that is not there is missing. A school may well have no incident, walk or evidence."""
EVERY_DAY = frozenset({"attendance"})
EVERY_STUDENT = frozenset({"attendance", "assessment"})
"""Feeds in which every student of the roster is expected; who is surveyed or tested less has a lower floor."""
NAMES_SHOWN = 5
PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the arrival should hold."""

    schools: Mapping[str, str] = field(default_factory=dict)
    """Code to name."""
    students: Mapping[str, int] = field(default_factory=dict)
    """Students by school, as the latest roster counts them; a school that is not in it is unknown."""
    days: Sequence[date] = ()
    """All school days of the district, sorted."""
    floors: Floors = field(default_factory=Floors)


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of what came, and who is short of what."""

    wholeness: Wholeness | None = None
    lacks: str | None = None
    schools_share: Decimal | None = None
    days_share: Decimal | None = None
    students_share: Decimal | None = None
    by_school: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    short: frozenset[str] = frozenset()
    """Schools of which nothing came, or too few of the days."""


@dataclass(frozen=True, slots=True)
class _Short:
    """One kind of share: over all schools, and the schools below the floor in words."""

    share: Decimal | None = None
    schools: Mapping[str, str] = field(default_factory=dict)


def measure(arrival: Arrival, parts: Iterable[Part], expected: Expectations) -> Measured:
    """Hold the accepted parts against what was expected; without any counts the wholeness is unknown (None)."""
    counted = [part for part in parts if part.wholeness is not None]
    if not counted:
        return Measured()
    here = _schools_here(arrival, counted)
    absent = frozenset(expected.schools) - here if arrival.feed in EVERY_SCHOOL else frozenset()
    share = _share(len(expected.schools) - len(absent), len(expected.schools))
    if arrival.feed not in EVERY_SCHOOL:
        share = None
    if share is None or share >= expected.floors.schools:
        absent = frozenset()
    present = [code for code in expected.schools if code in here]
    days = _days(arrival, counted, expected, present)
    students = _students(arrival, counted, expected, present)
    return _summed(expected, share, absent, (days, students))


def _summed(
    expected: Expectations, share: Decimal | None, absent: frozenset[str], short: tuple[_Short, _Short]
) -> Measured:
    by_school = dict.fromkeys(absent, "nothing came")
    for kind in short:
        for code, short_of in kind.schools.items():
            by_school[code] = f"{by_school[code]}, {short_of}" if code in by_school else short_of
    words = [_listed("nothing of", dict.fromkeys(absent, ""), expected)] if absent else []
    words += [_listed("only", kind.schools, expected) for kind in short if kind.schools]
    return Measured(
        wholeness=Wholeness.INCOMPLETE if by_school else Wholeness.COMPLETE,
        lacks="; ".join(words) or None,
        schools_share=share,
        days_share=short[0].share,
        students_share=short[1].share,
        by_school=by_school,
        absent=absent,
        short=absent | frozenset(short[0].schools),
    )


def _listed(head: str, schools: Mapping[str, str], expected: Expectations) -> str:
    named = sorted((expected.schools[code], words) for code, words in schools.items())
    shown = [f"{words} of {name}" if words else name for name, words in named[:NAMES_SHOWN]]
    more = f" and {len(named) - NAMES_SHOWN} more schools" if len(named) > NAMES_SHOWN else ""
    return f"{head} {', '.join(shown)}{more}"


def _schools_here(arrival: Arrival, parts: Iterable[Part]) -> set[str]:
    """Schools with rows; for one day, those whose days span it."""
    day = arrival.window_code if arrival.is_daily else None
    here: set[str] = set()
    for part in parts:
        counts = _counts(part)
        spans = counts.get("days", {}) if day else {}
        for code, rows in counts.get("schools", {}).items():
            span = spans.get(code)
            if rows and (span is None or span["from"] <= day <= span["to"]):
                here.add(code)
    return here


def _days(arrival: Arrival, parts: Sequence[Part], expected: Expectations, schools: Sequence[str]) -> _Short:
    if arrival.feed not in EVERY_DAY or arrival.is_daily:
        return _Short()
    due = count_school_days(expected.days, arrival.opens_on, arrival.closes_on)
    found = {code: min(due, _days_of(code, parts, expected.days)) for code in schools}
    low = {code: n for code, n in found.items() if due and Decimal(n) / due < expected.floors.days}
    words = {code: f"{n} of {due} school days" for code, n in low.items()}
    return _Short(_share(sum(found.values()), due * len(found)), words)


def _days_of(code: str, parts: Iterable[Part], days: Sequence[date]) -> int:
    """Distinct days of a school over all parts: their sum, but never more than the school days they span."""
    spans = [span for part in parts if (span := _counts(part).get("days", {}).get(code))]
    if not spans:
        return 0
    first = date.fromisoformat(min(span["from"] for span in spans))
    last = date.fromisoformat(max(span["to"] for span in spans))
    return min(sum(int(span["n"]) for span in spans), count_school_days(days, first, last))


def _students(arrival: Arrival, parts: Sequence[Part], expected: Expectations, schools: Sequence[str]) -> _Short:
    if arrival.feed not in EVERY_STUDENT or not any("students" in _counts(part) for part in parts):
        return _Short()
    due = {code: expected.students[code] for code in schools if expected.students.get(code)}
    found = {code: min(n, _students_of(code, parts)) for code, n in due.items()}
    low = {code: n for code, n in found.items() if Decimal(n) / due[code] < expected.floors.students}
    words = {code: f"{100 * n // due[code]} % of the students" for code, n in low.items()}
    return _Short(_share(sum(found.values()), sum(due.values())), words)


def _students_of(code: str, parts: Iterable[Part]) -> int:
    """Students of a school over all parts: parts of different grades add up, others hold the same students again."""
    by_grades: dict[tuple[str, ...], int] = {}
    for part in parts:
        n = _counts(part).get("students", {}).get(code, 0)
        by_grades[part.grades] = max(by_grades.get(part.grades, 0), n)
    return sum(by_grades.values())


def _counts(part: Part) -> Mapping[str, Any]:
    return part.wholeness or {}


def _share(n: int, of: int) -> Decimal | None:
    return (Decimal(n) / of).quantize(PLACES) if of else None
