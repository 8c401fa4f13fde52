"""DAG files as Airflow reads them: whole, light, documented; in a process of their own, for importing Airflow is slow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sipetl.registry.compact import read_compact, refreshed, write_compact
from tests.home import FILES, ROOT, write_home

pytestmark = pytest.mark.slow

HEAVY = ("pandas", "pyarrow", "duckdb", "deltalake", "great_expectations", "numpy", "scipy", "polars")
ALWAYS = {"compute_metrics", "watch_arrivals", "prepare_cycle", "release_cycle", "rebuild_year", "doctor", "notices"}
READ = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.serialization.serialized_objects import DagSerialization
before = set(sys.modules)
times = []
for _ in range(2):
    begun = time.perf_counter()
    bag = DagBag(dag_folder=sys.argv[1])
    times.append(time.perf_counter() - begun)
modules, before = sorted(set(sys.modules) - before), sorted(before)
def shape(dag):
    return {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.task_dict.values()},
        "params": dag.params.dump() if hasattr(dag.params, "dump") else dict(dag.params),
        "schedule": type(dag.timetable).__name__, "doc": dag.doc_md, "most": dag.max_active_runs,
    }
def told(dag):
    kept = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    return {
        "tags": sorted(dag.tags), "doc": dag.doc_md or "", "catchup": dag.catchup, "most": dag.max_active_runs,
        "shape": shape(dag), "again": shape(DagSerialization.from_dict(kept)),
        "tasks": {
            task.task_id: {
                "owner": task.owner, "retries": task.retries, "pool": task.pool, "operator": task.task_type,
                "policy": task.retry_policy is not None, "timeout": task.execution_timeout is not None,
            } for task in dag.tasks
        },
    }
print("TOLD", json.dumps({
    "errors": bag.import_errors, "modules": modules, "before": before, "times": times,
    "dags": {dag_id: told(dag) for dag_id, dag in bag.dags.items()},
}))
"""


def read_bag(home: Path, **environment: str) -> dict[str, Any]:
    """What Airflow makes of the DAG files."""
    found: dict[str, Any] = told_by(READ, home, **environment)
    return found


def told_by(code: str, home: Path, **environment: str) -> Any:
    """What a fresh process tells that runs some code on the DAG folder."""
    own = {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/none.db",
        "SIPETL_HOME": str(home),
    }
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("SIPETL_", "AIRFLOW_", "PYTHONDONT"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(ROOT / "dags")],
        env=inherited | own | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = next(line for line in done.stdout.splitlines() if line.startswith("TOLD "))
    return json.loads(told.removeprefix("TOLD "))


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = write_home(tmp_path_factory.mktemp("bag"))
    write_compact(home)
    return read_bag(home)


