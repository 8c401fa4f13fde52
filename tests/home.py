"""A small home for tests of the pipeline: two districts, three schools, two calendars, and files by hand.

Every home has a database of its own on one embedded server, copied from a template that is migrated and knows the
registry, so that a home costs a tenth of a second. The day is fixed.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import psycopg
from psycopg import sql
from sqlalchemy import text

from sipetl.cli import main
from sipetl.lake import Lake, attach
from sipetl.pipeline import DeliveryOutcome, Flags, OpenHome, ingest, open_home
from sipetl.privacy import create_key
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from sipetl.settings import Settings, load_settings
from sipetl.warehouse import embedded, open_warehouse

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 1, 30)
KEY = bytes(range(1, 33))
SCHOOLS = {"HEA": "35010010", "SHS": "35010020", "BRN": "90020010"}
"""Local code -> organization; the last one is the second district's."""
DISTRICT_OF = {"HEA": "3501", "SHS": "3501", "BRN": "9002"}
FILES: Mapping[str, str] = {
    "home.yaml": "state_name: State of Tests\n",
    "organizations.yaml": """\
regions:
  - {code: R-1, name: First Region}
districts:
  - {district: "3501", code: "35010000", name: Alder, region: R-1, calendar: alder}
  - {district: "9002", code: "90020000", name: Birch, region: R-1, calendar: birch}
schools:
  - {code: "35010010", name: Hemlock Elementary, district: "3501"}
  - {code: "35010020", name: Spruce High, district: "3501"}
  - {code: "90020010", name: Bramble Middle, district: "9002"}
""",
    "calendars.yaml": """\
calendars:
  - {calendar: alder, school_year: 2025, first_day: 2024-08-28, last_day: 2025-06-18}
  - {calendar: alder, school_year: 2026, first_day: 2025-08-27, last_day: 2026-06-17}
  - {calendar: birch, school_year: 2025, first_day: 2024-09-04, last_day: 2025-06-20}
  - {calendar: birch, school_year: 2026, first_day: 2025-09-03, last_day: 2026-06-19}
""",
    "cycles.yaml": """\
cycles:
  - {cycle: C1, school_year: 2026, data_as_of: 2025-11-14, data_due: 2025-11-21, review_date: 2025-12-02}
""",
    "crosswalk.csv": "district,local_code,organization,valid_from,valid_to\n"
    + "".join(f"{DISTRICT_OF[local]},{local},{code},,\n" for local, code in SCHOOLS.items()),
    "survey_items.csv": "survey,item,topic,reverse,scale_max,favorable_from\n",
    "identified.csv": "school,student_group,school_year\n",
    "feeds.yaml": "feeds:\n"
    + "".join(
        f"""\
  - {{district: "{district}", feed: roster, inbox: inbox/{district}, owner: Data office,
     due: {{rule: before_cycle, school_days: 2}}}}
  - {{district: "{district}", feed: attendance, inbox: inbox/{district}, owner: Data office,
     due: {{rule: each_school_day, school_days: 6}}}}
"""
        for district in ("3501", "9002")
    ),
    "plans/35010010.yaml": """\
plan: MA/35010010
effective_from: 2025-09-02
title: Hemlock Elementary
practices:
- practice: TP4
  objectives:
  - code: O1
    text: Students are in school
    initiatives:
    - code: I1
      text: Attendance team
      timeline: [{step: Form the team, owner: Principal, due: 2025-10-31}]
      benchmarks:
      - {code: B1, kind: student, text: Students attend, metric: attendance_rate,
         baseline: {value: 90, period: "2025", source: state profile}, target: {value: 95, unit: level},
         direction: up, path: hold, due: 2025-11-14, cadence: quarterly, feed: attendance, owner: school,
         academic: false}
mags:
- {code: M1, category: ATT_DISM_EXCL, text: Students attend, metric: attendance_rate,
   baseline: {value: 90, period: "2025"}, target: {value: 95}, direction: up, path: hold, due: 2026-06-12,
   feed: attendance, academic: false}
""",
}
ATTENDANCE = "student_number,student_name,school_code,att_date,att_code\n"
ROSTER = (
    "state_id,local_id,full_name,home_language,program_assigned,limited_english_proficiency,sped_placement,disability,"
    "sped_level_of_need,plan_504,student_address,grade,registration_date,free_reduced_lunch,homeroom,school_local_id,"
    "enrollment_status,date_of_birth,gender,race,hispanic_latino,primary_phone,primary_email,house,counselor\n"
)


