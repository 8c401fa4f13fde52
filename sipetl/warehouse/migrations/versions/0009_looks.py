"""what a step of the countdown found, beside when its changes were told"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMMENT = "Steps of the countdown to a cycle: when each was looked at, and when its changes were told"
LOOKED = "When the step's readiness was taken; null = not, or not yet"
FOUND = "The district's readiness as it stood then: schools, feeds, states and blocked goals; never a student"
TOLD = "When its owners were told what changed; null = not, or not yet"


def upgrade() -> None:
    op.alter_column(
        "countdown", "taken_at", new_column_name="told_at", nullable=True, comment=TOLD, schema="ops"
    )
    looked = sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True, comment=LOOKED)
    op.add_column("countdown", looked, schema="ops")
    found = sa.Column("found", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment=FOUND)
    op.add_column("countdown", found, schema="ops")
    op.create_table_comment("countdown", COMMENT, schema="ops")
