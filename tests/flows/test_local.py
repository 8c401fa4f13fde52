"""`make airflow` for a newcomer: one command, an address and a login, a first green run, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sipetl.warehouse import embedded
from tests.flows.airflow_home import SCRIPT

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

PATIENCE = 400
"""Seconds, on a machine that does other things too; then the test fails."""


@contextmanager
def started(home: Path, log: Path, until: str) -> Iterator[str]:
    """What the command printed until then; Ctrl-C ends it, and nothing of it is left."""
    command = [
        sys.executable,
        str(SCRIPT),
        "--home",
        str(home),
        "--students",
        "60",
        "--districts",
        "1",
        "--port",
        "18180",
    ]
    with log.open("wb") as out:
        script = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while until not in (told := log.read_text("utf-8")) and time.monotonic() < deadline:
            assert script.poll() is None, told
            time.sleep(0.5)
        yield told
    finally:
        script.send_signal(signal.SIGINT)
        status = script.wait(60)
    assert status == 0
    assert [process.pid for process in psutil.process_iter() if belongs_to(process, home)] == []


def test_one_command_shows_a_pipeline_ends_cleanly_and_goes_on_the_next_time(tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        with started(home, tmp_path / "first.txt", "compute_metrics:") as told:
            print(told)  # noqa: T201
            assert re.search(r"http://127\.0\.0\.1:\d+\n  login admin, password \S+", told)
            assert re.search(r"ingest_roster: success, \d+ s", told)
            assert re.search(r"compute_metrics: success, \d+ s", told)
        with started(home, tmp_path / "second.txt", "Airflow is up") as told:
            assert "Generating" not in told
            assert "Airflow is up" in told
    finally:
        for name in ("airflow/metadata", "warehouse"):
            embedded.remove(home / name)


def belongs_to(process: psutil.Process, home: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get("SIPETL_HOME") == str(home)
    except psutil.Error:
        return False
