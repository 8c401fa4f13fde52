"""Rules that only Great Expectations knows: run by it, on their own columns, and without a value in the result."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sipetl.quality import Expectation, Suite, check_suite, gx_result, run_suite
from sipetl.quality.ruletype import Way

pytestmark = pytest.mark.filterwarnings("ignore")

CANARY = "Zebulon-Quagga"


@pytest.fixture
def batch(con: duckdb.DuckDBPyConnection) -> str:
    con.execute("create table batch (row_number bigint, n bigint, c varchar, hidden varchar)")
    con.executemany(
        "insert into batch values (?, ?, ?, ?)",
        [(1, 2, "a", CANARY), (2, 3, "b", CANARY), (3, None, CANARY, CANARY), (4, 5, "b", CANARY)],
    )
    return "batch"


@pytest.fixture(scope="module")
def even() -> Iterator[str]:
    """A type of somebody else's, registered with GX; it notes which columns it was given."""
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import ColumnMapExpectation
    from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial
    from great_expectations.expectations.registry import _registered_expectations

    class ColumnValuesEven(ColumnMapMetricProvider):  # type: ignore[misc]
        condition_metric_name = "column_values.even"

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls: Any, column: Any, **_: Any) -> Any:
            logging.getLogger("great_expectations").error("looked at %s", list(column))
            return column % 2 == 0

    class ExpectColumnValuesToBeEven(ColumnMapExpectation):  # type: ignore[misc]
        map_metric = "column_values.even"

    yield "expect_column_values_to_be_even"
    del _registered_expectations["expect_column_values_to_be_even"]


def test_type_of_somebody_else_runs_in_gx_and_says_so(
    con: duckdb.DuckDBPyConnection, batch: str, even: str, caplog: pytest.LogCaptureFixture
) -> None:
    suite = Suite("s", (Expectation("E", even, {"column": "n", "mostly": 0.3}),))

    result = run_suite(con, batch, suite)

    (rule,) = result.rules
    assert (rule.way, rule.level, rule.success, rule.error) == (Way.GX, "row", True, "")
    assert (rule.element_count, rule.missing_count, rule.unexpected_count) == (4, 1, 2)
    assert con.execute(f"from {result.failing} order by all").fetchall() == [(2, "E"), (4, "E")]
    told = json.dumps(gx_result(con, suite, result))
    assert '"way": "GX itself"' in told
    assert CANARY not in told + caplog.text
    assert "looked at" not in caplog.text


def test_gx_gets_the_columns_of_the_rule_only(
    con: duckdb.DuckDBPyConnection, batch: str, even: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sipetl.quality import gx_engine

    seen: list[list[str]] = []
    validate = gx_engine._validate
    monkeypatch.setattr(
        gx_engine, "_validate", lambda frame, rule: seen.append(list(frame.columns)) or validate(frame, rule)
    )
    rules = (
        Expectation("one", even, {"column": "n"}),
        Expectation("asked", even, {"column": "n", "row_condition": "c == 'b'", "condition_parser": "pandas"}),
    )

    result = run_suite(con, batch, Suite("s", rules))

    assert seen == [["row_number", "n"], ["row_number", "n", "c"]]
    assert [rule.unexpected_count for rule in result.rules] == [2, 2]


def test_type_that_nobody_knows_is_an_error_without_a_value(con: duckdb.DuckDBPyConnection, batch: str) -> None:
    suite = Suite("s", (Expectation("X", "expect_column_values_to_sparkle", {"column": "c"}),))

    (rule,) = run_suite(con, batch, suite).rules

    assert not rule.success
    assert rule.error.startswith("GX cannot run type 'expect_column_values_to_sparkle': ")
    assert CANARY not in rule.error


def test_rule_that_fails_inside_gx_is_an_error_without_a_value(
    con: duckdb.DuckDBPyConnection, batch: str, even: str
) -> None:
    suite = Suite("s", (Expectation("E", even, {"column": "c"}),))

    (rule,) = run_suite(con, batch, suite).rules

    assert rule.error == f"GX could not run type {even!r} on this batch"
    assert CANARY not in repr(rule)


def test_rule_about_another_table_is_an_error(con: duckdb.DuckDBPyConnection, batch: str) -> None:
    suite = Suite("s", (Expectation("Q", "unexpected_rows_expectation", {"unexpected_rows_query": "select 1"}),))

    (rule,) = run_suite(con, batch, suite).rules

    assert (rule.success, rule.way) == (False, Way.NEVER)
    assert rule.error.startswith("it cannot be run on a batch")


def test_check_knows_a_type_that_is_registered(even: str) -> None:
    rules = (Expectation("E", even, {"column": "n"}), Expectation("F", even, {"column": "m"}))

    (fault,) = check_suite(Suite("s", rules), {"n": "bigint"})

    assert fault.what == f"rule F ({even}): no column 'm' in the contract"


MODULE = """
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial

class ColumnValuesOdd(ColumnMapMetricProvider):
    condition_metric_name = "column_values.odd"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, **_):
        return column % 2 == 1

class ExpectColumnValuesToBeOdd(ColumnMapExpectation):
    map_metric = "column_values.odd"
"""
ASK = """
import duckdb
from sipetl.quality import Expectation, Suite, check_suite, run_suite
suite = Suite("s", (Expectation("O", "expect_column_values_to_be_odd", {"column": "n"}),))
print([str(fault) for fault in check_suite(suite, {"n": "bigint"})])
con = duckdb.connect()
con.execute("create table batch as select i as row_number, i as n from range(4) as r (i)")
(rule,) = run_suite(con, "batch", suite).rules
print(rule.unexpected_count, rule.error)
"""


def ask_with_package(folder: Path) -> list[str]:
    """Ask a new Python beside whose packages there is one that names `brought` as a bringer of types."""
    about = folder / "brought-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[sipetl.expectations]\nbrought = brought\n", encoding="utf-8")
    ask = folder / "ask.py"  # a file: beside `python -c`, PySpark takes itself for a doctest and ends the process
    ask.write_text(ASK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ask)], capture_output=True, text=True, check=True
    )  # fmt: skip
    return done.stdout.splitlines()


def test_type_of_an_installed_package_is_checked_and_run(tmp_path: Path) -> None:
    (tmp_path / "brought.py").write_text(MODULE, encoding="utf-8")

    assert ask_with_package(tmp_path) == ["[]", "2 "]


def test_package_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    faults, found = ask_with_package(tmp_path)

    why = "brought of sipetl.expectations cannot be imported: No module named 'brought'"
    assert "rule O (expect_column_values_to_be_odd): unknown type" in faults
    assert why in faults
    assert found == f"None {why}"


def test_known_types_do_not_load_gx() -> None:
    code = """
import sys, duckdb
from sipetl.quality import Expectation, Suite, run_suite
con = duckdb.connect()
con.execute("create table batch as select 1::bigint as row_number, 'a' as c, 1::bigint as n")
kwargs = {"column": "c", "regex": "a", "row_condition": 'col("n") > 0', "condition_parser": "great_expectations"}
rules = (Expectation("r", "expect_column_values_to_match_regex", kwargs),
         Expectation("q", "expect_column_median_to_be_between", {"column": "n", "min_value": 1}))
assert all(rule.success for rule in run_suite(con, "batch", Suite("s", rules)).rules)
print([name for name in ("great_expectations", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
