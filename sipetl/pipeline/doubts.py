"""Rows that can be read and may yet be wrong: they are taken, and the sender is told what becomes of them.

Warnings for the letter, which the rules of `expectations/` cannot say: they look at the other rows of the file, at the
calendar, or at the day of today. Never a value: counts, row numbers and school years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from sqlalchemy import select

from sipetl.intake import Mapped, Member, load_contract
from sipetl.pipeline.findings import shares
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import fill
from sipetl.pipeline.wholeness import AHEAD, DAY_COLUMN, STRAYS_PERCENT
from sipetl.quality import MAX_ROWS, Finding, Severity
from sipetl.registry.models import FeedName
from sipetl.warehouse import tables as t

SCHOOL_DAYS = ("instructional", "early_release")
"""Kinds of days that metrics/facts/attendance.sql counts."""


def doubtful(home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped) -> tuple[Finding, ...]:
    """Dates that are far from those of the other rows, have not come yet, are no school days, or not plausible."""
    rows = _Rows(con, mapped, member.layout.feed)
    found = [*_years(rows), _future(rows, home.now().date()), *_spans(rows)]
    if rows.feed is FeedName.ATTENDANCE:
        found.append(_no_school(rows, home))
    return tuple(finding for finding in found if finding)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The mapped rows of a member."""

    con: duckdb.DuckDBPyConnection
    mapped: Mapped
    feed: FeedName

    def where(self, condition: str) -> tuple[int, tuple[int, ...]]:
        """How many rows of the file meet a condition, and the first of them."""
        count, first = self.con.execute(f"""
            select count(*), min(row_number, {MAX_ROWS})
            from (select distinct row_number from {self.mapped.table} where {condition})
        """).fetchall()[0]
        return count, tuple(first or ())

    def finding(self, rule_id: str, column: str, condition: str, text: str, cure: str) -> Finding | None:
        """A warning about the rows that meet a condition, if there are any."""
        count, rows = self.where(condition)
        if not count:
            return None
        own = shares(self.con, self.mapped, f"select row_number from {self.mapped.table} where {condition}")
        return Finding(rule_id, Severity.WARNING, column, text, cure, count, rows, shares=own)


def strays(mapped: Mapped) -> frozenset[int]:
    """School years that hardly any row speaks of, in a file that is of another."""
    rows = _by_year(mapped)
    return frozenset(year for year in rows if 100 * rows[year] < STRAYS_PERCENT * sum(rows.values()))


def _by_year(mapped: Mapped) -> dict[int, int]:
    rows: dict[int, int] = {}
    for part in mapped.parts:
        rows[part.school_year] = rows.get(part.school_year, 0) + part.rows
    return rows


def _years(rows: _Rows) -> Iterator[Finding | None]:
    by_year, far = _by_year(rows.mapped), strays(rows.mapped)
    if not far:
        return
    main = max(by_year, key=lambda year: by_year[year])
    for word, years in (("after", [y for y in far if y > main]), ("before", [y for y in far if y < main])):
        if years:
            listed = ", ".join(map(str, sorted(years)))
            yield rows.finding(
                "DOUBT-YEAR",
                DAY_COLUMN.get(rows.feed, "school_year"),
                f"school_year in ({listed})",
                f"The date is {word} the school year of the rest of the file ({main - 1}-{main % 100:02d}), perhaps a slip of "
                f"the pen in the year. The row is kept under its own school year ({_written(years)}) and counts for nothing "
                f"in {main - 1}-{main % 100:02d}.",
                "Correct the year of the date at its source, and send the whole file again.",
            )


def _written(years: list[int]) -> str:
    return ", ".join(f"{year - 1}-{year % 100:02d}" for year in sorted(years))


def _future(rows: _Rows, today: date) -> Finding | None:
    column = DAY_COLUMN.get(rows.feed)
    if column is None:
        return None
    far = "".join(f" and school_year <> {year}" for year in strays(rows.mapped))
    return rows.finding(
        "DOUBT-FUTURE",
        column,
        f"{column} > date '{today + AHEAD}'{far}",
        "The date is after the day on which the file was read. The row counts for nothing until that day has come.",
        "Correct the date at its source: look for a wrong year, or a swapped day and month.",
    )


def _spans(rows: _Rows) -> Iterator[Finding | None]:
    """Dates of enrolment or employment that are far from the row's school year; how far is the contract's to say."""
    for column in load_contract(rows.feed).columns:
        span = next((one.value for one in column.custom_properties if one.property == "plausibleSpan"), None)
        if span is not None:
            yield rows.finding(
                "DOUBT-SPAN", column.name, _outside(column.name, span), _SPAN_TEXT.format(**span), _SPAN_CURE
            )


_SPAN_TEXT = (
    "The date is more than {yearsBefore} years before the row's school year, or more than {yearsAfter} after it. It was "
    "taken as it is."
)
_SPAN_CURE = "Correct the date at its source: look for a two-digit year, or for a birth date in its place."


def _outside(column: str, span: Mapping[str, int]) -> str:
    """A school year runs from July to June."""
    first = f"make_date(school_year - 1 - {span['yearsBefore']}, 7, 1)"
    last = f"make_date(school_year + {span['yearsAfter']}, 6, 30)"
    return f"{column} not between {first} and {last}"


def _no_school(rows: _Rows, home: OpenHome) -> Finding | None:
    """Students' attendance on Saturdays, holidays, and days before the first or after the last day of school."""
    organization, day = t.ref.organization, t.ref.school_day
    years = sorted({part.school_year for part in rows.mapped.parts})
    with home.warehouse.begin() as connection:
        places = connection.execute(
            select(organization.c.code, organization.c.district, organization.c.calendar)
        ).all()
        days = connection.execute(
            select(day.c.calendar, day.c.day, day.c.kind, day.c.school_year).where(day.c.school_year.in_(years))
        ).all()
    calendars = {place.district: place.calendar for place in places if place.calendar}
    schools = [(place.code, place.calendar or calendars.get(place.district)) for place in places]
    _odd_days(rows, schools, days)
    return rows.finding(
        "DOUBT-DAY",
        "attendance_date",
        f"{_COUNTED} and (school, attendance_date) in (from doubt_odd)",
        "The day is no school day in the school's calendar (a weekend, a holiday, or outside the year): the row is kept and "
        "counts for nothing.",
        "If school was held on that day, tell the receiving office, which adds it to calendars.yaml; else correct the date.",
    )


_COUNTED = "population = 'student' and grain <> 'cumulative'"
"""Rows of a day; a total is of all days up to its own."""


def _odd_days(rows: _Rows, schools: Any, days: Any) -> None:
    """Make `doubt_odd (school, day)`: what the file says of a school on a day without school, in years with a calendar."""
    con = rows.con
    con.execute("create or replace temp table doubt_school (school varchar, calendar varchar)")
    con.execute("create or replace temp table doubt_day (calendar varchar, day date, is_held boolean, year integer)")
    fill(con, "doubt_school", schools)
    fill(con, "doubt_day", [(calendar, day, kind in SCHOOL_DAYS, year) for calendar, day, kind, year in days])
    con.execute(f"""
        create or replace temp table doubt_odd as
        select f.school, f.attendance_date
        from (select distinct school, attendance_date, school_year from {rows.mapped.table} where {_COUNTED}) f
        join doubt_school s using (school)
        join (select distinct calendar, year from doubt_day) y on y.calendar = s.calendar and y.year = f.school_year
        left join doubt_day d on d.calendar = s.calendar and d.day = f.attendance_date and d.is_held
        where d.day is null
    """)
