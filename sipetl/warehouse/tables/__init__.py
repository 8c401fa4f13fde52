"""The warehouse's tables, by schema. No student-level row is ever here.

`ref` what is known beforehand, `plan` improvement plans, `ops` the ledger, `metric` values and statuses; readers get
the views of `own` and `pub` alone (design/warehouse.md). Every table and column carries a comment: BI tools show it,
and the dictionary is made from it.
"""

from sipetl.warehouse.tables import metric, ops, plan, ref, release
from sipetl.warehouse.tables._base import metadata

SCHEMAS = ("ref", "plan", "ops", "metric", "own", "pub")

__all__ = ["SCHEMAS", "metadata", "metric", "ops", "plan", "ref", "release"]
