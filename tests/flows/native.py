"""The compose file's services without a container: their commands, environments and health checks, run on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.flows.airflow_home import PATIENCE, local, until
from tests.flows.deployment import PARTS, Service, services
from tests.flows.parts import free_port
from tests.home import ROOT

PROGRAMS = Path(sys.executable).parent
"""Where airflow, celery and python are: first in the path, as in the image."""
CHECK_SECONDS = 3


def natively(service: Service, folder: Path, others: Mapping[str, str] | None = None) -> dict[str, str]:
    """A service's environment, with this test's folders, ports and `others` (of services) in place of the image's."""
    port, logs, triggers = free_port(), free_port(), free_port()
    places = {
        "/opt/airflow/dags": str(ROOT / "dags"),
        "/opt/airflow/plugins": str(ROOT / "plugins"),
        "/opt/airflow": str(folder / "airflow"),
        "/srv/sipetl": str(folder / "srv"),
        "0.0.0.0": "127.0.0.1",  # noqa: S104
        "http://api-server:8080": f"http://127.0.0.1:{port}",
        **(others or {}),
    }
    environment = {name: _replaced(value, places) for name, value in service["environment"].items()}
    ours = ("AIRFLOW", "SIPETL", "PYTHONDONT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    ports = {"API__PORT": port, "LOGGING__WORKER_LOG_SERVER_PORT": logs, "LOGGING__TRIGGER_LOG_SERVER_PORT": triggers}
    own = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **{f"AIRFLOW__{name}": str(at) for name, at in ports.items()}}
    return kept | environment | own


def _replaced(text: str, places: Mapping[str, str]) -> str:
    for there, here in places.items():
        text = text.replace(there, here)
    return text


@contextmanager
def running(environment: Mapping[str, str], logs: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run each part by its own command; all that they started is gone at the end."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for part in PARTS:
            command = command_here(services()[part]["command"], environment)
            processes.append(started(command, environment, logs / f"{part}.log"))
        yield processes
    finally:
        local.stop(processes)


def started(
    command: list[str], environment: Mapping[str, str], log: Path, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
        )


def command_here(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """A command of the image, with this test's port."""
    port = environment["AIRFLOW__API__PORT"]
    return [word.replace("127.0.0.1:8080", f"127.0.0.1:{port}") for word in command]


def wait_until_well(service: Service, environment: Mapping[str, str], name: str, patience: float = PATIENCE) -> None:
    """Run a service's health check until it says so; with pauses, for the check itself starts an Airflow."""
    until(partial(_is_well, service, environment), f"{name} to be healthy", patience, pause=CHECK_SECONDS)


def _is_well(service: Service, environment: Mapping[str, str]) -> bool:
    """Run a service's health check, as compose does: a command, or a line for the shell."""
    kind, *test = service["healthcheck"]["test"]
    command = command_here(["sh", "-c", *test] if kind == "CMD-SHELL" else test, environment)
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
