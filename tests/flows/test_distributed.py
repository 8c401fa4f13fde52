"""Airflow on several hosts: forty districts' files, two Celery workers, one of which dies with two deliveries in hand.

PostgreSQL and Redis are Debian's; every part runs by the compose file's own command. The worker is stopped for the kill
by locks of the warehouse alone: one district's delivery is landed and not committed, another's is in the lake and not
accepted by the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sipetl.registry.models import FeedName
from tests.flows.airflow_home import Airflow, Run, until
from tests.flows.hosts import Cluster, Host, cluster, parts_running
from tests.flows.many_districts import DAYS, DISTRICTS, ROWS, STUDENTS, absences, satisfied, school_of
from tests.hashing import final_hashes

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

WORKERS = ("worker-1", "worker-2")
LANDED, IN_THE_LAKE = "0103", "0107"
"""Districts of the first batch, whose attendance the kill interrupts."""
GATE = f"""
    create function public.wait_at_the_gate() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(hashtextextended('gate', 0)); return new; end $$;
    create trigger gate before update on ops.delivery_part for each row
        when (new.feed = 'attendance' and new.district = '{IN_THE_LAKE}' and new.status = 'accepted')
        execute function public.wait_at_the_gate();
"""
FEEDS = tuple(f"ingest_{feed}" for feed in ROWS)
VALUE = """
    select v.numerator, v.denominator, v.n from metric.value v
    join ref.organization using (organization_id) join ref.period p using (period_id)
    where organization.code = :code and v.metric = :metric and p.code = '2026' and v.student_group = 'all'
"""


@dataclass(frozen=True)
class Story:
    """What happened, and the cluster as it was left: all feeds loaded, both workers up."""

    cluster: Cluster
    airflow: Airflow
    host: Host
    died: str
    took_over: str
    wreck: list[tuple[Any, ...]]
    """Of the two districts when the worker died: delivery, part, rows in the lake."""
    interrupted: Run


@contextmanager
def held_back(made: Cluster) -> Iterator[psycopg.Connection]:
    """Two deliveries cannot go on: one waits for its part's lock, one at a gate in front of its accept row."""
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        for name in (f"lake:attendance:2026:{LANDED}", "gate"):
            connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
        yield connection


def waiting_workers(connection: psycopg.Connection) -> list[str]:
    """Hosts whose connections wait for a lock of this one, which is their own or their database's clock."""
    query = "select application_name from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
    return [name for (name,) in connection.execute(query)]


@pytest.fixture(scope="module")
def story(make_quick: Callable[[str], Path]) -> Iterator[Story]:
    begun = time.monotonic()

    def told(what: str) -> None:
        print(f"{time.monotonic() - begun:4.0f} s: {what}")  # noqa: T201

    with cluster(make_quick("hosts"), "control", *WORKERS) as made:
        host = made.hosts["control"]
        with host.open():
            told("an operator's command made the tables and applied the registry")
        with parts_running(made, "control", WORKERS) as airflow:
            told("Airflow is up")
            for name in WORKERS:
                made.wait_for_worker(name)
            told("both workers are healthy")
            airflow.settle("ingest_roster", "ingest_evidence", "compute_metrics")
            told("rosters and evidence are loaded")
            yield tell(made, airflow, told)


def tell(made: Cluster, airflow: Airflow, told: Callable[[str], None]) -> Story:
    host = made.hosts["control"]
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        connection.execute(GATE)
    computed = len(airflow.runs("compute_metrics"))
    with held_back(made) as connection:
        airflow.unpause("ingest_attendance")  # its last planned run begins
        until(lambda: len(waiting_workers(connection)) == 2, "two deliveries to wait")
        (died,) = set(waiting_workers(connection))
        wreck = wreckage(host)
        made.kill(died)
        told(f"{died} is killed")
    (took_over,) = made.workers
    airflow.settle("ingest_attendance")
    (run,) = airflow.runs("ingest_attendance")
    told(f"{took_over} has taken over, and the run has ended")
    made.start_worker(died)
    until(lambda: len(airflow.runs("compute_metrics")) > computed, "compute_metrics to be woken")
    airflow.settle("compute_metrics")
    told("metrics are computed")
    made.wait_for_worker(died)
    told(f"{died} is back")
    interrupted = Run(airflow, "ingest_attendance", run["dag_run_id"])
    return Story(made, airflow, host, died, took_over, wreck, interrupted)


