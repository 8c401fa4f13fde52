"""Spark beside DuckDB on what a demo does not hold: odd names, odd ids, all grains of attendance, published figures."""

from __future__ import annotations

import random
import sys
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from sipetl.errors import ConfigError, LakeError
from sipetl.lake import Lake, attach
from sipetl.lake.tables import arrow_schema
from sipetl.metrics import compute_feed, ensure_inputs, load_catalogue
from sipetl.metrics.engine import DUCKDB, Engine, open_engine
from sipetl.metrics.spark import Spark
from sipetl.registry.models import FeedName
from sipetl.settings import EngineName, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF = date(2026, 1, 31)
SCHOOLS = ("00350005", "00350010", "90020005")
ORGANIZATIONS = """
    insert into ref_organization values
        (11, '00350005', 'school', '0035', 100, 50, 100, 1, 'cal'), (12, '00350010', 'school', '0035', 100, 50, 100, 1, 'cal'),
        (21, '90020005', 'school', '9002', 200, 50, 200, 1, null),
        (100, '00350000', 'district', '0035', 50, 50, 100, 1, 'cal'), (200, '90020000', 'district', '9002', 50, 50, 200, 1, null),
        (50, '90000000', 'region', null, 1, 50, null, 1, null), (1, '00000000', 'state', null, null, null, null, 1, null);
    insert into ref_period values
        (1, 2026, 'year', '2026', '2025-07-01', '2026-06-30'), (2, 2026, 'month', '2025-10', '2025-10-01', '2025-10-31'),
        (3, 2026, 'month', '2026-01', '2026-01-01', '2026-01-31'), (4, 2026, 'cycle', 'C1', '2025-07-01', '2025-11-15'),
        (5, 2026, 'window', '2026-fall', '2025-09-01', '2025-10-31');
    insert into ref_school_day select 'cal', d::date, 'instructional'
        from range(date '2025-09-01', date '2026-06-20', interval 1 day) as r (d) where dayofweek(d) between 1 and 5;
"""
Row = dict[str, Any]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    ensure_inputs(con)
    con.execute(ORGANIZATIONS)
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    names = {name: None for row in rows for name in row}
    base = {"school_year": 2026, "district": "0035", "part_id": "p"}
    filled = [{**names, **base, "row_number": n, **row} for n, row in enumerate(rows, start=1)]
    con.register("given", pa.Table.from_pylist(filled))
    con.execute(f"insert into {table} by name select * from given")
    con.unregister("given")


def found(con: duckdb.DuckDBPyConnection, feed: FeedName, engine: Engine) -> tuple[list[Any], list[Any]]:
    """All integers of a feed, and the types of their columns."""
    table = compute_feed(con, feed, as_of=AS_OF, catalogue=load_catalogue(), engine=engine)
    return con.execute(f"select * from {table} order by all").fetchall(), con.table(table).types


