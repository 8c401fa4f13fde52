"""who was told what, and the digests"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'notice',
        column('notice_id', sa.Uuid(), "Key; also the mail's Message-ID, so that a doubled mail is known as one"),
        column('day', sa.Date(), "Day of the digest, in the home's time zone"),
        column('name', sa.Text(), 'Its files: reports/notices/DAY-NAME'),
        column('owner', sa.Text(), 'Whom it is for'),
        column('address', sa.Text(), 'Where it is mailed to; empty = nowhere, it is a file only'),
        column(
            'content',
            postgresql.JSONB(astext_type=sa.Text()),
            'What it says: organizations, feeds, days and goals; never a student',
        ),
        moment('made_at', 'When its changes were taken from the ledger'),
        moment('written_at', 'When its files were written; null = not yet', null=True),
        moment('sent_at', 'When it was mailed; null = not, or not yet', null=True),
        sa.PrimaryKeyConstraint('notice_id', name=op.f('pk_notice')),
        sa.UniqueConstraint('day', 'name', name=op.f('uq_notice_day_name')),
        sa.UniqueConstraint('day', 'owner', 'address', name=op.f('uq_notice_day_owner_address')),
        schema='ops',
        comment='Digests of state changes: one per owner and day',
    )
    op.create_table(
        'told',
        column('subject', sa.Text(), 'arrival:<id>, or cycle:<cycle>:<district>:<feed>'),
        column('arrival_id', sa.BigInteger(), "Arrival; null = a cycle's need of a feed", null=True),
        column('district', sa.Text(), 'District'),
        column('feed', sa.Text(), 'Feed'),
        column('window_code', sa.Text(), 'Window, day or cycle'),
        column('owner', sa.Text(), 'Who was told'),
        column('address', sa.Text(), 'Where'),
        column('kind', sa.Text(), 'What was told: late, missing, incomplete, at_risk or blocked'),
        moment('since', 'Since when it is so'),
        moment('told_at', 'When the digest was made'),
        sa.PrimaryKeyConstraint('subject', name=op.f('pk_told')),
        schema='ops',
        comment='What owners know to be open; a row goes when its end was told',
    )
    op.create_index(op.f('ix_told_arrival_id'), 'told', ['arrival_id'], unique=False, schema='ops')
    op.create_table(
        'countdown',
        column('cycle', sa.Text(), 'Monitoring cycle'),
        column('district', sa.Text(), 'District'),
        column('school_days', sa.Integer(), 'School days before its data is due: 10, 5, 2 or 0'),
        moment('taken_at', 'When its owners were told'),
        sa.PrimaryKeyConstraint('cycle', 'district', 'school_days', name=op.f('pk_countdown')),
        schema='ops',
        comment='Steps of the countdown to a cycle whose changes were told',
    )


def column(name: str, kind: sa.types.TypeEngine, comment: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, kind, autoincrement=False, nullable=null, comment=comment)


def moment(name: str, comment: str, *, null: bool = False) -> sa.Column:
    return column(name, sa.DateTime(timezone=True), comment, null=null)
