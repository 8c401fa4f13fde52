"""The data that all contestants read: one district's school year, a row per student and school day, made by DuckDB.

Nobody in it exists. What each student does is a hash of number and day, so that every run makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from sipetl.pipeline import Flags, ingest, open_home
from sipetl.privacy import create_key
from sipetl.registry.calendar import default_days
from sipetl.registry.models import Home
from sipetl.settings import load_settings

DISTRICT, CALENDAR, SCHOOL_YEAR = "9001", "bench", 2026
FIRST_DAY, LAST_DAY = date(2025, 8, 27), date(2026, 6, 17)
AFTER = date(2026, 7, 1)
"""The day on which everything is computed."""
STUDENTS_PER_SCHOOL = 500
KEY = bytes(range(32))
ROSTER_NAME = "students_export_2025-08-27.csv"
CODES = """case when h < 5 then 'A' when h < 8 then 'AE' when h < 12 then 'T' when h < 13 then 'D' else 'P' end"""
"""Of a day: 8 % are absent, a few come late or leave early. Every tenth student is absent three times as often."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much data: of each district, and how many of them."""

    students: int
    days: int
    districts: int = 1

    @property
    def rows(self) -> int:
        return self.students * self.days * self.districts


def districts_of(size: Size) -> list[str]:
    """Codes of the districts, in order."""
    return [str(int(DISTRICT) - n) for n in range(size.districts)]


def days_of(size: Size) -> list[date]:
    """The school days that attendance is made for."""
    days = default_days(SCHOOL_YEAR, Home.model_fields["holidays"].default)
    return [day for day in days if FIRST_DAY <= day <= LAST_DAY][: size.days]


