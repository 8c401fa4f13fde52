"""An Airflow on several hosts: its parts and Celery workers as the compose file runs them, each host with a home of its own.

A host is a home and the processes that have it as theirs. Of sipetl's, hosts share the three stores, the key and the senders'
drop; of Airflow's, the broker, the database and the folder of logs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import URL

from sipetl.privacy import create_key
from sipetl.registry.compact import write_compact
from sipetl.settings import Settings
from tests.flows.airflow_home import RETRY_SECONDS, Airflow, local
from tests.flows.debian import POSTGRESQL, postgresql, redis
from tests.flows.deployment import DEPLOY, env, services
from tests.flows.many_districts import send, write_registry
from tests.flows.native import command_here, natively, running, started, wait_until_well
from tests.flows.parts import free_port
from tests.home import KEY, TODAY, Site

CELERY = "--celery"
HEARTBEAT_SECONDS = 20
"""Without a sign of life for so long, a task is taken from its worker; 300 in production, where nobody waits for it."""
SPEED = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
    "SIPETL_RETRY_SECONDS": str(RETRY_SECONDS),
    "SIPETL_MEMORY": "512MB",
    "SIPETL_THREADS": "2",
}
"""Where a test differs from the compose file, so that it ends soon and it is known who does what."""


@dataclass
class Host(Site):
    """A machine: a home with the registry, and the way to the shared stores and the key."""

    stores: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return super().settings.model_copy(update=dict(self.stores))

    @property
    def environment(self) -> dict[str, str]:
        stores = {f"SIPETL_{name.upper()}": value for name, value in self.stores.items()}
        return super().environment | stores | {"PGAPPNAME": self.root.name}

    @property
    def letters_written(self) -> set[str]:
        """Deliveries that a process of this host brought to their end."""
        return {path.stem for path in (self.root / "reports" / "letters").glob("*.json")}


@dataclass
class Cluster:
    """Hosts, what they share, and the workers that run."""

    folder: Path
    superuser: str
    """URL of the warehouse's superuser."""
    shared: Mapping[str, str]
    """The environment that the compose file gives to all parts, natively."""
    hosts: Mapping[str, Host]
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment(self, name: str) -> dict[str, str]:
        """Of the processes of a host; a worker serves its logs, so it needs a port of its own."""
        port = {"AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port())}
        return {
            **self.shared,
            **port,
            **self.hosts[name].environment,
            "PATH": f"{self.folder / name}:{self.shared['PATH']}",
        }

    def start_worker(self, name: str) -> None:
        """By the compose file's command; the name stands for the container's own host name."""
        environment = self.environment(name)
        command = command_here(services(CELERY)["worker"]["command"], environment)
        self.workers[name] = started(
            [*command, "--celery-hostname", name], environment, self.folder / f"{name}.log", cwd=self.folder
        )

    def wait_for_worker(self, name: str) -> None:
        """By the compose file's health check."""
        wait_until_well(services(CELERY)["worker"], self.environment(name), name)

    def kill(self, name: str) -> None:
        """All its processes at once; the worker first, so that none can tell of another's end."""
        worker = psutil.Process(self.workers[name].pid)
        for process in (worker, *worker.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.workers.pop(name).wait()


@contextmanager
def cluster(folder: Path, *names: str) -> Iterator[Cluster]:
    """Stores, broker and homes; no part of Airflow runs yet. Workers are gone at the end, also after a failure."""
    passwords, broker = env(CELERY), free_port()
    with postgresql(folder) as superuser:
        make_databases(superuser, passwords)
        server = f"{superuser.host}:{superuser.port}"
        places = {"metadata:5432": server, "redis:6379": f"127.0.0.1:{broker}"}
        shared = of_all_parts(folder, places)
        url = f"postgresql+psycopg://sipetl_login:{passwords['WAREHOUSE_LOGIN_PASSWORD']}@{server}/sipetl"
        made = Cluster(
            folder, superuser.set(database="sipetl").render_as_string(False), shared, make_hosts(folder, url, names)
        )
        with redis(services(CELERY)["redis"], shared, folder, broker):
            try:
                yield made
            finally:
                local.stop(list(made.workers.values()))


def of_all_parts(folder: Path, places: Mapping[str, str]) -> dict[str, str]:
    """The environment that the compose file gives to every part, without what is a host's own."""
    environment = natively(services(CELERY)["scheduler"], folder, places)
    kept = {name: value for name, value in environment.items() if not name.startswith("SIPETL_")}
    address = environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    passwords = folder / "airflow" / "passwords.json"
    login = {"API__BASE_URL": address, "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords)}
    return kept | {f"AIRFLOW__{name}": value for name, value in login.items()} | SPEED


def make_databases(superuser: URL, passwords: Mapping[str, str]) -> None:
    """The warehouse by the compose file's script, and what PostgreSQL's image makes of the metadata's variables."""
    given = {name: value for name, value in passwords.items() if name.startswith("WAREHOUSE_")} | {
        "PATH": f"{POSTGRESQL}:{os.environ['PATH']}",
        "PGHOST": str(superuser.host),
        "PGPORT": str(superuser.port),
        "PGPASSWORD": str(superuser.password),
        "POSTGRES_USER": str(superuser.username),
    }
    subprocess.run([str(DEPLOY / "warehouse" / "roles.sh")], env=given, check=True)
    with psycopg.connect(superuser.render_as_string(False), autocommit=True) as connection:
        password_of = sql.Literal(passwords["METADATA_PASSWORD"])
        connection.execute(sql.SQL("create role airflow login password {}").format(password_of))
        connection.execute("create database airflow owner airflow")


def make_hosts(folder: Path, url: str, names: Sequence[str]) -> dict[str, Host]:
    """Homes that have the same registry, key and stores, and a program that tells the host's name as a container does."""
    drop, key = folder / "drop", folder / "sipetl.key"
    send(drop)
    create_key(key, KEY)
    stores = {"landing_url": str(folder / "landing"), "lake_url": str(folder / "lake")}
    made = {}
    for name in names:
        home = folder / name
        write_registry(home / "registry", drop)
        write_compact(home)
        (home / "hostname").write_text(f"#!/bin/sh\necho {name}\n", encoding="utf-8")
        (home / "hostname").chmod(0o755)
        made[name] = Host(home, url, TODAY, key, stores=stores)
    return made


@contextmanager
def parts_running(made: Cluster, name: str, workers: Sequence[str]) -> Iterator[Airflow]:
    """Workers on their hosts, and all other parts on one."""
    environment = made.environment(name)
    host = made.hosts[name]
    Path(environment["AIRFLOW_HOME"]).mkdir()
    local.prepare(environment)
    for worker in workers:
        made.start_worker(worker)
    with running(environment, made.folder):
        client = local.Client(environment)
        client.wait_until_healthy()
        database = environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
        yield Airflow(host, environment, client, database)
