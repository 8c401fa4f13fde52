"""`python -m benchmarks`: every job by every contestant, in turns, and the page that says what came out."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.jobs import FULL, QUICK, Contestant, Job, Scale, agree, prepared
from benchmarks.measure import HERE, ContestantError, Measured, run
from benchmarks.page import write_page

Runs = dict[str, list[Measured]]


def main() -> int:
    """Run; 1 where a contestant failed, or figures differ."""
    arguments = _arguments()
    scale = QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, prepared(scale, Path(folder)) as jobs:
        chosen = [job for job in jobs if not arguments.job or job.name in arguments.job]
        try:
            found = [(job, _run(job, scale, Path(folder))) for job in chosen]
        except ContestantError as error:
            _say(str(error))
            return 1
    if not arguments.quick:
        write_page(HERE, found)
    return int(not all(_agrees(job, runs) for job, runs in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, once: only that figures agree; no page")
    parser.add_argument("--job", action="append", help="only this job; again for another")
    parser.add_argument("--folder", help="where the data is made (2 GB); default: the system's")
    return parser.parse_args()


def _run(job: Job, scale: Scale, folder: Path) -> Runs:
    """All contestants in turns, so that what else the machine does hits all alike."""
    runs: Runs = defaultdict(list)
    for turn in range(scale.repeats):
        for contestant in job.contestants:
            runs[contestant.name].append(_once(contestant, folder))
            last = runs[contestant.name][-1]
            _say(
                f"{job.name} {turn + 1}/{scale.repeats} {contestant.name}: {last.seconds:.2f} s, {last.peak_mb:.0f} MB"
            )
    return runs


def _once(contestant: Contestant, folder: Path) -> Measured:
    own = folder / "own"
    own.mkdir()
    try:
        return run(contestant.name, contestant.peer, contestant.script, contestant.arguments(own))
    finally:
        shutil.rmtree(own)


def _agrees(job: Job, runs: Runs) -> bool:
    """Those that were given the same rows must tell the same."""
    by_rows: dict[int, dict[str, dict[str, object]]] = defaultdict(dict)
    for one in job.contestants:
        by_rows[one.rows][one.name] = dict(runs[one.name][0].result)
    is_so = all(agree(results, job) for results in by_rows.values())
    for results in () if is_so else by_rows.values():
        _say(f"{job.name}: figures differ: {results}")
    return is_so


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