def make_home(home: Path, size: Size) -> None:
    """Write registry, key and inboxes."""
    registry = home / "registry"
    (registry / "plans").mkdir(parents=True)
    schools = range(max(1, size.students // STUDENTS_PER_SCHOOL))
    codes, states = districts_of(size), "districts:\n"
    for code in codes:
        states += f'  - {{district: "{code}", code: "{code}0000", name: D {code}, calendar: {CALENDAR}}}\n'
    states += "schools:\n"
    for code in codes:
        for n in schools:
            states += f'  - {{code: "{code}{n + 1:04d}", name: S {code} {n}, district: "{code}"}}\n'
    feeds = "".join(
        f'  - {{district: "{code}", feed: {feed}, inbox: inbox/{code}, owner: Office, due: {{rule: each_school_day}}}}\n'
        for code in codes
        for feed in ("roster", "attendance")
    )
    calendar = f"calendar: {CALENDAR}, school_year: {SCHOOL_YEAR}, first_day: {FIRST_DAY}, last_day: {LAST_DAY}"
    crosswalk = "".join(f"{code},L{n:03d},{code}{n + 1:04d},,\n" for code in codes for n in schools)
    files = {
        "home.yaml": "state_name: State of Measures\n",
        "organizations.yaml": states,
        "calendars.yaml": f"calendars:\n  - {{{calendar}}}\n",
        "cycles.yaml": "cycles: []\n",
        "crosswalk.csv": f"district,local_code,organization,valid_from,valid_to\n{crosswalk}",
        "survey_items.csv": "survey,item,topic,reverse,scale_max,favorable_from\n",
        "identified.csv": "school,student_group,school_year\n",
        "feeds.yaml": f"feeds:\n{feeds}",
    }
    for name, content in files.items():
        (registry / name).write_text(content, encoding="utf-8")
    create_key(home / "sipetl.key", KEY)
    for code in codes:
        (home / "inbox" / code).mkdir(parents=True)


def fill_home(home: Path, size: Size) -> None:
    """Take roster and attendance of the first district into a home."""
    days = days_of(size)
    inbox = home / "inbox" / DISTRICT
    roster = write_roster(inbox / ROSTER_NAME, size)
    year = write_attendance(inbox / f"attendance_{days[0]}_{days[-1]}.csv", size, days)
    with open_home(load_settings(home=home, as_of=AFTER)) as opened:
        for file in (roster, year):
            ingest(opened, [file], Flags(district=DISTRICT))


def write_attendance(path: Path, size: Size, days: list[date], district: str = DISTRICT) -> Path:
    """Write a daily attendance file of a district: about 54 bytes a row, in the order of days, as systems export it."""
    with _engine(days) as con:
        con.execute(
            f"""
            copy (
                select
                    {district}000000 + s as student_number,
                    'Nobody-' || lpad(s::varchar, 8, '0') || ', Of Measures' as student_name,
                    'L' || lpad((s % {_schools(size)})::varchar, 3, '0') as school_code,
                    strftime(day, '%Y-%m-%d') as att_date,
                    {CODES} as att_code
                from (
                    select s, day, hash(s * 1000 + n + {district}) % 100 // (case when s % 10 = 0 then 3 else 1 end) as h
                    from range({size.days}) as d(n) join days using (n), range({size.students}) as t(s)
                )
                order by day, student_number
            ) to '{path}' (format csv, header)
            """
        )
    return path


def write_roster(path: Path, size: Size, district: str = DISTRICT) -> Path:
    """Write an Aspen student export: grades, races, language, disability and income of everybody."""
    columns = {
        "state_id": f"1{district}000000 + s",
        "local_id": f"{district}000000 + s",
        "full_name": "'Nobody-' || lpad(s::varchar, 8, '0') || ', Of Measures'",
        "home_language": "'English'",
        "program_assigned": "case when hash(s + 1) % 6 = 0 then 'Sp Ed' else 'Reg Ed' end",
        "limited_english_proficiency": "case when hash(s) % 10 = 0 then 'Limited' else 'Fluent' end",
        **dict.fromkeys(("sped_placement", "disability", "sped_level_of_need", "plan_504"), "''"),
        "student_address": "'1 Nowhere Lane'",
        "grade": "lpad((1 + s % 12)::varchar, 2, '0')",
        "registration_date": "'2020-08-01'",
        "free_reduced_lunch": "case when hash(s + 2) % 2 = 0 then 'Free Lunch' else '' end",
        "homeroom": "'101'",
        "school_local_id": f"'L' || lpad((s % {_schools(size)})::varchar, 3, '0')",
        "enrollment_status": "'Active'",
        "date_of_birth": "'2012-02-03'",
        "gender": "case when s % 2 = 0 then 'F' else 'M' end",
        "race": "['White', 'Black', 'Asian'][1 + (hash(s + 3) % 3)::integer]",
        "hispanic_latino": "(hash(s + 4) % 4 = 0)::integer",
        **dict.fromkeys(("primary_phone", "primary_email", "house", "counselor"), "''"),
    }
    listed = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    with _engine([]) as con:
        con.execute(f"copy (select {listed} from range({size.students}) as t(s)) to '{path}' (format csv, header)")
    return path


def _schools(size: Size) -> int:
    return max(1, size.students // STUDENTS_PER_SCHOOL)


def _engine(days: list[date]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create table days (n integer, day date)")
    if days:
        con.executemany("insert into days values (?, ?)", list(enumerate(days)))
    return con


def write_results(path: Path, rows: int) -> Path:
    """Write test results as Parquet: a batch for checks, in which about one cell of 500 is wrong somewhere."""
    with duckdb.connect() as con:
        con.execute(
            f"""
            copy (
                select
                    n as row_number,
                    case when n % 997 = 0 then null when n % 991 = 0 then 'X1' else (900000000 + n % 400000)::varchar end
                        as student,
                    case when n % 983 = 0 then 'ZZZ' else 'L' || lpad((n % 90)::varchar, 3, '0') end as school,
                    case when n % 977 = 0 then null when n % 971 = 0 then '99' else lpad((1 + n % 12)::varchar, 2, '0') end
                        as grade,
                    case when n % 967 = 0 then 9999 else (hash(n) % 600)::bigint end as score,
                    case when n % 953 = 0 then 0 else 1 + (hash(n + 1) % 99)::bigint end as percentile,
                    case when n % 947 = 0 then -1 else 600 end as best,
                    case when n % 941 = 0 then '2026-13-01' when n % 937 = 0 then 'n/a'
                        else strftime(date '2025-09-01' + (n // 400000 * 100 + n % 90)::integer, '%Y-%m-%d') end as tested
                from range({rows}) as t(n)
            ) to '{path}' (format parquet)
            """
        )
    return path
