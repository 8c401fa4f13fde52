"""`ref`: what is known beforehand. Applied from the registry and the catalogue."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from sipetl.warehouse.tables._base import MOMENT, col, metadata

registry = Table(
    "registry",
    metadata,
    col("sha256", Text, "Hash of the registry files that were applied", pk=True),
    col("applied_at", MOMENT, "When they were applied"),
    schema="ref",
    comment="Which state of the registry the warehouse holds",
)

home = Table(
    "home",
    metadata,
    col("authority", Text, "Authority whose codes organizations carry, e.g. MA", pk=True),
    col("state_code", Text, "Code of the state itself"),
    col("time_zone", Text, "Time zone in which due times are meant"),
    col("policy", Text, "Small-cell policy that releases use"),
    schema="ref",
    comment="The installation: one row",
)

organization = Table(
    "organization",
    metadata,
    Column("organization_id", BigInteger, Identity(), primary_key=True, comment="Surrogate key"),
    col("authority", Text, "Who gave the code"),
    col("code", Text, "The authority's code, as text (MA: 8 digits)"),
    col("level", Text, "state, region, district or school"),
    col("name", Text, "Name"),
    Column(
        "parent_id",
        BigInteger,
        ForeignKey("ref.organization.organization_id"),
        comment="The organization above",
    ),
    col("district", Text, "Short code of the district: its partition in the lake", null=True),
    col("calendar", Text, "Calendar of a district", null=True),
    col("grades", Text, "Grades served, comma separated; empty = unknown", null=True),
    col("valid_from", Date, "First day it exists; null = always", null=True),
    col("valid_to", Date, "First day it no longer exists", null=True),
    UniqueConstraint("authority", "code"),
    schema="ref",
    comment="State, regions, districts and schools",
)

crosswalk = Table(
    "crosswalk",
    metadata,
    col("district", Text, "District whose systems use the local code"),
    col("local_code", Text, "School id or name as the vendor writes it, lower case"),
    col("organization_code", Text, "The organization it means"),
    col("valid_from", Date, "First day it means that; null = always", null=True),
    col("valid_to", Date, "First day it no longer does", null=True),
    Index(None, "district", "local_code"),
    schema="ref",
    comment="Dated crosswalk from local school codes to organizations",
)

school_day = Table(
    "school_day",
    metadata,
    col("calendar", Text, "Calendar", pk=True),
    col("day", Date, "Day", pk=True),
    col("school_year", Integer, "Spring year: 2026 = 2025-26"),
    col("kind", Text, "instructional, early_release or closure"),
    col("reason", Text, "Why a weekday is closed", null=True),
    schema="ref",
    comment="Weekdays of each calendar from its first to its last day",
)

period = Table(
    "period",
    metadata,
    col("period_id", BigInteger, "Key; stable across rebuilds", pk=True),
    col("school_year", Integer, "Spring year"),
    col("kind", Text, "year, month, window or cycle"),
    col("code", Text, "2026; 2025-10; 2026-fall; C1"),
    col("starts_on", Date, "First day"),
    col("ends_on", Date, "Last day; for a cycle its data_as_of"),
    col("sort", Integer, "Order within the school year"),
    UniqueConstraint("kind", "code", "school_year"),
    schema="ref",
    comment="Periods that metric values belong to",
)

cycle = Table(
    "cycle",
    metadata,
    col("cycle", Text, "Code, unique in a home", pk=True),
    col("school_year", Integer, "Spring year"),
    col("data_as_of", Date, "Last day whose data the cycle looks at"),
    col("data_due", Date, "Day by which that data must be here"),
    col("review_date", Date, "Day of the review"),
    schema="ref",
    comment="Monitoring cycles",
)

feed = Table(
    "feed",
    metadata,
    col("district", Text, "District", pk=True),
    col("feed", Text, "Kind of data", pk=True),
    col("inbox", Text, "Where it is fetched: path in the home, or URL"),
    col("config", JSONB, "The registry's entry: windows, due rule, floors, owner"),
    schema="ref",
    comment="What each district sends",
)

metric = Table(
    "metric",
    metadata,
    col("metric", Text, "Name in the catalogue", pk=True),
    col("version", Integer, "Version of the definition", pk=True),
    col("title", Text, "Title for people"),
    col("feed", Text, "Feed it is computed from"),
    col("family", Text, "Family: one wide view each"),
    col("unit", Text, "What is counted: student_school, result, response, observation, staff, published"),
    col("direction", Text, "higher_is_better, lower_is_better or neutral"),
    col("path", Text, "Default target path"),
    col("display_unit", Text, "percent, points, days, score or count"),
    col("decimals", Integer, "Decimals when displayed (half-up)"),
    col("source", Text, "Where the definition comes from"),
    col("definition_sha256", Text, "Hash of the definition"),
    col(
        "basis",
        Text,
        "What a month's value covers: to_date = everything up to its end, within = the month",
        null=True,
    ),
    schema="ref",
    comment="The metric catalogue",
)

student_group = Table(
    "student_group",
    metadata,
    col("student_group", Text, "Code", pk=True),
    col("family", Text, "Family of groups that add up, e.g. race_ethnicity"),
    col("label", Text, "Label for people"),
    col("sort", Integer, "Order"),
    schema="ref",
    comment="Student groups",
)

survey_item = Table(
    "survey_item",
    metadata,
    col("survey", Text, "Survey", pk=True),
    col("item", Text, "Item code", pk=True),
    col("topic", Text, "Topic the item belongs to"),
    col("reverse", Boolean, "Scored the other way round"),
    col("scale_max", Integer, "Highest answer; the lowest is 1"),
    col("favorable_from", Integer, "Lowest answer that is favourable, after turning"),
    schema="ref",
    comment="The survey item bank",
)

identified_group = Table(
    "identified_group",
    metadata,
    col("organization_code", Text, "School", pk=True),
    col("student_group", Text, "Group identified as low performing", pk=True),
    col("school_year", Integer, "Spring year", pk=True),
    schema="ref",
    comment="Low-performing student groups that accountability identified",
)
