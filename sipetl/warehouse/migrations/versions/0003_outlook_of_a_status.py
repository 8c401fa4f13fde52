"""the outlook and the occurrences of a status"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


COLUMNS = (
    ('change_low', sa.Numeric(), "Lower bound of the change's 95 % interval, in the metric's unit"),
    ('change_high', sa.Numeric(), "Upper bound of the change's 95 % interval, in the metric's unit"),
    ('is_change_beyond_noise', sa.Boolean(), 'Whether that interval leaves out no change at all; null = not known'),
    ('pace', sa.Numeric(), "Change per measurement to come that still reaches the target, in the metric's unit"),
    ('pace_period', sa.Text(), 'Measurements to come: month, window or cycle'),
    ('periods_left', sa.Integer(), 'How many measurements are to come, the closing one included'),
    ('projection', sa.Numeric(), "Value at the due date if it goes on as so far, in the metric's unit"),
    ('projection_low', sa.Numeric(), 'Lower bound of its 95 % interval'),
    ('projection_high', sa.Numeric(), 'Upper bound of its 95 % interval'),
    ('occurrence', sa.Text(), 'One occurrence of a recurring goal: entry, month, window or cycle; else null'),
    ('occurrences_met', sa.Integer(), 'Occurrences that met the goal so far'),
    ('occurrences_judged', sa.Integer(), 'Occurrences that could be judged so far'),
    ('occurrences_needed', sa.Integer(), "Occurrences that must meet it, by the plan's rule"),
    ('occurrences_total', sa.Integer(), "Occurrences in all, by the plan's rule"),
)


def upgrade() -> None:
    for table, schema in (('status', 'metric'), ('release_status', 'ops')):
        for name, kind, comment in COLUMNS:
            op.add_column(table, sa.Column(name, kind, nullable=True, comment=comment), schema=schema)
