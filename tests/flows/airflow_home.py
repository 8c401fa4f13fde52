"""A running Airflow for tests: the parts that `make airflow` starts, on a home of the tests, and what tests ask of it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError

import psycopg

from sipetl.registry.compact import write_compact
from sipetl.warehouse import embedded
from tests.home import ROOT, Site

SCRIPT = ROOT / "scripts" / "airflow-local"
ENDED = ("success", "failed")
LINEAGE = "lineage.jsonl"
PATIENCE = 120
"""Seconds until a test gives up on a run: far more than any takes."""
RETRY_SECONDS, APPROVAL_SECONDS, READING_SECONDS = 5, 25, 4


def load_script() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("airflow_local", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


local = load_script()


@dataclass
class Airflow:
    """An Airflow that runs, on the home of a site."""

    site: Site
    environment: Mapping[str, str]
    client: Any
    database: str
    heard: list[str] = field(default_factory=list)
    """Lines of StatsD, as they came in, where somebody listens."""

    def unpause(self, dag: str, *, paused: bool = False) -> None:
        self.client.ask("PATCH", f"/api/v2/dags/{dag}?update_mask=is_paused", {"is_paused": paused})

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The DAG's runs, oldest first."""
        found: list[dict[str, Any]] = self.client.get(f"/api/v2/dags/{dag}/dagRuns?limit=1000&order_by=run_after")[
            "dag_runs"
        ]
        return found

    def settle(self, *dags: str) -> None:
        """Unpause DAGs (which starts the last planned run of each), and wait until nothing of them runs."""
        for dag in dags:
            self.unpause(dag)
        for dag in dags:
            until(lambda dag=dag: self.runs(dag) and all(r["state"] in ENDED for r in self.runs(dag)), dag)

    def trigger(self, dag: str, **conf: Any) -> str:
        run = self.client.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def run(self, dag: str, **conf: Any) -> Run:
        """Trigger a DAG, and wait until its run has ended."""
        self.unpause(dag)
        return self.ended(dag, self.trigger(dag, **conf))

    def run_of(self, dag: str, run_id: str) -> Run:
        return Run(self, dag, run_id)

    def ended(self, dag: str, run_id: str) -> Run:
        """Wait until a run has ended."""
        run = self.run_of(dag, run_id)
        until(lambda: run.state in ENDED, f"{dag} {run_id}")
        return run

    def dump(self) -> str:
        """Every row of Airflow's own database, as text."""
        with psycopg.connect(self.database) as connection:
            tables = [
                name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")
            ]
            rows = [row for name in tables for row in connection.execute(f'select * from "{name}"')]  # type: ignore[call-overload]
        return "\n".join(_text(value) for row in rows for value in row)

    def logs(self) -> str:
        """Everything that any part of it wrote."""
        folder = Path(self.environment["AIRFLOW_HOME"])
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*.log")))


def _text(value: object) -> str:
    if isinstance(value, memoryview | bytes):
        return bytes(value).decode("utf-8", "replace")
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


@dataclass
class Run:
    """A run of a DAG."""

    airflow: Airflow
    dag: str
    run_id: str

    @property
    def path(self) -> str:
        return f"/api/v2/dags/{self.dag}/dagRuns/{self.run_id}"

    @property
    def state(self) -> str:
        return str(self.airflow.client.get(self.path)["state"])

    def tasks(self, task: str) -> list[dict[str, Any]]:
        """Instances of a task, with name, state and number of tries."""
        found = self.airflow.client.get(f"{self.path}/taskInstances?limit=1000")["task_instances"]
        return sorted((ti for ti in found if ti["task_id"] == task), key=lambda ti: int(ti["map_index"]))

    def cells(self, task: str) -> dict[str, str]:
        """State of a mapped task's instances, by the name that the grid shows."""
        return {str(ti["rendered_map_index"]): str(ti["state"]) for ti in self.tasks(task)}

    def returned(self, task: str, map_index: int = -1) -> Any:
        """What a task left in XCom."""
        path = f"{self.path}/taskInstances/{task}/xcomEntries/return_value?map_index={map_index}&deserialize=true"
        return self.airflow.client.get(path)["value"]

    def approve(self, task: str) -> list[str]:
        """Read and approve, as often as the task asks, until the run has ended; the questions.

        Airflow 3.3.2 fails the task of an answer that comes within the second in which the question was parked ("state
        mismatch"); the retry asks again.
        """
        questions: list[str] = []
        path = f"{self.path}/taskInstances/{task}"

        def answered() -> bool:
            if self.airflow.client.get(path)["state"] == "awaiting_input":
                asked = self.airflow.client.get(f"{path}/-1/hitlDetails")
                if not asked["response_received"]:
                    time.sleep(READING_SECONDS)
                    self.airflow.client.ask(
                        "PATCH", f"{path}/-1/hitlDetails", {"chosen_options": ["Approve"], "params_input": {}}
                    )
                    questions.append(asked["subject"])
            return self.state in ENDED

        until(answered, f"{self.run_id} to be approved")
        return questions

    def log(self, task: str, *, tries: int = 1, map_index: int = -1) -> str:
        """A task's log, as the page shows it."""
        return json.dumps(
            self.airflow.client.get(f"{self.path}/taskInstances/{task}/logs/{tries}?map_index={map_index}")
        )


def until(holds: Callable[[], Any], what: str, patience: float = PATIENCE, *, pause: float = 0.5) -> Any:
    """Wait until something holds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if found := holds():
                return found
        except HTTPError as error:
            if error.code not in (404, 500):
                raise
        time.sleep(pause)
    raise AssertionError(f"waited {patience} s in vain for {what}")


@contextmanager
def statsd() -> Iterator[tuple[int, list[str]]]:
    """A StatsD server: its port, and the lines that it hears."""
    heard: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.5)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    heard.extend(server.recv(65535).decode().splitlines())

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            ended.set()
            listener.join()


@contextmanager
def run_airflow(site: Site) -> Iterator[Airflow]:
    """Start an Airflow on a site; it and all that it started is gone at the end, also after a failure."""
    own = site.root / "airflow"
    write_compact(site.root)
    begun = time.monotonic()
    try:
        with local.metadata(own) as database, statsd() as (port, heard):
            environment = local.settings_of(site.root, database, port=local._free_port(18080), as_of=str(site.today))
            environment |= {
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
                "AIRFLOW_CONN_SIPETL_WAREHOUSE": site.url.replace("postgresql+psycopg", "postgresql"),
                "SIPETL_RETRY_SECONDS": str(RETRY_SECONDS),
                "SIPETL_APPROVAL_SECONDS": str(APPROVAL_SECONDS),
                "SIPETL_THREADS": "1",
                "SIPETL_MEMORY": "512MB",
                "AIRFLOW__METRICS__STATSD_ON": "True",
                "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
                "AIRFLOW__METRICS__STATSD_PORT": str(port),
                "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
                "AIRFLOW__OPENLINEAGE__NAMESPACE": "sipetl",
                "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                    {"type": "file", "log_file_path": str(own / LINEAGE), "append": True}
                ),
            }
            local.prepare(environment)
            with local.running(environment):
                client = local.Client(environment)
                client.wait_until_healthy()
                print(f"Airflow was up after {time.monotonic() - begun:.0f} s")  # noqa: T201
                yield Airflow(site, environment, client, database.replace("+psycopg2", ""), heard)
    finally:
        embedded.remove(own / "metadata")
