"""The command line as a person meets it: help, a new home, errors in one paragraph, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from sipetl.cli import app
from sipetl.warehouse import embedded


def sipetl(*arguments: str, home: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIPETL_")}
    if home:
        clean["SIPETL_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "sipetl", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean | environment,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli") / "our-home"
    done = sipetl("init", str(folder))
    assert done.returncode == 0, done.stderr
    yield folder
    embedded.remove(folder / "warehouse")


def test_every_command_has_help_and_an_example() -> None:
    def walk(command: object, path: str) -> Iterator[tuple[str, object]]:
        for name, found in getattr(command, "commands", {}).items():
            if getattr(found, "commands", None):
                yield from walk(found, f"{path} {name}")
            else:
                yield f"{path} {name}", found

    commands = dict(walk(get_command(app), "sipetl"))
    assert len(commands) > 20
    assert [name for name, c in commands.items() if not c.help or "Example:" not in (c.epilog or "")] == []  # type: ignore[attr-defined]


def test_new_home_is_in_order(home: Path) -> None:
    done = sipetl("check", home=home)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Everything is in order" in done.stderr


def test_new_home_is_not_made_over_another(home: Path) -> None:
    done = sipetl("init", str(home))
    assert done.returncode == 2
    assert "there is a registry already" in done.stderr


def test_example_plan_has_no_lint(home: Path) -> None:
    done = sipetl("--as-of", "2025-11-10", "plan", "lint", "--json", home=home)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_nothing_came_shows_as_missing_and_blocks_the_cycle(home: Path) -> None:
    arrivals = sipetl("--as-of", "2025-11-24", "arrivals", "--json", home=home)
    readiness = sipetl("--as-of", "2025-11-24", "readiness", "C1", "--json", home=home)

    first = next(a for a in json.loads(arrivals.stdout) if a["window"] == "2025-09-02")
    assert (first["feed"], first["verdict"]) == ("attendance", "missing")
    assert first["due_at"] == "2025-09-05T18:00:00-04:00"
    assert readiness.returncode == 4
    assert json.loads(readiness.stdout)["state"] == "blocked"


def test_waived_arrival_is_no_longer_missing(home: Path) -> None:
    what = ("waive", "9901", "assessment", "2026", "--window", "fall", "--reason", "not bought yet")
    done = sipetl(*what, home=home)
    arrivals = sipetl("--as-of", "2025-11-24", "arrivals", "--json", home=home)

    assert "1 arrivals waived" in done.stderr
    assert [a for a in json.loads(arrivals.stdout) if a["feed"] == "assessment"] == []


def test_doctor_finds_everything(home: Path) -> None:
    done = sipetl("doctor", "--json", home=home)
    assert done.returncode == 0
    assert all(row["ok"] for row in json.loads(done.stdout))


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "says"),
    [
        (["scan"], {"SIPETL_HOME": "nowhere"}, 2, "run 'sipetl init'"),
        (["scan"], {"SIPETL_AS_OF": "soon"}, 2, "SIPETL_AS_OF"),
        (["report", "school", "00000001"], {}, 2, "00000001"),
        (["trace", "99010005", "attendance_rate", "2026"], {}, 2, "no such number"),
        (["ingest", "no-such-file.csv"], {}, 2, "cannot be read"),
        (["scan"], {"SIPETL_WAREHOUSE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}, 3, "warehouse"),
    ],
)
def test_error_is_one_paragraph(
    home: Path, arguments: list[str], environment: dict[str, str], status: int, says: str
) -> None:
    done = sipetl(*arguments, **({"home": home} if "SIPETL_HOME" not in environment else {}), **environment)

    assert done.returncode == status, done.stderr
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000
