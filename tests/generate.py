"""Make 1,000 rows under a vendor's exact header, for samples that have too few rows to prove anything.

A recipe says what stands under some headers; under every other header stands `PRIVATE`, so that a test can show
that nothing of it is kept. Some rows are spoiled, each in one known way with one known fate, so that it is known
how many rows must end where.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import numpy as np

ROWS = 1000
SPOILED_EACH = 7
PRIVATE = "Zzyzx-Private"
"""No vendor's word: whoever finds it after mapping has found a leak."""

Values = Sequence[str] | Callable[[np.random.Generator], Sequence[str]]
"""Texts to draw from, or a function that gives one text per row."""


class Fate(Enum):
    """Where a spoiled row must end."""

    QUARANTINED = auto()
    """By mapping: it cannot be read."""
    REFUSED = auto()
    """By the feed's suite: it can be read, and cannot be true."""
    SKIPPED = auto()
    """The layout says that it is no row of data."""


@dataclass(frozen=True)
class Recipe:
    """What stands under the headers; each (header, text) of `spoil` is written into `SPOILED_EACH` rows."""

    values: Mapping[str, Values]
    spoil: Mapping[Fate, Sequence[tuple[str, str]]] = field(default_factory=dict)
    seed: int = 20260115


@dataclass(frozen=True)
class Generated:
    """A file, its cells by row number (the header is row 1), and the rows of each fate."""

    path: Path
    header: tuple[str, ...]
    cells: Mapping[int, tuple[str, ...]]
    fates: Mapping[Fate, frozenset[int]]

    @property
    def good(self) -> dict[int, tuple[str, ...]]:
        """The rows that nothing was done to."""
        bad = frozenset().union(*self.fates.values())
        return {number: row for number, row in self.cells.items() if number not in bad}

    def column(self, name: str) -> list[str]:
        """The good rows' cells under a header."""
        place = self.header.index(name)
        return [row[place] for row in self.good.values()]


def header_of(sample: Path) -> list[str]:
    """The header row of a CSV sample, as it stands there."""
    with sample.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def ids(first: int) -> Callable[[np.random.Generator], Sequence[str]]:
    """A different id in each row."""
    return lambda rng: [str(first + number) for number in rng.permutation(ROWS)]


def numbers(low: int, high: int) -> Callable[[np.random.Generator], Sequence[str]]:
    """Whole numbers from low to high, both included."""
    return lambda rng: [str(number) for number in rng.integers(low, high + 1, ROWS)]


def write_rows(path: Path, header: Sequence[str], recipe: Recipe) -> Generated:
    """Write the file; headers of a recipe are compared without case."""
    rng = np.random.default_rng(recipe.seed)
    known = {name.casefold(): _drawn(values, rng) for name, values in recipe.values.items()}
    columns = [list(known.get(name.casefold(), [PRIVATE] * ROWS)) for name in header]
    fates = _spoil(columns, [name.casefold() for name in header], recipe, rng)
    rows = list(zip(*columns, strict=True))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return Generated(path, tuple(header), dict(enumerate(rows, start=2)), fates)


def _drawn(values: Values, rng: np.random.Generator) -> Sequence[str]:
    if callable(values):
        return values(rng)
    return [str(value) for value in rng.choice(list(values), ROWS)]


def _spoil(
    columns: list[list[str]], header: list[str], recipe: Recipe, rng: np.random.Generator
) -> dict[Fate, frozenset[int]]:
    order = iter(rng.permutation(ROWS).tolist())
    fates: dict[Fate, frozenset[int]] = {fate: frozenset() for fate in Fate}
    for fate, ways in recipe.spoil.items():
        for name, text in ways:
            places = [next(order) for _ in range(SPOILED_EACH)]
            for place in places:
                columns[header.index(name.casefold())][place] = text
            fates[fate] |= {place + 2 for place in places}
    return fates
