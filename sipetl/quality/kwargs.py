"""The `kwargs` of each expectation type, as models: names, ranges and shapes are checked on load.

Names and defaults are those of Great Expectations 1.24; a name that GX has and we do not run
(`column_index`, `condition_parser`) is refused rather than ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from sipetl.quality.conditions import Condition, Scalar


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _iso_day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


Bound = Annotated[StrictInt | StrictFloat | date, BeforeValidator(_iso_day)]
Pattern = Annotated[StrictStr, AfterValidator(_pattern)]


class Kwargs(BaseModel):
    """What all types share: the rows they look at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    row_condition: Condition | None = None

    def columns(self) -> Iterator[str]:
        """Name every column the rule reads."""
        if self.row_condition is not None:
            yield from self.row_condition.names()


class Exists(BaseModel):
    """The only type that looks at no row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str

    def columns(self) -> Iterator[str]:
        yield self.column


class OfColumn(Kwargs):
    """Rules about one column."""

    column: str

    def columns(self) -> Iterator[str]:
        yield self.column
        yield from super().columns()


class Mapped(Kwargs):
    """Rules judged row by row: `mostly` is the share of considered rows that must pass."""

    mostly: float = Field(default=1.0, ge=0, le=1)


class MappedColumn(OfColumn, Mapped):
    """Rules about each value of one column."""


class InSet(MappedColumn):
    """Values against a set; a null in the set is ignored, as missing values are never looked at."""

    value_set: tuple[Scalar, ...]

    @field_validator("value_set", mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        return [item for item in value if item is not None] if isinstance(value, list) else value


class Matches(MappedColumn):
    """Values against a regular expression."""

    regex: Pattern


class MatchesFormat(MappedColumn):
    """Values against a `strptime` format."""

    strftime_format: StrictStr


class Bounds(BaseModel):
    """A range, open on the sides that are not given."""

    min_value: Bound | None = None
    max_value: Bound | None = None
    strict_min: StrictBool = False
    strict_max: StrictBool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError("min_value and max_value cannot both be missing")
        if low is None or high is None:
            return self
        if isinstance(low, date) != isinstance(high, date):
            raise ValueError("min_value and max_value are of different kinds")
        if low > high:  # type: ignore[operator]
            raise ValueError("min_value is greater than max_value")
        return self

    def sql(self, value: str, low: str | None, high: str | None) -> str:
        """Write the range test of an expression; the bounds come written as constants."""
        above = f"{value} {'>' if self.strict_min else '>='} {low}" if low else ""
        below = f"{value} {'<' if self.strict_max else '<='} {high}" if high else ""
        return "(" + " and ".join(part for part in (above, below) if part) + ")"

    def holds(self, value: Any) -> bool:
        """Test a number against the range."""
        low, high = self.min_value, self.max_value
        above = low is None or (value > low if self.strict_min else value >= low)
        below = high is None or (value < high if self.strict_max else value <= high)
        return bool(above and below)


class Numbers(Bounds):
    """A range of numbers."""

    min_value: StrictInt | StrictFloat | None = None
    max_value: StrictInt | StrictFloat | None = None


class ColumnBetween(MappedColumn, Bounds):
    """Each value within a range."""


class LengthBetween(MappedColumn, Numbers):
    """The length of each text within a range."""


class ExtremeBetween(OfColumn, Bounds):
    """The smallest or largest value within a range."""


class NumberBetween(OfColumn, Numbers):
    """A mean, count or proportion of a column within a range."""


class RowsBetween(Kwargs, Numbers):
    """The number of rows within a range."""


class Compound(Mapped):
    """Columns that together are a key."""

    column_list: tuple[str, ...] = Field(min_length=2)
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "all_values_are_missing"

    def columns(self) -> Iterator[str]:
        yield from self.column_list
        yield from super().columns()


class Pair(Mapped):
    """Two columns of the same row."""

    column_A: str  # GX's spelling
    column_B: str
    or_equal: bool | None = None
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = (
        "both_values_are_missing"
    )

    def columns(self) -> Iterator[str]:
        yield self.column_A
        yield self.column_B
        yield from super().columns()
