"""Releases: the frozen cut that a cycle was reviewed with, and what was restated since (schema `ops`).

`release`, `release_value` and `release_status` hold the latest edition of each cycle: what `pub` shows. When a cycle
is restated its earlier edition moves into the `past_` tables, row for row, and is never written again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Identity, Integer, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from sipetl.warehouse.tables._base import MOMENT, col, metadata
from sipetl.warehouse.tables.metric import JUDGEMENT, MEASURES, VALUE_KEY, columns

_CUT = (
    ("released_at", MOMENT, "When", False),
    ("as_of", Date, "Day whose state was frozen", False),
    ("policy", Text, "Small-cell policy", False),
    ("sha256", Text, "Hash over the frozen values, statuses, readiness and definitions", False),
)
_MORE = (
    ("readiness", Text, "Worst state of the cycle's data then: not_needed, ready, at_risk or blocked", True),
    ("registry", Text, "Hash of the registry that was in force", True),
    ("reason", Text, "Why it was restated, for the public; null = first edition", True),
)
_VALUE_SUPPRESSION = "Why the public does not see it: P primary, N not reported, E embargoed; null = shown"
_STATUS_SUPPRESSION = "Why the public does not see it; null = shown"


def _cycle_key(comment: str = "Release") -> Column[Any]:
    return Column("cycle", Text, ForeignKey("ref.cycle.cycle"), primary_key=True, comment=comment)


def _edition_key() -> Column[Any]:
    return Column("edition", Integer, primary_key=True, autoincrement=False, comment="1 = as first released")


def _of_release() -> Column[Any]:
    """The key of rows that go with their release."""
    latest = ForeignKey("ops.release.cycle", ondelete="CASCADE")
    return Column("cycle", Text, latest, primary_key=True, comment="Release")


release = Table(
    "release",
    metadata,
    _cycle_key("Cycle"),
    *columns(_CUT),
    Column("edition", Integer, nullable=False, server_default="1", comment="1 = as first released"),
    *columns(_MORE),
    schema="ops",
    comment="Frozen cuts, the latest edition of each cycle",
)

release_value = Table(
    "release_value",
    metadata,
    _of_release(),
    *columns(VALUE_KEY, pk=True),
    *columns(MEASURES),
    col("suppression", Text, _VALUE_SUPPRESSION, null=True),
    schema="ops",
    comment="Values as frozen",
)

release_status = Table(
    "release_status",
    metadata,
    _of_release(),
    col("benchmark_id", BigInteger, "Benchmark or MAG", pk=True),
    *columns(JUDGEMENT),
    col("suppression", Text, _STATUS_SUPPRESSION, null=True),
    schema="ops",
    comment="Statuses as frozen",
)

past_release = Table(
    "past_release",
    metadata,
    _cycle_key(),
    _edition_key(),
    *columns(_CUT),
    *columns(_MORE),
    col("withdrawn_at", MOMENT, "When it was taken back; null = a restatement replaced it", null=True),
    col("withdrawn_because", Text, "Why it was taken back", null=True),
    schema="ops",
    comment="Editions of releases that a restatement replaced, or that were withdrawn",
)

past_release_value = Table(
    "past_release_value",
    metadata,
    _cycle_key(),
    _edition_key(),
    *columns(VALUE_KEY, pk=True),
    *columns(MEASURES),
    col("suppression", Text, _VALUE_SUPPRESSION, null=True),
    schema="ops",
    comment="Values as an earlier edition froze them",
)

past_release_status = Table(
    "past_release_status",
    metadata,
    _cycle_key(),
    _edition_key(),
    col("benchmark_id", BigInteger, "Benchmark or MAG", pk=True),
    *columns(JUDGEMENT),
    col("suppression", Text, _STATUS_SUPPRESSION, null=True),
    schema="ops",
    comment="Statuses as an earlier edition froze them",
)

release_readiness = Table(
    "release_readiness",
    metadata,
    _cycle_key(),
    _edition_key(),
    col("school", Text, "School", pk=True),
    col("feed", Text, "Feed", pk=True),
    col("district", Text, "District"),
    col("state", Text, "not_needed, ready, at_risk or blocked"),
    col("missing", Text, "What was not there, in words", null=True),
    col("owner", Text, "Whose it was"),
    col("blocks", JSONB, "Benchmarks and MAGs that could not be judged without it: plan and code"),
    schema="ops",
    comment="Readiness of a cycle's data when it was released; every edition",
)

release_definition = Table(
    "release_definition",
    metadata,
    _cycle_key(),
    _edition_key(),
    col("kind", Text, "metric, plan, policy, calendar or cycle", pk=True),
    col("name", Text, "Its name", pk=True),
    col("version", Text, "Its version; a plan's first day; else empty", pk=True),
    col("sha256", Text, "Hash of its content"),
    col("content", JSONB, "The definition itself"),
    schema="ops",
    comment="What the numbers of a release mean: the definitions in force; every edition",
)

release_lake = Table(
    "release_lake",
    metadata,
    _cycle_key(),
    _edition_key(),
    col("feed", Text, "Table of the lake", pk=True),
    col("delta_version", BigInteger, "Its version when the release was made"),
    schema="ops",
    comment="Lake tables a release rests on, by Delta version; every edition",
)

restatement = Table(
    "restatement",
    metadata,
    Column("restatement_id", BigInteger, Identity(), primary_key=True, comment="Key"),
    Column("cycle", Text, ForeignKey("ref.cycle.cycle"), nullable=False, index=True, comment="Release"),
    col("edition", Integer, "Edition in which it is restated"),
    col("kind", Text, "value or status"),
    col("organization", Text, "Code of the organization"),
    col("metric", Text, "Metric"),
    col("student_group", Text, "Student group"),
    col("period", Text, "Code of the period; of a status its cycle"),
    col("plan", Text, "Plan, of a status", null=True),
    col("benchmark", Text, "Code of the benchmark or MAG, of a status", null=True),
    col("released", Numeric, "The value as released; null = none", null=True),
    col("current", Numeric, "The value now; null = none", null=True),
    col(
        "released_status",
        Text,
        "Data status, or the benchmark's status, as released; null = was not in it",
        null=True,
    ),
    col("current_status", Text, "The same now; null = no longer there", null=True),
    col(
        "cause",
        Text,
        "What changed it: delivery, definition, registry, plan, embargo, arrivals or other; comma separated",
    ),
    col("causes", JSONB, "Each cause with what it was: files, versions"),
    col("is_public", Boolean, "The public was shown both numbers"),
    schema="ops",
    comment="Released numbers that later data changed: old, new, why",
)
