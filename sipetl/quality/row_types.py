"""Types that SQL judges row by row: sets, ranges, lengths, order, keys, and columns of one row against each other."""

from __future__ import annotations

from functools import partial

from sipetl.quality import kwargs as kw
from sipetl.quality import row_kwargs as row
from sipetl.quality.lookups import Duplicates, OutOfOrder
from sipetl.quality.plans import RowPlan
from sipetl.quality.ruletype import COMPARABLE, Reference, RuleType, domain, present, rows, some_present, within
from sipetl.quality.sql import Columns, Family, all_of, number

PARTITION = ("district", "school_year")
"""What a compound key is held within, where the batch has it: a file may hold the tables of several years, and a
contract's key identifies a row within a district and school year."""
_LENGTH = "of text only: pandas also measures how it would print a number"
_TYPED = "a set's values are compared as the column's type; a text among numbers cannot be run, as in PostgreSQL; pandas finds none"
_DAYS = "; days are compared as days: pandas compares them with text and finds none, PostgreSQL refuses"
_SUM_LIMIT = "hugeint"
"""Sums of whole numbers cannot overflow in it."""


def _nullity(k: kw.MappedColumn, columns: Columns, *, wanted: bool) -> RowPlan:
    missing = f"{columns.any(k.column).sql} is null"
    unexpected = f"not ({missing})" if wanted else missing
    return RowPlan(domain(k, columns), "true", unexpected, k.mostly, tells_missing=False)


def _membership(k: row.InSet, columns: Columns, *, wanted: bool) -> RowPlan:
    column = columns.any(k.column)
    values = ", ".join(column.literal(value) for value in k.value_set)
    inside = f"{column.sql} in ({values})" if values else "false"
    return rows(k, columns, present(column), f"not ({inside})" if wanted else inside)


def _between(k: row.Between, columns: Columns) -> RowPlan:
    column = columns.only(k.column, *COMPARABLE)
    return rows(k, columns, present(column), f"not {within(k, column.sql, column)}")


