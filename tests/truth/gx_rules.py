"""Rules of every type, drawn for a frame: their bounds are cells of the frame, where verdicts turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from sipetl.quality.ruletype import Reference
from sipetl.quality.types import TYPES
from tests.truth.gx_engines import Frame, Rule

Draw = Callable[[Frame, Random], dict[str, Any]]
PER_TYPE = 3
"""Rules of each type per frame."""
REGEXES = ["^[A-Z]", "A|x", r"\d$", r"^(?!A)", "b$", r"\w", "^$", r"^\s"]
ASCII_REGEXES = ["^[A-Z]", "A|B", "^a", "[^A]", "A.?"]
"""PostgreSQL means the same by these."""
LIKES = ["A%", "%B", "_", "%", "", "__", "a", "%é%", "100!%", r"a\_b", r"\%", "%_%"]
FORMATS = ["%Y-%m-%d", "%m/%d/%Y", "%d %B %Y", "%Y%m%dT%H%M"]
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    {"type": ["number", "null"]},
    {"enum": [1, "a", True]},
]
TEXTS, NUMBERS, FLOATS = ["t", "u", "w", "void"], ["i", "k", "full", "none"], ["f", "g"]
STATISTICS = ["i", "k", "full", "f", "p", "none"]
"""Columns whose sums are exact in any order."""
CONDITIONS: list[dict[str, Any]] = [
    {"row_condition": {"type": "comparison", "column": {"name": "full"}, "operator": ">", "parameter": 0}},
    {"row_condition": {"type": "comparison", "column": {"name": "i"}, "operator": "<=", "parameter": 1}},
    {"row_condition": {"type": "comparison", "column": {"name": "t"}, "operator": "IN", "parameter": ["A", "B"]}},
    {"row_condition": {"type": "comparison", "column": {"name": "full"}, "operator": "NOT_IN", "parameter": [1, 2]}},
    {"row_condition": {"type": "nullity", "column": {"name": "k"}, "is_null": False}},
    {"row_condition": 'col("full") >= -1', "condition_parser": "great_expectations"},
    {"row_condition": 'col("t") == "A"', "condition_parser": "great_expectations"},
    {"row_condition": 'col("i").notnull()', "condition_parser": "great_expectations__experimental__"},
]
PANDAS_CONDITIONS: list[dict[str, Any]] = [
    {"row_condition": {"type": "comparison", "column": {"name": "t"}, "operator": "!=", "parameter": "A"}},
    {"row_condition": {"type": "comparison", "column": {"name": "i"}, "operator": "NOT_IN", "parameter": [1]}},
]
"""In SQL, a missing value is neither unequal to anything nor outside any set."""


def _column(*names: str) -> Draw:
    return lambda _, rng: {"column": rng.choice(names)}


def _range(frame: Frame, rng: Random, column: str, *, strict: bool = True) -> dict[str, Any]:
    """A range between cells of a column, open or closed."""
    ends = sorted(rng.choices(frame.values(column) or [frame_default(frame, column)], k=2))
    low, high = (end.isoformat() if hasattr(end, "isoformat") else end for end in ends)
    bounds = {"min_value": low, "max_value": high}
    if rng.random() < 0.3:
        del bounds[rng.choice(list(bounds))]
    return bounds | ({rng.choice(["strict_min", "strict_max"]): True} if strict and rng.random() < 0.4 else {})


def frame_default(frame: Frame, column: str) -> Any:
    kind = frame.cells[column][0]
    return {"varchar": "A", "date": "2025-09-01", "timestamp": "2025-09-01T00:00:00", "boolean": True}.get(kind, 1)


def _ranged(*names: str) -> Draw:
    def draw(frame: Frame, rng: Random) -> dict[str, Any]:
        column = rng.choice(names)
        return {"column": column, **_range(frame, rng, column)}

    return draw


def _count_range(*names: str, whole: bool = True) -> Draw:
    def draw(_: Frame, rng: Random) -> dict[str, Any]:
        low, high = sorted((rng.randint(0, 8), rng.randint(0, 8)))
        bounds = {"min_value": low if whole else low / 8, "max_value": high if whole else high / 8}
        strict = {"strict_min": True} if rng.random() < 0.3 else {}
        return ({"column": rng.choice(names)} if names else {}) | bounds | strict

    return draw


def _set(*names: str, key: str = "value_set", extra: tuple[Any, ...] = ()) -> Draw:
    def draw(frame: Frame, rng: Random) -> dict[str, Any]:
        column = rng.choice(names)
        found = frame.values(column) or [frame_default(frame, column)]
        return {"column": column, key: list(dict.fromkeys([*rng.choices(found, k=rng.randint(1, 3)), *extra]))}

    return draw


def _whole_set(*names: str) -> Draw:
    def draw(frame: Frame, rng: Random) -> dict[str, Any]:
        column = rng.choice(names)
        found = list(dict.fromkeys(frame.values(column))) or [frame_default(frame, column)]
        return {"column": column, "value_set": found[rng.randint(0, 1) :] or found}

    return draw


def _pair(*pairs: tuple[str, str], **kwargs: Any) -> Draw:
    def draw(_: Frame, rng: Random) -> dict[str, Any]:
        a, b = rng.choice(pairs)
        chosen = {key: rng.choice(values) for key, values in kwargs.items()}
        ignore = rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"])
        return {"column_A": a, "column_B": b, "ignore_row_if": ignore, **chosen}

    return draw


def _pair_set(frame: Frame, rng: Random) -> dict[str, Any]:
    a, b = rng.choice([("t", "u"), ("i", "k")])
    cells = list(zip(frame.cells[a][1], frame.cells[b][1], strict=True)) or [("A", "B") if a == "t" else (1, 2)]
    pairs = [[x, y] for x, y in rng.choices(cells, k=3)]
    return {"column_A": a, "column_B": b, "value_pairs_set": pairs, **_ignore_pair(rng)}


def _ignore_pair(rng: Random) -> dict[str, Any]:
    return {"ignore_row_if": rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"])}


def _several(*lists: list[str], **kwargs: list[Any]) -> Draw:
    def draw(_: Frame, rng: Random) -> dict[str, Any]:
        ignore = rng.choice(["all_values_are_missing", "any_value_is_missing", "never"])
        chosen = {key: rng.choice(values) for key, values in kwargs.items()}
        return {"column_list": rng.choice(lists), "ignore_row_if": ignore, **chosen}

    return draw


def _with(draw: Draw, **kwargs: list[Any]) -> Draw:
    return lambda frame, rng: draw(frame, rng) | {key: rng.choice(values) for key, values in kwargs.items()}


def _quantiles(frame: Frame, rng: Random) -> dict[str, Any]:
    column = rng.choice(STATISTICS)
    ranges = [sorted(rng.choices(frame.values(column) or [1], k=2)) for _ in range(3)]
    ranges[rng.randint(0, 2)][rng.randint(0, 1)] = None
    shares = rng.choice([[0.0, 0.5, 1.0], [0.25, 0.5, 0.75], [0.1, 0.07, 0.9]])
    how = rng.choice([False, "linear", "lower", "higher", "midpoint", "nearest"])
    return {
        "column": column,
        "quantile_ranges": {"quantiles": shares, "value_ranges": ranges},
        "allow_relative_error": how,
    }


def _divergence(frame: Frame, rng: Random) -> dict[str, Any]:
    threshold = {"threshold": rng.choice([0.05, 0.3, 1.0, 3.0])}
    if rng.random() < 0.5:
        values = ["A", "B", "AB", "a", ""][: rng.randint(2, 5)]
        spread = {"values": values, "weights": [1 / len(values)] * len(values)}
        return {
            "column": rng.choice(["t", "u"]),
            "partition_object": spread,
            "tail_weight_holdout": rng.choice([0, 0.1]),
            **threshold,
        }
    spread = {"bins": [-2.0, 0.0, 1.0, 2.5], "weights": rng.choice([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])}
    holdout = {"tail_weight_holdout": rng.choice([0, 0.1]), "internal_weight_holdout": rng.choice([0, 0.1])}
    return {"column": rng.choice(["full", "f", "p"]), "partition_object": spread, **holdout, **threshold}


COLUMNS = ["i", "k", "big", "full", "f", "g", "p", "t", "u", "w", "s", "j", "js", "d", "e", "at", "b", "none", "void"]
DRAWS: dict[str, Draw] = {
    "expect_column_values_to_not_be_null": _column("i", "f", "t", "d", "b", "void", "full"),
    "expect_column_values_to_be_null": _column("i", "f", "t", "d", "b", "void", "full"),
    "expect_column_values_to_be_in_set": _set("i", "f", "p", "t", "w", "full", "b"),
    "expect_column_values_to_not_be_in_set": _set("i", "f", "p", "t", "w", "full", "b"),
    "expect_column_values_to_be_between": _ranged("i", "big", "f", "g", "p", "d", "full"),
    "expect_column_value_lengths_to_be_between": _count_range("t", "u", "w"),
    "expect_column_value_lengths_to_equal": _with(_column("t", "u", "w"), value=[0, 1, 2]),
    "expect_column_values_to_match_like_pattern": _with(_column("t", "w"), like_pattern=LIKES),
    "expect_column_values_to_not_match_like_pattern": _with(_column("t", "w"), like_pattern=LIKES, escape=["!", "~"]),
    "expect_column_values_to_match_like_pattern_list": _with(
        _column("t", "w"), like_pattern_list=[LIKES[:2], LIKES[1:4], LIKES[6:]], match_on=["any", "all"]
    ),
    "expect_column_values_to_not_match_like_pattern_list": _with(
        _column("t", "w"), like_pattern_list=[LIKES[:2], LIKES[4:7], LIKES[7:9]]
    ),
    "expect_column_values_to_be_increasing": _with(
        _column("i", "full", "f", "p", "at"), strictly=[True, False, None]
    ),
    "expect_column_values_to_be_decreasing": _with(
        _column("i", "full", "f", "p", "at"), strictly=[True, False, None]
    ),
    "expect_column_values_to_be_unique": _column("i", "big", "f", "g", "p", "t", "w", "d", "b"),
    "expect_compound_columns_to_be_unique": _several(["t", "u"], ["i", "t"], ["i", "k", "f"], ["d", "b"]),
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(
        ("i", "k"), ("f", "g"), ("full", "p"), or_equal=[True, False, None]
    ),
    "expect_column_pair_values_to_be_equal": _pair(("i", "k"), ("f", "g"), ("t", "u"), ("full", "i")),
    "expect_column_pair_values_to_be_in_set": _pair_set,
    "expect_multicolumn_sum_to_equal": _several(["i", "k"], ["i", "k", "full"], ["f", "p"], sum_total=[0, 1, 2, 0.5]),
    "expect_multicolumn_values_to_be_equal": _several(["i", "k"], ["t", "u"], ["i", "k", "full"], ["f", "p"]),
    "expect_select_column_values_to_be_unique_within_record": _several(["i", "k"], ["t", "u"], ["i", "k", "full"]),
    "expect_column_values_to_match_regex": _with(_column("t", "w"), regex=REGEXES),
    "expect_column_values_to_not_match_regex": _with(_column("t", "w"), regex=REGEXES),
    "expect_column_values_to_match_regex_list": _with(
        _column("t", "w"), regex_list=[REGEXES[:2], REGEXES[2:5], REGEXES[5:]], match_on=["any", "all"]
    ),
    "expect_column_values_to_not_match_regex_list": _with(
        _column("t", "w"), regex_list=[REGEXES[:2], REGEXES[2:4], REGEXES[6:]]
    ),
    "expect_column_values_to_match_strftime_format": _with(_column("s"), strftime_format=FORMATS),
    "expect_column_values_to_be_dateutil_parseable": _column("s", "t", "w"),
    "expect_column_values_to_be_json_parseable": _column("j", "js", "s"),
    "expect_column_values_to_match_json_schema": _with(_column("js"), json_schema=SCHEMAS),
    "expect_column_value_z_scores_to_be_less_than": _with(
        _column(*STATISTICS), threshold=[0.6, 1.3, -1.1, 2.1], double_sided=[True, False]
    ),
    "expect_column_values_to_not_be_outliers": _with(
        _column(*STATISTICS), method=["iqr", "std"], multiplier=[0, 0.4, 1.3, 1.5]
    ),
    "expect_table_row_count_to_be_between": _count_range(),
    "expect_table_row_count_to_equal": lambda frame, rng: {"value": rng.choice([len(frame.rows), 3])},
    "expect_column_min_to_be_between": _ranged("i", "big", "f", "p", "full"),
    "expect_column_max_to_be_between": _ranged("i", "big", "f", "p", "full"),
    "expect_column_sum_to_be_between": _with(_ranged("i", "big", "full", "f", "p")),
    "expect_column_mean_to_be_between": _ranged("i", "k", "full", "f", "p"),
    "expect_column_stdev_to_be_between": _with(
        _column(*STATISTICS), min_value=[0.1, 0.7], max_value=[1.1, 1.9, None]
    ),
    "expect_column_median_to_be_between": _ranged("i", "k", "full", "f", "p"),
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_column_most_common_value_to_be_in_set": _with(_set("i", "t", "full", "p"), ties_okay=[True, False, None]),
    "expect_column_distinct_values_to_be_in_set": _whole_set("i", "t", "full", "p"),
    "expect_column_distinct_values_to_contain_set": _set("i", "t", "full", "p"),
    "expect_column_distinct_values_to_equal_set": _whole_set("i", "t", "full", "p"),
    "expect_column_unique_value_count_to_be_between": _count_range("i", "f", "t", "d", "void"),
    "expect_column_proportion_of_unique_values_to_be_between": _count_range("i", "f", "t", "d", "void", whole=False),
    "expect_column_proportion_of_non_null_values_to_be_between": _count_range(
        "i", "f", "t", "d", "void", whole=False
    ),
    "expect_column_kl_divergence_to_be_less_than": _divergence,
    "expect_column_to_exist": _with(
        lambda _, rng: {"column": rng.choice(["i", "none", "absent"])}, column_index=[None, 0, 1]
    ),
    "expect_table_column_count_to_be_between": _with(
        lambda *_: {}, min_value=[1, len(COLUMNS), 20], max_value=[None, 25, 99]
    ),
    "expect_table_column_count_to_equal": _with(lambda *_: {}, value=[len(COLUMNS), 3]),
    "expect_table_columns_to_match_ordered_list": _with(lambda *_: {}, column_list=[COLUMNS, COLUMNS[::-1], None]),
    "expect_table_columns_to_match_set": _with(
        lambda *_: {}, column_set=[COLUMNS[::-1], COLUMNS[1:], ["i", "absent"]], exact_match=[True, False, None]
    ),
    "expect_column_type_to_be": _with(
        _column("i", "f", "t", "d", "b"), type_=["BIGINT", "text", "DATE", "DOUBLE PRECISION", "boolean"]
    ),
    "expect_column_values_to_be_of_type": _with(
        _column("i", "f", "t", "d", "b"), type_=["BIGINT", "text", "DATE", "DOUBLE PRECISION", "boolean"]
    ),
    "expect_column_values_to_be_in_type_list": _with(
        _column("i", "f", "t", "d", "b"), type_list=[["BIGINT", "text"], ["DATE", "DOUBLE PRECISION"], ["boolean"]]
    ),
}
"""One way to draw a rule per type. That a type is in it is what docs/expectations.md calls proven."""
NOT_COMPARED = {
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_column_values_to_match_strftime_format",
    "expect_column_values_to_be_dateutil_parseable",
    "expect_column_values_to_be_json_parseable",
    "expect_column_values_to_match_json_schema",
    "expect_column_quantile_values_to_be_between",
}
"""What PostgreSQL's engine does not have; quantiles mean another thing there."""
BY_PANDAS = [name for name in DRAWS if TYPES[name].reference is Reference.PANDAS]
BY_POSTGRESQL = [name for name in DRAWS if name not in NOT_COMPARED]
_UNMAPPED = ("expect_table_", "expect_column_to_exist", "expect_column_type_to_be")


def rules(frame: Frame, rng: Random, types: list[str], conditions: list[dict[str, Any]]) -> Iterator[Rule]:
    """Some rules of each type, a third of them with a row condition, some with `mostly`."""
    for name in types:
        for _ in range(PER_TYPE):
            kwargs = DRAWS[name](frame, rng)
            if rng.random() < 0.35 and takes_condition(name):
                kwargs |= rng.choice(conditions)
            if rng.random() < 0.5 and takes_mostly(name):
                kwargs |= {"mostly": rng.choice([0.25, 0.5, 0.75, 0.9, 1.0])}
            yield Rule(name, kwargs)


def takes_condition(name: str) -> bool:
    return not name.startswith(_UNMAPPED) and name != "expect_column_pair_values_to_be_in_set"


def takes_mostly(name: str) -> bool:
    return "mostly" in TYPES[name].kwargs.model_fields
