"""The `kwargs` of the types that judge a whole batch or column at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator, model_validator

from sipetl.quality import kwargs as kw
from sipetl.quality.conditions import Scalar

_WEIGHTS_TOLERANCE = 1e-9
"""How far weights may sum from one: GX's own `np.allclose` allows 1e-5, of which rounding needs far less."""


class Exists(kw.Kwargs):
    """A column, at a place where one is given."""

    column: str = Field(min_length=1)
    column_index: int | None = None

    def columns(self) -> Iterator[str]:
        yield self.column


class TypeIs(kw.Kwargs):
    """The declared type of a column."""

    column: str = Field(min_length=1)
    type_: StrictStr

    def columns(self) -> Iterator[str]:
        yield self.column


class ColumnCount(kw.Kwargs, kw.Ends):
    """The number of columns within a range."""

    min_value: int | None = None
    max_value: int | None = None


class ColumnCountEquals(kw.Kwargs):
    """The number of columns."""

    value: int


class ColumnsAre(kw.OfRows):
    """The names of all columns, in their order; without a list, any."""

    column_list: tuple[str, ...] | None


class ColumnSet(kw.Kwargs):
    """The names of all columns; where the match is not exact, at least these."""

    column_set: tuple[str, ...] | None
    exact_match: StrictBool | None = True


class RowsBetween(kw.OfRows, kw.Numbers):
    """The number of rows within a range."""


class RowsEqual(kw.OfRows):
    """The number of rows."""

    value: int


class ExtremeBetween(kw.OfColumn, kw.Bounds):
    """The smallest or largest value within a range."""


class NumberBetween(kw.OfColumn, kw.Numbers):
    """A statistic of a column within a range."""


class _Ranges(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    quantiles: tuple[float, ...]
    value_ranges: tuple[tuple[kw.Number | None, kw.Number | None], ...]

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if len(self.quantiles) != len(self.value_ranges):
            raise ValueError("quantiles and value_ranges must have the same length")
        if not all(0 <= share <= 1 for share in self.quantiles):
            raise ValueError("quantiles must be between 0 and 1")
        if any(low is not None and high is not None and low > high for low, high in self.value_ranges):
            raise ValueError("a value range's lower bound is greater than its upper bound")
        return self


class Quantiles(kw.OfColumn):
    """Some quantiles of a column, each within a range."""

    quantile_ranges: _Ranges
    allow_relative_error: Literal[False, "linear", "lower", "higher", "midpoint", "nearest"] = False


class MostCommon(kw.OfColumn):
    """The most frequent value, one of a set."""

    value_set: tuple[Scalar | None, ...]
    ties_okay: StrictBool | None = None


class DistinctSet(kw.OfColumn):
    """The distinct values of a column against a set."""

    value_set: tuple[Scalar | None, ...]


class DistinctWithin(DistinctSet):
    """GX refuses an empty set here, and only here."""

    value_set: tuple[Scalar | None, ...] = Field(min_length=1)


class _Partition(BaseModel):
    """An expected spread: weights of values, or of bins (and of what lies outside them)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: tuple[Scalar, ...] | None = None
    bins: tuple[float, ...] | None = None
    weights: tuple[float, ...]
    tail_weights: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _is_a_spread(self) -> Self:
        if (self.values is None) == (self.bins is None):
            raise ValueError("a partition has either values or bins")
        wanted = len(self.values) if self.values is not None else len(self.bins or ()) - 1
        if len(self.weights) != wanted:
            raise ValueError("a partition needs one weight per value, or one less than bins")
        if self.bins and any(low >= high for low, high in pairwise(self.bins)):
            raise ValueError("the bins of a partition must rise")
        if abs(sum((*self.weights, *(self.tail_weights or ()))) - 1) > _WEIGHTS_TOLERANCE:
            raise ValueError("the weights of a partition must sum to 1")
        return self


class Divergence(kw.OfColumn):
    """How far a column's spread is from an expected one (Kullback-Leibler).

    Without a `partition_object` GX compares the column with itself: that is left to GX.
    """

    partition_object: _Partition | None = None
    threshold: float | None = Field(default=None, ge=0)
    tail_weight_holdout: float = Field(default=0, ge=0, le=1)
    internal_weight_holdout: float = Field(default=0, ge=0, le=1)
    bucketize_data: StrictBool = True
    min_value: Any = None
    max_value: Any = None

    @property
    def is_foreign(self) -> bool:
        return self.partition_object is None or super().is_foreign

    @field_validator("partition_object", mode="after")
    @classmethod
    def _has_finite_ends(cls, partition: _Partition | None) -> _Partition | None:
        if partition and partition.bins and not all(abs(end) < float("inf") for end in partition.bins):
            raise ValueError("the bins of a partition must be finite")
        return partition

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        partition = self.partition_object
        if partition is None:
            return self
        if partition.tail_weights and self.tail_weight_holdout:
            raise ValueError("tail_weight_holdout must be 0 where the partition has tail_weights")
        if partition.values is not None and self.internal_weight_holdout:
            raise ValueError("internal_weight_holdout is for bins only")
        if partition.bins and not self.bucketize_data:
            raise ValueError("bins need bucketize_data")
        return self
