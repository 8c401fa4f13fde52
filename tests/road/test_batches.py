"""However few districts are computed at once, and wherever that stops: in the end every value is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from sipetl.lake import Lake, rows_by_district
from sipetl.metrics import LOWER, UPPER
from sipetl.metrics.engine import DUCKDB, DuckDB
from sipetl.pipeline import recompute
from sipetl.pipeline.batches import Batch, batches
from sipetl.pipeline.compute import Only, compute
from sipetl.pipeline.values import ABOVE, Task
from sipetl.registry.models import FeedName
from sipetl.warehouse import ledger
from tests.home import Site, attendance, present, roster, students, weekdays

DAY = date(2026, 3, 27)
DAYS = weekdays(date(2025, 9, 8), 30)
HERE, THERE = students(20) + students(20, "SHS"), students(20, "BRN")
STATE = "select organization_id from ref.organization where level = 'state'"
OWED = "select feed, school_year from ops.work where district = ''"
VALUES = """
    select organization_id, period_id, metric, student_group, to_jsonb(v)::text from metric.value v
    order by organization_id, period_id, metric, student_group
"""


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def taken(make_site: Callable[[], Site]) -> Site:
    """Two districts; nothing is computed yet."""
    site = make_site()
    for people, sender in ((HERE, "3501"), (THERE, "9002")):
        site.put("students_export_2025-09-02.csv", roster(people), sender)
        site.put("attendance_a.csv", attendance(people, DAYS, present), sender)
    site.ingest()
    return site


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that needs all memory lets each district be computed by itself."""
    monkeypatch.setattr(DuckDB, "row_bytes", 1 << 62)


def run(site: Site, only: Only | None = None) -> list[Any]:
    with site.open() as home:
        compute(home, only or Only())
    return site.sql(VALUES)


def batches_of(site: Site, districts: Sequence[str], *, feed: FeedName = FeedName.ATTENDANCE) -> list[Batch]:
    with site.open() as home:
        con = home.duckdb()
        found = batches(con, home.lake, Task(feed, 2026, tuple(districts), DAY), DUCKDB)
        con.close()
    return found


def test_a_small_home_is_one_batch_that_has_every_level(taken: Site) -> None:
    assert batches_of(taken, ["3501", "9002"]) == [Batch(("3501", "9002"), (*LOWER, *UPPER))]


def test_without_the_other_districts_a_batch_has_their_own_levels_alone(taken: Site) -> None:
    assert batches_of(taken, ["9002"]) == [Batch(("9002",), LOWER)]
    assert batches_of(taken, []) == [Batch((), LOWER, has_rows=False)]


def test_districts_go_together_until_their_rows_are_too_many(
    monkeypatch: pytest.MonkeyPatch, taken: Site, site: Site
) -> None:
    """Some 500 rows of a megabyte are let into 512 MB."""
    assert site.settings.memory == "512MB"
    monkeypatch.setattr(DuckDB, "row_bytes", 10**6)
    rows = {"a": 200, "b": 350, "c": 100, "d": 900, "e": 1}
    monkeypatch.setattr(
        "sipetl.pipeline.batches.rows_by_district", lambda _, feed, __: rows if feed == "roster" else {}
    )

    found = batches_of(site, "abcde")

    assert [batch.districts for batch in found] == [("a",), ("b", "c"), ("d",), ("e",)]


@pytest.mark.usefixtures("one_by_one")
def test_published_figures_are_always_taken_together(taken: Site) -> None:
    assert batches_of(taken, ["3501", "9002"], feed=FeedName.PUBLISHED_RESULTS) == [Batch(("3501", "9002"))]


def test_batches_of_one_district_give_the_rows_of_one_batch(
    taken: Site, copy_site: Callable[[Site], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    together, alone = copy_site(taken), copy_site(taken)
    expected = run(together)

    monkeypatch.setattr(DuckDB, "row_bytes", 1 << 62)
    found = run(alone)

    assert {batch.districts for batch in batches_of(alone, ["3501", "9002"])} == {("3501",), ("9002",)}
    assert found == expected
    assert len(found) > 1000
    assert alone.sql(OWED) == []


def kill(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a computation end between its first batch and the levels above."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(recompute, "_upper", die)
        with pytest.raises(Killed):
            run(site)
    left = site.sql("select distinct level, district from metric.value join ref.organization using (organization_id)")
    assert {district for _, district in left} == {"3501"}, "the first batch is there, and nothing above it"
    assert ("attendance", 2026) in site.sql(OWED)


@pytest.mark.usefixtures("one_by_one")
def test_what_a_killed_run_owed_above_its_districts_is_made_up_for(
    taken: Site, copy_site: Callable[[Site], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, site = run(copy_site(taken)), copy_site(taken)
    kill(site, monkeypatch)

    assert run(site) == expected
    assert site.sql(OWED) == []


@pytest.mark.usefixtures("one_by_one")
def test_who_computes_a_district_alone_pays_too(
    taken: Site, copy_site: Callable[[Site], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to do for the district itself. What counted the other's students before keeps its inputs."""
    whole, site = copy_site(taken), copy_site(taken)
    run(whole)
    kill(site, monkeypatch)

    run(site, Only(district="3501"))
    places = site.sql("select distinct level from metric.value join ref.organization using (organization_id)")
    assert {level for (level,) in places} == {"school", "district", "region", "state"}
    assert site.sql(OWED) == []

    run(site)
    without = VALUES.replace("to_jsonb(v)", "(to_jsonb(v) - 'input_id')")
    assert site.sql(without) == whole.sql(without)


@pytest.mark.usefixtures("one_by_one")
def test_what_is_owed_above_is_computed_when_no_district_has_work(
    taken: Site, copy_site: Callable[[Site], Site]
) -> None:
    site = copy_site(taken)
    expected = run(site)
    with site.open() as home, home.warehouse.begin() as connection:
        connection.execute(text(f"delete from metric.value where organization_id in ({STATE})"))
        ledger.request_work(connection, FeedName.ATTENDANCE, ABOVE, 2026, home.now())
    assert site.sql(VALUES) != expected

    assert run(site) == expected
    assert site.sql(OWED) == []


def test_rows_of_districts_are_counted_by_the_tables_log(taken: Site) -> None:
    with taken.open() as home:
        found = rows_by_district(home.lake, FeedName.ATTENDANCE, 2026)
        assert rows_by_district(home.lake, FeedName.ATTENDANCE, 2025) == {}
        assert rows_by_district(Lake(home.lake.url + "-absent"), FeedName.ATTENDANCE, 2026) == {}

    counted = "select district, count(*) from rows group by district"
    assert found == dict(taken.lake(FeedName.ATTENDANCE, counted))
