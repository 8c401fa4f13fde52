"""`row_condition` in the JSON form of Great Expectations 1.24: which rows a rule looks at.

GX's legacy strings and `pass_through` are refused: they are another engine's language. Missing values
follow GX's pandas engine: `!=` and `NOT_IN` keep rows whose value is missing, the other operators do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from sipetl.quality.sql import Columns

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr

_COMPARE = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnReference(_Model):
    """The column of a condition, as GX writes it: `{"name": ...}`."""

    name: str


class Comparison(_Model):
    """A column against a value, or a set of values."""

    type: Literal["comparison"]
    column: ColumnReference
    operator: Literal["==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN"]
    parameter: Scalar | tuple[Scalar, ...]

    @model_validator(mode="after")
    def _set_only_for_membership(self) -> Self:
        if isinstance(self.parameter, tuple) != (self.operator in ("IN", "NOT_IN")):
            raise ValueError("IN and NOT_IN take a list, the other operators one value")
        return self

    def sql(self, columns: Columns) -> str:
        values = self.parameter if isinstance(self.parameter, tuple) else (self.parameter,)
        column, family = columns.any(self.column.name)
        literals = ", ".join(columns.literal(value, family) for value in values)
        match self.operator:
            case "!=":
                return f"{column} is distinct from {literals}"
            case "IN":
                return f"{column} in ({literals})" if values else "false"
            case "NOT_IN":
                return f"({column} is null or {column} not in ({literals}))" if values else "true"
            case operator:
                return f"{column} {_COMPARE[operator]} {literals}"

    def names(self) -> Iterator[str]:
        yield self.column.name


class Nullity(_Model):
    """A column is missing, or is not."""

    type: Literal["nullity"]
    column: ColumnReference
    is_null: bool

    def sql(self, columns: Columns) -> str:
        column, _ = columns.any(self.column.name)
        return f"{column} is null" if self.is_null else f"{column} is not null"

    def names(self) -> Iterator[str]:
        yield self.column.name


_Part = Annotated["Comparison | Nullity | And", Field(discriminator="type")]


class And(_Model):
    """All of them. GX allows no OR inside an AND."""

    type: Literal["and"]
    conditions: tuple[_Part, ...] = Field(min_length=1)

    def sql(self, columns: Columns) -> str:
        return "(" + " and ".join(part.sql(columns) for part in self.conditions) + ")"

    def names(self) -> Iterator[str]:
        for part in self.conditions:
            yield from part.names()


class Or(_Model):
    """Any of them. GX allows no OR inside an OR."""

    type: Literal["or"]
    conditions: tuple[_Part, ...] = Field(min_length=1)

    def sql(self, columns: Columns) -> str:
        return "(" + " or ".join(part.sql(columns) for part in self.conditions) + ")"

    def names(self) -> Iterator[str]:
        for part in self.conditions:
            yield from part.names()


Condition = Annotated[Comparison | Nullity | And | Or, Field(discriminator="type")]