def test_the_bag_has_a_dag_per_feed_of_the_registry_and_no_errors(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    assert set(bag["dags"]) == ALWAYS | {"ingest_roster", "ingest_attendance"}


def test_dag_files_pull_in_nothing_heavy(bag: dict[str, Any]) -> None:
    assert [name for name in bag["modules"] if name.partition(".")[0] in HEAVY] == []
    assert [name for name in HEAVY if name in bag["before"]] == [], (
        "Airflow itself brings it: the line above says nothing"
    )
    assert [name for name in bag["modules"] if name.startswith(("sipetl.pipeline", "sipetl.warehouse"))] == []


def test_dags_are_the_same_after_serialization(bag: dict[str, Any]) -> None:
    for dag_id, dag in bag["dags"].items():
        assert dag["again"] == dag["shape"], dag_id


def test_people_are_told_on_school_days_and_files_are_looked_for_every_day(bag: dict[str, Any]) -> None:
    schedules: dict[str, set[str]] = {}
    for dag_id, dag in bag["dags"].items():
        schedules.setdefault(dag["again"]["schedule"], set()).add(dag_id)

    assert schedules["SchoolDayTimetable"] == {"watch_arrivals", "prepare_cycle", "release_cycle", "notices"}
    assert schedules["CronTriggerTimetable"] == {"ingest_roster", "ingest_attendance"}
    assert schedules["AssetOrTimeSchedule"] == {"compute_metrics"}


def test_every_dag_says_what_it_is_and_runs_once_at_a_time(bag: dict[str, Any]) -> None:
    for dag_id, dag in bag["dags"].items():
        assert "sipetl" in dag["tags"], dag_id
        assert "**What**" in dag["doc"], dag_id
        assert dag["catchup"] is False, dag_id
        assert dag["most"] == 1, dag_id


def test_every_task_has_an_owner_and_tries_again_only_what_heals(bag: dict[str, Any]) -> None:
    pools = {*json.loads((ROOT / "dags" / "pools.json").read_text("utf-8")), "default_pool"}
    for dag_id, dag in bag["dags"].items():
        for name, of_task in dag["tasks"].items():
            assert of_task["owner"] == "sipetl", (dag_id, name)
            assert of_task["pool"] in pools, (dag_id, name)
            assert of_task["policy"], (dag_id, name)
            assert of_task["timeout"] or of_task["operator"] == "ApprovalOperator", (dag_id, name)


def test_where_there_is_no_registry_every_feed_has_a_dag(tmp_path: Path) -> None:
    bag = read_bag(tmp_path)

    assert bag["errors"] == {}
    assert len(bag["dags"]) == len(ALWAYS) + 10


def test_a_dag_per_district_where_that_is_wanted(tmp_path: Path) -> None:
    write_home(tmp_path)  # told in brief at the first parse

    dags = set(read_bag(tmp_path, SIPETL_DAG_PER_DISTRICT="1")["dags"])

    feeds = ("attendance", "roster")
    assert dags - ALWAYS == {f"ingest_{feed}_{district}" for feed in feeds for district in ("3501", "9002")}


def test_a_broken_registry_is_an_import_error_and_removes_no_dag(tmp_path: Path) -> None:
    home = write_home(tmp_path)
    write_compact(home)
    (home / "registry" / "feeds.yaml").write_text("feeds: [{district: '3501', feed: attendence}]\n", encoding="utf-8")

    bag = read_bag(home)

    assert [Path(path).name for path in bag["errors"]] == ["registry_faults.py"]
    assert "feeds.yaml:1" in "".join(bag["errors"].values())
    assert set(bag["dags"]) == ALWAYS | {"ingest_roster", "ingest_attendance"}


def test_the_brief_follows_the_registry_and_survives_what_cannot_be_read(tmp_path: Path) -> None:
    home = write_home(tmp_path)
    assert refreshed(home).districts == ("3501", "9002")
    feeds = home / "registry" / "feeds.yaml"
    feeds.write_text(feeds.read_text("utf-8").replace("inbox/9002", "sftp://drop.example.org/9002"), encoding="utf-8")
    assert refreshed(home).protocols == ("sftp",)

    (home / "registry.compact.json").write_text("{half", encoding="utf-8")

    assert read_compact(home).districts == ()
    assert refreshed(home).protocols == ("sftp",)


def write_many(root: Path, count: int) -> Path:
    """A home of many districts, one school each."""
    home, codes = write_home(root), [f"{4000 + n}" for n in range(count)]
    entries = {
        "organizations.yaml": "districts:\n"
        + "".join(f'  - {{district: "{c}", code: "{c}0000", name: D {c}, calendar: alder}}\n' for c in codes)
        + "schools:\n"
        + "".join(f'  - {{code: "{c}0010", name: S {c}, district: "{c}"}}\n' for c in codes),
        "feeds.yaml": "feeds:\n"
        + "".join(
            f'  - {{district: "{c}", feed: {feed}, inbox: inbox/{c}, owner: Office, due: {{rule: each_school_day}}}}\n'
            for c in codes
            for feed in ("roster", "attendance", "discipline", "staff", "evidence", "course")
        ),
    }
    for name, content in entries.items():
        (home / "registry" / name).write_text(content, encoding="utf-8")
    (home / "registry" / "crosswalk.csv").write_text(
        FILES["crosswalk.csv"].partition("\n")[0] + "\n", encoding="utf-8"
    )
    (home / "registry" / "plans" / "35010010.yaml").unlink()
    return home


CREDENTIALS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import sipetl_dags
print("TOLD", json.dumps([sipetl_dags._credentials("sftp"), sipetl_dags._credentials("s3"), sipetl_dags.settings().warehouse_url]))
"""


def test_connections_become_plain_settings(tmp_path: Path) -> None:
    given = {
        "AIRFLOW_CONN_SIPETL_INBOX_SFTP": '{"conn_type": "sftp", "login": "drop", "password": "pw", "port": 2222}',
        "AIRFLOW_CONN_SIPETL_WAREHOUSE": "postgres://etl:p%40ss@db.example.org:5433/sipetl?sslmode=require",
    }

    sftp, s3, url = told_by(CREDENTIALS, tmp_path, **given)

    assert sftp == {"username": "drop", "password": "pw", "port": 2222}
    assert s3 == {}
    assert url == "postgresql+psycopg://etl:p%40ss@db.example.org:5433/sipetl?sslmode=require"


@pytest.mark.parametrize("districts", [4, 400])
def test_parsing_takes_as_long_with_many_districts(tmp_path: Path, districts: int) -> None:
    brief = write_compact(write_many(tmp_path, districts))
    assert len(brief.districts) == districts, brief.faults

    bag = read_bag(tmp_path)

    # printed, not asserted: machines differ
    print(f"{districts} districts: whole folder {bag['times'][0]:.3f} s at first, then {bag['times'][1]:.3f} s")  # noqa: T201
    assert bag["errors"] == {}
    assert len(bag["dags"]) == len(ALWAYS) + 6
