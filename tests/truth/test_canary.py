"""Planted students are found in landing, and nowhere else: not in the stores, not in letters, not on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text

from sipetl.pipeline import open_home
from sipetl.warehouse import tables as t
from tests.home import Site
from tests.truth.lived import Lived

pytestmark = pytest.mark.slow

ALLOWED = ("landing", "inbox", "registry", ".arriving")
"""What was received, as it was received; everything else in a home is ours."""
COMMANDS = [
    ("deliveries",),
    ("deliveries", "--json"),
    ("quarantine", "list"),
    ("quarantine", "list", "--json"),
    ("hold", "list"),
    ("hold", "list", "--json"),
    ("arrivals",),
    ("arrivals", "--json"),
    ("readiness", "C3"),
    ("plan", "status"),
    ("metrics", "values", "--level", "school", "--period", "2026"),
    ("trace", "35010010", "chronic_absence_rate_pk12", "2026"),
    ("trace", "35010010", "map_mean_rit_math", "2026-fall", "--json"),
    ("report", "home"),
    ("report", "school", "35010005"),
    ("trace", "35010010", "chronic_absence_rate_pk12", "2026", "--rows"),
    ("restatements", "--all"),
]


@pytest.fixture(scope="module")
def secrets(lived: Lived) -> tuple[str, ...]:
    """Names, ids and birth dates of the planted students."""
    found = tuple(text for canary in lived.script.canaries for text in canary.texts)
    assert len(found) == 21, "three districts, seven texts each"
    return found


def leaks(secrets: Iterable[str], content: str | bytes) -> list[str]:
    """Which of the texts stand in the content, in small or capital letters."""
    lowered = (content.encode() if isinstance(content, str) else content).lower()
    return [secret for secret in secrets if secret.lower().encode() in lowered]


def files_below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def test_landing_has_them(lived: Lived, secrets: tuple[str, ...]) -> None:
    received = b"\n".join(path.read_bytes() for path in files_below(lived.home / "landing"))

    for canary in lived.script.canaries:
        first, last, local_id, state_id, *births = canary.texts
        assert leaks([first, last, local_id, state_id], received) == [first, last, local_id, state_id]
        assert leaks(births, received), "the birth date, in one form or another"


def test_no_file_of_the_home_has_them(lived: Lived, secrets: tuple[str, ...]) -> None:
    ours = [path for path in lived.home.iterdir() if path.name not in ALLOWED]
    files = list(files_below(*(path for path in ours if path.is_dir())))

    found = {str(path.relative_to(lived.home)): leaks(secrets, path.read_bytes()) for path in files}

    assert {name: texts for name, texts in found.items() if texts} == {}
    kinds = {path.relative_to(lived.home).parts[0] for path in files}
    assert {"lake", "reports", "warehouse"} <= kinds
    assert any("_delta_log" in path.parts for path in files)


def test_no_row_of_the_lake_has_them(lived: Lived, secrets: tuple[str, ...]) -> None:
    files = [path for path in files_below(lived.home / "lake") if path.suffix == ".parquet"]

    with duckdb.connect() as con:
        for path in files:
            rows = con.execute("select file::varchar from read_parquet(?) as file", [str(path)]).fetchall()
            assert rows
            assert leaks(secrets, "\n".join(row for (row,) in rows)) == [], path.name


def test_no_table_of_the_warehouse_has_them(lived: Lived, secrets: tuple[str, ...]) -> None:
    with open_home(lived.settings) as home, home.warehouse.begin() as connection:
        tables = connection.execute(
            text("select schemaname, tablename from pg_tables where schemaname = any(:ours)"),
            {"ours": list(t.SCHEMAS)},
        ).all()
        for schema, table in tables:
            rows = connection.execute(text(f'select r::text from "{schema}"."{table}" r')).scalars()
            assert leaks(secrets, "\n".join(rows)) == [], f"{schema}.{table}"
    assert ("ops", "issue") in {tuple(table) for table in tables}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_tells_them(lived: Lived, secrets: tuple[str, ...], command: tuple[str, ...]) -> None:
    site = Site(lived.home, "", today=lived.script.days[-1].day)

    done = site.run(*command)

    assert done.out + done.err
    assert done.status in (0, 4), "done, or a person has to look at something"
    assert leaks(secrets, done.out + done.err) == []