def _length(k: row.LengthBetween, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    low, high = (None if bound is None else number(bound) for bound in (k.min_value, k.max_value))
    return rows(k, columns, present(column), f"not {k.sql(f'length({column.sql})', low, high)}")


def _length_equals(k: row.LengthEquals, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    return rows(k, columns, present(column), f"length({column.sql}) <> {number(k.value)}")


def _like(k: row.Like, columns: Columns, *, wanted: bool) -> RowPlan:
    return _likes(k, columns, wanted=wanted, joined=" or ")


def _like_list(k: row.LikeList, columns: Columns) -> RowPlan:
    return _likes(k, columns, wanted=True, joined=" or " if k.match_on == "any" else " and ")


def _like_none(k: row.LikeNoneOf, columns: Columns) -> RowPlan:
    return _likes(k, columns, wanted=False, joined=" or ")


def _likes(k: row.Escaped, columns: Columns, *, wanted: bool, joined: str) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    escape = column.literal(k.escape or "\\")
    tests = (f"{column.sql} like {column.literal(pattern)} escape {escape}" for pattern in k.patterns())
    matches = f"({joined.join(tests)})"
    return rows(k, columns, present(column), f"not {matches}" if wanted else matches)


def _ordered(k: row.Ordered, columns: Columns, *, operator: str) -> RowPlan:
    column = columns.only(k.column, Family.NUMBER, Family.DATE, Family.TIMESTAMP)
    follows = operator if k.strictly else f"{operator}="
    return rows(k, columns, present(column), OutOfOrder(column, domain(k, columns), follows))


def _unique(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    column = columns.any(k.column)
    scope = present(column)
    return rows(k, columns, scope, Duplicates((column.sql,), all_of(domain(k, columns), scope)))


def _compound(k: kw.Several, columns: Columns) -> RowPlan:
    keys = tuple(columns.any(name) for name in k.column_list)
    inside = tuple(columns.any(name) for name in PARTITION if name in columns.kinds and name not in k.column_list)
    scope = some_present(k.ignore_row_if, keys)
    where = all_of(domain(k, columns), scope)
    return rows(k, columns, scope, Duplicates(tuple(key.sql for key in (*keys, *inside)), where))


def _pair(k: kw.Pair, columns: Columns, *, operator: str) -> RowPlan:
    pair = columns.alike((k.column_A, k.column_B), *COMPARABLE, Family.TEXT)
    a, b = (column.sql for column in pair)
    return rows(k, columns, some_present(k.ignore_row_if, pair), f"not coalesce({a} {operator} {b}, false)")


def _pair_greater(k: row.PairGreater, columns: Columns) -> RowPlan:
    return _pair(k, columns, operator=">=" if k.or_equal else ">")


def _pair_in_set(k: row.PairInSet, columns: Columns) -> RowPlan:
    pair = (columns.any(k.column_A), columns.any(k.column_B))
    alike = [
        " and ".join(
            f"{column.sql} is not distinct from {'null' if value is None else column.literal(value)}"
            for column, value in zip(pair, values, strict=True)
        )
        for values in k.value_pairs_set
    ]
    inside = " or ".join(f"({one})" for one in alike) or "false"
    return rows(k, columns, some_present(k.ignore_row_if, pair), f"not ({inside})")


def _sum(k: row.SumEquals, columns: Columns) -> RowPlan:
    terms = tuple(columns.only(name, Family.NUMBER) for name in k.column_list)
    whole = all(not term.is_float and "(" not in term.kind for term in terms)
    total = " + ".join(f"{term.sql}::{_SUM_LIMIT}" if whole else term.sql for term in terms)
    unexpected = f"coalesce({total} <> {terms[0].literal(k.sum_total)}, true)"
    return rows(k, columns, some_present(k.ignore_row_if, terms), unexpected)


def _equal(k: kw.Several, columns: Columns) -> RowPlan:
    first, *others = columns.alike(k.column_list)
    differs = " or ".join(f"{other.sql} is distinct from {first.sql}" for other in others)
    return rows(k, columns, some_present(k.ignore_row_if, (first, *others)), f"({differs})")


def _distinct_within(k: kw.Several, columns: Columns) -> RowPlan:
    each = columns.alike(k.column_list)
    repeats = " or ".join(
        f"{one.sql} is not distinct from {other.sql}" for i, one in enumerate(each) for other in each[i + 1 :]
    )
    return rows(k, columns, some_present(k.ignore_row_if, each), f"({repeats})")


_LIKES = (
    "only GX's SQL engines know it; without `escape`, the backslash is PostgreSQL's own (other databases have none)"
)

ROW_TYPES: dict[str, RuleType] = {
    "expect_column_values_to_not_be_null": RuleType(
        kw.MappedColumn, partial(_nullity, wanted=False), note="not-a-number is missing; to PostgreSQL it is a value"
    ),
    "expect_column_values_to_be_null": RuleType(
        kw.MappedColumn, partial(_nullity, wanted=True), note="not-a-number is missing; to PostgreSQL it is a value"
    ),
    "expect_column_values_to_be_in_set": RuleType(
        row.InSet, partial(_membership, wanted=True), note=f"{_TYPED}{_DAYS}"
    ),
    "expect_column_values_to_not_be_in_set": RuleType(
        row.InSet,
        partial(_membership, wanted=False),
        note=f"{_TYPED}{_DAYS}; a null in the set is ignored",
    ),
    "expect_column_values_to_be_between": RuleType(row.Between, _between),
    "expect_column_value_lengths_to_be_between": RuleType(row.LengthBetween, _length, note=_LENGTH),
    "expect_column_value_lengths_to_equal": RuleType(row.LengthEquals, _length_equals, note=_LENGTH),
    "expect_column_values_to_match_like_pattern": RuleType(
        row.Like, partial(_like, wanted=True), reference=Reference.POSTGRESQL, note=_LIKES
    ),
    "expect_column_values_to_not_match_like_pattern": RuleType(
        row.Like, partial(_like, wanted=False), reference=Reference.POSTGRESQL, note=_LIKES
    ),
    "expect_column_values_to_match_like_pattern_list": RuleType(
        row.LikeList, _like_list, reference=Reference.POSTGRESQL, note=_LIKES
    ),
    "expect_column_values_to_not_match_like_pattern_list": RuleType(
        row.LikeNoneOf, _like_none, reference=Reference.POSTGRESQL, note=_LIKES
    ),
    "expect_column_values_to_be_increasing": RuleType(
        row.Ordered,
        partial(_ordered, operator=">"),
        note="by row number, missing values passed over; not in SQL engines",
    ),
    "expect_column_values_to_be_decreasing": RuleType(
        row.Ordered,
        partial(_ordered, operator="<"),
        note="by row number, missing values passed over; not in SQL engines",
    ),
    "expect_column_values_to_be_unique": RuleType(
        kw.MappedColumn, _unique, note="missing values are not looked at; all rows of a repeated value fail"
    ),
    "expect_compound_columns_to_be_unique": RuleType(
        kw.Several,
        _compound,
        note="missing parts of a key equal each other, PostgreSQL's never do (decision 2); a key holds within a "
        "district and school year, where the batch has them: GX does not know of them",
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": RuleType(
        row.PairGreater,
        _pair_greater,
        note="with ignore_row_if `neither`, two missing values fail, also where equal ones may pass; in PostgreSQL they pass",
    ),
    "expect_column_pair_values_to_be_equal": RuleType(
        kw.Pair, partial(_pair, operator="="), note="with ignore_row_if `neither`, two missing values are not equal"
    ),
    "expect_column_pair_values_to_be_in_set": RuleType(
        row.PairInSet,
        _pair_in_set,
        note="a row_condition is obeyed; GX 1.24 applies it to half of its counts only, and cannot give a result",
    ),
    "expect_multicolumn_sum_to_equal": RuleType(
        row.SumEquals, _sum, note="a missing part fails; in PostgreSQL such a row passes unseen"
    ),
    "expect_multicolumn_values_to_be_equal": RuleType(kw.Several, _equal, note="missing values equal each other"),
    "expect_select_column_values_to_be_unique_within_record": RuleType(
        kw.Several, _distinct_within, note="missing values equal each other"
    ),
}
