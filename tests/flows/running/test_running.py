"""Every DAG on a running Airflow: separate scheduler, dag-processor and api-server, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from sipetl.registry.models import FeedName
from tests.flows.airflow_home import APPROVAL_SECONDS, Airflow, local, until
from tests.home import FILES, attendance, present, roster, students, weekdays

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

PEOPLE = students(20)
ALL_RUN = ("ingest_attendance", "ingest_roster", "compute_metrics", "watch_arrivals", "prepare_cycle", "rebuild_year")


@pytest.fixture(scope="module", autouse=True)
def begun(airflow: Airflow) -> None:
    """The DAGs' first planned runs are over, and a roster is there."""
    airflow.site.put("roster.csv", roster(PEOPLE))
    airflow.settle(*ALL_RUN)


def days_from(first: date) -> str:
    """A week of attendance, from a Monday on."""
    return attendance(PEOPLE, weekdays(first, 5), present)


def lake_days(airflow: Airflow) -> set[date]:
    return {day for (day,) in airflow.site.lake(FeedName.ATTENDANCE, "select distinct attendance_date from rows")}


def values(airflow: Airflow) -> list[tuple[object, ...]]:
    query = "select * from metric.value order by organization_id, metric, student_group, period_id"
    return airflow.site.sql(query)


def test_a_file_in_the_inbox_reaches_the_lake_and_its_event_wakes_compute(airflow: Airflow) -> None:
    airflow.site.put("att-oct-06.csv", days_from(date(2025, 10, 6)))
    woken = len(airflow.runs("compute_metrics"))

    run = airflow.run("ingest_attendance")

    assert run.state == "success"
    assert run.cells("ingest") == {"3501": "success"}
    assert run.returned("ingest", 0) == [
        {
            "district": "3501",
            "deliveries": 1,
            "accepted": 1,
            "rows_good": 100,
            "rows_quarantined": 0,
            "needs_a_person": 0,
        }
    ]
    assert set(weekdays(date(2025, 10, 6), 5)) <= lake_days(airflow)
    until(lambda: len(airflow.runs("compute_metrics")) > woken, "compute_metrics")
    airflow.settle("compute_metrics")
    assert airflow.runs("compute_metrics")[-1]["run_type"] == "asset_triggered"
    assert values(airflow)


def test_the_same_run_twice_changes_nothing(airflow: Airflow) -> None:
    airflow.site.put("att-oct-13.csv", days_from(date(2025, 10, 13)))
    airflow.run("ingest_attendance")
    airflow.settle("compute_metrics")
    airflow.run("compute_metrics")
    before = (airflow.site.sql("select * from ops.delivery order by delivery_id"), values(airflow))

    again, computed = airflow.run("ingest_attendance"), airflow.run("compute_metrics")

    assert (again.state, computed.state) == ("success", "success")
    assert computed.returned("compute")["partitions"] == 0
    assert (airflow.site.sql("select * from ops.delivery order by delivery_id"), values(airflow)) == before


def test_a_lost_event_is_made_good_by_the_next_run_and_a_doubled_one_changes_nothing(airflow: Airflow) -> None:
    airflow.unpause("compute_metrics", paused=True)  # a paused DAG hears no event
    airflow.site.put("att-oct-20.csv", days_from(date(2025, 10, 20)))
    airflow.run("ingest_attendance")
    heard = airflow.run("compute_metrics")
    assert heard.returned("compute")["values_written"] > 0
    before = values(airflow)

    assets = airflow.client.get("/api/v2/assets?name_pattern=sipetl_attendance")["assets"]
    woken = len(airflow.runs("compute_metrics"))
    for _ in range(2):
        airflow.client.ask("POST", "/api/v2/assets/events", {"asset_id": assets[0]["id"], "extra": {}})

    until(lambda: len(airflow.runs("compute_metrics")) > woken, "compute_metrics")
    airflow.settle("compute_metrics")
    assert values(airflow) == before


