"""`metric`: values, and the statuses of benchmarks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, Numeric, Table, Text, Uuid

from sipetl.warehouse.tables._base import col, metadata

VALUE_KEY = (
    ("organization_id", BigInteger, "Organization", False),
    ("period_id", BigInteger, "Period", False),
    ("metric", Text, "Metric", False),
    ("student_group", Text, "Student group", False),
)
MEASURES = (
    ("metric_version", Integer, "Version of the definition", False),
    ("school_year", Integer, "Spring year", False),
    ("as_of", Date, "Last day of data it looks at", False),
    ("numerator", BigInteger, "Sum of the units' numerators", False),
    ("denominator", BigInteger, "Sum of the units' denominators", False),
    ("sum_xx", Numeric, "Sum of squared numerators", False),
    ("sum_xy", Numeric, "Sum of products", False),
    ("sum_yy", Numeric, "Sum of squared denominators", False),
    ("n", BigInteger, "Units counted", False),
    ("expected_n", BigInteger, "Units that should be in it; null = unknown", True),
    ("coverage", Numeric, "n / expected_n; null = unknown", True),
    ("value", Numeric, "The value, unrounded", True),
    ("low", Numeric, "Lower bound of the interval", True),
    ("high", Numeric, "Upper bound of the interval", True),
    ("data_status", Text, "final, provisional, incomplete, missing or embargoed", False),
    ("input_id", Uuid, "What it was computed from (ops.input_member)", False),
)


def columns(spec: tuple[tuple[str, Any, str, bool], ...], *, pk: bool = False) -> list[Column[Any]]:
    """Columns from (name, type, comment, nullable); made anew for every table."""
    return [col(name, kind, comment, null=null, pk=pk) for name, kind, comment, null in spec]


value = Table(
    "value",
    metadata,
    *columns(VALUE_KEY, pk=True),
    *columns(MEASURES),
    Index(None, "metric", "period_id"),
    schema="metric",
    comment="One number: organization x student group x metric x period",
)

JUDGEMENT = (
    ("as_of", Date, "Day it was judged at", False),
    (
        "status",
        Text,
        "not_started, awaiting_source, no_data, insufficient_n, incomplete, met, not_met, on_track, off_track",
        False,
    ),
    ("certainty", Text, "clear or close: whether the interval holds the expected value", True),
    ("value", Numeric, "The value that was judged", True),
    ("low", Numeric, "Lower bound of its interval", True),
    ("high", Numeric, "Upper bound of its interval", True),
    ("n", BigInteger, "Units counted", True),
    ("expected", Numeric, "The path's value at this date", True),
    ("target", Numeric, "Target", False),
    ("gap", Numeric, "Value minus expected; sign as measured", True),
    ("change", Numeric, "Change since the cycle before", True),
    ("arrival_id", BigInteger, "The arrival that is missing", True),
    ("input_id", Uuid, "What the value was computed from", True),
    ("change_low", Numeric, "Lower bound of the change's 95 % interval, in the metric's unit", True),
    ("change_high", Numeric, "Upper bound of the change's 95 % interval, in the metric's unit", True),
    ("is_change_beyond_noise", Boolean, "Whether that interval leaves out no change at all; null = not known", True),
    ("pace", Numeric, "Change per measurement to come that still reaches the target, in the metric's unit", True),
    ("pace_period", Text, "Measurements to come: month, window or cycle", True),
    ("periods_left", Integer, "How many measurements are to come, the closing one included", True),
    ("projection", Numeric, "Value at the due date if it goes on as so far, in the metric's unit", True),
    ("projection_low", Numeric, "Lower bound of its 95 % interval", True),
    ("projection_high", Numeric, "Upper bound of its 95 % interval", True),
    ("occurrence", Text, "One occurrence of a recurring goal: entry, month, window or cycle; else null", True),
    ("occurrences_met", Integer, "Occurrences that met the goal so far", True),
    ("occurrences_judged", Integer, "Occurrences that could be judged so far", True),
    ("occurrences_needed", Integer, "Occurrences that must meet it, by the plan's rule", True),
    ("occurrences_total", Integer, "Occurrences in all, by the plan's rule", True),
)

status = Table(
    "status",
    metadata,
    Column(
        "benchmark_id",
        BigInteger,
        ForeignKey("plan.benchmark.benchmark_id", ondelete="CASCADE"),
        primary_key=True,
        comment="Benchmark or MAG",
    ),
    Column("cycle", Text, ForeignKey("ref.cycle.cycle"), primary_key=True, comment="Cycle"),
    *columns(JUDGEMENT),
    schema="metric",
    comment="Status of each benchmark and MAG at each cycle",
)
