"""The warehouse: PostgreSQL, embedded or by URL; tables, migrations, bulk writes and locks."""

from sipetl.warehouse.bulk import Written, append, copy_in, copy_out, copy_out_parts, merge, patch
from sipetl.warehouse.engine import ROLES, Warehouse, advisory_locks, open_warehouse, told_plainly
from sipetl.warehouse.upgrade import upgrade

__all__ = [
    "ROLES",
    "Warehouse",
    "Written",
    "advisory_locks",
    "append",
    "copy_in",
    "copy_out",
    "copy_out_parts",
    "merge",
    "open_warehouse",
    "patch",
    "told_plainly",
    "upgrade",
]
