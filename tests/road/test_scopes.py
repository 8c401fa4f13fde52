"""A delivery replaces its scope and nothing else; the ledger says what replaced what; older versions stay readable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sipetl.pipeline import DeliveryOutcome
from sipetl.registry.models import FeedName
from tests.home import (
    ATTENDANCE,
    Site,
    Student,
    attendance,
    ledger,
    present,
    roster,
    students,
    weekdays,
)

PEOPLE = students(20)
DAYS = weekdays(date(2025, 9, 8), 10)
INCREMENT = """\
layout: increments
version: 1
feed: attendance
title: Daily attendance, changed rows only
source: made for this test
recognise: {headers: [Changed Student, Building, Day, Code]}
school_year: {from: Day, parse: ["%Y-%m-%d"], year: date}
scope: {kind: increment}
columns:
  population: {value: student}
  id_hash: {from: Changed Student, id: {kind: lasid}}
  school: {from: Building, crosswalk: school}
  attendance_date: {from: Day, parse: ["%Y-%m-%d"]}
  grain: {value: day}
  present: {from: Code, codes: {P: true, T: true, A: false}}
  tardy: {from: Code, codes: {P: false, T: true, A: false}}
"""


def tardy(_student: Student, _day: date) -> str:
    return "T"


def part(site: Site, outcome: DeliveryOutcome) -> str:
    query = "select part_id::text from ops.delivery_part where delivery_id = :d"
    return str(site.sql(query, d=outcome.delivery_id)[0][0])


def by_part(site: Site, feed: FeedName = FeedName.ATTENDANCE, version: int | None = None) -> dict[str, int]:
    return dict(site.lake(feed, "select part_id, count(*) from rows group by all", version))


@pytest.fixture(scope="module")
def begun(make_site: Callable[[], Site]) -> tuple[Site, DeliveryOutcome]:
    """A home that took all the days, and what came of them."""
    site = make_site()
    return site, site.take("attendance_a.csv", attendance(PEOPLE, DAYS, present))


@pytest.fixture
def attended(begun: tuple[Site, DeliveryOutcome], copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(begun[0])


@pytest.fixture
def first(begun: tuple[Site, DeliveryOutcome]) -> DeliveryOutcome:
    return begun[1]


def test_a_window_replaces_its_days_only(attended: Site, first: DeliveryOutcome) -> None:
    other = attended.take("attendance_o.csv", attendance(students(20, "BRN"), DAYS, present), "9002")

    mend = attended.take("attendance_b.csv", attendance(PEOPLE, DAYS[3:4], lambda s, _: "T" if s.n == 1 else "P"))

    found = attended.lake(FeedName.ATTENDANCE, "select distinct attendance_date from rows where tardy")
    assert found == [(DAYS[3],)]
    assert by_part(attended) == {part(attended, first): 180, part(attended, other): 200, part(attended, mend): 20}
    assert [ledger(attended, o)[0] for o in (first, other, mend)] == ["accepted"] * 3


def test_a_correction_supersedes_and_the_old_version_is_readable(attended: Site, first: DeliveryOutcome) -> None:
    mended = attendance(PEOPLE, DAYS, lambda s, day: "T" if s.n == 0 and day == DAYS[0] else present(s, day))

    second = attended.take("attendance_b.csv", mended)

    assert [ledger(attended, o)[0] for o in (first, second)] == ["superseded", "accepted"]
    ((supersedes,),) = attended.sql(
        "select supersedes::text from ops.delivery_part where part_id::text = :p", p=part(attended, second)
    )
    assert supersedes == part(attended, first)
    versions = attended.sql("select delta_version from ops.delivery_part order by part_id")
    assert by_part(attended, version=versions[0][0]) == {part(attended, first): 200}
    assert by_part(attended, version=versions[1][0]) == {part(attended, second): 200}


def test_a_student_who_is_not_in_the_corrected_window_is_gone_from_it(attended: Site) -> None:
    attended.take("attendance_b.csv", attendance(PEOPLE[1:], DAYS[:5], present))

    assert attended.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(195,)]


def test_a_snapshot_replaces_its_district_and_year(site: Site) -> None:
    everybody = PEOPLE + students(20, "SHS")
    site.take("students_export_2025-10-01.csv", roster(everybody))
    site.take("students_export_2025-10-01.csv", roster(students(20, "BRN")), "9002")
    site.take("students_export_2024-10-01.csv", roster(everybody))

    site.take("students_export_2025-11-03.csv", roster(everybody[1:]))

    query = "select school_year, district, count(*) filter (valid_to is null), count(*) from rows group by all order by all"
    assert site.lake(FeedName.ROSTER, query) == [
        (2025, "3501", 40, 40),
        (2026, "3501", 39, 40),
        (2026, "9002", 20, 20),
    ]


def test_an_older_snapshot_that_comes_late_changes_nothing(site: Site) -> None:
    site.take("students_export_2025-11-03.csv", roster(PEOPLE))

    late = site.take("students_export_2025-10-01.csv", roster(PEOPLE[:19]))

    assert ledger(site, late) == ("superseded", [("superseded", 19, 0)])
    assert site.lake(FeedName.ROSTER, "select count(*) from rows") == [(20,)]


def test_an_increment_replaces_its_keys_only(site: Site) -> None:
    layouts = site.root / "registry" / "layouts"
    layouts.mkdir()
    (layouts / "increments.yaml").write_text(INCREMENT, encoding="utf-8")
    rows = attendance(PEOPLE, DAYS, present).removeprefix(ATTENDANCE).splitlines()
    header = "Changed Student,Building,Day,Code\n"

    def increment(lines: list[str]) -> str:
        cells = [line.split(",") for line in lines]
        return header + "".join(f"{c[0]},{c[2]},{c[3]},{c[4]}\n" for c in cells)

    first = site.take("a.csv", increment(rows))
    second = site.take("b.csv", increment([rows[7].replace(",P", ",T"), rows[8].replace(",P", ",T")]))

    assert by_part(site) == {part(site, first): 198, part(site, second): 2}
    assert site.lake(FeedName.ATTENDANCE, "select count(*) filter (tardy), count(*) from rows") == [(2, 200)]


@pytest.mark.parametrize("kind", ["a.csv", "b.csv"])
def test_a_file_that_changes_most_rows_waits(attended: Site, kind: str) -> None:
    content = {
        "a.csv": attendance(PEOPLE, DAYS, tardy),
        "b.csv": attendance(PEOPLE[:15], DAYS, present),
    }[kind]

    outcome = attended.take(f"attendance_{kind}", content)

    assert ledger(attended, outcome)[0] == "held"
    assert attended.lake(FeedName.ATTENDANCE, "select count(*) filter (tardy), count(*) from rows") == [(0, 200)]
