"""Killed fifty times at moments that nobody chose, two commands at once: in the end all is as if nothing had happened.

Each home is given all its files; then two processes ingest, compute, judge and release until both are killed, again and
again, until one comes to its end. One undisturbed run later the home must hash like one that was never disturbed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy import text

from sipetl.pipeline import OpenHome
from sipetl.pipeline.review import due_cycles, release_cycle, run_round
from tests.faults.births import Nursery
from tests.hashing import final_hashes
from tests.home import Site, Student, attendance, present, roster, students, weekdays

SEED, KILLS = 20260130, 50
LIVES = 0.4
"""The longest life of a process, as a share of what one needs that is left alone: so a home takes some six lives."""
HERE = students(20) + [Student(n, "SHS") for n in range(20, 40)]
THERE = students(20, "BRN")
DAYS = weekdays(date(2025, 9, 8), 20)


def deliver(site: Site) -> int:
    """Rosters, attendance by fortnight, a correction, a file to be held and one to be refused; how many."""
    for people, sender in ((HERE, "3501"), (THERE, "9002")):
        site.put("students_export_2025-09-02.csv", roster(people), sender)
        for week in range(0, len(DAYS), 10):
            site.put(f"attendance_{week:02}.csv", attendance(people, DAYS[week : week + 10], present), sender)
    late = attendance(HERE, DAYS[:1], lambda s, d: "T" if s.n == 1 else present(s, d))
    site.put("attendance_corrected.csv", late)
    site.put("attendance_held.csv", attendance(HERE[:20], DAYS[-3:], present))
    site.put("attendance_strange.csv", attendance(THERE, DAYS[:2], present).replace("att_code", "remark"), "9002")
    return 9


def finish(home: OpenHome) -> dict[str, str]:
    """Run once more, undisturbed, and hash what is there."""
    run_round(home)
    for cycle in due_cycles(home):
        release_cycle(home, cycle)
    with home.warehouse.begin() as connection:
        query = text("select cycle, sha256 from ops.release")
        released = {row.cycle: row.sha256 for row in connection.execute(query)}
    assert released.keys() == {"C1"}
    return {**final_hashes(home), **released}


def kill_both(nursery: Nursery, site: Site, moments: Iterator[float]) -> list[int]:
    """Start two, and kill each at its moment, if it still lives; how each ended."""
    begun = time.monotonic()
    running = sorted((next(moments), nursery.bear(site)) for _ in range(2))
    for moment, number in running:
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(number, signal.SIGKILL)  # one that ended waits to be buried, and a kill does nothing to it
    return [nursery.bury(number) for _, number in running]


def progress(site: Site) -> int:
    """How far a home has come: rows of the ledgers and of what was computed."""
    query = """
        select (select count(*) from ops.delivery) + (select count(*) from ops.delivery_part) +
            (select count(*) from metric.value) + (select count(*) from metric.status) + (select count(*) from ops.release)
    """
    return int(site.sql(query)[0][0])


@pytest.mark.slow
def test_fifty_kills_at_random_moments_change_nothing(make_site: Callable[[], Site], nursery: Nursery) -> None:
    chance = random.Random(SEED)  # noqa: S311
    alone = make_site()
    expected = deliver(alone)
    begun = time.monotonic()
    assert nursery.bury(nursery.bear(alone)) == 0
    longest = LIVES * (time.monotonic() - begun)
    with alone.open() as home:
        undisturbed = finish(home)

    moments = iter(lambda: chance.uniform(0.0, longest), None)
    killed, homes, stages = 0, 0, set[int]()
    while killed < KILLS:
        site, ends = make_site(), list[int]()
        deliver(site)
        while 0 not in ends and killed < KILLS:
            ends = kill_both(nursery, site, moments)
            assert set(ends) <= {0, -signal.SIGKILL}
            killed += ends.count(-signal.SIGKILL)
            stages.add(progress(site))
        homes += 1
        with site.open() as home:
            assert finish(home) == undisturbed, f"seed {SEED}, home {homes}, after {killed} kills"
            assert run_round(home).computed.partitions == []
        assert site.sql("select count(*) from ops.delivery") == [(expected,)]
        assert site.sql("select count(*) from ops.delivery_part where status = 'intent'") == [(0,)]
        assert site.sql("select count(*) from ops.delivery where status = 'landed'") == [(0,)]
    assert len(stages) >= 5, "the kills fell on too few different states of the work to say anything"
