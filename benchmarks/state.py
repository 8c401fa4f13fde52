"""`python -m benchmarks.state`: a whole state in one home, and how its metrics grow with the rows; writes STATE.md.

All districts' files go the whole way from the inbox to the lake. At each step the metrics of all that is there are
computed anew, in a process of their own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import data
from benchmarks.measure import HERE, OURS, run
from benchmarks.page import machine
from sipetl.pipeline import Flags, ingest, open_home
from sipetl.settings import load_settings
from sipetl.warehouse import embedded

STATE = data.Size(students=2_250, days=183, districts=400)
"""900,000 students, 165 million rows."""
SHARES = (1, 2, 5, 10, 25, 50, 100)
"""Percent of the districts at which metrics are computed."""
HEAD = """# A whole state

Written by `make bench-state`; do not edit. 400 districts send a roster and a year of daily attendance each; the files are
generated, land, are recognised, mapped, checked and committed like any other. At each share of the districts all metrics of
attendance (every school, district, region and state, student group and period) are computed anew and written to PostgreSQL.

"""


@dataclass(frozen=True, slots=True)
class Step:
    """What one share of the state cost."""

    share: int
    rows: int
    loaded_seconds: float
    """Of all loading so far."""
    computed_seconds: float
    peak_mb: float
    values: int


def main() -> None:
    """Load, compute, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where everything is made (some 20 GB); default: the system's")
    parser.add_argument("--districts", type=int, default=STATE.districts)
    given = parser.parse_args()
    size = data.Size(STATE.students, STATE.days, given.districts)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        try:
            steps = list(_grow(home, size))
        finally:
            embedded.remove(home / "warehouse")
    (HERE / "STATE.md").write_text(HEAD + machine() + "\n" + "\n".join(_table(steps)) + "\n", encoding="utf-8")


def _grow(home: Path, size: data.Size) -> Iterator[Step]:
    data.make_home(home, size)
    days, districts = data.days_of(size), data.districts_of(size)
    seconds, done = 0.0, 0
    for share in SHARES:
        until = max(1, size.districts * share // 100)
        for district in districts[done:until]:
            seconds += _load(home, size, days, district)
        done = until
        found = run("sipetl", OURS, "ours.py", ["metrics", str(home)])
        rows = done * size.students * len(days)
        yield Step(share, rows, seconds, found.seconds, found.peak_mb, found.result["values"])
        print(f"{share} %: {rows:,} rows, {seconds:.0f} s, {found.seconds:.1f} s", file=sys.stderr, flush=True)


def _load(home: Path, size: data.Size, days: Sequence[date], district: str) -> float:
    """Take one district's files. Returns the seconds of it, without making them."""
    inbox = home / "inbox" / district
    files = [
        data.write_roster(inbox / data.ROSTER_NAME, size, district),
        data.write_attendance(inbox / f"attendance_{days[0]}_{days[-1]}.csv", size, list(days), district),
    ]
    begun = time.perf_counter()
    with open_home(load_settings(home=home, as_of=data.AFTER)) as opened:
        for file in files:
            ingest(opened, [file], Flags(district=district))
    seconds = time.perf_counter() - begun
    shutil.rmtree(inbox)
    inbox.mkdir()
    return seconds


def _table(steps: Sequence[Step]) -> Iterator[str]:
    yield "| districts | rows | loaded in, s | rows per second | metrics, s | million rows per second | peak MB | values |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for step in steps:
        loaded, rate = step.rows / step.loaded_seconds, step.rows / step.computed_seconds / 1e6
        yield (
            f"| {step.share} % | {step.rows:,} | {step.loaded_seconds:.0f} | {loaded:,.0f} | {step.computed_seconds:.1f} |"
            f" {rate:.2f} | {step.peak_mb:,.0f} | {step.values:,} |"
        )


if __name__ == "__main__":
    main()
