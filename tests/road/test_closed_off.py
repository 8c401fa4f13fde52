"""Statements of metrics read the lake and nothing else, even if one could say what the allow-list refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sipetl.lake import attach, close_off
from sipetl.registry.models import FeedName
from tests.home import Site, attendance, present, students, weekdays

ATTACKS = [
    "from read_text('{key}')",
    "from read_csv('{key}')",
    "from glob('{folder}/*')",
    "copy (select 1) to '{folder}/written.csv'",
    "attach '{folder}/other.db' as other",
    "from read_text('{lake}/../sipetl.key')",
    "install httpfs",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
]


@pytest.fixture(scope="module")
def loaded(make_site: Callable[[], Site]) -> Site:
    site = make_site()
    site.put("attendance_a.csv", attendance(students(3), weekdays(date(2025, 9, 8), 5), present))
    site.ingest()
    return site


def test_lake_can_be_read(loaded: Site) -> None:
    with loaded.open() as home, home.duckdb() as con:
        close_off(con, home.lake)

        view = attach(con, home.lake, FeedName.ATTENDANCE)

        assert con.execute(f"select count(*) from {view}").fetchall() == [(15,)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_other_file_is_read_or_written(loaded: Site, tmp_path: Path, attack: str) -> None:
    with loaded.open() as home, home.duckdb() as con:
        close_off(con, home.lake)
        statement = attack.format(key=home.settings.key_file, folder=tmp_path, lake=home.lake.root)

        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            con.execute(statement).fetchall()

    assert list(tmp_path.iterdir()) == []
