"""Where the engines of Great Expectations differ from each other, or sipetl from both: each as one small frame.

`docs/expectations.md` says the same in words; the words are data in `sipetl.quality.types`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.truth.gx_engines import Found, Frame, Rule, is_missing

NAN = float("nan")


@dataclass(frozen=True)
class Said:
    """What an engine says: whether the rule holds, and how many rows (or values) break it. Or that it cannot be run."""

    success: bool
    unexpected: int | None = None
    error: bool = False

    @classmethod
    def of(cls, found: Found) -> Said:
        """Read it from a result."""
        return CANNOT if found.error else cls(found.success, found.unexpected_count)


CANNOT = Said(success=False, error=True)


@dataclass(frozen=True)
class Difference:
    """One frame and rule, and what each engine says."""

    name: str
    cells: Mapping[str, tuple[str, list[Any]]]
    rule: Rule
    pandas: Said
    postgresql: Said
    sipetl: Said


def _holds(unexpected: int | None = 0) -> Said:
    return Said(success=True, unexpected=unexpected)


def _fails(unexpected: int | None = None) -> Said:
    return Said(success=False, unexpected=unexpected)


def _rule(kind: str, **kwargs: Any) -> Rule:
    return Rule(f"expect_{kind}", kwargs)


KEYS = {"t": ("varchar", ["S1", "S1"]), "u": ("varchar", [None, None])}
PAIR = {"i": ("bigint", [None, 1]), "k": ("bigint", [None, 1])}
LETTERS = {"t": ("varchar", ["A", "B", None])}
BOTH = {"t": ("varchar", ["A", "B"]), "u": ("varchar", ["A", "B"]), "i": ("bigint", [0, 1])}
NOT_A = {"type": "comparison", "column": {"name": "t"}, "operator": "!=", "parameter": "A"}
POSITIVE = {"type": "comparison", "column": {"name": "i"}, "operator": ">", "parameter": 0}

DIFFERENCES = (
    Difference(
        "missing parts of a key equal each other",
        KEYS,
        _rule("compound_columns_to_be_unique", column_list=["t", "u"]),
        _fails(2),
        _holds(),
        _fails(2),
    ),
    Difference(
        "not-a-number is missing",
        {"f": ("double", [1.0, NAN])},
        _rule("column_values_to_not_be_null", column="f"),
        _fails(1),
        _holds(),
        _fails(1),
    ),
    Difference(
        "the sum of nothing is nought",
        {"i": ("bigint", [None])},
        _rule("column_sum_to_be_between", column="i", max_value=1),
        _holds(None),
        _fails(),
        _holds(None),
    ),
    Difference(
        "two missing values are not equal, also where equal ones may pass",
        PAIR,
        _rule(
            "column_pair_values_a_to_be_greater_than_b",
            column_A="i",
            column_B="k",
            or_equal=True,
            ignore_row_if="neither",
        ),
        _fails(1),
        _holds(),
        _fails(1),
    ),
    Difference(
        "a missing part of a sum fails",
        {"i": ("bigint", [1]), "k": ("bigint", [None])},
        _rule("multicolumn_sum_to_equal", column_list=["i", "k"], sum_total=1),
        _fails(1),
        _holds(),
        _fails(1),
    ),
    Difference(
        "a quantile is the nearest row's value",
        {"i": ("bigint", [1, 2, 3])},
        _rule(
            "column_quantile_values_to_be_between",
            column="i",
            quantile_ranges={"quantiles": [0.7], "value_ranges": [[3, 3]]},
        ),
        _fails(),
        _holds(None),
        _fails(),
    ),
    Difference(
        "a digit is any script's digit",
        {"t": ("varchar", ["Á٣"])},
        _rule("column_values_to_match_regex", column="t", regex=r"^\D\d$"),
        _holds(),
        _fails(1),
        _holds(),
    ),
    Difference(
        "a value twice in a set counts once",
        LETTERS,
        _rule("column_distinct_values_to_contain_set", column="t", value_set=["A", "A"]),
        _holds(None),
        _fails(),
        _holds(None),
    ),
    Difference(
        "a missing value is unequal to all",
        LETTERS,
        _rule("column_values_to_not_be_null", column="t", row_condition=NOT_A),
        _fails(1),
        _holds(),
        _fails(1),
    ),
    Difference(
        "days in a set are days",
        {"d": ("date", [date(2025, 9, 1)])},
        _rule("column_values_to_be_in_set", column="d", value_set=["2025-09-01"]),
        _fails(1),
        CANNOT,
        _holds(),
    ),
    Difference(
        "a text is not looked for among numbers",
        {"i": ("bigint", [1])},
        _rule("column_values_to_be_in_set", column="i", value_set=["1"]),
        _fails(1),
        CANNOT,
        CANNOT,
    ),
    Difference(
        "a pair's row condition is obeyed",
        BOTH,
        _rule(
            "column_pair_values_to_be_in_set",
            column_A="t",
            column_B="u",
            value_pairs_set=[["B", "B"]],
            row_condition=POSITIVE,
        ),
        CANNOT,
        CANNOT,
        _holds(),
    ),
    Difference(
        "what is no JSON fails its schema",
        {"t": ("varchar", ["x", "1"])},
        _rule("column_values_to_match_json_schema", column="t", json_schema={"type": "integer"}),
        CANNOT,
        CANNOT,
        _fails(1),
    ),
    Difference(
        "names of columns have a case",
        {"i": ("bigint", [1])},
        _rule("table_columns_to_match_set", column_set=["I"]),
        _fails(),
        _holds(None),
        _fails(),
    ),
    Difference(
        "a type is SQL's",
        {"i": ("bigint", [1])},
        _rule("column_type_to_be", column="i", type_="bigint"),
        CANNOT,
        _holds(None),
        _holds(None),
    ),
    Difference(
        "a pattern is SQL's",
        LETTERS,
        _rule("column_values_to_match_like_pattern", column="t", like_pattern="_"),
        CANNOT,
        _holds(),
        _holds(),
    ),
)


def _lacks_a_part(frame: Frame, rule: Rule) -> bool:
    names = rule.kwargs.get("column_list") or (rule.kwargs["column_A"], rule.kwargs["column_B"])
    return any(is_missing(cell) for name in names for cell in frame.cells[name][1])


def _sums_nothing(frame: Frame, rule: Rule) -> bool:
    return "row_condition" in rule.kwargs or not frame.values(rule.kwargs["column"])


def _is_beyond_ascii(frame: Frame, rule: Rule) -> bool:
    return not all(value.isascii() and value.isprintable() for value in frame.values(rule.kwargs["column"]))


UNLIKE: Mapping[str, Callable[[Frame, Rule], bool]] = {
    "expect_compound_columns_to_be_unique": _lacks_a_part,
    "expect_column_pair_values_a_to_be_greater_than_b": _lacks_a_part,
    "expect_column_pair_values_to_be_in_set": _lacks_a_part,
    "expect_multicolumn_sum_to_equal": _lacks_a_part,
    "expect_column_sum_to_be_between": _sums_nothing,
    "expect_column_values_to_match_regex": _is_beyond_ascii,
    "expect_column_values_to_not_match_regex": _is_beyond_ascii,
    "expect_column_values_to_match_regex_list": _is_beyond_ascii,
    "expect_column_values_to_not_match_regex_list": _is_beyond_ascii,
}
"""Where PostgreSQL's engine is known to differ, and so is not compared: the difference itself is above."""
