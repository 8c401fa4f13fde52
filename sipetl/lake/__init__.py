"""The lake: student-level rows under pseudonyms, in Delta tables that any engine reads."""

from sipetl.lake.again import brings_nothing
from sipetl.lake.commit import commit, is_committed
from sipetl.lake.diff import Difference, difference
from sipetl.lake.guard import Impact, Part, Scope, impact
from sipetl.lake.identity import LOCK as IDENTITY_LOCK
from sipetl.lake.identity import attach_identity, key_of, refresh_identity, view_types
from sipetl.lake.retract import Retraction, Snapshot, retract, retraction_scope, rows_replaced, would_retract
from sipetl.lake.tables import FOLDED, NO_SPACE, Lake, attach, close_off, column_types, rows_by_district

__all__ = [
    "FOLDED",
    "IDENTITY_LOCK",
    "NO_SPACE",
    "Difference",
    "Impact",
    "Lake",
    "Part",
    "Retraction",
    "Scope",
    "Snapshot",
    "attach",
    "attach_identity",
    "brings_nothing",
    "close_off",
    "column_types",
    "commit",
    "difference",
    "impact",
    "is_committed",
    "key_of",
    "refresh_identity",
    "retract",
    "retraction_scope",
    "rows_by_district",
    "rows_replaced",
    "view_types",
    "would_retract",
]
