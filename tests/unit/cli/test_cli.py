"""The command line as a person meets it: help, a new home, errors in one paragraph, exit statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from sipetl.cli import app
from tests.home import ATTENDANCE, command


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


def test_new_home_is_in_order(home: dict[str, str]) -> None:
    done = command("check", **home)
    assert (done.status, done.out) == (0, "Everything is in order.\n")


def test_new_home_is_not_made_over_another(home: dict[str, str]) -> None:
    done = command("init", home["SIPETL_HOME"], **home)
    assert done.status == 2
    assert "there is a registry already" in done.err


def test_example_plan_has_no_lint(home: dict[str, str]) -> None:
    done = command("--as-of", "2025-11-10", "plan", "lint", "--json", **home)
    assert (done.status, json.loads(done.out)) == (0, [])


def test_nothing_came_shows_as_missing_and_blocks_the_cycle(home: dict[str, str]) -> None:
    arrivals = command("--as-of", "2025-11-24", "arrivals", "--json", **home)
    readiness = command("--as-of", "2025-11-24", "readiness", "C1", "--json", **home)

    first = next(a for a in json.loads(arrivals.out) if a["window"] == "2025-09-02")
    assert (first["feed"], first["verdict"]) == ("attendance", "missing")
    assert first["due_at"] == "2025-09-05T18:00:00-04:00"
    assert readiness.status == 4
    assert json.loads(readiness.out)["state"] == "blocked"


def test_waived_arrival_is_no_longer_missing(home: dict[str, str]) -> None:
    what = ("waive", "9901", "assessment", "2026", "--window", "fall", "--reason", "not bought yet")
    done = command(*what, **home)
    arrivals = command("--as-of", "2025-11-24", "arrivals", "--json", **home)

    assert done.out == "1 arrival waived.\n"
    assert [a for a in json.loads(arrivals.out) if a["feed"] == "assessment"] == []


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "says"),
    [
        (["scan"], {"SIPETL_HOME": "nowhere", "SIPETL_WAREHOUSE_URL": ""}, 2, "run 'sipetl init'"),
        (["scan"], {"SIPETL_AS_OF": "soon"}, 2, "SIPETL_AS_OF"),
        (["report", "school", "00000001"], {}, 2, "00000001"),
        (["trace", "99010005", "attendance_rate", "2026"], {}, 2, "no such number"),
        (["ingest", "no-such-file.csv"], {}, 2, "cannot be read"),
        (["scan"], {"SIPETL_WAREHOUSE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}, 3, "warehouse"),
    ],
)
def test_error_is_one_paragraph(
    home: dict[str, str], arguments: list[str], environment: dict[str, str], status: int, says: str
) -> None:
    done = command(*arguments, **home | environment)

    assert done.status == status, done.err
    assert says in done.err.replace("\n", " ")
    assert "Traceback" not in done.err
    assert len(done.err) < 1000


def test_the_only_district_need_not_be_named(home: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "attendance_2026-01-12_2026-01-16.csv"
    path.write_text(ATTENDANCE)

    done = command("ingest", str(path), "--json", **home)

    assert "Taken for district 9901's, the only one here." in done.err
    assert json.loads(done.out)[0]["sender"] == "9901"
