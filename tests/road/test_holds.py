"""What would destroy waits for a person, who accepts or rejects it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest

from sipetl.pipeline import DeliveryOutcome
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import Site, assert_told, attendance, ledger, present, roster, students, weekdays

OCTOBER, NOVEMBER = "students_export_2025-10-01.csv", "students_export_2025-11-03.csv"
PEOPLE = students(40) + students(20, "SHS")
ENROLLED = "select count(*) from rows where valid_to is null"
DAYS = weekdays(date(2025, 9, 8), 10)


Waiting = tuple[Site, DeliveryOutcome]


@pytest.fixture(scope="module")
def truncated(make_site: Callable[[], Site]) -> Waiting:
    """A home with a roster that lost half of its rows on the way."""
    site = make_site()
    site.take(OCTOBER, roster(PEOPLE))
    return site, site.take(NOVEMBER, roster(PEOPLE[:30]))


@pytest.fixture
def held(truncated: Waiting, copy_site: Callable[[Site], Site]) -> Waiting:
    site, outcome = truncated
    return copy_site(site), outcome


@pytest.fixture(scope="module")
def archived(make_site: Callable[[], Site]) -> Waiting:
    """A home with an archive of two parts that both lost rows."""
    site = make_site()
    site.take(OCTOBER, roster(PEOPLE))
    site.take("attendance_x.csv", attendance(PEOPLE, DAYS, present))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("attendance_x.csv", attendance(PEOPLE[:10], DAYS, present))
        file.writestr(NOVEMBER, roster(PEOPLE[:30]))
    return site, site.take("both.zip", archive.getvalue())


@pytest.fixture
def both_held(archived: Waiting, copy_site: Callable[[Site], Site]) -> Waiting:
    site, outcome = archived
    return copy_site(site), outcome


def waiting(site: Site) -> list[UUID]:
    query = "select part_id from ops.hold join ops.delivery_part using (part_id) where decision is null"
    return [part for (part,) in site.sql(f"{query} and status = 'held' order by member")]


def test_a_truncated_roster_is_held_with_a_diff(held: Waiting) -> None:
    site, outcome = held
    assert_told(site, outcome, Outcome.HELD, roster(PEOPLE))
    assert "remove 30 of 60 rows" in outcome.reason
    assert site.sql("select rows_before, rows_after, rows_removed, rows_changed from ops.hold") == [(60, 30, 30, 0)]
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(60,)]


def test_an_accepted_hold_replaces_what_is_there(held: Waiting) -> None:
    site, outcome = held
    (part,) = waiting(site)

    done = site.run("hold", "accept", str(part))

    assert done.status == 0
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(30,)]
    assert ledger(site, outcome) == ("accepted", [("superseded", 30, 0), ("accepted", 30, 0)])
    assert waiting(site) == []
    assert "Nothing to do" in site.letters(outcome)["md"]


def test_a_rejected_hold_changes_nothing(held: Waiting) -> None:
    site, outcome = held
    (part,) = waiting(site)

    done = site.run("hold", "reject", str(part))

    assert done.status == 0
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(60,)]
    assert ledger(site, outcome) == ("rejected", [("rejected", 30, 0)])
    assert waiting(site) == []
    assert "Rejected by" in site.letters(outcome)["md"]


def test_a_released_file_that_comes_again_is_a_duplicate(held: Waiting) -> None:
    site, _ = held
    (part,) = waiting(site)
    site.run("hold", "accept", str(part))

    again = site.take(NOVEMBER, roster(PEOPLE[:30]))

    assert again.status is Outcome.DUPLICATE


def test_a_decision_is_made_once(held: Waiting) -> None:
    site, outcome = held
    (part,) = waiting(site)
    site.run("hold", "reject", str(part))

    done = site.run("hold", "accept", str(part))

    assert done.status == 2
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(60,)]
    assert ledger(site, outcome)[0] == "rejected"


def test_an_accepted_hold_that_a_newer_snapshot_overtook_changes_nothing(held: Waiting) -> None:
    site, outcome = held
    site.take("students_export_2025-12-01.csv", roster(PEOPLE))
    (part,) = waiting(site)

    site.run("hold", "accept", str(part))

    assert site.lake(FeedName.ROSTER, ENROLLED) == [(60,)]
    assert ledger(site, outcome)[0] == "superseded"
    assert {status for status, *_ in ledger(site, outcome)[1]} == {"superseded"}


def test_each_part_of_a_delivery_is_decided_on_its_own(both_held: Waiting) -> None:
    site, outcome = both_held
    first, second = waiting(site)

    site.run("hold", "reject", str(first))
    assert ledger(site, outcome)[0] == "held"
    site.run("hold", "accept", str(second))

    assert waiting(site) == []
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(600,)]
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(30,)]
    assert ledger(site, outcome)[0] == "rejected"
    assert {p["outcome"] for p in json.loads(site.letters(outcome)["json"])["parts"]} == {"accepted", "rejected"}


def test_the_second_hold_of_a_delivery_still_waits_when_the_first_is_accepted(both_held: Waiting) -> None:
    site, outcome = both_held
    first, second = waiting(site)

    site.run("hold", "accept", str(first))

    assert waiting(site) == [second]
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(100,)]
    assert site.lake(FeedName.ROSTER, ENROLLED) == [(60,)]
    assert ledger(site, outcome)[0] == "held"


def test_flags_of_the_operator_hold_when_the_hold_is_accepted(site: Site) -> None:
    site.take("a.csv", roster(PEOPLE), day=date(2025, 10, 1))
    outcome = site.take("b.csv", roster(PEOPLE[:30]), day=date(2025, 11, 3), embargo_until=date(2026, 3, 1))
    (part,) = waiting(site)

    site.run("hold", "accept", str(part))

    assert ledger(site, outcome)[0] == "accepted"
    found = site.sql("select scope_to, embargo_until from ops.delivery_part where status = 'accepted' order by 1")
    assert found[-1] == (date(2025, 11, 3), date(2026, 3, 1))
