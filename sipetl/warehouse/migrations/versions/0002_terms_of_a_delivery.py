"""terms of a delivery"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'delivery',
        sa.Column(
            'asked',
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="The operator's flags, and what the registry expects: kept for whoever resumes",
        ),
        schema='ops',
    )
