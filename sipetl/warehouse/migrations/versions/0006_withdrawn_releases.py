"""when and why a release was withdrawn"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

COLUMNS = (
    ('withdrawn_at', sa.DateTime(timezone=True), 'When it was taken back; null = a restatement replaced it'),
    ('withdrawn_because', sa.Text(), 'Why it was taken back'),
)
CAUSE = 'What changed it: delivery, definition, registry, plan, embargo, arrivals or other; comma separated'
COMMENT = 'Editions of releases that a restatement replaced, or that were withdrawn'


def upgrade() -> None:
    for name, kind, comment in COLUMNS:
        op.add_column('past_release', sa.Column(name, kind, nullable=True, comment=comment), schema='ops')
    op.alter_column('restatement', 'cause', comment=CAUSE, schema='ops')
    op.create_table_comment('past_release', COMMENT, schema='ops')
