"""The lake: student-level rows under pseudonyms, in Delta tables that any engine reads."""

from sipetl.lake.commit import commit, is_committed
from sipetl.lake.guard import Impact, Part, Scope, impact
from sipetl.lake.identity import LOCK as IDENTITY_LOCK
from sipetl.lake.identity import attach_identity, key_of, refresh_identity
from sipetl.lake.tables import FOLDED, Lake, attach, column_types

__all__ = [
    "FOLDED",
    "IDENTITY_LOCK",
    "Impact",
    "Lake",
    "Part",
    "Scope",
    "attach",
    "attach_identity",
    "column_types",
    "commit",
    "impact",
    "is_committed",
    "key_of",
    "refresh_identity",
]
