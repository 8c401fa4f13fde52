"""editions of a release, what it was made with, and restatements"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

MORE = (
    ('readiness', "Worst state of the cycle's data then: not_needed, ready, at_risk or blocked"),
    ('registry', 'Hash of the registry that was in force'),
    ('reason', 'Why it was restated, for the public; null = first edition'),
)
"""Texts that releases made before this migration do not have."""
SHA256 = 'Hash over the frozen values, statuses, readiness and definitions'


def upgrade() -> None:
    edition = sa.Column('edition', sa.Integer(), nullable=False, server_default='1', comment='1 = as first released')
    op.add_column('release', edition, schema='ops')
    for name, comment in MORE:
        op.add_column('release', sa.Column(name, sa.Text(), nullable=True, comment=comment), schema='ops')
    op.alter_column('release', 'sha256', comment=SHA256, schema='ops')
    op.create_table_comment('release', 'Frozen cuts, the latest edition of each cycle', schema='ops')
    past_release()
    past_rows()
    made_with()
    restatement()


def text(name: str, comment: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=null, comment=comment)


def every_edition(name: str, *columns: sa.Column, key: tuple[str, ...] = (), comment: str) -> None:
    op.create_table(
        name,
        text('cycle', 'Release'),
        sa.Column('edition', sa.Integer(), autoincrement=False, nullable=False, comment='1 = as first released'),
        *columns,
        sa.ForeignKeyConstraint(['cycle'], ['ref.cycle.cycle'], name=op.f(f'fk_{name}_cycle_cycle')),
        sa.PrimaryKeyConstraint('cycle', 'edition', *key, name=op.f(f'pk_{name}')),
        schema='ops',
        comment=comment,
    )


def past_release() -> None:
    every_edition(
        'past_release',
        sa.Column('released_at', sa.DateTime(timezone=True), nullable=False, comment='When'),
        sa.Column('as_of', sa.Date(), nullable=False, comment='Day whose state was frozen'),
        text('policy', 'Small-cell policy'),
        text('sha256', SHA256),
        *(text(name, comment, null=True) for name, comment in MORE),
        comment='Editions of releases that a restatement replaced',
    )


def past_rows() -> None:
    """The same columns as the latest edition has, comments included."""
    for name, key, comment in (
        (
            'release_value',
            ('organization_id', 'period_id', 'metric', 'student_group'),
            'Values as an earlier edition froze them',
        ),
        ('release_status', ('benchmark_id',), 'Statuses as an earlier edition froze them'),
    ):
        past = f'past_{name}'
        op.execute(f'create table ops.{past} (like ops.{name} including comments)')
        edition = sa.Column('edition', sa.Integer(), nullable=False, comment='1 = as first released')
        op.add_column(past, edition, schema='ops')
        op.create_primary_key(op.f(f'pk_{past}'), past, ['cycle', 'edition', *key], schema='ops')
        op.create_foreign_key(
            op.f(f'fk_{past}_cycle_cycle'), past, 'cycle', ['cycle'], ['cycle'], source_schema='ops', referent_schema='ref'
        )
        op.create_table_comment(past, comment, schema='ops')


def made_with() -> None:
    every_edition(
        'release_readiness',
        text('school', 'School'),
        text('feed', 'Feed'),
        text('district', 'District'),
        text('state', 'not_needed, ready, at_risk or blocked'),
        text('missing', 'What was not there, in words', null=True),
        text('owner', 'Whose it was'),
        sa.Column(
            'blocks',
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment='Benchmarks and MAGs that could not be judged without it: plan and code',
        ),
        key=('school', 'feed'),
        comment="Readiness of a cycle's data when it was released; every edition",
    )
    every_edition(
        'release_definition',
        text('kind', 'metric, plan, policy, calendar or cycle'),
        text('name', 'Its name'),
        text('version', "Its version; a plan's first day; else empty"),
        text('sha256', 'Hash of its content'),
        sa.Column(
            'content', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='The definition itself'
        ),
        key=('kind', 'name', 'version'),
        comment='What the numbers of a release mean: the definitions in force; every edition',
    )
    every_edition(
        'release_lake',
        text('feed', 'Table of the lake'),
        sa.Column(
            'delta_version', sa.BigInteger(), nullable=False, comment='Its version when the release was made'
        ),
        key=('feed',),
        comment='Lake tables a release rests on, by Delta version; every edition',
    )


def restatement() -> None:
    op.create_table(
        'restatement',
        sa.Column('restatement_id', sa.BigInteger(), sa.Identity(always=False), nullable=False, comment='Key'),
        text('cycle', 'Release'),
        sa.Column('edition', sa.Integer(), nullable=False, comment='Edition in which it is restated'),
        text('kind', 'value or status'),
        text('organization', 'Code of the organization'),
        text('metric', 'Metric'),
        text('student_group', 'Student group'),
        text('period', 'Code of the period; of a status its cycle'),
        text('plan', 'Plan, of a status', null=True),
        text('benchmark', 'Code of the benchmark or MAG, of a status', null=True),
        sa.Column('released', sa.Numeric(), nullable=True, comment='The value as released; null = none'),
        sa.Column('current', sa.Numeric(), nullable=True, comment='The value now; null = none'),
        text(
            'released_status', "Data status, or the benchmark's status, as released; null = was not in it", null=True
        ),
        text('current_status', 'The same now; null = no longer there', null=True),
        text('cause', 'What changed it: delivery, definition, registry, plan, embargo or other; comma separated'),
        sa.Column(
            'causes',
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment='Each cause with what it was: files, versions',
        ),
        sa.Column('is_public', sa.Boolean(), nullable=False, comment='The public was shown both numbers'),
        sa.ForeignKeyConstraint(['cycle'], ['ref.cycle.cycle'], name=op.f('fk_restatement_cycle_cycle')),
        sa.PrimaryKeyConstraint('restatement_id', name=op.f('pk_restatement')),
        schema='ops',
        comment='Released numbers that later data changed: old, new, why',
    )
    op.create_index(op.f('ix_restatement_cycle'), 'restatement', ['cycle'], unique=False, schema='ops')