def id_of(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


def attendance(seed: int) -> tuple[list[Row], list[Row]]:
    """Roster and rows of forty students: movers, late exits, students whom no roster knows, and every grain."""
    choose = random.Random(seed)  # noqa: S311
    days = [date(2025, 9, 1) + timedelta(days=n) for n in range(150)]
    roster, rows = [], []
    for number in range(40):
        first, second = choose.sample(SCHOOLS, 2)
        moved = choose.choice(days) if number % 4 == 0 else None
        known = {
            "id_hash": id_of(number), "grade": choose.choice(["PK", "K", "05", "11", None]), "gender": choose.choice("FMNX"),
            "english_learner": choose.choice([True, False, None]), "former_el": choose.choice([True, False]),
            "disability": choose.choice([True, False]), "low_income": choose.choice([True, False, None]),
        }  # fmt: skip
        if number % 7:
            roster.append({**known, "school": first, "valid_from": days[0], "valid_to": moved})
        if moved:
            roster.append({**known, "school": second, "valid_from": moved, "valid_to": None})
        for day in choose.sample(days, 12):
            grain = ("event", "day", "section", "cumulative")[number % 4]
            present = choose.choice([True, False, None])
            row = {
                "population": "student", "id_hash": id_of(number), "school": choose.choice([first, second]),
                "attendance_date": day, "grain": grain, "present": present, "excused": choose.choice([True, False, None]),
                "unit": choose.choice(["1", "2"]), "tardy": choose.choice([True, None]),
                "portion_absent_x100": choose.choice([None, None, 50, 100]),
            }  # fmt: skip
            counts = {
                "days_member_x100": choose.randrange(20) * 100,
                "days_absent_x100": choose.choice([0, 100, None]),
            }
            rows.append({**row, **(counts if grain == "cumulative" else {})})
    return roster, rows


def test_attendance_of_every_grain_is_the_same(con: duckdb.DuckDBPyConnection, spark: SparkSession) -> None:
    roster, rows = attendance(seed=1)
    insert(con, "lake_roster", roster)
    insert(con, "lake_attendance", rows)
    linked = pa.table({"id_hash": [id_of(n) for n in range(6)], "student_key": [1, 1, 2, 3, 4, 5]})
    con.register("linked", linked)
    con.execute("insert into identity select * from linked")

    expected = found(con, FeedName.ATTENDANCE, DUCKDB)

    assert len(expected[0]) > 50
    assert found(con, FeedName.ATTENDANCE, Spark(spark, Lake(""))) == expected


def test_published_figures_are_the_same(con: duckdb.DuckDBPyConnection, spark: SparkSession) -> None:
    figure = {"level": "district", "metric": "graduation rate", "student_group": "all", "period": "annual"}
    insert(
        con, "lake_published_results",
        [
            {**figure, "organization": "00350000", "numerator": 81, "denominator": 90, "subject": ""},
            {**figure, "organization": "90020000", "numerator": 7, "denominator": 10},
            {**figure, "organization": "90020000", "value": "66.6667", "metric": "Ratio - \u0130\u212a/\u00c9x", "subject": "ELA"},
            {**figure, "organization": "00350005", "level": "school", "grade": "05", "value": "0.5", "metric": "x"},
            {**figure, "organization": "00350000", "value": "1", "suppressed": "small", "metric": "hidden"},
        ],
    )  # fmt: skip

    expected = found(con, FeedName.PUBLISHED_RESULTS, DUCKDB)

    assert {row[2] for row in expected[0]} == {
        "published_graduation_rate", "published_ratio_ik_x_ela", "published_x",
    }  # fmt: skip
    assert found(con, FeedName.PUBLISHED_RESULTS, Spark(spark, Lake(""))) == expected


def test_a_district_of_digits_stays_text_in_spark(
    con: duckdb.DuckDBPyConnection, spark: SparkSession, tmp_path: Path
) -> None:
    lake, schema = Lake(str(tmp_path)), arrow_schema(FeedName.OBSERVATION)
    rows = [
        {
            "observation_hash": id_of(n), "school": SCHOOLS[n % 2], "observed_on": date(2025, 10, 1), "rating": n % 5,
            "indicator": "I-A", "rubric": "r", "school_year": 2026, "district": "0035", "part_id": "p", "row_number": n,
        }
        for n in range(9)
    ]  # fmt: skip
    write_deltalake(
        lake.table_url(FeedName.OBSERVATION),
        pa.Table.from_pylist(rows, schema),
        partition_by=["school_year", "district"],
    )
    con.execute("drop table lake_observation")
    attach(con, lake, FeedName.OBSERVATION, years={2026}, districts={"0035"})
    engine = Spark(spark, lake)

    engine.fill(con, "districts", "select distinct district, school_year from lake_observation", {})

    assert con.execute("from districts").fetchall() == [("0035", 2026)]
    assert found(con, FeedName.OBSERVATION, engine) == found(con, FeedName.OBSERVATION, DUCKDB)


def test_sparks_own_words_stay_inside(
    con: duckdb.DuckDBPyConnection, spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    con.execute("create temp table huge as select 'Quillfeather' as name, 7000000000000000000 as days")
    engine = Spark(spark, Lake(""))

    for query in ("select 2 * days as d from huge", "select name::integer as d from huge"):
        with pytest.raises(LakeError) as caught:
            engine.fill(con, "made", query, {})
        said = f"{caught.value}{capfd.readouterr()}"
        assert "Quillfeather" not in said
        assert "7000000000000000000" not in said
        assert caught.value.__suppress_context__


def test_what_spark_lacks_is_told_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(engine=EngineName.SPARK)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)

    with pytest.raises(ConfigError, match=r"install sipetl\[spark\]"), open_engine(settings, tmp_path):
        pass


def test_java_that_is_not_here_is_told_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)

    with (
        pytest.raises(ConfigError, match="openjdk-17-jre-headless"),
        open_engine(load_settings(engine=EngineName.SPARK), tmp_path),
    ):
        pass


def test_memory_is_written_as_java_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)

    with (
        pytest.raises(ConfigError, match="SIPETL_MEMORY"),
        open_engine(load_settings(engine=EngineName.SPARK, memory="half"), tmp_path),
    ):
        pass
