"""Killed anywhere, run again: the lake, the values, the statuses and the ledger are as if nothing had happened."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import date

import pytest
from deltalake import DeltaTable

from sipetl.pipeline.review import run_round
from tests.faults.births import Nursery
from tests.faults.round import POINTS
from tests.hashing import final_hashes
from tests.home import Site, attendance, present, roster, students, weekdays

PEOPLE = students(15) + students(15, "SHS")
DAYS = weekdays(date(2025, 9, 8), 25)
ALONE = (("delta_commit", "after"), ("accept_part", "after"), ("upper_values", "before"))
"""Kills with half of a pair of writes done, each also on a home where nothing else happened."""

FILES_END = ("delta_commit", "commit", "accept_part")
"""After each of these a file is done once the intent is settled, and there are only three files."""


def deliver(site: Site) -> None:
    """A roster, a whole attendance file and its correction of one day, which replaces a file in the lake."""
    site.put("students_export_2025-09-02.csv", roster(PEOPLE))
    site.put("attendance_a.csv", attendance(PEOPLE, DAYS, present))
    site.put("attendance_b.csv", attendance(PEOPLE, DAYS[:1], lambda s, d: "T" if s.n == 1 else present(s, d)))


def end(site: Site) -> dict[str, str]:
    """Run the round once more, undisturbed, and hash what is there."""
    with site.open() as home:
        run_round(home)
        return final_hashes(home)


@pytest.fixture(scope="module")
def undisturbed(make_site: Callable[[], Site]) -> dict[str, str]:
    site = make_site()
    deliver(site)
    found = end(site)
    assert site.sql("select status from ops.delivery") == [("accepted",)] * 3
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("point", "moment"), ALONE)
def test_killed_and_run_again(
    site: Site, undisturbed: dict[str, str], nursery: Nursery, point: str, moment: str
) -> None:
    deliver(site)

    assert nursery.bury(nursery.bear(site, point, moment)) == -signal.SIGKILL

    assert end(site) == undisturbed
    assert site.sql("select count(*) from ops.delivery_part where status = 'intent'") == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_step_in_turn(site: Site, undisturbed: dict[str, str], nursery: Nursery, moment: str) -> None:
    """Every run starts from the wreck of the one before and gets a step further."""
    deliver(site)

    for point in POINTS:
        if moment == "before" or point not in FILES_END:
            assert nursery.bury(nursery.bear(site, point, moment)) == -signal.SIGKILL, point

    assert end(site) == undisturbed


def test_a_command_that_was_open_before_the_kill_goes_on_too(
    site: Site, undisturbed: dict[str, str], nursery: Nursery
) -> None:
    """It settled the intents that were open when it started, and finds another one when it gets the lock."""
    deliver(site)

    with site.open() as home:
        assert nursery.bury(nursery.bear(site, "accept_part", "before")) == -signal.SIGKILL
        run_round(home)
        found = final_hashes(home)

    assert found == undisturbed
    assert DeltaTable(f"{site.root}/lake/roster").version() == 1, "made, and committed once"


def test_the_operators_flags_outlive_a_kill(site: Site) -> None:
    (site.root / "outside.csv").write_text(roster(PEOPLE), encoding="utf-8")
    code = (
        "import os, signal, sys; sys.argv = ['sipetl', 'ingest', 'outside.csv', '--district', '3501',"
        " '--day', '2025-10-01', '--embargo-until', '2026-03-01']\n"
        "from tests.faults.round import die_at; from sipetl.cli import main; die_at('intent', 'before'); main()"
    ).replace("'outside.csv'", repr(str(site.root / "outside.csv")))
    process = site.start("-c", code)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL

    site.ingest()

    query = "select status, scope_to, embargo_until from ops.delivery_part"
    assert site.sql(query) == [("accepted", date(2025, 10, 1), date(2026, 3, 1))]
