"""A small Airflow for tests: its parts as separate processes, on a PostgreSQL metadata database of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from sipetl.warehouse import embedded
from tests.home import make_database

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
HOST = "127.0.0.1"
PATIENCE_SECONDS, STOP_SECONDS, LOOK_SECONDS = 180, 20, 0.5
USER = "operator"


class Parts:
    """Parts of one Airflow; `prepare` it once, then run some of them."""

    def __init__(self, folder: Path, server: embedded.Lease, given: Mapping[str, str]) -> None:
        database = f"airflow_{secrets.token_hex(4)}"
        make_database(server, database)
        self._folder = folder
        self._url = server.url("owner", database)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.port = free_port()
        self.address = f"http://{HOST}:{self.port}"
        own = {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "no-dags"),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "1",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:viewer",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._url.replace("+psycopg", "+psycopg2"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SIPETL_", "AIRFLOW"))}
        self.environment = kept | own | dict(given)

    def prepare(self) -> None:
        """Make Airflow's tables."""
        begun = time.monotonic()
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        _tell(f"airflow db migrate: {time.monotonic() - begun:.1f} s")

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """Run parts; whatever happens, all processes are gone afterwards."""
        try:
            for name in names:
                self._start(name)
            if "api-server" in names:
                begun = time.monotonic()
                self.wait(self._is_healthy, lambda: "the api-server is not healthy")
                _tell(f"api-server: {time.monotonic() - begun:.1f} s")
            yield
        finally:
            for name in list(self._running):
                self._stop(name)

    def restart(self, *names: str) -> None:
        """Stop parts and start them anew."""
        for name in names:
            self._stop(name)
        for name in names:
            self._start(name)

    def wait(self, happened: Callable[[], Any], told: Callable[[], str]) -> None:
        """Look until it happened."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            for name, process in self._running.items():
                assert process.poll() is None, f"{name} ended: {self.log(name)[-3000:]}"
            assert time.monotonic() < end, f"{told()}\n{''.join(self.log(name)[-2000:] for name in self._running)}"
            time.sleep(LOOK_SECONDS)

    def wait_for_another_parse(self, dag_id: str) -> None:
        """Look until the DAG's file has been read twice more: the first time may have begun before."""
        for _ in range(2):
            before = self._parsed_at(dag_id)
            self.wait(lambda seen=before: self._parsed_at(dag_id) != seen, lambda: "not parsed again")  # type: ignore[misc]

    def _parsed_at(self, dag_id: str) -> Any:
        return self.sql("select last_parsed_time from dag where dag_id = %s", dag_id)

    def sql(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """Ask Airflow's own database."""
        with psycopg.connect(self._url.replace("+psycopg", "")) as connection:
            return connection.execute(query, given).fetchall()  # type: ignore[call-overload, no-any-return]

    def log(self, name: str) -> str:
        """What a part has written to its standard output and error."""
        return self._log(name).read_text("utf-8", errors="replace")

    def password(self) -> str:
        """Of the one user, as Airflow made it."""
        found: dict[str, str] = json.loads((self._folder / "passwords.json").read_text("utf-8"))
        return found[USER]

    def token(self) -> str:
        """Log in by the API."""
        body = json.dumps({"username": USER, "password": self.password()}).encode()
        status, text, _ = ask(f"{self.address}/auth/token", body=body, headers={"Content-Type": "application/json"})
        assert status == 201, text
        return str(json.loads(text)["access_token"])

    def _is_healthy(self) -> bool:
        try:
            return ask(f"{self.address}/api/v2/version")[0] == 200
        except OSError:
            return False

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", "airflow", name]
        if name == "scheduler":
            command.append("--skip-serve-logs")
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _stop(self, name: str) -> None:
        """End a part and all that it started: they are one process group."""
        process = self._running.pop(name)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
                process.wait(STOP_SECONDS)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait(STOP_SECONDS)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def ask(
    url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str, Mapping[str, str]]:
    """Ask by HTTP: status, text and headers, also of an error."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))  # noqa: S310 (our own server)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def _tell(line: str) -> None:
    """Times are told, never asserted."""
    sys.stdout.write(f"\n{line}\n")