@dataclass(frozen=True)
class Student:
    """Somebody who does not exist: number `n` of a school."""

    n: int
    school: str = "HEA"
    has_state_id: bool = True

    @property
    def number(self) -> str:
        """The district's own id."""
        return f"{DISTRICT_OF[self.school]}77{self.n:03d}"

    @property
    def state_id(self) -> str:
        return f"1{self.number}" if self.has_state_id else ""

    @property
    def name(self) -> str:
        return f"Quillfeather {self.school} {self.n}"


def students(count: int, school: str = "HEA") -> list[Student]:
    """The first students of a school."""
    return [Student(n, school) for n in range(count)]


def weekdays(first: date, count: int) -> list[date]:
    """School days from a day on."""
    days = (first + timedelta(days=n) for n in itertools.count())
    return list(itertools.islice((d for d in days if d.weekday() < 5), count))


def attendance(people: Sequence[Student], days: Iterable[date], code: Callable[[Student, date], str]) -> str:
    """A daily attendance file; `code` gives each student's code of a day."""
    rows = (f"{s.number},{s.name},{s.school},{day},{code(s, day)}\n" for day in days for s in people)
    return ATTENDANCE + "".join(rows)


def present(student: Student, day: date) -> str:
    """Everybody is there but every tenth student, who misses every second day."""
    return "A" if student.n % 10 == 0 and day.toordinal() % 2 == 0 else "P"


def roster(people: Sequence[Student]) -> str:
    """An Aspen student export."""
    return ROSTER + "".join(
        f"{s.state_id},{s.number},{s.name},English,Reg Ed,Fluent,,,,,1 Nowhere Lane,03,2020-08-01,Free Lunch,101,"
        f"{s.school},Active,2017-02-03,F,White,0,,,,\n"
        for s in people
    )


@dataclass
class Done:
    """What a command came to."""

    status: int
    out: str
    err: str


