"""What the `kwargs` of all expectation types share, as models: names, ranges and shapes are checked on load.

Names and defaults are those of Great Expectations 1.24; a name that the type does not have is refused
rather than ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
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

from sipetl.quality.conditions import Condition, PassThrough, read_condition


def _bound(value: object) -> object:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("neither a number nor a day as YYYY-MM-DD") from None
    return value


Number = StrictInt | StrictFloat
Bound = Annotated[Number | StrictStr, BeforeValidator(_bound)]
"""A number, or a day or moment as text; GX takes no other text."""
IgnoreRow = Literal["all_values_are_missing", "any_value_is_missing", "never"]
IgnorePair = Literal["both_values_are_missing", "either_value_is_missing", "neither"]


class Kwargs(BaseModel):
    """What every type can have. GX writes the last three into older suites; they do not change a verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_id: Any = None
    result_format: Any = None
    catch_exceptions: Any = None

    @field_validator("*", mode="before")
    @classmethod
    def _is_filled_in(cls, value: Any) -> Any:
        """Refuse a suite parameter: GX fills it in from what a run is given, and a scheduled load is given nothing."""
        if isinstance(value, dict) and "$PARAMETER" in value:
            raise ValueError("suite parameters ($PARAMETER) are not filled in: write the value itself")
        return value

    @classmethod
    def names(cls) -> list[str]:
        """Name what the type takes, what it must have first; without what GX wrote into older suites."""
        fields = {name: field for name, field in cls.model_fields.items() if name not in Kwargs.model_fields}
        return sorted(fields, key=lambda name: not fields[name].is_required())

    @property
    def is_foreign(self) -> bool:
        """Whether only GX's own engine understands which rows are meant."""
        return False

    def columns(self) -> Iterator[str]:
        """Name every column the rule reads."""
        yield from ()


class OfRows(Kwargs):
    """Rules that look at the rows of a condition."""

    row_condition: Condition | None = None
    condition_parser: (
        Literal["great_expectations", "great_expectations__experimental__", "pandas", "spark"] | None
    ) = None

    @model_validator(mode="before")
    @classmethod
    def _read_condition(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("row_condition"), str):
            return given | {"row_condition": read_condition(given["row_condition"], given.get("condition_parser"))}
        return given

    @property
    def is_foreign(self) -> bool:
        return isinstance(self.row_condition, PassThrough)

    def columns(self) -> Iterator[str]:
        if self.row_condition is not None:
            yield from self.row_condition.names()


class OfColumn(OfRows):
    """Rules about one column."""

    column: str = Field(min_length=1)

    def columns(self) -> Iterator[str]:
        yield self.column
        yield from super().columns()


class Mapped(OfRows):
    """Rules judged row by row: `mostly` is the share of considered rows that must pass."""

    mostly: float = Field(default=1.0, ge=0, le=1)


class MappedColumn(OfColumn, Mapped):
    """Rules about each value of one column."""


class Pair(Mapped):
    """Rules about two columns of the same row."""

    column_A: str  # GX's spelling
    column_B: str
    ignore_row_if: IgnorePair = "both_values_are_missing"

    def columns(self) -> Iterator[str]:
        yield self.column_A
        yield self.column_B
        yield from super().columns()


class Several(Mapped):
    """Rules about two or more columns of the same row."""

    column_list: tuple[str, ...] = Field(min_length=2)
    ignore_row_if: IgnoreRow = "all_values_are_missing"

    def columns(self) -> Iterator[str]:
        yield from self.column_list
        yield from super().columns()


class Ends(BaseModel):
    """A range, open on the sides that are not given."""

    min_value: Bound | None = None
    max_value: Bound | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.min_value, self.max_value
        if low is None or high is None:
            return self
        if isinstance(low, str) != isinstance(high, str):
            raise ValueError("min_value and max_value are of different kinds")
        if low > high:  # type: ignore[operator]
            raise ValueError("min_value is greater than max_value")
        return self


class Bounds(Ends):
    """A range whose ends may be left out of it."""

    strict_min: StrictBool = False
    strict_max: StrictBool = False

    def sql(self, value: str, low: str | None, high: str | None) -> str:
        """Write the range test of an expression; the bounds come written as constants."""
        above = f"{value} {'>' if self.strict_min else '>='} {low}" if low else ""
        below = f"{value} {'<' if self.strict_max else '<='} {high}" if high else ""
        return "(" + (" and ".join(part for part in (above, below) if part) or f"{value} is not null") + ")"

    def holds(self, value: Any) -> bool:
        """Test a number against the range."""
        low, high = self.min_value, self.max_value
        above = low is None or (value > low if self.strict_min else value >= low)
        below = high is None or (value < high if self.strict_max else value <= high)
        return bool(above and below)


class NeedsBound(Bounds):
    """A range with at least one side."""

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("min_value and max_value cannot both be missing")
        return self


class Numbers(Bounds):
    """A range of numbers."""

    min_value: Number | None = None
    max_value: Number | None = None
