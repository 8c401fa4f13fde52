"""the status of deliveries that were taken back"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COMMENTS = {
    ("delivery", "status"): "landed, unrecognized, rejected, held, accepted, superseded, duplicate or retracted",
    ("delivery_part", "status"): "intent, held, rejected, accepted, superseded, duplicate or retracted",
    ("delivery_part", "scope_kind"): (
        "snapshot, window or increment; retraction = it takes out the part it supersedes"
    ),
    ("step", "step"): "land, identify, map, check, guard, commit, replay or retract",
}


def upgrade() -> None:
    for (table, column), comment in COMMENTS.items():
        op.alter_column(table, column, comment=comment, schema="ops")
