"""days that a period lacks, and the schools that an arrival came without"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'verdict',
        sa.Column(
            'short_schools',
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment='Schools of which nothing came, or too few of the days; null = none',
        ),
        schema='ops',
    )
    basis = "What a month's value covers: to_date = everything up to its end, within = the month"
    op.add_column('metric', sa.Column('basis', sa.Text(), nullable=True, comment=basis), schema='ref')
    op.create_table(
        'shortfall',
        key('organization_id', 'Organization'),
        sa.Column('feed', sa.Text(), nullable=False, comment='Feed'),
        key('period_id', 'Period'),
        sa.Column(
            'basis', sa.Text(), nullable=False, comment="within: the period's days; to_date: the year's up to its end"
        ),
        days('days_due', 'School days of the period that data is expected for; of all schools, above a school'),
        days('days_overdue', 'Those that are late, missing, or came without the school'),
        days('days_pending', 'Those that are not here and not overdue yet'),
        sa.Column(
            'data_status',
            sa.Text(),
            nullable=False,
            comment='What values of the period cannot be better than: incomplete or provisional',
        ),
        sa.PrimaryKeyConstraint('organization_id', 'feed', 'period_id', 'basis', name=op.f('pk_shortfall')),
        schema='ops',
        comment='Periods of which too many school days are not here, by the floor of the feed',
    )


def key(name: str, comment: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False, comment=comment)


def days(name: str, comment: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False, comment=comment)
