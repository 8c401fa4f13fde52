"""What a person sees before she decides on a held part: counts by school, day and column, beside the limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from sipetl.errors import ConfigError
from sipetl.pipeline.holds import show
from sipetl.registry.models import FeedName
from tests.home import Site, Student, attendance, present, roster, students, weekdays

HERE, THERE = students(30), [Student(n, "SHS") for n in range(30, 40)]
DAYS = weekdays(date(2026, 1, 12), 5)
FIRST = attendance(HERE + THERE, DAYS, present)


def held_part(site: Site) -> Any:
    ((part,),) = site.sql("select part_id from ops.hold where decision is null order by part_id desc limit 1")
    return part


@pytest.fixture(scope="module")
def held(make_site: Callable[[], Site]) -> Site:
    """Attendance whose newer file lacks the second school on the first two days, and calls everybody late on the last."""
    site = make_site()
    site.take("attendance_a.csv", FIRST)
    lost = attendance(HERE, DAYS[:2], present) + attendance(HERE + THERE, DAYS[2:4], present)
    late = attendance(HERE + THERE, DAYS[4:], lambda *_: "T")
    header = FIRST.splitlines()[0] + "\n"
    site.take("attendance_b.csv", header + (lost + late).replace(header, ""))
    return site


def test_a_diff_tells_what_goes_and_what_changes_by_school_day_and_column(held: Site) -> None:
    done = held.run("hold", "show", str(held_part(held)), "--json")

    told = json.loads(done.out)
    assert done.status == 0
    would = told["would"]
    assert would["whole"] == {"before": 200, "after": 180, "added": 0, "removed": 20, "changed": 40}
    assert {s: (n["removed"], n["changed"]) for s, n in would["by_school"].items()} == {
        "35010010": (0, 30),
        "35010020": (20, 10),
    }
    assert {d: (n["removed"], n["changed"]) for d, n in would["by_time"].items()} == {
        "2026-01-12": (10, 0),
        "2026-01-13": (10, 0),
        "2026-01-16": (0, 40),
    }
    absent = sum(present(s, DAYS[4]) == "A" for s in HERE + THERE)
    assert absent == 4
    assert would["by_column"] == {"tardy": 40, "excused": absent, "present": absent}
    assert told["limits"] == {"removed": 5, "changed": 10}


def test_the_diff_agrees_with_what_the_guard_saw(held: Site) -> None:
    told = json.loads(held.run("hold", "show", str(held_part(held)), "--json").out)

    kinds = ("before", "after", "removed", "changed")
    assert {kind: told["would"]["whole"][kind] for kind in kinds} == told["counts"]


def test_a_diff_is_shown_in_tables_beside_its_limits_and_quotes_nobody(held: Site) -> None:
    done = held.run("hold", "show", str(held_part(held)))

    assert (done.status, "Traceback" in done.err) == (0, False)
    for word in ("attendance_b.csv", "the limit is 5 %", "10.0 %", "20.0 %", "35010020", "2026-01-16", "tardy"):
        assert word in done.out, word
    assert not [s for s in HERE + THERE if s.number in done.out or s.name in done.out]


def test_showing_a_diff_writes_nothing(held: Site) -> None:
    query = """
        select (select count(*) from ops.delivery_part), (select count(*) from ops.step),
            (select count(*) from ops.finding), (select min(status) from ops.delivery where file_name = 'attendance_b.csv')
    """
    before = held.sql(query), held.lake(FeedName.ATTENDANCE, "select count(*) from rows")

    held.run("hold", "show", str(held_part(held)))

    assert (held.sql(query), held.lake(FeedName.ATTENDANCE, "select count(*) from rows")) == before


def test_a_folded_feed_is_compared_with_who_is_enrolled_now(site: Site) -> None:
    people = HERE + THERE
    site.take("students_export_2025-10-01.csv", roster(people))
    site.take("students_export_2025-11-03.csv", roster(people[:-1]))
    fewer = roster(people[:20]).replace(",English,", ",Spanish,", 3)
    site.take("students_export_2025-12-01.csv", fewer.replace(",03,", ",04,", 5))
    with site.open() as home:
        found = show(home, held_part(site))

    assert found.would is not None
    assert found.would.whole == {"before": 39, "after": 20, "added": 0, "removed": 19, "changed": 5}
    assert {s: n["removed"] for s, n in found.would.by_school.items()} == {"35010010": 10, "35010020": 9}
    assert found.would.by_time == {}
    assert found.would.by_column["grade"] == 5
    assert "snapshot_on" not in found.would.by_column


def test_a_file_that_a_newer_one_overtook_can_be_looked_at_and_decided(site: Site) -> None:
    old = site.put("attendance_a.csv", FIRST.replace(",HEA,", ",NEW,").replace(",SHS,", ",NEW,"))
    site.put("attendance_b.csv", FIRST)
    site.ingest()
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text() + "3501,NEW,35010010,,\n")
    site.ingest(old)

    with site.open() as home:
        found = show(home, held_part(site))
    assert found.would is not None
    assert found.would.whole == {"before": 200, "after": 200, "added": 50, "removed": 50, "changed": 0}
    assert {s: (n["added"], n["removed"]) for s, n in found.would.by_school.items()} == {
        "35010010": (50, 0),
        "35010020": (0, 50),
    }
    assert site.run("hold", "reject", str(held_part(site))).status == 0


def test_a_decision_keeps_who_when_and_why(held: Site, copy_site: Callable[[Site], Site]) -> None:
    accepted, rejected = copy_site(held), copy_site(held)
    part = held_part(held)

    accepted.run("hold", "accept", str(part), "--reason", "the school was shut")
    rejected.run("hold", "reject", str(part), "--reason", "half of it is missing")

    told = [json.loads(site.run("hold", "show", str(part), "--json").out) for site in (accepted, rejected)]
    assert [(one["decision"], one["status"], one["decided_at"] is not None) for one in told] == [
        ("accept", "superseded", True),
        ("reject", "rejected", True),
    ]
    assert all(one["decided_by"] and one["would"] is None for one in told)
    assert [one["reason"].split(": ")[1] for one in told] == ["the school was shut", "half of it is missing"]
    assert accepted.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(180,)]


def test_a_diff_that_can_no_longer_be_made_says_why(held: Site, copy_site: Callable[[Site], Site]) -> None:
    site = copy_site(held)
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text("district,local_code,organization,valid_from,valid_to\n9002,BRN,90020010,,\n")

    done = site.run("hold", "show", str(held_part(site)))

    assert done.status == 0
    assert "the file no longer has this part" in done.out


def test_a_part_that_nobody_held_is_told(held: Site) -> None:
    with held.open() as home, pytest.raises(ConfigError, match="no such part was held"):
        show(home, held.sql("select delivery_id from ops.delivery limit 1")[0][0])
