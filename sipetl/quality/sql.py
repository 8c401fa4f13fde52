"""Names, types and constants of a batch as SQL: the small words the rule types are written in.

A rule that does not fit the batch (missing column, text compared with a number) raises `RuleError`,
which `run_suite` turns into an *error* result. Its message names columns and types, never a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from math import isnan

ROW_NUMBER = "row_number"


class RuleError(Exception):
    """A rule cannot be run on this batch."""


class Family(StrEnum):
    """What a column's values can be compared with."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    OTHER = "other"


_WIDEST = 38
"""Digits of DuckDB's widest whole numbers and decimals."""
_FLOATS = ("DOUBLE", "FLOAT")
_FAMILIES = {
    "VARCHAR": Family.TEXT,
    "TINYINT": Family.NUMBER,
    "SMALLINT": Family.NUMBER,
    "INTEGER": Family.NUMBER,
    "BIGINT": Family.NUMBER,
    **dict.fromkeys(_FLOATS, Family.NUMBER),
    "DECIMAL": Family.NUMBER,
    "DATE": Family.DATE,
    "TIMESTAMP": Family.TIMESTAMP,
    "BOOLEAN": Family.BOOLEAN,
    "BLOB": Family.BYTES,
}


def quote(name: str) -> str:
    """Write an identifier so that it is nothing else."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a text constant."""
    return "'" + value.replace("'", "''") + "'"


def all_of(*conditions: str) -> str:
    """Join conditions that all must hold."""
    return " and ".join(one for one in conditions if one != "true") or "true"


def number(value: int | float, kind: str = "BIGINT") -> str:
    """Write a number for a column of some kind, or raise `RuleError`.

    A fraction is compared with decimals as a decimal, with all else as a double; so is one that no decimal can hold.
    """
    digits = _WIDEST - int(kind.rstrip(")").rpartition(",")[2] or 0) if kind.startswith("DECIMAL(") else _WIDEST
    if -(10**digits) < value < 10**digits:
        is_binary = isinstance(value, float) and not kind.startswith("DECIMAL")
        return f"'{value!r}'::double" if is_binary else repr(value)
    if isinstance(value, int) or isnan(value):
        raise RuleError("the rule compares with a number that no column can hold")
    return f"'{value!r}'::double"


def rows_where(condition: str) -> str:
    """Write the count of the rows that meet a condition."""
    return "count(*)" if condition == "true" else f"count(*) filter (where {condition})"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a batch; `kind` is DuckDB's name of its type (`BIGINT`, `DECIMAL(18,6)`)."""

    name: str
    kind: str

    @property
    def family(self) -> Family:
        return _FAMILIES.get(self.kind.split("(")[0], Family.OTHER)

    @property
    def is_float(self) -> bool:
        return self.kind in _FLOATS

    @property
    def sql(self) -> str:
        """The column as an expression. Not-a-number is a missing value, as in pandas."""
        name = quote(self.name)
        return f"nullif({name}, 'nan'::double)" if self.is_float else name

    def literal(self, value: object) -> str:
        """Write a constant that this column can be compared with, or raise `RuleError`."""
        match self.family, value:
            case Family.TEXT, str():
                return text(value)
            case Family.BOOLEAN, bool():
                return str(value).lower()
            case Family.NUMBER, int() | float() if not isinstance(value, bool):
                return number(value, self.kind)
            case (Family.DATE | Family.TIMESTAMP) as family, str():
                return f"{family} '{_moment(value, family).isoformat()}'"
        raise RuleError(f"the rule compares {self.family} with {type(value).__name__}")

    def python(self, value: object) -> object:
        """Give a constant as Python holds this column's values, or raise `RuleError`."""
        self.literal(value)
        if isinstance(value, str) and self.family is not Family.TEXT:
            return _moment(value, self.family)
        return Decimal(repr(value)) if self.kind.startswith("DECIMAL") else value


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one batch, in its order: name to DuckDB type."""

    kinds: Mapping[str, str]

    @classmethod
    def of(cls, described: Iterable[tuple[str, str]]) -> Columns:
        """Read (name, type) pairs, without the row number."""
        return cls({name: kind.upper() for name, kind in described if name != ROW_NUMBER})

    def any(self, name: str) -> Column:
        """Give a column, or raise `RuleError` when it is not there."""
        if name not in self.kinds:
            raise RuleError(f"column {name!r} is not in the batch")
        return Column(name, self.kinds[name])

    def only(self, name: str, *wanted: Family) -> Column:
        """Give a column of one of these families, or raise `RuleError`."""
        column = self.any(name)
        if column.family not in wanted:
            raise RuleError(f"column {name!r} holds {column.family}; the rule needs {' or '.join(wanted)}")
        return column

    def alike(self, names: Iterable[str], *wanted: Family) -> tuple[Column, ...]:
        """Give columns that can be compared with each other, or raise `RuleError`."""
        first, *others = (self.only(name, *wanted) if wanted else self.any(name) for name in names)
        return first, *(self.only(other.name, first.family) for other in others)


def _moment(value: str, family: Family) -> date:
    kind = date if family is Family.DATE else datetime
    try:
        return kind.fromisoformat(value)
    except ValueError:
        raise RuleError(f"the rule compares a {family} with text that is not an ISO {family}") from None
