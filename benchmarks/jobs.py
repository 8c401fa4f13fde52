"""The jobs: what is to be done, by whom, on which data; all contestants of a job must come to the same figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import data
from benchmarks.measure import HERE, OURS
from sipetl.warehouse import embedded

SCHOOLS = [f"L{n:03d}" for n in range(90)]
GRADES = [f"{n:02d}" for n in range(1, 13)]
LIMIT, SIPETL = "bare DuckDB", "sipetl"

Arguments = Callable[[Path], Sequence[str]]
"""What a contestant is given, in a folder of its own run."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that does the job."""

    name: str
    peer: str
    """Its environment: a file of peers/, or ours."""
    script: str
    arguments: Arguments
    rows: int
    """How many rows it is given; the slow ones get fewer, and are compared by rows per second."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job, with the aim that the design sets."""

    name: str
    title: str
    aim: str
    contestants: Sequence[Contestant]
    note: str = ""
    only_of_ours: Sequence[str] = field(default_factory=tuple)
    """Keys of our result that the others do not have."""
    only_of_some: Sequence[str] = field(default_factory=tuple)
    """Keys that two or more have, and must agree on."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large everything is, and how often it is done."""

    students: int
    days: int
    sample_days: int
    """For contestants that would take many minutes."""
    batch_rows: int
    repeats: int


FULL = Scale(students=50_000, days=180, sample_days=9, batch_rows=1_000_000, repeats=5)
QUICK = Scale(students=1_000, days=25, sample_days=25, batch_rows=20_000, repeats=1)


@contextmanager
def prepared(scale: Scale, folder: Path) -> Iterator[list[Job]]:
    """Make the data and the homes; all is gone at the end."""
    size = data.Size(scale.students, scale.days)
    homes = Homes(folder / "homes", size)
    try:
        yield [
            _intake(scale, folder, homes),
            _nightly(scale, folder, homes),
            _metrics(size, homes),
            _checks(scale, folder),
        ]
    finally:
        homes.remove()


@dataclass
class Homes:
    """Homes with a registry and a roster; a run that takes files gets a new one."""

    folder: Path
    size: data.Size
    made: list[Path] = field(default_factory=list)

    def new(self) -> Path:
        """A home that took nothing yet."""
        home = self.folder / str(len(self.made))
        home.mkdir(parents=True)
        self.made.append(home)
        data.make_home(home, self.size)
        return home

    def remove(self) -> None:
        """Stop and delete their warehouses."""
        for home in self.made:
            embedded.remove(home / "warehouse")
            shutil.rmtree(home)
        self.made.clear()


def _intake(scale: Scale, folder: Path, homes: Homes) -> Job:
    size, sample = homes.size, data.Size(scale.students, scale.sample_days)
    days = data.days_of(size)
    year = data.write_attendance(_named(folder, days, "year"), size, days)
    few = data.write_attendance(_named(folder, days[: sample.days], "sample"), sample, days[: sample.days])

    def to(source: Path, way: str = "intake") -> Arguments:
        return lambda own: [way, str(source), str(own / "out")]

    def ours(own: Path) -> list[str]:
        home = homes.new()
        roster = data.write_roster(home / "inbox" / data.DISTRICT / data.ROSTER_NAME, size)
        return ["intake", str(home), str(roster), str(year)]

    return Job(
        "intake",
        "A district's year of attendance, from the CSV to rows in columns",
        "at most 2.5 times bare DuckDB, under 2 GB",
        [
            Contestant(LIMIT, "duckdb", "bare_duckdb.py", to(year, "every_column"), size.rows),
            Contestant("DuckDB, needed columns", "duckdb", "bare_duckdb.py", to(year), size.rows),
            Contestant(SIPETL, OURS, "ours.py", ours, size.rows),
            Contestant("Polars", "polars", "with_polars.py", to(year), size.rows),
            Contestant("pandas", "pandas", "with_pandas.py", to(year), size.rows),
            Contestant("dlt to DuckDB", "dlt", "with_dlt.py", to(few), sample.rows),
            Contestant("earthmover", "earthmover", "with_earthmover.py", to(few), sample.rows),
        ],
        "sipetl also copies the file to landing with its sha256, recognises the layout, hashes every id, runs the feed's"
        " expectations, guards against loss, commits to Delta and keeps the ledger; the others parse and write.",
        only_of_ours=("stages",),
    )