def wreckage(host: Host) -> list[tuple[Any, ...]]:
    query = """
        select d.sender, d.status, p.status from ops.delivery d left join ops.delivery_part p using (delivery_id)
        where d.sender in (:landed, :in_the_lake) and d.file_name like 'attendance%' order by d.sender
    """
    rows = dict(host.lake(FeedName.ATTENDANCE, "select district, count(*) from rows group by district"))
    found = host.sql(query, landed=LANDED, in_the_lake=IN_THE_LAKE)
    return [(district, delivery, part, rows.get(district, 0)) for district, delivery, part in found]


def test_the_worker_died_between_landing_and_commit_and_between_commit_and_acceptance(story: Story) -> None:
    assert story.wreck == [(LANDED, "landed", None, 0), (IN_THE_LAKE, "landed", "intent", STUDENTS * len(DAYS))]


def test_the_task_of_the_dead_worker_was_tried_again_and_ended_well(story: Story) -> None:
    assert story.interrupted.state == "success"
    first, second = story.interrupted.tasks("ingest")
    assert (first["state"], second["state"]) == ("success", "success")
    assert first["try_number"] > 1


def test_every_delivery_was_brought_to_its_end_by_one_host(story: Story) -> None:
    letters = {name: host.letters_written for name, host in story.cluster.hosts.items()}

    assert letters["control"] == set()
    assert letters[story.died]
    assert letters[story.died].isdisjoint(letters[story.took_over])
    assert len(letters[story.died] | letters[story.took_over]) == len(DISTRICTS) * len(ROWS)
    interrupted = story.host.sql(
        "select delivery_id::text from ops.delivery where sender in (:a, :b) and file_name like 'attendance%'",
        a=LANDED,
        b=IN_THE_LAKE,
    )
    assert {delivery for (delivery,) in interrupted} <= letters[story.took_over]


def test_every_file_was_accepted_exactly_once_and_no_intent_is_open(story: Story) -> None:
    deliveries = story.host.sql("select sender, file_name, status from ops.delivery order by 1, 2")
    parts = story.host.sql("select feed, district, status, rows_good from ops.delivery_part order by 1, 2")

    assert len(deliveries) == len({(sender, name) for sender, name, _ in deliveries}) == len(DISTRICTS) * len(ROWS)
    assert {status for _, _, status in deliveries} == {"accepted"}
    assert parts == [(feed, district, "accepted", ROWS[feed]) for feed in sorted(ROWS) for district in DISTRICTS]


def test_the_lake_holds_every_row_exactly_once(story: Story) -> None:
    for feed, rows in ROWS.items():
        query = "select district, count(*), count(distinct (part_id, row_number)) from rows group by 1 order by 1"
        assert story.host.lake(feed, query) == [(district, rows, rows) for district in DISTRICTS]


@pytest.mark.parametrize("district", [LANDED, IN_THE_LAKE, "0140"])
def test_values_are_those_computed_by_hand(story: Story, district: str) -> None:
    """Rates are kept in hundredths of a day: 30 days are 3000."""
    days = STUDENTS * len(DAYS)

    rate = story.host.sql(VALUE, code=school_of(district), metric="attendance_rate")
    count = story.host.sql(VALUE, code=school_of(district), metric="evidence_count_coaching_feedback")

    assert rate == [(100 * (days - absences(district)), 100 * days, STUDENTS)]
    assert count == [(satisfied(district), 1, 2)]


def test_the_states_values_count_every_district_once(story: Story) -> None:
    """Absent days are 0, 1, 2, 3, 0, ... by district: 60 of 40 x 30. Satisfied entries are 2, 1, 2, 1, ...: 60 of 80."""
    assert story.host.sql(VALUE, code="00000000", metric="attendance_rate") == [(114_000, 120_000, 240)]
    assert story.host.sql(VALUE, code="00000000", metric="evidence_count_coaching_feedback") == [(60, 1, 80)]


def test_everything_once_more_on_both_workers_changes_nothing(story: Story) -> None:
    before = everything(story.host)

    runs = {dag: story.airflow.trigger(dag) for dag in FEEDS}
    ended = [story.airflow.ended(dag, run).state for dag, run in runs.items()]
    computed = story.airflow.run("compute_metrics")

    assert ended == ["success"] * len(FEEDS)
    assert computed.returned("compute")["partitions"] == 0
    assert everything(story.host) == before


def everything(host: Host) -> tuple[object, ...]:
    with host.open() as home:
        return final_hashes(home), host.sql("select * from ops.delivery_part order by part_id")
