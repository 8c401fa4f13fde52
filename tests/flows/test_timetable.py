"""The timetable in Airflow 3.3: as Airflow stores and reads it, and in a real scheduler that makes the runs.

Which moment comes next is told in `tests/unit/registry/test_daybook.py`, without Airflow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sipetl.warehouse import embedded
from tests.flows.parts import PLUGINS, Parts

pytestmark = pytest.mark.slow

HEAVY = {
    "alembic", "deltalake", "duckdb", "fastapi", "great_expectations", "jinja2", "numpy", "pandas", "psycopg", "pyarrow",
    "scipy", "sqlalchemy",
}  # fmt: skip
FRIDAY = 4
DAG = """\
from datetime import datetime, UTC
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
from sipetl_airflow_plugin import SchoolDayTimetable

with DAG("fires", schedule=SchoolDayTimetable("00:00"), start_date=datetime(2025, 7, 1, tzinfo=UTC), catchup=False):
    EmptyOperator(task_id="nothing")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the timetable said when Airflow asked it."""
    folder = tmp_path_factory.mktemp("asked")
    book = {"version": 1, "time_zone": "America/Denver", "days": ["2999-01-08", "2999-01-09"]}
    (folder / "daybook.json").write_text(json.dumps(book), "utf-8")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "SIPETL_HOME": str(folder),
    }
    script = Path(__file__).with_name("asked_timetable.py")
    done = subprocess.run(
        [sys.executable, script, folder], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    found: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return found | {"log": done.stdout + done.stderr}


def test_the_plugin_is_registered_and_loads_nothing_heavy(told: dict[str, Any]) -> None:
    assert "sipetl" in told["plugins"]
    assert told["errors"] == {}
    assert told["timetables"] == ["sipetl_airflow_plugin.SchoolDayTimetable"]
    assert HEAVY & set(told["loaded"]) == set()
    assert not told["fastapi_by_then"]


def test_it_is_stored_and_read_again(told: dict[str, Any]) -> None:
    assert told["stored"] == {
        "__type": "sipetl_airflow_plugin.SchoolDayTimetable",
        "__var": {"at": "06:30:00", "file": None},
    }
    assert told["type"] == "sipetl_airflow_plugin.SchoolDayTimetable"
    assert told["again"]["at"] == "00:00:00"
    assert told["summary"] == "School days at 00:00"
    assert "home's time zone" in told["description"]


def test_one_run_catches_up_then_each_day_has_its_own(told: dict[str, Any]) -> None:
    assert told["runs"] == [-1, 2, 5]  # of the days -5, -3, -1, 2, 5
    assert told["after_an_outage"] == [-1, 2]  # the last run was on day -5
    assert told["with_catchup"] == [-4, -3, -1]  # its book begins on day -3: weekdays stand in before that


def test_a_backfill_makes_every_day_of_its_range(told: dict[str, Any]) -> None:
    assert told["backfill"] == [-3, -1, 2]


def test_a_run_by_hand_has_a_moment_of_its_own(told: dict[str, Any]) -> None:
    assert told["manual"]
    assert told["interval"]


def test_an_end_date_is_kept(told: dict[str, Any]) -> None:
    assert told["after_the_end"] == [None]


def test_a_changed_calendar_is_picked_up_and_a_broken_one_keeps_the_last_good(told: dict[str, Any]) -> None:
    assert (told["after_an_edit"], told["broken"], told["gone"]) == ([3], [3], [3])
    assert told["log"].count("Until then: the last good daybook.") == 2


def test_without_a_daybook_it_runs_on_weekdays_and_warns(told: dict[str, Any]) -> None:
    weekdays, span = told["without_a_file"]
    assert set(weekdays) == set(range(5))
    assert span in (9, 10, 11)  # eight weekdays in a row
    assert "Until then: weekdays." in told["log"]


def test_without_a_file_named_it_reads_the_home_s(told: dict[str, Any]) -> None:
    assert told["of_the_home"] == "2999-01-01 13:30:00+00:00"  # 6:30 in Denver


@pytest.mark.parametrize("at", ["25:00", "soon", "06:00+02:00"])
def test_what_is_no_time_of_day_is_refused_where_the_dag_is_written(told: dict[str, Any], at: str) -> None:
    assert told[at] == "refused"


# in a real scheduler


class Scheduled:
    """A DAG on the timetable, in a scheduler that runs."""

    def __init__(self, parts: Parts, home: Path) -> None:
        self.parts, self.home = parts, home

    def write(self, *offsets: int) -> None:
        """Write the home's daybook: days so many days from today."""
        days = [(datetime.now(UTC).date() + timedelta(days=n)).isoformat() for n in offsets]
        book = {"version": 1, "time_zone": "UTC", "days": days}
        (self.home / "daybook.json").write_text(json.dumps(book), "utf-8")

    def runs(self) -> list[tuple[date, str]]:
        query = "select run_after, run_type from dag_run where dag_id = 'fires' order by run_after"
        return [(at.astimezone(UTC).date(), kind) for at, kind in self.parts.sql(query)]

    def next_run(self) -> date | None:
        found = self.parts.sql("select next_dagrun_create_after from dag where dag_id = 'fires'")
        return found[0][0].astimezone(UTC).date() if found and found[0][0] else None

    def wait(self, what: Callable[[], Any], wanted: Any) -> None:
        self.parts.wait(lambda: what() == wanted, lambda: f"{what()} is not {wanted}")


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory, server: embedded.Lease) -> Iterator[Scheduled]:
    folder = tmp_path_factory.mktemp("scheduled")
    (folder / "dags").mkdir()
    (folder / "dags" / "fires.py").write_text(DAG, "utf-8")
    parts = Parts(folder, server, {"SIPETL_HOME": str(folder), "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags")})
    found = Scheduled(parts, folder)
    found.write(-9, -2, 4, 8)
    parts.prepare()
    with parts.running("scheduler", "dag-processor"):
        yield found


@pytest.mark.airflow
def test_a_scheduler_fires_follows_the_calendar_and_outlives_it(scheduled: Scheduled) -> None:
    today = datetime.now(UTC).date()
    missed = [(today - timedelta(days=2), "scheduled")]

    scheduled.wait(scheduled.runs, missed)  # one run, at once, for what was missed
    scheduled.wait(scheduled.next_run, today + timedelta(days=4))
    scheduled.write(-9, -2, 6, 8)  # snow
    scheduled.wait(scheduled.next_run, today + timedelta(days=6))
    (scheduled.home / "daybook.json").write_text('{"version": 1, "days"', "utf-8")
    scheduled.parts.wait_for_another_parse("fires")
    assert scheduled.next_run() == today + timedelta(days=6)  # the last good one

    scheduled.parts.restart("scheduler", "dag-processor")  # now nobody knows it
    scheduled.parts.wait(lambda: scheduled.next_run() != today + timedelta(days=6), lambda: "no weekday stood in")
    weekday = scheduled.next_run()
    assert weekday is not None
    assert weekday.weekday() <= FRIDAY
    assert weekday - today <= timedelta(days=3)
    assert scheduled.runs()[0] == missed[0]
    scheduled.write(-9, -2, 3)
    scheduled.wait(scheduled.next_run, today + timedelta(days=3))
    assert scheduled.parts.sql("select * from import_error") == []
    assert [kind for _, kind in scheduled.runs()] in (["scheduled"], ["scheduled"] * 2)
