"""Run a contestant as a process of its own, in its own environment: seconds, peak memory, and what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".envs"
OURS = "sipetl"
"""The environment of the project itself."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contestant."""

    contestant: str
    seconds: float
    """Of the work alone: without the start of Python and imports."""
    peak_mb: float
    result: Mapping[str, Any]


class ContestantError(Exception):
    """A contestant did not come to its end."""


def python_of(peer: str) -> Path:
    """Make a peer's environment from the package index, once; return its Python."""
    if peer == OURS:
        return Path(sys.executable)
    folder = ENVIRONMENTS / peer
    python = folder / "bin" / "python"
    if not python.exists():
        uv = [str(Path(sys.executable).parent / "uv"), "--quiet"]
        subprocess.run([*uv, "venv", "--python", sys.executable, str(folder)], check=True)  # noqa: S603
        given = ["--python", str(python), "--requirement", str(HERE / "peers" / f"{peer}.txt")]
        subprocess.run([*uv, "pip", "install", *given], check=True)  # noqa: S603
    return python


def run(contestant: str, peer: str, script: str, arguments: Sequence[str]) -> Measured:
    """Run once.

    Raises:
        ContestantError: it failed; what it printed is in the message.
    """
    command = [str(python_of(peer)), str(HERE / "contestants" / script), *arguments]
    own = {"PYTHONPATH": str(HERE.parent)} if peer == OURS else {}
    done = subprocess.run(  # noqa: S603
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_plain_environment() | own,
        check=False,
    )
    reports = [line.removeprefix("REPORT ") for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    if done.returncode or not reports:
        raise ContestantError(f"{contestant} failed:\n{done.stdout[-3000:]}")
    told = json.loads(reports[-1])
    return Measured(contestant, told["seconds"], told["peak_mb"], told["result"])


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SIPETL_", "PYTHON"))}
