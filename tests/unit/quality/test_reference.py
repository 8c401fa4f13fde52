"""The executor against its reference: Great Expectations' pandas engine, type by type.

Same success, same element count, same unexpected count, same failing rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# GX, its pydantic v1 layer and altair warn on import and on every batch; none of it is ours.
pytestmark = pytest.mark.filterwarnings("ignore")

Engine = Callable[[Any, Any], Any]

CELLS = {
    "code": ("varchar", ["A", "B", None, "A", "a", "", "x\n", "D1", None, "Á٣"]),
    "score": ("bigint", [10, 20, None, 20, -5, 0, 100, None, 30, 31]),
    "points": ("bigint", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    "other": ("bigint", [5, 20, None, None, -6, 1, 100, 7, 29, 31]),
    "day": (
        "date",
        [date(2025, 9, d) for d in (1, 2, 3, 30)]
        + [None, date(2024, 1, 1)]
        + [date(2026, 6, d) for d in (1, 1, 2, 3)],
    ),
    "text_day": (
        "varchar",
        ["2025-09-01", "09/01/2025", None, "2025-02-30", "", "2025-9-1", " 2025-09-01", "x", "2025-12-31", None],
    ),
    "nothing": ("varchar", [None] * 10),
    "school": ("varchar", ["1", "1", "2", "2", None, None, None, "3", "3", "4"]),
    "grade": ("varchar", ["K", "K", "1", "2", None, None, "5", None, "3", None]),
}


def name(column: str) -> dict[str, str]:
    return {"name": column}


def compare(column: str, operator: str, parameter: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": name(column), "operator": operator, "parameter": parameter}


def nullity(column: str, *, is_null: bool) -> dict[str, Any]:
    return {"type": "nullity", "column": name(column), "is_null": is_null}


RULES: dict[str, dict[str, Any]] = {
    "exist": {"type": "expect_column_to_exist", "column": "code"},
    "exist-not": {"type": "expect_column_to_exist", "column": "absent"},
    "not-null": {"type": "expect_column_values_to_not_be_null", "column": "code"},
    "not-null-mostly-met": {"type": "expect_column_values_to_not_be_null", "column": "code", "mostly": 0.8},
    "not-null-mostly-missed": {"type": "expect_column_values_to_not_be_null", "column": "code", "mostly": 0.81},
    "null": {"type": "expect_column_values_to_be_null", "column": "code"},
    "null-all": {"type": "expect_column_values_to_be_null", "column": "nothing"},
    "in-set": {"type": "expect_column_values_to_be_in_set", "column": "code", "value_set": ["A", "B", "it's"]},
    "in-set-numbers": {"type": "expect_column_values_to_be_in_set", "column": "score", "value_set": [10, 20, 30]},
    "in-set-empty": {"type": "expect_column_values_to_be_in_set", "column": "code", "value_set": []},
    "in-set-null": {"type": "expect_column_values_to_be_in_set", "column": "code", "value_set": ["A", None]},
    "in-set-nothing": {"type": "expect_column_values_to_be_in_set", "column": "nothing", "value_set": ["A"]},
    "not-in-set": {"type": "expect_column_values_to_not_be_in_set", "column": "code", "value_set": ["A", ""]},
    "not-in-set-empty": {"type": "expect_column_values_to_not_be_in_set", "column": "code", "value_set": []},
    "between": {"type": "expect_column_values_to_be_between", "column": "score", "min_value": 0, "max_value": 30},
    "between-strict": {
        "type": "expect_column_values_to_be_between",
        "column": "score",
        "min_value": 0,
        "max_value": 30,
        "strict_min": True,
        "strict_max": True,
    },
    "between-low": {"type": "expect_column_values_to_be_between", "column": "score", "min_value": 0.5},
    "between-high-mostly": {
        "type": "expect_column_values_to_be_between",
        "column": "score",
        "max_value": 99,
        "mostly": 0.875,
    },
    "between-days": {
        "type": "expect_column_values_to_be_between",
        "column": "day",
        "min_value": "2025-09-01",
        "max_value": "2026-06-02",
        "strict_max": True,
    },
    "regex": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": "^[A-Z]$"},
    "regex-anywhere": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": "a|1"},
    "regex-end": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": "x$"},
    "regex-digit": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": r"\d$"},
    "regex-look": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": r"^(?!A).+$"},
    "regex-mostly": {"type": "expect_column_values_to_match_regex", "column": "code", "regex": ".", "mostly": 0.875},
    "not-regex": {"type": "expect_column_values_to_not_match_regex", "column": "code", "regex": r"\w"},
    "strftime": {
        "type": "expect_column_values_to_match_strftime_format",
        "column": "text_day",
        "strftime_format": "%Y-%m-%d",
    },
    "lengths": {
        "type": "expect_column_value_lengths_to_be_between",
        "column": "code",
        "min_value": 1,
        "max_value": 1,
    },
    "lengths-strict": {
        "type": "expect_column_value_lengths_to_be_between",
        "column": "code",
        "max_value": 2,
        "strict_max": True,
    },
    "unique": {"type": "expect_column_values_to_be_unique", "column": "score"},
    "unique-mostly": {"type": "expect_column_values_to_be_unique", "column": "score", "mostly": 0.75},
    "unique-of-rows": {
        "type": "expect_column_values_to_be_unique",
        "column": "score",
        "row_condition": compare("points", "!=", 4),
    },
    "compound": {"type": "expect_compound_columns_to_be_unique", "column_list": ["school", "grade"]},
    "compound-any": {
        "type": "expect_compound_columns_to_be_unique",
        "column_list": ["school", "grade"],
        "ignore_row_if": "any_value_is_missing",
    },
    "compound-never": {
        "type": "expect_compound_columns_to_be_unique",
        "column_list": ["school", "grade"],
        "ignore_row_if": "never",
    },
    "compound-null-part": {"type": "expect_compound_columns_to_be_unique", "column_list": ["school", "nothing"]},
    "compound-mostly": {
        "type": "expect_compound_columns_to_be_unique",
        "column_list": ["school", "grade"],
        "mostly": 0.75,
        "row_condition": compare("points", ">", 1),
    },
    "pair": {"type": "expect_column_pair_values_a_to_be_greater_than_b", "column_A": "score", "column_B": "other"},
    "pair-or-equal": {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "score",
        "column_B": "other",
        "or_equal": True,
    },
    "pair-either": {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "score",
        "column_B": "other",
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
        "mostly": 0.8,
    },
    "pair-neither": {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "score",
        "column_B": "other",
        "ignore_row_if": "neither",
    },
    "rows": {"type": "expect_table_row_count_to_be_between", "min_value": 10, "max_value": 10},
    "rows-strict": {"type": "expect_table_row_count_to_be_between", "min_value": 10, "strict_min": True},
    "rows-some": {
        "type": "expect_table_row_count_to_be_between",
        "max_value": 2,
        "row_condition": compare("code", "==", "A"),
    },
    "mean": {"type": "expect_column_mean_to_be_between", "column": "score", "min_value": 25.75, "max_value": 25.75},
    "mean-strict": {
        "type": "expect_column_mean_to_be_between",
        "column": "score",
        "min_value": 25.75,
        "strict_min": True,
    },
    "min": {"type": "expect_column_min_to_be_between", "column": "score", "min_value": -5},
    "min-strict": {"type": "expect_column_min_to_be_between", "column": "score", "min_value": -5, "strict_min": True},
    "max": {"type": "expect_column_max_to_be_between", "column": "score", "min_value": 90, "max_value": 100},
    "max-some": {
        "type": "expect_column_max_to_be_between",
        "column": "score",
        "max_value": 99,
        "row_condition": compare("score", "<", 100),
    },
    "proportion": {
        "type": "expect_column_proportion_of_unique_values_to_be_between",
        "column": "score",
        "min_value": 0.875,
        "max_value": 0.875,
    },
    "proportion-missed": {
        "type": "expect_column_proportion_of_unique_values_to_be_between",
        "column": "score",
        "min_value": 0.9,
    },
    "distinct": {"type": "expect_column_unique_value_count_to_be_between", "column": "score", "max_value": 7},
    "distinct-missed": {"type": "expect_column_unique_value_count_to_be_between", "column": "score", "min_value": 8},
}

CONDITIONS: dict[str, dict[str, Any]] = {
    "equal": compare("code", "==", "A"),
    "not-equal": compare("code", "!=", "A"),
    "less": compare("score", "<", 20),
    "at-most": compare("score", "<=", 20),
    "more": compare("points", ">", 3.5),
    "at-least": compare("score", ">=", 20),
    "in": compare("school", "IN", ["1", "2"]),
    "in-empty": compare("school", "IN", []),
    "not-in": compare("school", "NOT_IN", ["1", "2"]),
    "not-in-empty": compare("school", "NOT_IN", []),
    "null": nullity("score", is_null=True),
    "not-null": nullity("score", is_null=False),
    "and": {"type": "and", "conditions": [compare("points", ">", 2), nullity("grade", is_null=False)]},
    "or": {
        "type": "or",
        "conditions": [
            compare("points", "<=", 2),
            {"type": "and", "conditions": [compare("school", "==", "3"), nullity("grade", is_null=True)]},
        ],
    },
    "none": compare("points", ">", 1000),
}


@pytest.mark.parametrize("rows", [slice(None), slice(0, 1), slice(2, 3)], ids=["all", "one", "nulls"])
def test_every_type_agrees_with_great_expectations(gx: Engine, ours: Engine, rows: slice) -> None:
    cells = {name: (kind, values[rows]) for name, (kind, values) in CELLS.items()}

    expected = gx(cells, RULES)

    assert ours(cells, RULES) == expected


def test_every_type_agrees_on_an_empty_batch(gx: Engine, ours: Engine) -> None:
    cells = {name: (kind, []) for name, (kind, _) in CELLS.items()}

    expected = gx(cells, RULES)

    assert ours(cells, RULES) == expected


def test_observed_numbers_agree_with_great_expectations(gx: Engine, ours: Engine) -> None:
    rules: dict[str, dict[str, Any]] = {
        "rows": {"type": "expect_table_row_count_to_be_between", "min_value": 0},
        "mean": {"type": "expect_column_mean_to_be_between", "column": "points", "min_value": 0},
        "distinct": {"type": "expect_column_unique_value_count_to_be_between", "column": "code", "min_value": 0},
        "proportion": {
            "type": "expect_column_proportion_of_unique_values_to_be_between",
            "column": "code",
            "min_value": 0,
        },
    }

    expected = gx(CELLS, rules)

    assert {k: v.observed for k, v in ours(CELLS, rules).items()} == {k: v.observed for k, v in expected.items()}
    assert expected["mean"].observed == 5.5


def test_row_conditions_agree_with_great_expectations(gx: Engine, ours: Engine) -> None:
    kinds: list[dict[str, Any]] = [
        {"type": "expect_column_values_to_not_be_null", "column": "grade", "mostly": 0.5},
        {"type": "expect_column_values_to_be_in_set", "column": "code", "value_set": ["A"], "mostly": 0.5},
        {"type": "expect_column_values_to_be_unique", "column": "school"},
        {"type": "expect_compound_columns_to_be_unique", "column_list": ["school", "grade"]},
        {"type": "expect_column_values_to_match_regex", "column": "code", "regex": "[A-Z]"},
        {
            "type": "expect_column_pair_values_a_to_be_greater_than_b",
            "column_A": "score",
            "column_B": "other",
        },
    ]
    rules = {
        f"{label}/{kind['type']}": kind | {"row_condition": condition}
        for label, condition in CONDITIONS.items()
        for kind in kinds
    }

    expected = gx(CELLS, rules)

    assert ours(CELLS, rules) == expected


some_text = st.one_of(st.none(), st.sampled_from(["A", "B", "C", "", "a b", "Ä", "1\n"]))
shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 0.9, 1.0])
modest = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@modest
@given(
    values=st.lists(some_text, max_size=12),
    value_set=st.lists(some_text, max_size=3),
    mostly=shares,
)
def test_sets_and_shares_agree_on_any_column(
    gx: Engine, ours: Engine, values: list[str | None], value_set: list[str | None], mostly: float
) -> None:
    cells = {"c": ("varchar", values)}
    rules = {
        kind: {"type": f"expect_column_values_to_{kind}", "column": "c", "value_set": value_set, "mostly": mostly}
        for kind in ("be_in_set", "not_be_in_set")
    }

    assert ours(cells, rules) == gx(cells, rules)


@modest
@given(
    rows=st.lists(st.tuples(some_text, st.one_of(st.none(), st.integers(0, 2))), max_size=12),
    ignore=st.sampled_from(["all_values_are_missing", "any_value_is_missing", "never"]),
    mostly=shares,
)
def test_uniqueness_agrees_on_any_rows(
    gx: Engine, ours: Engine, rows: list[tuple[str | None, int | None]], ignore: str, mostly: float
) -> None:
    cells = {"c": ("varchar", [c for c, _ in rows]), "n": ("bigint", [n for _, n in rows])}
    rules = {
        "one": {"type": "expect_column_values_to_be_unique", "column": "c", "mostly": mostly},
        "two": {
            "type": "expect_compound_columns_to_be_unique",
            "column_list": ["c", "n"],
            "ignore_row_if": ignore,
            "mostly": mostly,
        },
    }

    assert ours(cells, rules) == gx(cells, rules)
