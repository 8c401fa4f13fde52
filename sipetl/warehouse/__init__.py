"""The warehouse: PostgreSQL, embedded or by URL; tables, migrations, bulk writes and locks."""

from sipetl.warehouse.bulk import Written, copy_in, merge
from sipetl.warehouse.engine import ROLES, Warehouse, advisory_locks, open_warehouse, told_plainly
from sipetl.warehouse.upgrade import upgrade

__all__ = [
    "ROLES",
    "Warehouse",
    "Written",
    "advisory_locks",
    "copy_in",
    "merge",
    "open_warehouse",
    "told_plainly",
    "upgrade",
]
