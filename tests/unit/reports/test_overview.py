"""The overview of Airflow's page: what it says, what it never says, and what it does where the warehouse is not there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, delete, insert

from sipetl.errors import ConfigError, StoreError
from sipetl.readiness import Readiness, State
from sipetl.reports.model import Count, WaitKind
from sipetl.reports.overview import (
    MOST_LINES,
    UNAVAILABLE,
    cycle_of,
    overview,
    overview_page,
    render_overview,
)
from sipetl.reports.overview_model import Overview
from sipetl.settings import load_settings
from sipetl.warehouse import tables as t
from tests.home import Site, attendance, present, roster, students, weekdays
from tests.unit.reports.conftest import TOWN, deliver
from tests.unit.reports.page import CYCLES
from tests.unit.reports.page import readiness as readiness_of

NOW = datetime(2026, 2, 10, 23, 59, 59, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
SECRET = "Quillfeather"
"""In names of files, reasons and rows of this test; nowhere on the page."""


def told(connection: Connection) -> Overview:
    return overview(connection, now=NOW)


def test_a_feed_that_never_came_is_overdue_and_its_school_days_are_one_line(town: Connection) -> None:
    found = told(town)

    assert [(one.word, one.district, one.feed, one.what, one.owner) for one in found.overdue] == [
        ("missing", "Town <&> Harbor", "attendance", "13 school days, 5 Jan 2026 to 22 Jan 2026", "A. Clerk"),
        ("late", "Town <&> Harbor", "attendance", "10 school days, 23 Jan 2026 to 5 Feb 2026", "A. Clerk"),
        ("late", "Town <&> Harbor", "assessment", "winter", "B. Coach"),
    ]  # a day is due three school days later at 18:00, which has just been, and missing ten after that
    assert found.due_soon == 5  # the school days from 6 to 12 February


def test_moments_are_the_home_s(town: Connection) -> None:
    found = told(town)

    assert found.as_of == datetime(2026, 2, 10, 18, 59, 59, tzinfo=ZONE)
    assert {one.due_at.tzinfo for one in found.overdue} == {ZONE}


def test_the_next_cycle_says_what_is_blocked_and_whose_it_is(town: Connection) -> None:
    cycle = told(town).cycle

    assert cycle is not None
    assert (cycle.cycle.cycle, cycle.state) == ("C2", State.BLOCKED)
    assert [(lack.state, lack.feed, lack.district, lack.owner, lack.schools, lack.goals) for lack in cycle.lacks] == [
        (State.BLOCKED, "assessment", "Town <&> Harbor", "B. Coach", 1, 1),
        (State.BLOCKED, "attendance", "Town <&> Harbor", "A. Clerk", 1, 1),
        (State.AT_RISK, "roster", "Town <&> Harbor", "nobody: not registered", 1, 0),
    ]
    assert (cycle.districts_ready, [name for name, _ in cycle.districts]) == (0, ["Town <&> Harbor"])


def test_without_a_cycle_the_rest_is_told(town: Connection) -> None:
    town.execute(delete(t.metric.status))
    town.execute(delete(t.ref.cycle))

    found = told(town)

    assert found.cycle is None
    assert found.overdue
    assert "No monitoring cycle is registered" in render_overview(found)


def test_the_last_load_of_each_feed_with_those_of_the_week(town: Connection) -> None:
    for day, status, part in ((1, "accepted", "superseded"), (5, "rejected", "rejected"), (9, "held", "held")):
        at = datetime(2026, 2, day, 15, tzinfo=UTC)
        deliver(town, f"a{day}.csv", status, part=part, received_at=at, feed="attendance")
    deliver(town, "what.csv", "unrecognized", received_at=datetime(2026, 2, 4, 15, tzinfo=UTC), sender=TOWN)
    deliver(town, "later.csv", "unrecognized", received_at=NOW + timedelta(hours=1), sender=TOWN)

    loads = {one.feed: one for one in told(town).loads}

    assert list(loads) == ["assessment", "attendance", None]
    assert loads["assessment"].last_at is None
    assert loads["attendance"].last_at == datetime(2026, 2, 9, 10, tzinfo=ZONE)
    assert loads["attendance"].status == "held"
    assert loads["attendance"].recent == (Count("held", 1), Count("rejected", 1))  # not the one of nine days ago
    assert (loads[None].status, loads[None].recent) == ("unrecognized", (Count("unrecognized", 1),))


def test_a_load_that_was_replaced_was_accepted(town: Connection) -> None:
    deliver(town, "a.csv", "superseded", part="superseded", received_at=NOW - timedelta(days=1), feed="attendance")

    (found,) = (one for one in told(town).loads if one.feed == "attendance")

    assert (found.status, found.recent) == ("accepted", (Count("accepted", 1),))


def test_what_waits_has_its_command(town: Connection) -> None:
    key = deliver(town, "h.csv", "held", part="held", received_at=NOW - timedelta(days=2), feed="attendance")
    counts = {"rows_before": 1, "rows_after": 0, "rows_removed": 1, "rows_changed": 0}
    town.execute(insert(t.ops.hold).values(part_id=key, **counts))
    lost = deliver(town, "x.csv", "unrecognized", received_at=NOW - timedelta(days=1), sender=TOWN)

    found = told(town).waiting

    assert [(one.kind, one.district, one.feed, one.command) for one in found] == [
        (WaitKind.HELD, "Town <&> Harbor", "attendance", f"sipetl hold show {key}"),
        (WaitKind.UNRECOGNIZED, "Town <&> Harbor", None, f"sipetl delivery show {lost}"),
    ]


def test_a_long_list_is_cut_and_counted(town: Connection) -> None:
    for n in range(MOST_LINES + 3):
        deliver(town, f"{n}.csv", "unrecognized", received_at=NOW - timedelta(days=1), sender=TOWN)

    found = told(town)

    assert (len(found.waiting), found.waiting_more) == (MOST_LINES, 3)
    assert "And 3 more: <code>sipetl deliveries</code>" in render_overview(found)


def test_many_districts_show_those_that_are_not_ready() -> None:
    few = readiness_of("C3")
    rows = [
        replace(row, district=f"{n:04}", state=State.READY if n % 2 else row.state)
        for n in range(400)
        for row in few.rows
    ]

    found = cycle_of(Readiness(CYCLES["C3"], few.as_of, tuple(rows)), lambda code: f"District {code}", ZONE)

    assert (len(found.districts), found.districts_more, found.districts_ready) == (MOST_LINES, 200 - MOST_LINES, 200)
    assert len(found.lacks) == MOST_LINES
    assert {lack.state for lack in found.lacks} == {State.BLOCKED}


# what it never says


@pytest.fixture(scope="module")
def busy(make_site: Callable[[], Site]) -> Site:
    """A home with something of every kind that waits, and a secret in all that was sent."""
    site = make_site()
    people = students(40) + students(20, "SHS")
    site.take("students_export_2025-10-01.csv", roster(people))
    site.take("students_export_2025-11-03.csv", roster(people[:30]))
    site.take("attendance_a.csv", attendance(people, weekdays(date(2025, 9, 8), 10), present))
    spoilt = attendance(people, weekdays(date(2025, 10, 6), 5), present).replace(",P\n", f",{SECRET}\n", 3)
    site.take(f"attendance_{SECRET}.csv", spoilt)
    site.take("attendance_b.csv", attendance(people[:40], weekdays(date(2025, 10, 20), 5), present))
    site.take(f"IEP {SECRET}.csv", f"{SECRET},b\n1,2\n")
    return site


def test_no_student_no_file_name_and_no_row_count_is_on_the_page(busy: Site) -> None:
    page = overview_page(busy.settings)

    statuses = {status for (status,) in busy.sql("select status from ops.delivery")}
    assert {"accepted", "held", "unrecognized"} <= statuses
    assert busy.sql("select sum(rows_quarantined) from ops.delivery_part")[0][0] == 3
    for word in ("Held", "Not recognized", "Rows in quarantine", "Incomplete data", "Alder", "sipetl hold show"):
        assert word in page
    for never in (SECRET, ".csv", "students of", " rows ", "350177", "IEP"):
        assert never not in page


def test_the_page_asks_for_nothing_from_elsewhere(busy: Site) -> None:
    page = overview_page(busy.settings)

    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    for never in ("<script", "http://", "https://", " src=", "@import", "onclick", "<form"):
        assert never not in page


def test_reading_writes_nothing(busy: Site) -> None:
    tables = "select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables order by 1"
    count = "select pg_stat_force_next_flush()"
    busy.sql(count)
    before = busy.sql(tables)

    overview_page(busy.settings)

    busy.sql(count)
    assert busy.sql(tables) == before


def test_names_are_escaped(town: Connection) -> None:
    page = render_overview(told(town))

    assert "Town &lt;&amp;&gt; Harbor" in page
    assert "Town <&>" not in page


# where the warehouse is not there


def test_a_home_that_is_none_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no home here"):
        overview_page(load_settings(home=tmp_path / "mistyped"))

    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_without_a_registry_is_told(site: Site) -> None:
    site.sql("select 1")
    with pytest.raises(ConfigError):
        _without_registry(site)


def _without_registry(site: Site) -> None:
    from sipetl.warehouse import open_warehouse

    with open_warehouse(site.settings) as warehouse, warehouse.begin() as connection:
        connection.execute(delete(t.ref.home))
        overview(connection, now=NOW)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port on which connections are taken and nothing is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_warehouse_that_is_down_or_deaf_is_told_soon(
    tmp_path: Path, deaf: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sipetl.reports.overview.PATIENCE_SECONDS", 2)  # libpq's least
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for to in (port, deaf):
        url = f"postgresql+psycopg://somebody:{SECRET}@127.0.0.1:{to}/sipetl"

        with pytest.raises(StoreError) as error:
            overview_page(load_settings(home=tmp_path, warehouse_url=url))

        assert SECRET not in str(error.value)


def test_what_is_said_then_is_plain() -> None:
    assert "sipetl doctor" in UNAVAILABLE
    for never in ("Traceback", "Error", "http", "<script"):
        assert never not in UNAVAILABLE
