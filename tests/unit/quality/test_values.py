"""Spreads of a column: against numpy, and where any other order of adding would lose digits."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sipetl.quality.sql import Column
from sipetl.quality.values import Values, read_values

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """One for all: each example makes its table anew."""
    with duckdb.connect() as connection:
        yield connection


def spread(con: duckdb.DuckDBPyConnection, kind: str, cells: list[object]) -> Values:
    con.execute(f"create or replace table batch (c {kind})")
    if cells:
        con.execute("insert into batch select unnest(?)", [cells])
    return read_values(con, "batch", Column("c", kind.upper()), "true")


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(FINITE, min_size=1, max_size=30), share=st.floats(0, 1))
@pytest.mark.parametrize("how", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile_is_numpys(con: duckdb.DuckDBPyConnection, how: str, cells: list[float], share: float) -> None:
    found = spread(con, "double", cells).quantile(share, how)

    assert found == np.quantile(cells, share, method=how)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(FINITE, min_size=2, max_size=30))
@example(cells=[733007751851.2812, 733007751851.2812, 733007751851.2874])
def test_mean_and_deviation_are_those_of_exact_arithmetic(con: duckdb.DuckDBPyConnection, cells: list[float]) -> None:
    values = spread(con, "double", cells)

    assert values.mean == pytest.approx(statistics.fmean(cells), rel=1e-15, abs=1e-300)
    assert values.deviation == pytest.approx(statistics.stdev(cells), rel=1e-9, abs=1e-6)


def test_sum_loses_no_digit(con: duckdb.DuckDBPyConnection) -> None:
    values = spread(con, "double", [1e16, 1.0, -1e16, 1.0, *[0.1] * 10])

    assert values.total(values.numbers) == 3.0


def test_missing_values_and_not_a_number_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    values = spread(con, "double", [2.0, None, math.nan, 2.0, -0.0, 0.0])

    assert values.n == 4
    assert values.distinct.to_pylist() == [0.0, 2.0]
    assert values.most_common() == [0.0, 2.0]


def test_sums_beyond_a_double_are_infinite(con: duckdb.DuckDBPyConnection) -> None:
    values = spread(con, "double", [1e308, 1e308, 1e308])

    assert values.mean == math.inf
    assert values.deviation is None


def test_nothing_has_no_spread(con: duckdb.DuckDBPyConnection) -> None:
    values = spread(con, "bigint", [])

    assert (values.n, values.mean, values.deviation, values.quantile(0.5)) == (0, None, None, None)
    assert list(values.most_common()) == []


def test_decimals_keep_their_digits(con: duckdb.DuckDBPyConnection) -> None:
    values = spread(con, "decimal(18,6)", ["0.1", "0.2", "0.3"])

    assert values.quantile(0.5) == 0.2
    assert [str(value) for value in values.most_common()] == ["0.100000", "0.200000", "0.300000"]
