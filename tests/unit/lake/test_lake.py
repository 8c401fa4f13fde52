"""The lake on real Delta files: scopes, versions, spans, identity."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from sipetl.intake.contract import load_contract
from sipetl.lake import Lake, Part, Scope, attach, attach_identity, commit, impact, is_committed, refresh_identity
from sipetl.registry.models import FeedName

WEEK_1 = Scope("window", "attendance_date", date(2025, 9, 1), date(2025, 9, 5))
WEEK_2 = Scope("window", "attendance_date", date(2025, 9, 8), date(2025, 9, 12))


def attendance(con: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str, bool], table: str = "good") -> str:
    """Rows (id, district, day, present) as a table of good rows."""
    con.execute(f"drop table if exists {table}")
    columns = ", ".join(f"{c.name} {c.physical_type}" for c in load_contract(FeedName.ATTENDANCE).columns)
    con.execute(f"create temp table {table} ({columns}, school_year integer, district varchar, row_number bigint)")
    for number, (who, district, day, present) in enumerate(rows, start=2):
        con.execute(
            f"insert into {table} (population, id_hash, school, attendance_date, grain, unit, present, school_year,"
            " district, row_number) values ('student', ?, '35010001', ?, 'day', '', ?, 2026, ?, ?)",
            [who.encode(), day, present, district, number],
        )
    return table


def part(name: str, scope: Scope, district: str = "3501") -> Part:
    return Part(name, FeedName.ATTENDANCE, district, 2026, scope)


def shown(con: duckdb.DuckDBPyConnection, lake: Lake, **which: object) -> list[tuple[object, ...]]:
    view = attach(con, lake, FeedName.ATTENDANCE, **which)  # type: ignore[arg-type]
    return con.execute(
        f"select decode(id_hash), district, attendance_date::varchar, present, part_id from {view} order by all"
    ).fetchall()


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_window_replaces_its_days_only(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    rows = attendance(con, ("a", "3501", "2025-09-02", True), ("a", "3501", "2025-09-09", True))
    commit(
        con,
        lake,
        rows,
        [part("p1", Scope("window", "attendance_date", date(2025, 9, 1), date(2025, 9, 12)))],
        tmp_path,
    )

    commit(con, lake, attendance(con, ("b", "3501", "2025-09-10", False)), [part("p2", WEEK_2)], tmp_path)

    assert shown(con, lake) == [
        ("a", "3501", "2025-09-02", True, "p1"),
        ("b", "3501", "2025-09-10", False, "p2"),
    ]


def test_superseded_state_stays_readable(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    first = commit(con, lake, attendance(con, ("a", "3501", "2025-09-02", True)), [part("p1", WEEK_1)], tmp_path)
    commit(con, lake, attendance(con, ("a", "3501", "2025-09-02", False)), [part("p2", WEEK_1)], tmp_path)

    assert shown(con, lake, version=first) == [("a", "3501", "2025-09-02", True, "p1")]
    assert shown(con, lake) == [("a", "3501", "2025-09-02", False, "p2")]


def test_increment_replaces_rows_with_the_same_key_only(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    commit(
        con,
        lake,
        attendance(con, ("a", "3501", "2025-09-02", True), ("b", "3501", "2025-09-02", True)),
        [part("p1", WEEK_1)],
        tmp_path,
    )

    commit(
        con,
        lake,
        attendance(con, ("b", "3501", "2025-09-02", False), ("c", "3501", "2025-09-03", True)),
        [part("p2", Scope("increment"))],
        tmp_path,
    )

    assert [(row[0], row[3], row[4]) for row in shown(con, lake)] == [
        ("a", True, "p1"),
        ("b", False, "p2"),
        ("c", True, "p2"),
    ]


def test_district_of_digits_stays_text_when_it_is_alone(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    commit(con, lake, attendance(con, ("a", "3501", "2025-09-02", True)), [part("p1", WEEK_1)], tmp_path)

    view = attach(con, lake, FeedName.ATTENDANCE)

    kinds = dict(con.execute(f"select column_name, column_type from (describe {view})").fetchall())
    assert (kinds["district"], kinds["school_year"]) == ("VARCHAR", "INTEGER")
    assert con.execute(f"select district from {view}").fetchall() == [("3501",)]


def test_only_partitions_asked_for_are_opened(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    rows = attendance(con, ("a", "3501", "2025-09-02", True), ("b", "9002", "2025-09-02", True))
    commit(con, lake, rows, [part("p1", WEEK_1), part("p2", WEEK_1, "9002")], tmp_path)
    lake.opened.clear()

    assert [row[0] for row in shown(con, lake, years={2026}, districts={"9002"})] == ["b"]
    assert len(lake.opened) == 1
    assert "district=9002" in lake.opened[0]


def test_nothing_is_opened_for_no_districts(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    commit(con, lake, attendance(con, ("a", "3501", "2025-09-02", True)), [part("p1", WEEK_1)], tmp_path)
    lake.opened.clear()

    assert shown(con, lake, districts=set()) == []
    assert lake.opened == []


def test_committed_part_is_known(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    done, other = part("p1", WEEK_1), part("p2", WEEK_1)
    assert is_committed(lake, done) is None

    commit(con, lake, attendance(con, ("a", "3501", "2025-09-02", True)), [done], tmp_path)

    assert is_committed(lake, done) == 1
    assert is_committed(lake, other) is None


def test_impact_counts_removed_and_changed(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    before = attendance(con, *((who, "3501", "2025-09-02", True) for who in "abcd"))
    commit(con, lake, before, [part("p1", WEEK_1)], tmp_path)
    after = attendance(con, ("a", "3501", "2025-09-02", False), ("b", "3501", "2025-09-02", True))

    found = impact(con, lake, after, part("p2", WEEK_1))

    assert (found.rows_before, found.rows_after, found.rows_removed, found.rows_changed) == (4, 2, 2, 1)
    assert found.exceeds(load_contract(FeedName.ATTENDANCE)) == "it would remove 2 of 4 rows; the limit is 5 %"


def overwrite_own_district(url: str, scratch: str, district: str, rounds: int) -> None:
    """One process of the concurrency test."""
    con, lake = duckdb.connect(), Lake(url)
    for number in range(rounds):
        rows = attendance(con, ("a", district, "2025-09-02", number % 2 == 0))
        commit(con, lake, rows, [part(f"{district}-{number}", WEEK_1, district)], Path(scratch))


def test_districts_commit_at_once_without_conflict(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    districts = ["3501", "9002", "9003"]
    with ProcessPoolExecutor(len(districts), mp_context=get_context("spawn")) as pool:
        done = [pool.submit(overwrite_own_district, lake.url, str(tmp_path), d, 4) for d in districts]
        for job in done:
            job.result()

    assert [(row[1], row[3]) for row in shown(con, lake)] == [(d, False) for d in districts]


def roster(
    con: duckdb.DuckDBPyConnection, day: str, *rows: tuple[str, str | None, str, str], table: str = "good"
) -> str:
    """Rows (id, state id, school, grade) of a snapshot."""
    con.execute(f"drop table if exists {table}")
    columns = ", ".join(f"{c.name} {c.physical_type}" for c in load_contract(FeedName.ROSTER).columns)
    con.execute(f"create temp table {table} ({columns}, school_year integer, district varchar, row_number bigint)")
    for number, (who, state, school, grade) in enumerate(rows, start=2):
        con.execute(
            f"insert into {table} (id_hash, state_id_hash, school, snapshot_on, grade, is_active, school_year, district,"
            " row_number) values (?, ?, ?, ?, ?, true, 2026, '3501', ?)",
            [who.encode(), state.encode() if state else None, school, day, grade, number],
        )
    return table


def commit_roster(
    con: duckdb.DuckDBPyConnection, lake: Lake, scratch: Path, day: date, *rows: tuple[str, str | None, str, str]
) -> None:
    snapshot = Part(f"roster-{day}-{len(rows)}", FeedName.ROSTER, "3501", 2026, Scope("snapshot", ends=day))
    commit(con, lake, roster(con, str(day), *rows), [snapshot], scratch)


def spans(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[tuple[str, str, str, str, str | None]]:
    view = attach(con, lake, FeedName.ROSTER)
    return con.execute(
        f"select decode(id_hash), school, grade, valid_from::varchar, valid_to::varchar from {view} order by all"
    ).fetchall()


def test_snapshots_fold_into_spans(con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path) -> None:
    commit_roster(con, lake, tmp_path, date(2025, 9, 2), ("a", None, "S1", "03"), ("b", None, "S1", "04"))
    commit_roster(
        con,
        lake,
        tmp_path,
        date(2025, 10, 1),
        ("a", None, "S1", "03"),
        ("b", None, "S2", "04"),
        ("c", None, "S1", "05"),
    )
    commit_roster(con, lake, tmp_path, date(2025, 11, 3), ("b", None, "S2", "04"), ("c", None, "S1", "05"))

    assert spans(con, lake) == [
        ("a", "S1", "03", "2025-07-01", "2025-11-03"),
        ("b", "S1", "04", "2025-07-01", "2025-10-01"),
        ("b", "S2", "04", "2025-10-01", None),
        ("c", "S1", "05", "2025-10-01", None),
    ]


def test_folding_a_corrected_snapshot_undoes_the_wrong_one(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    commit_roster(con, lake, tmp_path, date(2025, 9, 2), ("a", None, "S1", "03"), ("b", None, "S1", "04"))
    commit_roster(con, lake, tmp_path, date(2025, 10, 1), ("a", None, "S9", "03"))
    commit_roster(con, lake, tmp_path, date(2025, 10, 1), ("a", None, "S1", "03"), ("b", None, "S2", "04"))

    assert spans(con, lake) == [
        ("a", "S1", "03", "2025-07-01", None),
        ("b", "S1", "04", "2025-07-01", "2025-10-01"),
        ("b", "S2", "04", "2025-10-01", None),
    ]


def keys(con: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    view = attach_identity(con, lake)
    return dict(con.execute(f"select decode(id_hash), student_key from {view}").fetchall())


def test_ids_linked_over_a_state_id_are_one_student(
    con: duckdb.DuckDBPyConnection, lake: Lake, tmp_path: Path
) -> None:
    commit_roster(
        con, lake, tmp_path, date(2025, 9, 2), ("local-1", "state-1", "S1", "03"), ("local-2", None, "S1", "04")
    )
    refresh_identity(con, lake)
    before = keys(con, lake)

    commit_roster(
        con, lake, tmp_path, date(2025, 10, 1), ("local-1", "state-1", "S1", "03"), ("local-2", "state-1", "S1", "04")
    )
    changed = refresh_identity(con, lake)

    after = keys(con, lake)
    assert before["local-1"] == before["state-1"] != before["local-2"]
    assert changed
    assert len(set(after.values())) == 1
    assert not refresh_identity(con, lake)
