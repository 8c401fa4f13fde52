"""`ops`: the ledger of what came, what was expected and what was done."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from sipetl.warehouse.tables._base import MOMENT, col, metadata

home = Table(
    "home",
    metadata,
    col("key_fingerprint", Text, "Fingerprint of the key that identifiers are hashed with", pk=True),
    col("created_at", MOMENT, "When the home was made"),
    schema="ops",
    comment="One row: refuses a wrong key",
)

delivery = Table(
    "delivery",
    metadata,
    col("delivery_id", Uuid, "UUIDv7", pk=True),
    col("sender", Text, "District (or state) whose inbox it came from"),
    col("feed_hint", Text, "Feed of the inbox entry it came by", null=True),
    col("source_path", Text, "Where it was fetched"),
    col("file_name", Text, "Its name"),
    col("sha256", Text, "Hash of its bytes"),
    col("size", BigInteger, "Bytes"),
    col("modified_at", MOMENT, "The source's own time stamp", null=True),
    col("received_at", MOMENT, "When it was taken"),
    col("landed_path", Text, "Where landing keeps it"),
    col("status", Text, "landed, unrecognized, rejected, held, accepted, superseded, duplicate or retracted"),
    col("reason", Text, "Why, in one sentence", null=True),
    col("asked", JSONB, "The operator's flags, and what the registry expects: kept for whoever resumes", null=True),
    Index(None, "sender", "sha256"),
    schema="ops",
    comment="What came: one row per file or set of files",
)

delivery_part = Table(
    "delivery_part",
    metadata,
    col("part_id", Uuid, "Key; also the Delta transaction's application id", pk=True),
    Column("delivery_id", Uuid, ForeignKey("ops.delivery.delivery_id"), nullable=False, comment="Delivery"),
    col("member", Text, "File inside the delivery"),
    col("feed", Text, "Feed"),
    col("district", Text, "District found in the content"),
    col("school_year", Integer, "School year found in the content"),
    col("layout", Text, "Layout"),
    col("layout_version", Integer, "Its version"),
    col("scope_kind", Text, "snapshot, window or increment; retraction = it takes out the part it supersedes"),
    col("scope_from", Date, "First day replaced", null=True),
    col("scope_to", Date, "Last day replaced, or the snapshot's day", null=True),
    col("scope_by", JSONB, "Values that narrow the scope", null=True),
    col("rows_good", BigInteger, "Rows taken"),
    col("rows_quarantined", BigInteger, "Rows that wait with a reason"),
    col("content_sha256", Text, "Hash of the file this part came from"),
    col("status", Text, "intent, held, rejected, accepted, superseded, duplicate or retracted"),
    col("reason", Text, "Why, in one sentence", null=True),
    col("embargo_until", Date, "Not released before this day", null=True),
    col("supersedes", Uuid, "Part that this one replaced", null=True),
    col("delta_version", BigInteger, "Version of the lake table that holds it", null=True),
    col("published_at", MOMENT, "When it became current", null=True),
    col("wholeness", JSONB, "Counts for the verdict: rows by school, days, students by school", null=True),
    Index(None, "feed", "district", "school_year"),
    Index(None, "delivery_id"),
    schema="ops",
    comment="Member x feed x district x school year: what everything downstream works on",
)

step = Table(
    "step",
    metadata,
    Column("step_id", BigInteger, Identity(), primary_key=True, comment="Key"),
    col("delivery_id", Uuid, "Delivery"),
    col("step", Text, "land, identify, map, check, guard, commit, replay or retract"),
    col("started_at", MOMENT, "Start"),
    col("ended_at", MOMENT, "End"),
    col("outcome", Text, "done, or the status it led to"),
    col("counts", JSONB, "Counts, never contents"),
    Index(None, "delivery_id"),
    schema="ops",
    comment="One outcome row per step, success or not",
)

issue = Table(
    "issue",
    metadata,
    Column("issue_id", BigInteger, Identity(), primary_key=True, comment="Key"),
    Column("delivery_id", Uuid, ForeignKey("ops.delivery.delivery_id"), nullable=False, comment="Delivery"),
    col("member", Text, "File inside the delivery"),
    col("rule_id", Text, "Rule"),
    col("severity", Text, "critical, warning or info"),
    col("column_name", Text, "Column", null=True),
    col("row_number", BigInteger, "Row of the file; null = the file as a whole", null=True),
    Index(None, "delivery_id"),
    schema="ops",
    comment="Findings: file, row, column and rule; never a value",
)

finding = Table(
    "finding",
    metadata,
    Column("finding_id", BigInteger, Identity(), primary_key=True, comment="Key"),
    Column("delivery_id", Uuid, ForeignKey("ops.delivery.delivery_id"), nullable=False, comment="Delivery"),
    col("member", Text, "File inside the delivery"),
    col("rule_id", Text, "Rule"),
    col("severity", Text, "critical, warning or info"),
    col("column_name", Text, "Column", null=True),
    col("rows", BigInteger, "How many rows"),
    Index(None, "delivery_id"),
    schema="ops",
    comment="Findings counted by rule: what the letter to the sender says",
)

hold = Table(
    "hold",
    metadata,
    Column("part_id", Uuid, ForeignKey("ops.delivery_part.part_id"), primary_key=True, comment="Part that waits"),
    col("rows_before", BigInteger, "Rows in its scope now"),
    col("rows_after", BigInteger, "Rows it brings"),
    col("rows_removed", BigInteger, "Rows it would remove"),
    col("rows_changed", BigInteger, "Rows it would change"),
    col("decided_at", MOMENT, "When a person decided", null=True),
    col("decision", Text, "accept or reject", null=True),
    col("decided_by", Text, "Who", null=True),
    schema="ops",
    comment="Destructive deliveries that wait for a person",
)

arrival = Table(
    "arrival",
    metadata,
    col("arrival_id", BigInteger, "Key: from district, feed, school year and window", pk=True),
    col("district", Text, "District"),
    col("feed", Text, "Feed"),
    col("school_year", Integer, "Spring year"),
    col("window_code", Text, "Window, day or cycle it is for"),
    col("opens_on", Date, "First day of data expected"),
    col("closes_on", Date, "Last day of data expected"),
    col("due_at", MOMENT, "Due"),
    col("grace_until", MOMENT, "Late after this"),
    col("hard_stop_at", MOMENT, "Missing after this"),
    col("owner", Text, "Whose it is"),
    col("tier", Integer, "1 = most important"),
    col("waived_reason", Text, "Why it need not come", null=True),
    col("waived_by", Text, "Who says so", null=True),
    UniqueConstraint("district", "feed", "school_year", "window_code"),
    schema="ops",
    comment="What is expected: written for the whole school year ahead",
)

arrival_part = Table(
    "arrival_part",
    metadata,
    Column("arrival_id", BigInteger, ForeignKey("ops.arrival.arrival_id", ondelete="CASCADE"), comment="Arrival"),
    Column("part_id", Uuid, ForeignKey("ops.delivery_part.part_id"), comment="Part that answers it"),
    PrimaryKeyConstraint("arrival_id", "part_id"),
    schema="ops",
    comment="Which parts answered which expected arrival",
)

verdict = Table(
    "verdict",
    metadata,
    Column(
        "arrival_id",
        BigInteger,
        ForeignKey("ops.arrival.arrival_id", ondelete="CASCADE"),
        primary_key=True,
        comment="Arrival",
    ),
    col("as_of", MOMENT, "Moment it was judged"),
    col("verdict", Text, "not_due, due_soon, on_time, late, missing, recovered or waived"),
    col("wholeness", Text, "complete or incomplete; null = nothing came", null=True),
    col("lacks", Text, "What is not there: schools, days, students", null=True),
    col("schools_share", Numeric, "Schools delivered / expected", null=True),
    col("days_share", Numeric, "School days delivered / expected", null=True),
    col("students_share", Numeric, "Students delivered / expected", null=True),
    col("since", MOMENT, "Since when it has this verdict"),
    col(
        "short_schools",
        ARRAY(Text),
        "Schools of which nothing came, or too few of the days; null = none",
        null=True,
    ),
    schema="ops",
    comment="The arrivals ledger's latest verdict on each arrival",
)

shortfall = Table(
    "shortfall",
    metadata,
    col("organization_id", BigInteger, "Organization"),
    col("feed", Text, "Feed"),
    col("period_id", BigInteger, "Period"),
    col("basis", Text, "within: the period's days; to_date: the year's up to its end"),
    col(
        "days_due", BigInteger, "School days of the period that data is expected for; of all schools, above a school"
    ),
    col("days_overdue", BigInteger, "Those that are late, missing, or came without the school"),
    col("days_pending", BigInteger, "Those that are not here and not overdue yet"),
    col("data_status", Text, "What values of the period cannot be better than: incomplete or provisional"),
    PrimaryKeyConstraint("organization_id", "feed", "period_id", "basis"),
    schema="ops",
    comment="Periods of which too many school days are not here, by the floor of the feed",
)

notice = Table(
    "notice",
    metadata,
    col("notice_id", Uuid, "Key; also the mail's Message-ID, so that a doubled mail is known as one", pk=True),
    col("day", Date, "Day of the digest, in the home's time zone"),
    col("name", Text, "Its files: reports/notices/DAY-NAME"),
    col("owner", Text, "Whom it is for"),
    col("address", Text, "Where it is mailed to; empty = nowhere, it is a file only"),
    col("content", JSONB, "What it says: organizations, feeds, days and goals; never a student"),
    col("made_at", MOMENT, "When its changes were taken from the ledger"),
    col("written_at", MOMENT, "When its files were written; null = not yet", null=True),
    col("sent_at", MOMENT, "When it was mailed; null = not, or not yet", null=True),
    UniqueConstraint("day", "name"),
    UniqueConstraint("day", "owner", "address"),
    schema="ops",
    comment="Digests of state changes: one per owner and day",
)

told = Table(
    "told",
    metadata,
    col("subject", Text, "arrival:<id>, or cycle:<cycle>:<district>:<feed>", pk=True),
    col("arrival_id", BigInteger, "Arrival; null = a cycle's need of a feed", null=True),
    col("district", Text, "District"),
    col("feed", Text, "Feed"),
    col("window_code", Text, "Window, day or cycle"),
    col("owner", Text, "Who was told"),
    col("address", Text, "Where"),
    col("kind", Text, "What was told: late, missing, incomplete, at_risk or blocked"),
    col("since", MOMENT, "Since when it is so"),
    col("told_at", MOMENT, "When the digest was made"),
    Index(None, "arrival_id"),
    schema="ops",
    comment="What owners know to be open; a row goes when its end was told",
)

countdown = Table(
    "countdown",
    metadata,
    col("cycle", Text, "Monitoring cycle"),
    col("district", Text, "District"),
    col("school_days", Integer, "School days before its data is due: 10, 5, 2 or 0"),
    col("told_at", MOMENT, "When its owners were told what changed; null = not, or not yet", null=True),
    col("looked_at", MOMENT, "When the step's readiness was taken; null = not, or not yet", null=True),
    col(
        "found",
        JSONB,
        "The district's readiness as it stood then: schools, feeds, states and blocked goals; never a student",
        null=True,
    ),
    PrimaryKeyConstraint("cycle", "district", "school_days"),
    schema="ops",
    comment="Steps of the countdown to a cycle: when each was looked at, and when its changes were told",
)

work = Table(
    "work",
    metadata,
    col("feed", Text, "Feed whose values are to be recomputed"),
    col("district", Text, "District"),
    col("school_year", Integer, "Spring year"),
    col("requested_at", MOMENT, "When a commit asked for it"),
    col("done_at", MOMENT, "When it was computed; null = open", null=True),
    PrimaryKeyConstraint("feed", "district", "school_year"),
    schema="ops",
    comment="What is still to be recomputed: the ledger that compute empties",
)

input_member = Table(
    "input_member",
    metadata,
    col("input_id", Uuid, "A set of lake content that a value was computed from"),
    col("member", Text, "part:<part_id> or input:<input_id>"),
    PrimaryKeyConstraint("input_id", "member"),
    schema="ops",
    comment="What a value was computed from: parts, or (region, state) the inputs below",
)


reader_grant = Table(
    "reader_grant",
    metadata,
    col("role_name", Text, "Database role"),
    col("district", Text, "District whose own rows it may read; * = all"),
    PrimaryKeyConstraint("role_name", "district"),
    schema="ops",
    comment="Which reader sees which district in `own`",
)
