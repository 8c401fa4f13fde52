"""Releases: the frozen cut of values and statuses that a cycle was reviewed with (schema `ops`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Table, Text

from sipetl.warehouse.tables._base import MOMENT, col, metadata
from sipetl.warehouse.tables.metric import JUDGEMENT, MEASURES, VALUE_KEY, columns

release = Table(
    "release",
    metadata,
    Column("cycle", Text, ForeignKey("ref.cycle.cycle"), primary_key=True, comment="Cycle"),
    col("released_at", MOMENT, "When"),
    col("as_of", Date, "Day whose state was frozen"),
    col("policy", Text, "Small-cell policy"),
    col("sha256", Text, "Hash over the frozen values and statuses"),
    schema="ops",
    comment="Frozen cuts, one per cycle",
)


release_value = Table(
    "release_value",
    metadata,
    Column(
        "cycle",
        Text,
        ForeignKey("ops.release.cycle", ondelete="CASCADE"),
        primary_key=True,
        comment="Release",
    ),
    *columns(VALUE_KEY, pk=True),
    *columns(MEASURES),
    col(
        "suppression",
        Text,
        "Why the public does not see it: P primary, N not reported, E embargoed; null = shown",
        null=True,
    ),
    schema="ops",
    comment="Values as frozen",
)

release_status = Table(
    "release_status",
    metadata,
    Column(
        "cycle",
        Text,
        ForeignKey("ops.release.cycle", ondelete="CASCADE"),
        primary_key=True,
        comment="Release",
    ),
    col("benchmark_id", BigInteger, "Benchmark or MAG", pk=True),
    *columns(JUDGEMENT),
    col("suppression", Text, "Why the public does not see it; null = shown", null=True),
    schema="ops",
    comment="Statuses as frozen",
)
