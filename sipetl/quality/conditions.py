"""`row_condition` of Great Expectations 1.24: which rows a rule looks at.

Both forms are read: the JSON form, and the older text `col("grade") == "03"`. A `pass_through` (or a text for
the parser `pandas`) is another engine's language: such a rule runs in GX itself. Missing values follow GX's
pandas engine: `!=` and `NOT_IN` keep rows whose value is missing, the other operators do not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from sipetl.quality.sql import Columns, RuleError

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
        given = columns.any(self.column.name)
        column, literals = given.sql, ", ".join(given.literal(value) for value in values)
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
        column = columns.any(self.column.name).sql
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


_SHAPES = (ast.Expression, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.BinOp, ast.List, ast.Tuple)
_SIGNS = (ast.boolop, ast.unaryop, ast.cmpop, ast.operator, ast.Name, ast.Load, ast.Constant)
"""What a condition in pandas' language may be made of; pandas itself would also call functions."""
_ASKED = {"isnull", "notnull", "isna", "notna"}


class PassThrough(_Model):
    """A condition in pandas' language; which columns it reads is not known.

    Only comparisons of columns with constants: pandas would run any Python that the text names.
    """

    type: Literal["pass_through"]
    pass_through_filter: str

    @field_validator("pass_through_filter")
    @classmethod
    def _runs_nothing(cls, given: str) -> str:
        try:
            tree = ast.parse(re.sub("`[^`]*`", "column", given).strip(), mode="eval")
        except SyntaxError:
            raise ValueError("not a condition in pandas' language") from None
        if not _is_harmless(tree):
            raise ValueError("the condition must only compare columns with constants")
        return given

    def names(self) -> Iterator[str]:
        yield from ()

    def sql(self, _: Columns) -> str:
        raise RuleError("the row_condition is in another engine's language")


Condition = Annotated[Comparison | Nullity | And | Or | PassThrough, Field(discriminator="type")]

_TEXT = re.compile(
    r"""\s*col\("(?P<column>[^"\n]+)"\)\s*"""
    r"""(?:(?P<present>\.notnull\(\))"""
    r"""|(?P<operator>==|!=|<=|>=|<|>)\s*"""
    r"""(?:(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"""
    r"""|(?:date\()?(?P<quote>["'])[ \t]*(?P<value>[^"'\n]+)(?P=quote)\)?))\s*""",
    re.IGNORECASE,
)
"""GX's older grammar, for the parser `great_expectations`."""


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        asked = node.func
        return (
            isinstance(asked, ast.Attribute)
            and asked.attr in _ASKED
            and isinstance(asked.value, ast.Name)
            and not (node.args or node.keywords)
        )
    return isinstance(node, (*_SHAPES, *_SIGNS)) and all(_is_harmless(child) for child in ast.iter_child_nodes(node))


def read_condition(given: str, parser: str | None) -> dict[str, Any]:
    """Turn the older text form into the JSON form.

    Raises:
        ValueError: it is not of GX's grammar, or meant for Spark.
    """
    if parser == "spark":
        raise ValueError("a condition for Spark cannot be run on a batch")
    if parser is None or parser == "pandas":
        return {"type": "pass_through", "pass_through_filter": given}
    found = _TEXT.fullmatch(given)
    if not found:
        raise ValueError('not a condition such as col("grade") == "03"')
    column = {"name": found["column"]}
    if found["present"]:
        return {"type": "nullity", "column": column, "is_null": False}
    value = found["value"] if found["number"] is None else _number(found["number"])
    return {"type": "comparison", "column": column, "operator": found["operator"], "parameter": value}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
