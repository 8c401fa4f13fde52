"""A retraction killed at any step: the delivery stands or is retracted, never something between; run again, it is done."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from sipetl.pipeline.review import run_round
from sipetl.registry.models import FeedName
from tests.hashing import final_hashes
from tests.home import Site, attendance, present, roster, students, weekdays

PEOPLE = students(20)
DAYS = weekdays(date(2026, 1, 12), 5)
WRONG = ("students_export_2025-11-03.csv", "attendance_b.csv")
"""What is retracted: the second of each."""
STEPS = [("intent", "before"), ("intent", "after"), ("write_files", "after"), ("delta_commit", "before")]
"""After each of these the delivery stands."""


@pytest.fixture(scope="module")
def loaded(make_site: Callable[[], Site]) -> Site:
    """A home with two rosters and two files of attendance."""
    site = make_site()
    site.take("students_export_2025-10-01.csv", roster(PEOPLE))
    site.take("students_export_2025-11-03.csv", roster(PEOPLE[:-1]))
    site.take("attendance_a.csv", attendance(PEOPLE, DAYS[:3], present))
    site.take("attendance_b.csv", attendance(PEOPLE, DAYS[3:], present))
    return site


def end(site: Site) -> dict[str, str]:
    """Retract both once more, undisturbed, run the round, and hash what is there."""
    for name in WRONG:
        assert site.run("delivery", "retract", name, "--yes", "--reason", "wrong").status == 0
    with site.open() as home:
        run_round(home)
        return final_hashes(home)


@pytest.fixture(scope="module")
def undisturbed(loaded: Site, copy_site: Callable[[Site], Site]) -> dict[str, str]:
    return end(copy_site(loaded))


@pytest.fixture
def copy_of_loaded(loaded: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(loaded)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "feed", "last"),
    [
        (WRONG[0], FeedName.ROSTER, ("delta_commit", "after")),
        (WRONG[1], FeedName.ATTENDANCE, ("accept", "after")),
    ],
)
def test_killed_at_every_step_in_turn_and_run_again(
    undisturbed: dict[str, str], copy_of_loaded: Site, name: str, feed: FeedName, last: tuple[str, str]
) -> None:
    """After each kill another command comes: it settles what it finds, and the delivery stands or is retracted."""
    site = copy_of_loaded
    before = state(site, feed, name)
    assert before[0] == "accepted"

    for point, moment in (*STEPS, last):
        assert state(site, feed, name) == before, "the kill before changed nothing"
        kill(site, name, point, moment)
        site.ingest()
        assert site.sql("select count(*) from ops.delivery_part where status = 'intent'") == [(0,)]

    status, rows = state(site, feed, name)
    assert (status, rows == before[1]) == ("retracted", False)
    assert end(site) == undisturbed


def state(site: Site, feed: FeedName, name: str) -> tuple[str, list[tuple[Any, ...]]]:
    """The delivery's status, and the rows that are there."""
    ((status,),) = site.sql("select status from ops.delivery where file_name = :n", n=name)
    return status, site.lake(feed, "select * from rows order by all")


def kill(site: Site, name: str, point: str, moment: str) -> None:
    code = (
        f"import sys; sys.argv = ['sipetl', 'delivery', 'retract', {name!r}, '--yes', '--reason', 'wrong']\n"
        f"from tests.faults.round import die_at; from sipetl.cli import main; die_at({point!r}, {moment!r}); main()"
    )
    process = site.start("-c", code)
    _, told = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, told
