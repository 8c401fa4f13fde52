"""A delivery recomputes what it touches, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from sipetl.lake import attach_identity
from sipetl.metrics import load_catalogue
from sipetl.pipeline import OpenHome
from sipetl.pipeline.compute import Only, compute
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import DISTRICT_OF, Site, Student, attendance, present, roster, students, weekdays

DAYS = weekdays(date(2025, 9, 8), 30)
HERE, THERE = students(20) + students(20, "SHS"), students(20, "BRN")


def load(site: Site) -> None:
    """Both districts, with rosters, computed."""
    for people, sender in ((HERE, "3501"), (THERE, "9002")):
        site.put("students_export_2025-09-02.csv", roster(people), sender)
        site.put("attendance_a.csv", attendance(people, DAYS, present), sender)
    site.ingest()
    with site.open() as home:
        compute(home)


@pytest.fixture(scope="module")
def first(make_site: Callable[[], Site]) -> Site:
    site = make_site()
    load(site)
    return site


@pytest.fixture
def loaded(first: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(first)


def mend(site: Site) -> None:
    """One student of one school was absent, after all, on three days."""
    content = attendance(HERE, DAYS[:3], lambda s, d: "A" if s == HERE[1] else present(s, d))
    assert site.take("attendance_b.csv", content).status is Outcome.ACCEPTED


def rows_of(site: Site, level: str, district: str | None = None) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Values with the transaction that wrote them last."""
    query = """
        select o.code, v.period_id, v.metric, v.student_group, v.xmin::text, v.numerator
        from metric.value v join ref.organization o using (organization_id)
        where o.level = :level and (cast(:district as text) is null or o.district = :district)
    """
    return {row[:4]: row[4:] for row in site.sql(query, level=level, district=district)}


def test_another_districts_values_are_not_written(loaded: Site) -> None:
    untouched = [rows_of(loaded, level, "9002") for level in ("school", "district")]
    touched, state = rows_of(loaded, "school", "3501"), rows_of(loaded, "state")

    mend(loaded)
    with loaded.open() as home:
        done = compute(home)

    assert [rows_of(loaded, level, "9002") for level in ("school", "district")] == untouched
    assert all(untouched)
    assert rows_of(loaded, "school", "3501") != touched
    assert rows_of(loaded, "state") != state
    assert done.partitions == [("attendance", 2026, ("3501",))]


def test_a_school_that_did_not_change_is_not_written(loaded: Site) -> None:
    before = {key: row for key, row in rows_of(loaded, "school", "3501").items() if key[0] == "35010020"}

    mend(loaded)
    with loaded.open() as home:
        compute(home)

    numerators = {key: row[1] for key, row in before.items()}
    after = {key: row[1] for key, row in rows_of(loaded, "school", "3501").items() if key[0] == "35010020"}
    assert before
    assert after == numerators


def test_files_of_another_district_are_opened_only_for_metrics_that_do_not_add_up(loaded: Site) -> None:
    mend(loaded)

    with loaded.open() as home:
        done = compute(home)
        opened = opened_files(home)

    assert done.files_opened == len(opened)
    elsewhere = [path for path in opened if "district=9002" in path]
    counted = {m.metric for m in load_catalogue().metrics(FeedName.ATTENDANCE) if m.unit == "student"}
    assert counted, "no metric of attendance needs other districts' rows any more: expect none below"
    assert len(elsewhere) == len(set(elsewhere)) == 2, "one file of attendance and one of roster"


def test_nothing_new_computes_nothing(loaded: Site) -> None:
    with loaded.open() as home:
        done = compute(home)

    assert (done.partitions, done.written.rows, done.files_opened) == ([], 0, 0)


def test_computing_everything_again_writes_nothing(loaded: Site) -> None:
    with loaded.open() as home:
        done = compute(home, everything=True)

    assert len(done.partitions) > 0
    assert done.written.rows == 0


def test_a_limited_computation_of_everything_asks_for_nothing_beyond_its_limits(loaded: Site) -> None:
    with loaded.open() as home:
        elsewhere = compute(home, Only(school_year=2025), everything=True)
        own = compute(home, Only(district="9002", school_year=2026), everything=True)

    assert elsewhere.partitions == []
    assert {districts for _, _, districts in own.partitions} == {("9002",)}
    assert loaded.sql("select count(*) from ops.work where done_at is null") == [(0,)]


def test_work_that_is_asked_for_while_it_is_computed_stays_open(loaded: Site) -> None:
    query = "select requested_at from ops.work where feed = 'attendance' and district = '3501'"
    before = loaded.sql(query)

    mend(loaded)

    assert loaded.sql(query) > before


def test_a_late_link_recomputes_and_rewrites_no_attendance(site: Site) -> None:
    moved = [Student(n, has_state_id=False) for n in range(20)]
    site.put("students_export_2025-09-02.csv", roster(moved))
    site.put("attendance_a.csv", attendance(moved, DAYS, present))
    site.ingest()
    with site.open() as home:
        compute(home)
        files = opened_files(home)
    keys = site_identity(site)

    site.put("students_export_2025-10-01.csv", roster([replace(s, has_state_id=s.n < 4) for s in moved]))
    (late,) = site.ingest()
    with site.open() as home:
        done = compute(home)
        after = opened_files(home)

    assert late.status is Outcome.ACCEPTED
    assert ("attendance", 2026, ("3501",)) in done.partitions
    assert {f for f in files if "/attendance/" in f} == {f for f in after if "/attendance/" in f}
    assert len(keys) == 20
    assert len(site_identity(site)) == 24
    assert len(set(site_identity(site).values())) == 20


def site_identity(site: Site) -> dict[bytes, int]:
    """Pseudonym -> student key, as the lake has it."""
    with site.open() as home:
        con = home.duckdb()
        found = dict(con.execute(f"select id_hash, student_key from {attach_identity(con, home.lake)}").fetchall())
        con.close()
    return found


def test_districts_are_those_of_the_files(loaded: Site) -> None:
    found = loaded.lake(FeedName.ATTENDANCE, "select distinct district from rows order by 1")
    assert [d for (d,) in found] == sorted(set(DISTRICT_OF.values()))


def test_snow_day_added_to_the_calendar_recomputes(loaded: Site) -> None:
    """30 weekdays of 20 students, October 13 a holiday; September 10 turns out to have been no school day either."""
    query = """
        select v.denominator from metric.value v join ref.organization o using (organization_id)
        join ref.period p using (period_id) where o.code = '35010010' and p.kind = 'year' and v.student_group = 'all'
            and v.metric = 'attendance_rate'
    """
    assert loaded.sql(query) == [(20 * 29 * 100,)]
    calendars = loaded.root / "registry" / "calendars.yaml"
    closed = "last_day: 2026-06-17, closures: [{on: 2025-09-10, reason: snow}, {on: 2025-10-13, reason: holiday}]}"
    calendars.write_text(calendars.read_text().replace("last_day: 2026-06-17}", closed))

    with loaded.open() as home:
        compute(home)

    assert loaded.sql(query) == [(20 * 28 * 100,)]


def opened_files(home: OpenHome) -> list[str]:
    """The files of the lake that the computation opened, each thread by a view of its own."""
    return sorted(file for lake in home.lake.others.values() for file in lake.opened)
