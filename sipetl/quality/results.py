"""What a suite found in a batch. No result holds a cell: row numbers, rule ids, counts and statistics of many only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sipetl.quality.plans import Observed
from sipetl.quality.ruletype import Way
from sipetl.quality.suite import Severity


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule found.

    `element_count` (rows inside the row condition), `unexpected_count` and `missing_count` are those of GX; None for
    types that do not have them. `counts` are further counts by GX's names. `error` says why a rule could not run: it
    is never a success. `way` says how it was executed; a rule that GX itself ran says so here.
    """

    rule_id: str
    type: str
    severity: Severity
    level: Literal["row", "file"]
    column: str | None
    success: bool
    error: str = ""
    element_count: int | None = None
    unexpected_count: int | None = None
    mostly: float = 1.0
    observed: Observed = None
    missing_count: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    way: Way = Way.PASS


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What a suite found in one batch, in the suite's order.

    `failing` names a temporary table (row_number bigint, rule_id varchar) of the same connection;
    the next run on the same batch table replaces it.
    """

    suite: str
    rows: int
    rules: tuple[RuleResult, ...]
    failing: str
    table: str
    """The batch."""
