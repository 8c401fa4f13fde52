"""How one column's values are spread, and the statistics that need to see all of them.

Medians, quantiles, deviations and fences are computed here, once, from distinct values and their counts in
ascending order: so neither the order of rows nor the number of threads can change a bit of them. Sums of
floats are rounded once (`math.fsum`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sipetl.quality.sql import Column, Family

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_CHUNK = 100_000
"""Distinct values that are unfolded at once into a sum."""


@dataclass(frozen=True, slots=True)
class Values:
    """The distinct values of a column that are not missing, ascending, and how many rows hold each."""

    distinct: pa.Array
    numbers: Floats
    """The values as pandas computes with them; empty where they are no numbers."""
    counts: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def where(self, mask: Mask) -> pa.Array:
        """Give the values that a mask marks."""
        # pa.array(mask) would load pandas, which takes most of a second
        bits = pa.py_buffer(np.packbits(mask, bitorder="little"))
        return self.distinct.filter(pa.Array.from_buffers(pa.bool_(), len(mask), [None, bits]))

    def total(self, numbers: Floats) -> float:
        """Sum one number per distinct value over all rows, rounded once."""
        try:
            return math.fsum(self._unfolded(numbers))
        except (OverflowError, ValueError):  # beyond a double's range, or infinities of both signs
            with np.errstate(over="ignore", invalid="ignore"):
                return float(np.dot(numbers, self.counts))

    def _unfolded(self, numbers: Floats) -> Iterator[float]:
        for start in range(0, len(numbers), _CHUNK):
            part = slice(start, start + _CHUNK)
            yield from np.repeat(numbers[part], self.counts[part])

    @property
    def mean(self) -> float | None:
        return self.total(self.numbers) / self.n if self.n else None

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation; None of fewer than two values, or where one is infinite."""
        numbers, n, mean = self.numbers, self.n, self.mean
        if n < 2 or mean is None or not math.isfinite(mean):
            return None
        beside = numbers - mean
        # the mean is rounded: where values lie closer together than its last digit, their distances do not add up to nothing
        squares = self.total(beside**2) - self.total(beside) ** 2 / n
        return math.sqrt(max(squares, 0.0) / (n - 1))

    def ranked(self, rank: int) -> float:
        """Give the value of the row that has `rank` others before it."""
        return float(self.numbers[int(np.searchsorted(np.cumsum(self.counts), rank, side="right"))])

    def quantile(self, share: float, interpolation: str = "linear") -> float | None:
        """Give a quantile as numpy does: `linear`, `lower`, `higher`, `midpoint` or `nearest`."""
        if not self.n:
            return None
        at = np.float64((self.n - 1) * share)
        low = self.ranked(math.floor(at))
        high = self.ranked(math.ceil(at))
        fraction = {
            "lower": 0.0,
            "higher": 1.0,
            "midpoint": 0.5,
            # the even neighbour of a half
            "nearest": float(np.rint(at) - np.floor(at)),
            "linear": float(at - np.floor(at)),
        }[interpolation]
        return _between(low, high, fraction)

    def most_common(self) -> Sequence[Any]:
        """Give the values that no other is more frequent than."""
        if not self.n:
            return ()
        found: Sequence[Any] = self.where(self.counts == self.counts.max()).to_pylist()
        return found


def _between(low: float, high: float, fraction: float) -> float:
    """Interpolate from the nearer side, as numpy does."""
    if low == high:
        return low
    if fraction < 0.5:
        return low + (high - low) * fraction
    return high - (high - low) * (1 - fraction)


def read_values(con: duckdb.DuckDBPyConnection, table: str, column: Column, domain: str) -> Values:
    """Read the values of the rows in a domain; `table` comes quoted."""
    # DuckDB divides a decimal's digits once; Arrow's own cast would make 0.19999999999999998 of 0.2
    number = "v::double" if column.family is Family.NUMBER else "null::double"
    found = con.sql(
        f"select v, {number} as x, n from (select {column.sql} as v, count(*)::bigint as n from {table} "
        f"where ({domain}) and {column.sql} is not null group by all) order by v"
    ).to_arrow_table()
    distinct, numbers, counts = (found.column(name).combine_chunks() for name in ("v", "x", "n"))
    if numbers.null_count:
        numbers = numbers.drop_null()
    return Values(
        distinct,
        np.asarray(np.from_dlpack(numbers), dtype=np.float64),
        np.asarray(np.from_dlpack(counts), dtype=np.int64),
    )
