"""The facts that lint sees beside the plan itself; the caller looks them up (`context`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sipetl.plans.model import Direction, TargetPath

MOST_BENCHMARKS = 20
"""The guidance says "few" without a number (massachusetts.md 1.3); the number is ours."""


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What the catalogue says of a metric. `result_from`: the first day its year's result can exist (MCAS)."""

    feed: str
    direction: Direction
    paths: frozenset[TargetPath]
    levels: frozenset[str] = frozenset({"school"})
    result_from: date | None = None


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """A monitoring cycle."""

    cycle_id: str
    data_as_of: date
    data_due: date
    review_date: date


@dataclass(frozen=True, slots=True)
class LintContext:
    """What the caller knows around the plan.

    `feed_due` holds the feeds that the district delivers, each with the due dates of its arrivals (none: not known);
    `group_sizes` the school's students per group, for the groups whose size is known.
    """

    metrics: Mapping[str, MetricFacts]
    feed_due: Mapping[str, tuple[date, ...]]
    cycles: tuple[CycleFacts, ...]
    year_starts_on: date
    year_ends_on: date
    minimum_n: int
    identified_groups: frozenset[str] = frozenset()
    group_sizes: Mapping[str, int] = field(default_factory=dict)
    schools: frozenset[str] = frozenset()
    """`AUTHORITY/CODE`; none: not known."""
    student_groups: tuple[str, ...] = ()
    """None: not known."""
    most_benchmarks: int = MOST_BENCHMARKS
