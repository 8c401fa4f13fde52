"""What is deployed, as tests read it: the compose file with the variables that make-env writes, and its secrets."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.home import ROOT

COMPOSE, EXAMPLE, DEPLOY = ROOT / "docker-compose.yaml", ROOT / ".env.example", ROOT / "deploy"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:\?|-)[^}]*\}")
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
WORKER = ["airflow", "celery", "worker"]

Service = dict[str, Any]


def read_env(file: Path) -> dict[str, str]:
    """Names and values of an env file."""
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def secret_names() -> list[str]:
    """What the example leaves empty for make-env to fill in."""
    named = (name for name, value in read_env(EXAMPLE).items() if not value)
    wanted = (name for name in named if name.endswith(("PASSWORD", "KEY", "SECRET")))
    return sorted({*wanted} - {"SMTP_PASSWORD"})  # the catcher asks for none


def make_env(file: Path, *arguments: str) -> dict[str, str]:
    """Run make-env; what it wrote."""
    command = [sys.executable, str(DEPLOY / "make-env"), "--file", str(file), *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return read_env(file)


@cache
def env(*options: str) -> dict[str, str]:
    """What make-env writes; the same in all tests of a session."""
    with tempfile.TemporaryDirectory() as folder:
        return make_env(Path(folder) / "env", *options)


@cache
def services(*options: str) -> dict[str, Service]:
    """The compose file's services, with the variables filled in."""
    read: dict[str, Service] = filled(yaml.safe_load(COMPOSE.read_text("utf-8")), env(*options))["services"]
    return read


def filled(node: Any, values: Mapping[str, str]) -> Any:
    """The node with its variables filled in, after YAML was read, as compose does it."""
    if isinstance(node, dict):
        return {key: filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, values) for value in node]
    return VARIABLE.sub(lambda found: values[found[1]], node).replace("$$", "$") if isinstance(node, str) else node
