"""What a rule becomes before it runs: SQL over the batch, and questions to a column's distinct values.

The type tables turn kwargs into plans; `run.py` joins all row plans into one pass for the rows that fail, and the
counts of all plans into another. Values plans and lookups are answered before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sipetl.quality.lookups import Lookup
from sipetl.quality.sql import Column
from sipetl.quality.values import Values

Observed = float | int | str | tuple[str, ...] | None
"""A count, a statistic of many, a type, or names of columns: never a row's value."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file rule found; `counts` are the further counts of its type, by GX's names."""

    success: bool
    observed: Observed = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A rule about the whole batch: aggregate expressions, and the judge of their values."""

    aggregates: tuple[str, ...]
    judge: Callable[[Sequence[Any]], Verdict]


@dataclass(frozen=True, slots=True)
class ValuesPlan:
    """A rule about how one column's values are spread; `domain` are the rows of the `row_condition`."""

    column: Column
    domain: str
    judge: Callable[[Values], Verdict]


@dataclass(frozen=True, slots=True)
class RowPlan:
    """A rule about each row.

    `domain` are the rows of the `row_condition`, `scope` those of them that count towards `mostly`,
    `unexpected` (SQL, or a lookup whose hits fail) those that break the rule. No predicate may be
    null on a row inside its scope. A rule about missing values themselves does not tell how many there are.
    """

    domain: str
    scope: str
    unexpected: str | Lookup
    mostly: float
    tells_missing: bool = True


Plan = RowPlan | FilePlan | ValuesPlan