def command(*arguments: str, **environment: str) -> Done:
    """A command in this process, as `python -m sipetl` runs it; no other setting of ours is in its environment."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIPETL_")}
    with (
        mock.patch.dict(os.environ, clean | environment, clear=True),
        mock.patch.object(sys, "argv", ["sipetl", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
    return Done(status, out.getvalue(), err.getvalue())


@dataclass
class Site:
    """A home on disk, with what tests do to it."""

    root: Path
    url: str
    today: date = TODAY
    key_file: Path | None = None
    ticks: Iterator[int] = field(default_factory=itertools.count)

    @property
    def environment(self) -> dict[str, str]:
        """What a command in another process needs to know."""
        named = {"SIPETL_HOME": str(self.root), "SIPETL_WAREHOUSE_URL": self.url, "SIPETL_AS_OF": str(self.today)}
        return named | ({"SIPETL_KEY_FILE": str(self.key_file)} if self.key_file else {})

    @property
    def settings(self) -> Settings:
        return load_settings(
            home=self.root,
            warehouse_url=self.url,
            as_of=self.today,
            key_file=self.key_file,
            threads=1,
            memory="512MB",
        )

    @contextmanager
    def open(self) -> Iterator[OpenHome]:
        """Open the home, as every command does."""
        with open_home(self.settings) as home:
            yield home

    def put(self, name: str, content: str | bytes, sender: str = "3501") -> Path:
        """A file arrives in an inbox, a minute after the one before."""
        path = self.root / "inbox" / sender / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        moment = datetime(2026, 1, 20, 6, tzinfo=UTC).timestamp() + 60 * next(self.ticks)
        os.utime(path, (moment, moment))
        return path

    def ingest(self, *paths: Path, **flags: Any) -> list[DeliveryOutcome]:
        """Take what is new, or the files named."""
        with self.open() as home:
            return ingest(home, paths, Flags(**flags))

    def take(self, name: str, content: str | bytes, sender: str = "3501", **flags: Any) -> DeliveryOutcome:
        """A file arrives and is taken; nothing else may be waiting."""
        self.put(name, content, sender)
        (outcome,) = self.ingest(**flags)
        return outcome

    def sql(self, query: str, **given: object) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with open_warehouse(self.settings) as warehouse, warehouse.begin() as connection:
            return [tuple(row) for row in connection.execute(text(query), given)]

    def lake(self, feed: FeedName, query: str, version: int | None = None) -> list[tuple[Any, ...]]:
        """Ask the lake; the feed's rows are `rows`."""
        with duckdb.connect() as con:
            view = attach(con, Lake(self.settings.lake_url), feed, version=version)
            con.execute(f"create temp view rows as from {view}")
            found: list[tuple[Any, ...]] = con.execute(query).fetchall()
        return found

    def letters(self, outcome: DeliveryOutcome) -> dict[str, str]:
        """The letter to the sender, by suffix."""
        folder = self.root / "reports" / "letters"
        return {s: (folder / f"{outcome.delivery_id}.{s}").read_text("utf-8") for s in ("md", "html", "json")}

    def run(self, *arguments: str) -> Done:
        """A command in this process, as `python -m sipetl` runs it."""
        return command(*arguments, **self.environment)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Python in another process, in this home."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def ledger(site: Site, outcome: DeliveryOutcome) -> tuple[str, list[tuple[str, int, int]]]:
    """A delivery's status, and its parts' statuses with rows taken and quarantined."""
    ((status,),) = site.sql("select status from ops.delivery where delivery_id = :d", d=outcome.delivery_id)
    parts = site.sql(
        "select status, rows_good, rows_quarantined from ops.delivery_part where delivery_id = :d order by part_id",
        d=outcome.delivery_id,
    )
    return status, [(s, g, q) for s, g, q in parts]


def issues(site: Site, outcome: DeliveryOutcome) -> set[tuple[str, int | None]]:
    """Rules and row numbers that the ledger keeps of a delivery."""
    query = "select rule_id, row_number from ops.issue where delivery_id = :d"
    return {(rule, row) for rule, row in site.sql(query, d=outcome.delivery_id)}


def assert_told(site: Site, outcome: DeliveryOutcome, status: Outcome, content: str | bytes = "") -> None:
    """The outcome has the status, ledger and letter say so and what to do, and no cell of the file is in either."""
    assert outcome.status is status
    assert ledger(site, outcome)[0] == status.value
    letters = site.letters(outcome)
    told = json.loads(letters["json"])
    assert all(part["next_step"] for part in told["parts"])
    everything = [*letters.values(), outcome.reason, *(p.reason for p in outcome.parts)]
    text_content = content if isinstance(content, str) else content.decode("latin-1")
    for cell in {c for line in text_content.splitlines()[1:] for c in line.split(",") if _is_private(c)}:
        assert not any(cell in one for one in everything), "the letter quotes a cell"


def _is_private(cell: str) -> bool:
    """Student numbers, names and spoilt cells; school codes and days are told on purpose."""
    return "77" in cell or "Quillfeather" in cell or "SPOILT" in cell


def write_home(root: Path) -> Path:
    """Write registry and key, and make the inbox."""
    for name, content in FILES.items():
        path = root / "registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (root / "inbox").mkdir()
    create_key(root / "sipetl.key", KEY)
    return root


def copy_home(source: Path, root: Path) -> Path:
    """Copy a home's folder without its inbox: what was taken lies in landing."""
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("inbox", "scratch"), dirs_exist_ok=True)
    (root / "inbox").mkdir()
    return root


def make_database(lease: embedded.Lease, name: str, template: str = "template1") -> None:
    """Make a database of the owner's, as a copy of another that nobody is connected to."""
    with psycopg.connect(_plain(lease.url("superuser", "postgres")), autocommit=True) as connection:
        make = sql.SQL("create database {} owner sipetl_owner template {} strategy wal_log")
        connection.execute(make.format(sql.Identifier(name), sql.Identifier(template)))


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
