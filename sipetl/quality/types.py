"""The table of expectation types: adding a type is one function and one line at the end.

Each entry says which kwargs a type takes and how it becomes a plan. The reference is GX's pandas engine:

- a missing value is never looked at (not null, null, pairs and compound keys excepted);
- an empty batch, or no row in scope, passes every row rule; mean, minimum and maximum of nothing fail;
- a column of the wrong kind is an error, never a pass;
- `expect_column_values_to_be_unique` skips missing values; a compound key with a missing part counts as a
  key, and missing parts are equal to each other (docs/decisions/0002-null-keys-in-uniqueness.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

from sipetl.quality import kwargs as kw
from sipetl.quality.compile import BadValues, Duplicates, FilePlan, Lookup, RowPlan, Verdict
from sipetl.quality.sql import Columns, Family

PARTITION = ("district", "school_year")
"""What a compound key is held within, where the batch has it: a file may hold the tables of several years, and a
contract's key identifies a row within a district and school year."""
MEAN_MIN_N = 10
"""A mean of fewer values is judged but not shown: DESE shows no survey or MCAS mean below 10 students."""

_COMPARABLE = (Family.NUMBER, Family.DATE)


class AnyKwargs(Protocol):
    """What `check_suite` needs of any kwargs model."""

    @classmethod
    def model_validate(cls, obj: Any, /) -> Any: ...
    def columns(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class RuleType:
    """One expectation type: its kwargs and its plan."""

    kwargs: type[AnyKwargs]
    plan: Callable[[Any, Columns], RowPlan | FilePlan]


def _domain(k: kw.Kwargs, columns: Columns) -> str:
    return k.row_condition.sql(columns) if k.row_condition else "true"


def _rows(k: kw.Mapped, columns: Columns, scope: str, unexpected: str | Lookup) -> RowPlan:
    return RowPlan(_domain(k, columns), scope, unexpected, k.mostly)


def _bounds(k: kw.Bounds, value: str, family: Family) -> str:
    low, high = (None if b is None else Columns.literal(b, family) for b in (k.min_value, k.max_value))
    return k.sql(value, low, high)


def _not_null(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    return _rows(k, columns, "true", f"{columns.any(k.column)[0]} is null")


def _null(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    return _rows(k, columns, "true", f"{columns.any(k.column)[0]} is not null")


def _membership(k: kw.InSet, columns: Columns, *, wanted: bool) -> RowPlan:
    column, family = columns.any(k.column)
    values = ", ".join(columns.literal(value, family) for value in k.value_set)
    inside = f"{column} in ({values})" if values else "false"
    return _rows(k, columns, f"{column} is not null", f"not ({inside})" if wanted else inside)


def _between(k: kw.ColumnBetween, columns: Columns) -> RowPlan:
    column = columns.only(k.column, *_COMPARABLE)
    inside = _bounds(k, column, columns.families[k.column])
    return _rows(k, columns, f"{column} is not null", f"not {inside}")


def _length(k: kw.LengthBetween, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    inside = _bounds(k, f"length({column})", Family.NUMBER)
    return _rows(k, columns, f"{column} is not null", f"not {inside}")


def _regex(k: kw.Matches, columns: Columns, *, wanted: bool) -> RowPlan:
    column, search = columns.only(k.column, Family.TEXT), re.compile(k.regex).search
    bad = BadValues(column, lambda value: (search(value) is not None) == wanted)
    return _rows(k, columns, f"{column} is not null", bad)


def _strftime(k: kw.MatchesFormat, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    bad = BadValues(column, partial(_parses, strftime_format=k.strftime_format))
    return _rows(k, columns, f"{column} is not null", bad)


def _parses(value: str, strftime_format: str) -> bool:
    try:
        datetime.strptime(value, strftime_format)  # noqa: DTZ007 - only whether it parses matters
    except ValueError:
        return False
    return True


def _unique(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    column, _ = columns.any(k.column)
    scope = f"{column} is not null"
    return _rows(k, columns, scope, Duplicates((column,), f"{_domain(k, columns)} and {scope}"))


def _compound(k: kw.Compound, columns: Columns) -> RowPlan:
    keys = tuple(columns.any(name)[0] for name in k.column_list)
    present = [f"{key} is not null" for key in keys]
    scope = {
        "all_values_are_missing": f"({' or '.join(present)})",
        "any_value_is_missing": f"({' and '.join(present)})",
        "never": "true",
    }[k.ignore_row_if]
    inside = tuple(columns.any(name)[0] for name in PARTITION if name in columns.families)
    keys += tuple(name for name in inside if name not in keys)
    return _rows(k, columns, scope, Duplicates(keys, f"{_domain(k, columns)} and {scope}"))


def _pair(k: kw.Pair, columns: Columns) -> RowPlan:
    a, b = columns.only(k.column_A, *_COMPARABLE), columns.only(k.column_B, *_COMPARABLE)
    columns.only(k.column_B, columns.families[k.column_A])
    scope = {
        "both_values_are_missing": f"({a} is not null or {b} is not null)",
        "either_value_is_missing": f"({a} is not null and {b} is not null)",
        "neither": "true",
    }[k.ignore_row_if]
    greater = f"{a} {'>=' if k.or_equal else '>'} {b}"
    return _rows(k, columns, scope, f"not coalesce({greater}, false)")


def _exists(k: kw.Exists, columns: Columns) -> FilePlan:
    present = k.column in columns.families
    return FilePlan((), lambda _: Verdict(present))


def _row_count(k: kw.RowsBetween, columns: Columns) -> FilePlan:
    count = f"count(*) filter (where {_domain(k, columns)})"
    return FilePlan((count,), lambda values: Verdict(k.holds(values[0]), values[0]))


def _extreme(k: kw.ExtremeBetween, columns: Columns, *, function: str) -> FilePlan:
    column = columns.only(k.column, *_COMPARABLE)
    extreme = f"{function}({column}) filter (where {_domain(k, columns)})"
    inside = _bounds(k, extreme, columns.families[k.column])
    # The comparison stays in SQL: an extreme is some row's value.
    return FilePlan((inside,), lambda values: Verdict(bool(values[0])))


def _mean(k: kw.NumberBetween, columns: Columns) -> FilePlan:
    column, domain = columns.only(k.column, Family.NUMBER), _domain(k, columns)
    aggregates = tuple(f"{function}({column}) filter (where {domain})" for function in ("sum", "count"))
    return FilePlan(aggregates, partial(_judge_mean, k))


def _judge_mean(k: kw.NumberBetween, values: Sequence[Any]) -> Verdict:
    total, n = values
    if not n:
        return Verdict(success=False)
    mean = float(Fraction(total) / n)
    return Verdict(k.holds(mean), mean if n >= MEAN_MIN_N else None)


def _distinct(k: kw.NumberBetween, columns: Columns) -> FilePlan:
    (column, _), domain = columns.any(k.column), _domain(k, columns)
    count = f"count(distinct {column}) filter (where {domain})"
    return FilePlan((count,), lambda values: Verdict(k.holds(values[0]), values[0]))


def _proportion(k: kw.NumberBetween, columns: Columns) -> FilePlan:
    (column, _), domain = columns.any(k.column), _domain(k, columns)
    counts = (f"count(distinct {column})", f"count({column})")
    return FilePlan(tuple(f"{c} filter (where {domain})" for c in counts), partial(_judge_proportion, k))


def _judge_proportion(k: kw.NumberBetween, values: Sequence[Any]) -> Verdict:
    distinct, n = values
    proportion = distinct / n if n else 0
    return Verdict(k.holds(proportion), proportion)


TYPES: dict[str, RuleType] = {
    "expect_column_to_exist": RuleType(kw.Exists, _exists),
    "expect_column_values_to_not_be_null": RuleType(kw.MappedColumn, _not_null),
    "expect_column_values_to_be_null": RuleType(kw.MappedColumn, _null),
    "expect_column_values_to_be_in_set": RuleType(kw.InSet, partial(_membership, wanted=True)),
    "expect_column_values_to_not_be_in_set": RuleType(kw.InSet, partial(_membership, wanted=False)),
    "expect_column_values_to_be_between": RuleType(kw.ColumnBetween, _between),
    "expect_column_values_to_match_regex": RuleType(kw.Matches, partial(_regex, wanted=True)),
    "expect_column_values_to_not_match_regex": RuleType(kw.Matches, partial(_regex, wanted=False)),
    "expect_column_values_to_match_strftime_format": RuleType(kw.MatchesFormat, _strftime),
    "expect_column_value_lengths_to_be_between": RuleType(kw.LengthBetween, _length),
    "expect_column_values_to_be_unique": RuleType(kw.MappedColumn, _unique),
    "expect_compound_columns_to_be_unique": RuleType(kw.Compound, _compound),
    "expect_column_pair_values_a_to_be_greater_than_b": RuleType(kw.Pair, _pair),
    "expect_table_row_count_to_be_between": RuleType(kw.RowsBetween, _row_count),
    "expect_column_mean_to_be_between": RuleType(kw.NumberBetween, _mean),
    "expect_column_min_to_be_between": RuleType(kw.ExtremeBetween, partial(_extreme, function="min")),
    "expect_column_max_to_be_between": RuleType(kw.ExtremeBetween, partial(_extreme, function="max")),
    "expect_column_unique_value_count_to_be_between": RuleType(kw.NumberBetween, _distinct),
    "expect_column_proportion_of_unique_values_to_be_between": RuleType(kw.NumberBetween, _proportion),
}