def test_two_schedulers_take_a_file_once(airflow: Airflow) -> None:
    airflow.site.put("att-sep-08.csv", days_from(date(2025, 9, 8)))
    other = {**airflow.environment, "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "0"}
    with local.running(other, ["scheduler"]):
        until(lambda: len(schedulers(airflow)) == 2, "two schedulers")

        runs = [airflow.trigger("ingest_attendance") for _ in range(2)]

        assert [airflow.ended("ingest_attendance", run).state for run in runs] == ["success", "success"]
    status = airflow.site.sql("select status from ops.delivery where file_name = 'att-sep-08.csv'")
    assert status == [("accepted",)]


def schedulers(airflow: Airflow) -> list[object]:
    found: list[object] = airflow.client.get("/api/v2/jobs?job_type=SchedulerJob&is_alive=true")["jobs"]
    return found


def test_a_bad_district_shows_by_its_name_and_leaves_the_others_green(airflow: Airflow) -> None:
    airflow.site.put("att-oct-27.csv", days_from(date(2025, 10, 27)))
    airflow.site.put("att.csv", "nobody,knows,these\nSPOILT,SPOILT,SPOILT\n", "9002")

    run = airflow.run("ingest_attendance")

    assert run.state == "success"
    assert run.cells("ingest") == {"3501 and 1 more": "success"}
    assert run.cells("look_at") == {"9002": "failed"}
    assert "sipetl deliveries --district 9002" in run.log("look_at", map_index=0)
    assert set(weekdays(date(2025, 10, 27), 5)) <= lake_days(airflow)


def test_the_trigger_form_limits_a_load_to_a_district_and_takes_a_delivery_again(airflow: Airflow) -> None:
    airflow.site.put("att-nov-03.csv", days_from(date(2025, 11, 3)))

    other = airflow.run("ingest_attendance", district="9002")
    own = airflow.run("ingest_attendance", district="3501")

    assert other.cells("ingest") == {"None": "skipped"}
    assert own.cells("ingest") == {"3501": "success"}
    ((delivery,),) = airflow.site.sql("select delivery_id::text from ops.delivery where file_name = 'att-nov-03.csv'")
    again = airflow.run("ingest_attendance", delivery=delivery)
    assert again.state == "success"
    assert set(weekdays(date(2025, 11, 3), 5)) <= lake_days(airflow)


def test_two_past_years_are_rebuilt_in_order(airflow: Airflow) -> None:
    backfill = airflow.client.ask(
        "POST",
        "/api/v2/backfills",
        {
            "dag_id": "rebuild_year",
            "from_date": "2024-06-01T00:00:00Z",
            "to_date": "2025-08-01T00:00:00Z",
            "max_active_runs": 1,
        },
    )
    assert backfill["dag_id"] == "rebuild_year"

    airflow.settle("rebuild_year")

    rebuilt = [run for run in airflow.runs("rebuild_year") if run["run_type"] == "backfill"]
    in_order = sorted(rebuilt, key=lambda run: run["start_date"])
    assert [(run["partition_key"], run["state"]) for run in in_order] == [("2024", "success"), ("2025", "success")]
    assert in_order[0]["end_date"] <= in_order[1]["start_date"]


def test_a_cycle_is_released_only_when_a_person_approves(airflow: Airflow) -> None:
    airflow.unpause("release_cycle")  # the planned run asks; nobody answers
    first = until(lambda: airflow.runs("release_cycle"), "release_cycle")[0]["dag_run_id"]
    silent = airflow.ended("release_cycle", first)
    assert silent.state == "success"
    assert [t["state"] for t in silent.tasks("release")] == ["skipped"], f"no answer within {APPROVAL_SECONDS} s"
    assert airflow.site.sql("select count(*) from ops.release") == [(0,)]

    approved = airflow.run_of("release_cycle", airflow.trigger("release_cycle"))
    asked = approved.approve("approve")
    assert set(asked) == {"Release cycle C1?"}
    assert [t["state"] for t in approved.tasks("release")] == ["success"], (asked, approved.tasks("approve"))
    assert approved.returned("release")["released"] == 1
    assert airflow.site.sql("select cycle from ops.release") == [("C1",)]


@pytest.mark.parametrize(
    ("dag", "task"), [("watch_arrivals", "watch"), ("prepare_cycle", "prepare"), ("doctor", "doctor")]
)
def test_the_other_dags_run(airflow: Airflow, dag: str, task: str) -> None:
    run = airflow.run(dag)

    assert run.state == "success"
    assert run.returned(task) is not None


@pytest.fixture
def broken_registry(airflow: Airflow) -> Iterator[None]:
    """Somebody saves a half-written feeds.yaml."""
    path = airflow.site.root / "registry" / "feeds.yaml"
    path.write_text("feeds:\n  - {district: '3501', feed: attendence, inbox: inbox/3501}\n", encoding="utf-8")
    yield
    path.write_text(FILES["feeds.yaml"], encoding="utf-8")
    until(lambda: not airflow.client.get("/api/v2/importErrors")["import_errors"], "the registry to be right again")


@pytest.mark.usefixtures("broken_registry")
def test_a_broken_registry_shows_where_it_is_broken_and_removes_no_dag(airflow: Airflow) -> None:
    dags = {dag["dag_id"] for dag in airflow.client.get("/api/v2/dags?limit=1000")["dags"]}

    errors = until(lambda: airflow.client.get("/api/v2/importErrors")["import_errors"], "the error on the page")
    run = airflow.run("ingest_attendance")

    assert "feeds.yaml:2" in errors[0]["stack_trace"]
    assert {dag["dag_id"] for dag in airflow.client.get("/api/v2/dags?limit=1000")["dags"]} == dags
    assert run.state == "failed"
    assert [(t["state"], t["try_number"]) for t in run.tasks("scan")] == [("failed", 1)], "trying again mends nothing"
    assert "feeds.yaml:2" in run.log("scan")


def test_a_warehouse_that_is_away_is_waited_for_and_nothing_is_lost(airflow: Airflow) -> None:
    airflow.site.put("att-nov-10.csv", days_from(date(2025, 11, 10)))
    name = airflow.site.url.partition("?")[0].rpartition("/")[2]
    other = airflow.site.url.replace("postgresql+psycopg", "postgresql").replace(f"/{name}", "/postgres")
    away = f'alter database "{name}" with allow_connections false'
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(away)
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        try:
            airflow.unpause("ingest_attendance")
            run = airflow.trigger("ingest_attendance")
            path = f"/api/v2/dags/ingest_attendance/dagRuns/{run}/taskInstances/scan"
            until(lambda: airflow.client.get(path)["state"] == "up_for_retry", "a try in vain")
        finally:
            connection.execute(away.replace("false", "true"))

    ended = airflow.ended("ingest_attendance", run)

    assert ended.state == "success"
    assert "the warehouse" in ended.log("scan", tries=1)
    assert set(weekdays(date(2025, 11, 10), 5)) <= lake_days(airflow)


def test_an_inbox_that_is_away_is_tried_again_and_holds_up_nobody(airflow: Airflow) -> None:
    registry = airflow.site.root / "registry" / "feeds.yaml"
    registry.write_text(FILES["feeds.yaml"].replace("inbox/9002", "drop/9002"), encoding="utf-8")
    airflow.site.put("att-nov-17.csv", days_from(date(2025, 11, 17)))
    try:
        run_id = airflow.trigger("ingest_attendance")
        path = f"/api/v2/dags/ingest_attendance/dagRuns/{run_id}/taskInstances"
        until(
            lambda: (
                {
                    (t["map_index"], t["state"])
                    for t in airflow.client.get(path)["task_instances"]
                    if t["task_id"] == "ingest"
                }
                == {(0, "success"), (1, "up_for_retry")}
            ),
            "one batch to wait",
        )
        (airflow.site.root / "drop").mkdir()

        run = airflow.ended("ingest_attendance", run_id)

        assert run.state == "success"
        assert run.cells("ingest") == {"3501": "success", "9002": "success"}
        assert set(weekdays(date(2025, 11, 17), 5)) <= lake_days(airflow)
    finally:
        registry.write_text(FILES["feeds.yaml"], encoding="utf-8")


def test_no_student_reaches_airflow(airflow: Airflow) -> None:
    rows = days_from(date(2025, 12, 1)).replace(",P\n", ",SPOILT\n", 3)
    airflow.site.put("att-dec-01.csv", rows)
    run = airflow.run("ingest_attendance")
    assert run.cells("look_at") == {"3501": "success"}

    everything = airflow.dump() + airflow.logs()

    assert "att-dec-01" not in airflow.dump(), "not even a file's name"
    for secret in ("Quillfeather", "SPOILT", *(p.number for p in PEOPLE), *(p.state_id for p in PEOPLE)):
        assert secret not in everything
