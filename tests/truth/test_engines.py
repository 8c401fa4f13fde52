"""Every integer is the same, whatever adds up the rows, in however many threads, and in whatever order they lie."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

import sipetl.pipeline.compute as pipeline
from sipetl.metrics import LOWER, UPPER, compute_feed, load_catalogue
from sipetl.metrics.engine import DUCKDB, Engine
from sipetl.metrics.spark import SAME_MEANING, Spark
from sipetl.pipeline import OpenHome, open_home
from sipetl.pipeline.load import load_reference
from sipetl.pipeline.recompute import Setting, _attach
from sipetl.pipeline.values import Task
from sipetl.registry.models import FeedName
from tests.truth.lived import Lived

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow
YEAR = 2026
SPARED = (FeedName.OBSERVATION, FeedName.PUBLISHED_RESULTS)
"""Spark has its own test of the first below, and of the second beside the room: the demo publishes nothing."""
CASES = [(feed, LOWER) for feed in pipeline.COMPUTED if feed not in SPARED] + [(FeedName.ATTENDANCE, UPPER)]
IDS = [f"{feed}-{levels[0]}" for feed, levels in CASES]
Connect = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def home(lived: Lived) -> Iterator[OpenHome]:
    with open_home(lived.settings) as opened:
        yield opened


@pytest.fixture
def connect(home: OpenHome) -> Iterator[Connect]:
    """Connections in which the inputs of a feed are."""
    made: list[duckdb.DuckDBPyConnection] = []

    def make(feed: FeedName, threads: int = 2, districts: Collection[str] | None = None) -> duckdb.DuckDBPyConnection:
        con = home.duckdb()
        made.append(con)
        con.execute(f"set threads = {threads}")
        load_reference(home, con)
        _attach(Setting(home, con, Task(feed, YEAR, (), home.now().date()), DUCKDB, anew=False), districts)
        return con

    yield make
    for con in made:
        con.close()


def lines(
    con: duckdb.DuckDBPyConnection,
    home: OpenHome,
    feed: FeedName,
    *,
    levels: tuple[str, ...] = LOWER,
    engine: Engine = DUCKDB,
) -> list[str]:
    """All integers of a feed, a line each, sorted."""
    table = compute_feed(con, feed, as_of=home.now().date(), catalogue=load_catalogue(), levels=levels, engine=engine)
    return sorted(line for (line,) in con.execute(f"select t::varchar from {table} as t").fetchall())


def sha256(found: list[str]) -> str:
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


@pytest.mark.parametrize(("feed", "levels"), CASES, ids=IDS)
def test_spark_gives_the_integers_of_duckdb(
    home: OpenHome, spark: SparkSession, connect: Connect, feed: FeedName, levels: tuple[str, ...]
) -> None:
    con = connect(feed)
    begun = time.perf_counter()

    found = lines(con, home, feed, levels=levels, engine=Spark(spark, home.lake))

    print(f"{feed} {levels}: {len(found)} rows in {time.perf_counter() - begun:.1f} s")  # noqa: T201
    assert found == lines(con, home, feed, levels=levels)
    assert len(found) > 500


@pytest.mark.parametrize("feed", pipeline.COMPUTED)
def test_threads_and_order_of_rows_change_nothing(home: OpenHome, connect: Connect, feed: FeedName) -> None:
    hashes = {f"{threads} threads": sha256(lines(connect(feed, threads), home, feed)) for threads in (1, 2, 8)}
    for seed in (1, 2):
        con = connect(feed)
        for name in [name for name in home.lake.views if home.lake.views[name]]:
            shuffle(con, name, seed)
        hashes[f"shuffled {seed}"] = sha256(lines(con, home, feed))

    assert len(set(hashes.values())) == 1, hashes


def shuffle(con: duckdb.DuckDBPyConnection, name: str, seed: int) -> None:
    """Let a view of the lake be a table of the same rows in another order."""
    rows = con.table(name).to_arrow_table()
    order = random.Random(seed).sample(range(rows.num_rows), rows.num_rows)  # noqa: S311
    con.register("mixed", rows.take(pa.array(order, pa.int64())))
    con.execute(f"drop view {name}")
    con.execute(f"create temp table {name} as select * from mixed")
    con.unregister("mixed")


def test_number_and_order_of_files_change_nothing(home: OpenHome, connect: Connect, tmp_path: Path) -> None:
    expected = sha256(lines(connect(FeedName.ATTENDANCE), home, FeedName.ATTENDANCE))
    con = connect(FeedName.ATTENDANCE)
    for name in ("lake_attendance", "lake_roster"):
        rows, files = con.table(name).to_arrow_table(), []
        for index in range(7):
            files.append(tmp_path / f"{name}-{6 - index}.parquet")
            first, end = index * rows.num_rows // 7, (index + 1) * rows.num_rows // 7
            con.register("part", rows.slice(first, end - first))
            con.execute(f"copy part to '{files[-1]}' (row_group_size 1000)")
        con.execute(
            f"create or replace temp view {name} as select * from read_parquet({[str(f) for f in reversed(files)]})"
        )

    assert sha256(lines(con, home, FeedName.ATTENDANCE)) == expected


@pytest.mark.parametrize("feed", [feed for feed in pipeline.COMPUTED if feed is not FeedName.PUBLISHED_RESULTS])
def test_each_district_alone_comes_to_what_all_at_once_come_to(
    home: OpenHome, connect: Connect, feed: FeedName
) -> None:
    together, alone = connect(feed), list[str]()
    for (district,) in together.execute("select district from ref_organization where level = 'district'").fetchall():
        alone += lines(connect(feed, districts={district}), home, feed)

    assert sorted(alone) == lines(together, home, feed)


@pytest.mark.parametrize("partitions", ["1", "5"])
def test_sparks_partitions_change_nothing(
    home: OpenHome, spark: SparkSession, connect: Connect, monkeypatch: pytest.MonkeyPatch, partitions: str
) -> None:
    con = connect(FeedName.OBSERVATION)
    monkeypatch.setitem(SAME_MEANING, "spark.sql.shuffle.partitions", partitions)
    monkeypatch.setitem(SAME_MEANING, "spark.sql.adaptive.enabled", "false")

    found = lines(con, home, FeedName.OBSERVATION, engine=Spark(spark, home.lake))

    assert found == lines(con, home, FeedName.OBSERVATION)
