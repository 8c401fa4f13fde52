"""What counts as destroying: a column that was empty in every row may be filled without a look."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sipetl.intake.contract import load_contract
from sipetl.lake import Difference, Lake, Part, Scope, commit, difference, impact
from sipetl.registry.models import FeedName

STUDENTS = 400
SCOPE = Scope("snapshot", by_columns=("subject",), by_values=(("ELA",),))


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def lake(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Lake:
    """Results without a level in reading, and with one in mathematics."""
    lake = Lake(str(tmp_path / "lake"))
    results(con, subject="MATH", level="'MID_OR_ABOVE'")
    commit(con, lake, "good", [part("p0", Scope("snapshot"))], tmp_path)
    results(con, subject="ELA", level="null")
    commit(con, lake, "good", [part("p1")], tmp_path)
    return lake


def results(con: duckdb.DuckDBPyConnection, *, subject: str = "ELA", level: str, score: str = "50000") -> str:
    """Make table `good`: one result of each student."""
    columns = ", ".join(f'"{c.name}" {c.physical_type}' for c in load_contract(FeedName.ASSESSMENT).columns)
    con.execute(
        f"create or replace temp table good ({columns}, school_year integer, district varchar, row_number bigint)"
    )
    con.execute(
        'insert into good (id_hash, school, assessment, subject, "window", scale_score_x100, level, school_year, district,'
        f" row_number) select encode('s' || n), '35010001', 'IREADY', '{subject}', 'fall', {score}, {level}, 2026, '3501',"
        f" n + 2 from range({STUDENTS}) as r (n)"
    )
    return "good"


def part(name: str, scope: Scope = SCOPE) -> Part:
    return Part(name, FeedName.ASSESSMENT, "3501", 2026, scope)


def test_a_column_that_was_empty_in_every_row_is_filled_without_a_look(
    con: duckdb.DuckDBPyConnection, lake: Lake
) -> None:
    results(con, level="'EARLY_ON'")

    found = impact(con, lake, "good", part("p2"))
    would = difference(con, lake, "good", part("p2"))

    assert (found.rows_before, found.rows_removed, found.rows_changed) == (STUDENTS, 0, 0)
    assert found.exceeds(load_contract(FeedName.ASSESSMENT)) is None
    assert (would.whole["changed"], would.by_column, would.fills) == (0, {}, {"level": STUDENTS})
    assert would.sentences == ("fills level in 400 rows",)


def test_what_else_changes_beside_a_filled_column_is_counted(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    results(con, level="'EARLY_ON'", score="case when n < 60 then 51000 else 50000 end")

    found = impact(con, lake, "good", part("p2"))
    would = difference(con, lake, "good", part("p2"))

    assert found.rows_changed == 60
    assert found.exceeds(load_contract(FeedName.ASSESSMENT)) == "it would change 60 of 400 rows; the limit is 10 %"
    assert (would.by_column, would.fills) == ({"scale_score_x100": 60}, {"level": STUDENTS})


def test_a_column_that_had_one_value_is_not_filled_but_changed(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    results(con, level="case when n = 0 then 'EARLY_ON' end")
    commit(con, lake, "good", [part("p2")], tmp_path)
    results(con, level="'EARLY_ON'")

    assert impact(con, lake, "good", part("p3")).rows_changed == STUDENTS - 1


def test_a_column_that_is_emptied_is_a_change(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    results(con, level="'EARLY_ON'")
    commit(con, lake, "good", [part("p2")], tmp_path)
    results(con, level="null")

    assert impact(con, lake, "good", part("p3")).rows_changed == STUDENTS


def test_one_row_is_said_in_the_singular() -> None:
    assert Difference({}, fills={"level": 1}).sentences == ("fills level in 1 row",)
