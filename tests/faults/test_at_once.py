"""Two commands at once on one home: each delivery is taken once, and the end is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from sipetl.pipeline.review import run_round
from sipetl.warehouse import embedded
from tests.hashing import final_hashes
from tests.home import Site, attendance, present, roster, students, weekdays, write_home

ROUND = str(Path(__file__).with_name("round.py"))
HERE, THERE = students(15), students(15, "BRN")
DAYS = weekdays(date(2025, 9, 8), 20)


def deliver(site: Site) -> None:
    for people, sender in ((HERE, "3501"), (THERE, "9002")):
        site.put("students_export_2025-09-02.csv", roster(people), sender)
        site.put("attendance_a.csv", attendance(people, DAYS, present), sender)
    site.put("attendance_b.csv", attendance(HERE, DAYS[:1], lambda s, d: "T" if s.n == 1 else present(s, d)))


@pytest.fixture(scope="module")
def alone(make_site: Callable[[], Site]) -> dict[str, str]:
    site = make_site()
    deliver(site)
    with site.open() as home:
        run_round(home)
        return final_hashes(home)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """A home that nobody opened yet, with an embedded warehouse of its own."""
    yield Site(write_home(tmp_path / "fresh"), "")
    embedded.remove(tmp_path / "fresh" / "warehouse")


def assert_same(site: Site, alone: dict[str, str]) -> None:
    both = [site.start(ROUND) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told

    with site.open() as home:
        assert final_hashes(home) == alone
        assert run_round(home).computed.partitions == []
    assert site.sql("select count(*) from ops.delivery") == [(5,)]


@pytest.mark.slow
def test_two_rounds_at_once(site: Site, alone: dict[str, str]) -> None:
    deliver(site)

    assert_same(site, alone)


@pytest.mark.slow
def test_the_first_two_commands_of_a_home_at_once(fresh: Site, alone: dict[str, str]) -> None:
    deliver(fresh)

    assert_same(fresh, alone)
