"""What the tables of expectation types are made of: one entry per type, and the few words that all of them use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sipetl.quality import kwargs as kw
from sipetl.quality.lookups import Lookup
from sipetl.quality.plans import Plan, RowPlan
from sipetl.quality.sql import Column, Columns, Family

COMPARABLE = (Family.NUMBER, Family.DATE, Family.TIMESTAMP)
"""What can be compared with a bound; GX takes no text as a bound."""


class Way(StrEnum):
    """How a type is executed."""

    PASS = "DuckDB pass"  # noqa: S105 - the pass over the batch
    VALUES = "distinct values in Python"
    GX = "GX itself"
    NEVER = "not on a batch"


class Reference(StrEnum):
    """The engine of Great Expectations 1.24 whose answer is the right one."""

    PANDAS = "pandas"
    POSTGRESQL = "PostgreSQL"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RuleType:
    """One expectation type: its kwargs, its plan, and whom it agrees with.

    `plan` is None where a rule runs in GX itself, or not at all. `note` says where GX's engines differ from each
    other or we from both, and what was chosen.
    """

    kwargs: type[kw.Kwargs]
    plan: Callable[[Any, Columns], Plan] | None
    way: Way = Way.PASS
    reference: Reference = Reference.PANDAS
    note: str = ""


def domain(k: kw.OfRows, columns: Columns) -> str:
    """Write the rows that a rule looks at."""
    return k.row_condition.sql(columns) if k.row_condition else "true"


def rows(k: kw.Mapped, columns: Columns, scope: str, unexpected: str | Lookup) -> RowPlan:
    """Plan a rule about each row."""
    return RowPlan(domain(k, columns), scope, unexpected, k.mostly)


def present(column: Column) -> str:
    """Write the scope of most rules: rows whose value is not missing."""
    return f"{column.sql} is not null"


def within(k: kw.Bounds, value: str, column: Column) -> str:
    """Write the range test of an expression whose values are a column's."""
    low, high = (None if bound is None else column.literal(bound) for bound in (k.min_value, k.max_value))
    return k.sql(value, low, high)


def some_present(ignore_row_if: str, columns: tuple[Column, ...]) -> str:
    """Write the scope of a rule about several columns."""
    each = [present(column) for column in columns]
    match ignore_row_if:
        case "all_values_are_missing" | "both_values_are_missing":
            return f"({' or '.join(each)})"
        case "any_value_is_missing" | "either_value_is_missing":
            return f"({' and '.join(each)})"
        case _:
            return "true"
