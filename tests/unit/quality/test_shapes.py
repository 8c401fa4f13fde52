"""Suites as GX's releases, profilers and people write them: read, checked and run, or refused in words that help."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sipetl.errors import RegistryError
from sipetl.quality import check_suite, read_suite, run_suite

COLUMNS = {"id": "bigint", "age": "bigint", "gender": "varchar", "fare": "double", "seen": "timestamp"}
PROFILED = {"BasicDatasetProfiler": {"confidence": "very low"}}
NO_RANGES = {"quantiles": [0.05, 0.5, 0.95], "value_ranges": [[None, None]] * 3}
INTEGERS = ["BIGINT", "DECIMAL", "INTEGER", "IntegerType", "LongType", "SMALLINT", "int"]


def old(kind: str, **kwargs: Any) -> dict[str, Any]:
    """A rule as GX 0.x wrote it."""
    return {"expectation_type": f"expect_{kind}", "kwargs": kwargs, "meta": PROFILED}


def new(kind: str, **kwargs: Any) -> dict[str, Any]:
    """A rule as GX 1.x writes it."""
    return {
        "type": f"expect_{kind}",
        "kwargs": kwargs,
        "meta": {"notes": {"format": "markdown", "content": ["**why**"]}},
        "id": f"7504961a-9fbd-4075-9d11-a868fb2e8346-{kind}",
        "notes": ["one", "two"],
        "description": "what it is for",
        "rendered_content": [{"name": "atomic.prescriptive.summary", "value": {"schema": {}, "template": "$column"}}],
        "severity": "warning",
    }


GOOD = {
    "a profiler of 0.7": {
        "data_asset_name": "mydb/default/users",
        "expectation_suite_name": "BasicDatasetProfiler",
        "meta": {"great_expectations.__version__": "0.7.4__develop"},
        "expectations": [
            old("table_row_count_to_be_between", min_value=0, max_value=None, result_format="SUMMARY"),
            old("table_columns_to_match_ordered_list", column_list=None, result_format="SUMMARY"),
            old("column_values_to_be_in_type_list", column="id", type_list=INTEGERS, result_format="SUMMARY"),
            old("column_unique_value_count_to_be_between", column="id", min_value=None, max_value=None),
            old("column_proportion_of_unique_values_to_be_between", column="id", min_value=0, max_value=None),
            old("column_values_to_not_be_null", column="age", mostly=0.5, result_format="SUMMARY"),
            old("column_values_to_be_in_set", column="age", value_set=[], result_format="SUMMARY"),
            old("column_min_to_be_between", column="age", min_value=None, max_value=None),
            old("column_mean_to_be_between", column="age", min_value=None, max_value=None),
            old("column_median_to_be_between", column="age", min_value=None, max_value=None),
            old("column_stdev_to_be_between", column="age", min_value=None, max_value=None),
            old("column_quantile_values_to_be_between", column="age", quantile_ranges=NO_RANGES),
            old("column_values_to_not_match_regex", column="gender", regex=r"^\s+|\s+$"),
        ],
    },
    "a rule-based profiler of 0.15": {
        "data_asset_type": None,
        "expectation_suite_name": "my_suite",
        "ge_cloud_id": None,
        "expectations": [
            old("table_row_count_to_be_between", min_value=1, max_value=10_000),
            old(
                "column_unique_value_count_to_be_between",
                column="age",
                max_value=8,
                min_value=1,
                strict_max=False,
                strict_min=False,
            ),
            old("column_values_to_be_between", column="fare", min_value=-52.0, max_value=3004.0, mostly=1.0),
        ],
    },
    "a validation of 1.4": {
        "name": "transaction",
        "id": None,
        "notes": None,
        "suite_parameters": {},
        "expectations": [
            new("column_values_to_be_between", column="fare", batch_id="a-b", min_value=0.0, max_value=100.0),
            new("column_value_lengths_to_be_between", column="gender", batch_id="a-b", min_value=1, max_value=6),
            new("column_values_to_match_regex", column="gender", regex="^(male|female)$", mostly=0.5),
            new("column_min_to_be_between", column="seen", min_value="2025-01-01T00:00:00", strict_min=True),
        ],
        "meta": {"great_expectations_version": "1.4.1"},
    },
    "one written by hand": {
        "name": "by hand",
        "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}, "meta": None}],
    },
}
WRONG = {
    "a parameter of another validation": (
        old("table_row_count_to_equal", value={"$PARAMETER": "urn:great_expectations:validations:x.default:y"}),
        "suite parameters ($PARAMETER) are not filled in",
    ),
    "a keyword of nobody's": (old("column_values_to_be_in_set", column="gender", values_set=[]), "kwargs value_set"),
    "an empty set of 0.7": (
        old("column_distinct_values_to_be_in_set", column="gender", value_set=None),
        "kwargs value_set cannot be used; it must be a list",
    ),
    "a keyword of 0.x": (
        old("column_values_to_be_between", column="age", min_value=0, allow_cross_type_comparisons=True),
        "kwargs allow_cross_type_comparisons cannot be used",
    ),
    "a window of the cloud's": (
        new("table_row_count_to_be_between", max_value=9, windows=[{"constraint_fn": "mean", "parameter_name": "p"}]),
        "kwargs windows cannot be used; the type does not have it",
    ),
    "an old condition without a parser": (
        old("column_values_to_not_be_null", column="age", row_condition="age.notnull().any()"),
        "must only compare columns with constants",
    ),
    "a type of a package": (old("column_values_to_be_valid_email", column="gender"), "unknown type"),
}


def save(folder: Path, suite: Any, *, encoding: str = "utf-8") -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps(suite, indent=2), encoding=encoding)
    return path


@pytest.fixture
def batch(con: duckdb.DuckDBPyConnection, fill: Callable[[Any], str]) -> str:
    cells: dict[str, list[Any]] = {
        "id": [1, 2], "age": [20, None], "gender": ["male", "other"], "fare": [7.25, None], "seen": [None, None],
    }  # fmt: skip
    return fill({name: (kind, cells[name]) for name, kind in COLUMNS.items()})


@pytest.mark.parametrize("suite", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_suite_of_any_release_is_read_and_run(
    con: duckdb.DuckDBPyConnection, batch: str, tmp_path: Path, suite: dict[str, Any], encoding: str
) -> None:
    read = read_suite(save(tmp_path, suite, encoding=encoding))

    faults, found = check_suite(read, COLUMNS), run_suite(con, batch, read)

    assert not [str(fault) for fault in faults]
    assert len(found.rules) == len(suite["expectations"])
    assert not [rule.error for rule in found.rules if rule.error]


@pytest.mark.parametrize(("rule", "said"), WRONG.values(), ids=WRONG)
def test_rule_that_cannot_be_meant_is_told(
    con: duckdb.DuckDBPyConnection, batch: str, tmp_path: Path, rule: dict[str, Any], said: str
) -> None:
    read = read_suite(save(tmp_path, {"name": "s", "expectations": [rule]}))

    faults = [str(fault) for fault in check_suite(read, COLUMNS)]

    assert any(said in fault for fault in faults), faults
    assert all(f"{read.file}:4: rule rule-1" in fault or rule.get("id", "-") in fault for fault in faults)


@pytest.mark.parametrize("rule", [None, [], "expect_column_to_exist", {"type": "x", "kwargs": None}, {"kwargs": {}}])
def test_what_is_no_rule_is_told(tmp_path: Path, rule: Any) -> None:
    path = save(tmp_path, {"name": "s", "expectations": [rule]})

    with pytest.raises(RegistryError, match="rule 1 needs a 'type' and an object 'kwargs'"):
        read_suite(path)
