"""`plan`: Sustainable Improvement Plans, by version."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Numeric, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from sipetl.warehouse.tables._base import col, metadata

plan_version = Table(
    "version",
    metadata,
    col("version_id", BigInteger, "Key: from plan code and effective date", pk=True),
    col("plan", Text, "Plan code"),
    col("organization_code", Text, "School"),
    col("effective_from", Date, "First day this version is in force"),
    col("title", Text, "Title"),
    col("sha256", Text, "Hash of the plan file"),
    UniqueConstraint("plan", "effective_from"),
    schema="plan",
    comment="Versions of Sustainable Improvement Plans; the one in force on a day judges that day",
)

benchmark = Table(
    "benchmark",
    metadata,
    col("benchmark_id", BigInteger, "Key: from plan version and code", pk=True),
    Column(
        "version_id",
        BigInteger,
        ForeignKey("plan.version.version_id", ondelete="CASCADE"),
        nullable=False,
        comment="Plan version",
    ),
    col("code", Text, "Code in the plan"),
    col("is_mag", Boolean, "A measurable annual goal; else an interim benchmark"),
    col("kind", Text, "educator or student"),
    col("practice", Text, "Turnaround practice it serves", null=True),
    col("text", Text, "Wording in the plan"),
    col("metric", Text, "Metric"),
    col("student_group", Text, "Student group"),
    col("baseline_value", Numeric, "Baseline", null=True),
    col("target_level", Numeric, "Target as a level (points are added to the baseline)"),
    col("direction", Text, "up or down"),
    col("path", Text, "Target path"),
    col("due_on", Date, "Due date"),
    col("cadence", Text, "Rhythm"),
    col("feed", Text, "Evidence source"),
    col("owner", Text, "school or district"),
    col("category", Text, "MAG category", null=True),
    col("is_academic", Boolean, "Academic; else non-academic"),
    col("definition", JSONB, "All fields as in the plan file"),
    schema="plan",
    comment="Interim benchmarks and MAGs",
)

timeline_step = Table(
    "timeline_step",
    metadata,
    col("step_id", BigInteger, "Key", pk=True),
    Column(
        "version_id",
        BigInteger,
        ForeignKey("plan.version.version_id", ondelete="CASCADE"),
        nullable=False,
        comment="Plan version",
    ),
    col("initiative", Text, "Initiative"),
    col("step", Text, "What is done"),
    col("owner", Text, "By whom"),
    col("due_on", Date, "By when"),
    col("done_on", Date, "When it was done", null=True),
    schema="plan",
    comment="Implementation timeline",
)
