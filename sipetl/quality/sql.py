"""Names, types and constants of a batch as SQL: the small words the rule types are written in.

A rule that does not fit the batch (missing column, text compared with a number) raises `RuleError`,
which `run_suite` turns into an *error* result. Its message names columns and types, never a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

ROW_NUMBER = "row_number"


class RuleError(Exception):
    """A rule cannot be run on this batch."""


class Family(StrEnum):
    """What a column's values can be compared with."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    OTHER = "other"


_FAMILIES = {
    "VARCHAR": Family.TEXT,
    "TINYINT": Family.NUMBER,
    "SMALLINT": Family.NUMBER,
    "INTEGER": Family.NUMBER,
    "BIGINT": Family.NUMBER,
    "DOUBLE": Family.NUMBER,
    "DECIMAL": Family.NUMBER,
    "DATE": Family.DATE,
    "BOOLEAN": Family.BOOLEAN,
    "BLOB": Family.BYTES,
}


def quote(name: str) -> str:
    """Write an identifier so that it is nothing else."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a text constant."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one batch and what they hold."""

    families: Mapping[str, Family]

    @classmethod
    def of(cls, described: Iterable[tuple[str, str]]) -> Columns:
        """Read (name, DuckDB type) pairs; `DECIMAL(5,2)` counts as `DECIMAL`."""
        return cls({name: _FAMILIES.get(kind.split("(")[0], Family.OTHER) for name, kind in described})

    def any(self, name: str) -> tuple[str, Family]:
        """Give the quoted name and the family, or raise `RuleError` when the column is not there."""
        if name not in self.families:
            raise RuleError(f"column {name!r} is not in the batch")
        return quote(name), self.families[name]

    def only(self, name: str, *wanted: Family) -> str:
        """Give the quoted name of a column of one of these families, or raise `RuleError`."""
        column, family = self.any(name)
        if family not in wanted:
            raise RuleError(f"column {name!r} holds {family}; the rule needs {' or '.join(wanted)}")
        return column

    @staticmethod
    def literal(value: object, family: Family) -> str:
        """Write a constant that a column of this family can be compared with, or raise `RuleError`."""
        match family, value:
            case Family.TEXT, str():
                return text(value)
            case Family.BOOLEAN, bool():
                return str(value).lower()
            case Family.NUMBER, int() | float() if not isinstance(value, bool):
                return repr(value)
            case Family.DATE, date():
                return f"date '{value.isoformat()}'"
            case Family.DATE, str():
                return f"date '{_day(value)}'"
        raise RuleError(f"the rule compares {family} with {type(value).__name__}")


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise RuleError("the rule compares a date with text that is not an ISO date") from None