def _nightly(scale: Scale, folder: Path, homes: Homes) -> Job:
    one = data.Size(scale.students, 1)
    days = data.days_of(homes.size)
    files = [data.write_attendance(_named(folder, [day], "night"), one, [day]) for day in days[:3]]

    def ours(own: Path) -> list[str]:
        home = homes.new()
        roster = data.write_roster(home / "inbox" / data.DISTRICT / data.ROSTER_NAME, homes.size)
        return ["intake", str(home), str(roster), *map(str, files)]

    return Job(
        "nightly",
        "One more day of a district, warm",
        "under 3 s",
        [
            Contestant(
                LIMIT, "duckdb", "bare_duckdb.py", lambda own: ["intake", str(files[-1]), str(own / "out")], one.rows
            ),
            Contestant(SIPETL, OURS, "ours.py", ours, one.rows),
        ],
        "The third night: two were taken before by the same process. Our figures are of all days together.",
        only_of_ours=("stages", "rows", "absent", "excused", "tardy", "first"),
    )


def _metrics(size: data.Size, homes: Homes) -> Job:
    made: list[Path] = []

    def home(own: Path) -> Path:
        if not made:
            made.append(homes.new())
            data.fill_home(made[0], size)
        return made[0]

    def lake(own: Path) -> list[str]:
        return ["metrics", str(home(own) / "lake" / "attendance")]

    return Job(
        "metrics",
        "All attendance metrics, by school, group and period, from the lake; the others one of them, by school",
        "at most 3 times bare DuckDB",
        [
            Contestant(LIMIT, "duckdb", "bare_duckdb.py", lake, size.rows),
            Contestant(SIPETL, OURS, "ours.py", lambda own: ["metrics", str(home(own))], size.rows),
            Contestant("Polars", "polars", "with_polars.py", lake, size.rows),
            Contestant("pandas", "pandas", "with_pandas.py", lake, size.rows),
        ],
        "The others count chronic absence of the year for each school. sipetl computes every metric of the feed for each"
        " student group, period and level, with identities joined, and writes them to PostgreSQL.",
        only_of_ours=("values",),
    )


def _checks(scale: Scale, folder: Path) -> Job:
    batch = data.write_results(folder / "results.parquet", scale.batch_rows)
    suite = json.loads((HERE / "suite.json").read_text(encoding="utf-8"))
    for number, allowed in ((3, SCHOOLS), (5, GRADES)):
        suite["expectations"][number]["kwargs"]["value_set"] = allowed
    file = folder / "suite.json"
    file.write_text(json.dumps(suite), encoding="utf-8")

    def by_suite(own: Path) -> list[str]:
        return ["checks", str(batch), str(file)]

    def with_rows(own: Path) -> list[str]:
        return ["checks_with_rows", str(batch), str(file)]

    def by_hand(own: Path) -> list[str]:
        return ["checks", str(batch), json.dumps(SCHOOLS), json.dumps(GRADES)]

    rows = scale.batch_rows
    return Job(
        "checks",
        "Twelve checks of a batch, one of them a date format",
        "at least 15 times as fast as Great Expectations' pandas engine",
        [
            Contestant(LIMIT, "duckdb", "bare_duckdb.py", by_hand, rows),
            Contestant(SIPETL, OURS, "ours.py", by_suite, rows),
            Contestant("Polars", "polars", "with_polars.py", by_hand, rows),
            Contestant("pandas", "pandas", "with_pandas.py", by_hand, rows),
            Contestant("pandera", "pandera", "with_pandera.py", by_hand, rows),
            Contestant("Great Expectations", "gx", "with_gx.py", by_suite, rows),
            Contestant("Great Expectations, with row ids", "gx", "with_gx.py", with_rows, rows),
        ],
        "sipetl and Great Expectations read the same suite; for the others the checks are written by hand. sipetl also"
        " keeps which rows failed: they are those that Great Expectations names when it is asked for row ids.",
        only_of_some=("failing_rows",),
    )


def _named(folder: Path, days: Sequence[object], kind: str) -> Path:
    """Where an attendance file is; its name says which days it has, as the layout wants."""
    own = folder / f"{kind}-{days[0]}"
    own.mkdir(parents=True, exist_ok=True)
    return own / f"attendance_{days[0]}_{days[-1]}.csv"


def agree(results: Mapping[str, Mapping[str, object]], job: Job) -> bool:
    """Whether all contestants came to the same figures."""
    apart = {*job.only_of_ours, *job.only_of_some}
    plain = [{key: value for key, value in one.items() if key not in apart} for one in results.values()]
    told = ([one[key] for one in results.values() if key in one] for key in job.only_of_some)
    return all(one == plain[0] for one in plain) and all(len(some) > 1 and len(set(some)) == 1 for some in told)
