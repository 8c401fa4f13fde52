"""Attendance from the files, day by day (rules: sipetl/metrics/policies/attendance_ma.yaml, read and not imported)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tests.truth.plain import Home, Period, Span, add_up, members, read_csv, school_year

STYLES = ("%Y-%m-%d", "%m/%d/%Y")
Said = dict[tuple[str, str], dict[date, tuple[bool, bool]]]
"""Student and school -> day -> absent, unexcused."""
LOWER = frozenset(f"{grade:02d}" for grade in range(1, 9))
UPPER = frozenset(f"{grade:02d}" for grade in range(9, 13))


def attendance(home: Home) -> list[dict[str, Any]]:
    """Every attendance metric x group x school x period."""
    rows = []
    for district, year in home.days:
        spans = home.spans(district, year)
        if spans:
            days = _days(home, district, year, spans)
            for period in home.periods(year):
                rows += add_up(period, _units(period, days, spans))
    return rows


def _days(home: Home, district: str, year: int, spans: list[Span]) -> Said:
    """The days that count: enrolled, a school day, and spoken for by a file."""
    school_days = home.days[district, year]
    events, submitted = _events(home, district, year)
    marked = _marked(home, district, year)
    counted: Said = defaultdict(dict)
    for span in spans:
        key = (span.student, span.school)
        for day in school_days:
            if not span.starts <= day < span.ends:
                continue
            if day in marked.get(key, {}):
                counted[key][day] = marked[key][day]
            elif submitted and day <= submitted:
                counted[key][day] = events.get(key, {}).get(day, (False, False))
    return counted


def _events(home: Home, district: str, year: int) -> tuple[Said, date | None]:
    """The latest export of the year: it holds the year to date, and its name says up to when."""
    exports = [
        (date.fromisoformat(path.stem[-10:]), path) for path in home.files(district, "attendance_export_*.csv")
    ]
    ours = [(day, path) for day, path in exports if school_year(day) == year]
    said: Said = defaultdict(dict)
    if not ours:
        return said, None
    submitted, path = max(ours)
    for row in read_csv(path).itertuples():
        school, day = home.schools.get((district, row.school_local_id)), _day(row.event_date)
        if school and day and row.local_id.isdigit() and row.absence == "1":
            said[row.local_id, school][day] = (True, row.excused == "0")
    return said, submitted


def _marked(home: Home, district: str, year: int) -> Said:
    """Day by day, in the order of arrival: a file replaces the days that its name gives."""
    said: Said = defaultdict(dict)
    for path in home.files(district, "attendance_2*.csv"):
        first, last = (_day_of_name(part) for part in path.stem.split("_")[1:])
        if school_year(first) != year:
            continue
        for days in said.values():
            for day in [day for day in days if first <= day <= last]:
                del days[day]
        _mark(home, district, path, said)
    return said


def _mark(home: Home, district: str, path: Path, said: Said) -> None:
    for row in read_csv(path).itertuples():
        school, day = home.schools.get((district, row.school_code)), _day(row.att_date)
        if school and day and row.student_number.isdigit():
            said[row.student_number, school][day] = (row.att_code in {"A", "AE"}, row.att_code == "A")


def _day(text: str) -> date | None:
    for style in STYLES:
        try:
            return datetime.strptime(text, style).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _day_of_name(text: str) -> date:
    return date.fromisoformat(text if "-" in text else f"{text[:4]}-{text[4:6]}-{text[6:]}")


def _units(
    period: Period, said: Said, spans: list[Span]
) -> Iterator[tuple[str, frozenset[str], dict[str, tuple[int, int, int]]]]:
    known = members(spans, period)
    for (student, school), days in said.items():
        to_date = {day: state for day, state in days.items() if day <= period.ends}
        if not to_date:
            continue
        span, _ = known[student, school]
        metrics = _metrics(to_date, span.grade)
        if period.kind == "month":
            within = [absent for day, (absent, _) in to_date.items() if day >= period.starts]
            if within:
                metrics["attendance_rate_in_month"] = (100 * (len(within) - sum(within)), 100 * len(within), 1)
        yield school, span.groups, metrics


def _metrics(days: dict[date, tuple[bool, bool]], grade: str) -> dict[str, tuple[int, int, int]]:
    enrolled = len(days)
    absent, unexcused = (sum(state[at] for state in days.values()) for at in (0, 1))
    found = {
        "attendance_rate": (100 * (enrolled - absent), 100 * enrolled, 1),
        "average_days_absent": (100 * absent, 1, 1),
        "absent_10_or_more_days": (absent >= 10, 1, 1),
        "unexcused_over_9_days": (unexcused > 9, 1, 1),
    }
    if enrolled >= 20:
        chronic = (10 * absent >= enrolled, 1, 1)
        found["chronic_absence_rate_pk12"] = found["chronic_absence_rate_pk12_student"] = chronic
        found["severe_chronic_absence_rate"] = (5 * absent >= enrolled, 1, 1)
        if grade in LOWER:
            found["chronic_absence_rate_1_8"] = chronic
        if grade in UPPER:
            found["chronic_absence_rate_9_12"] = chronic
    return found
