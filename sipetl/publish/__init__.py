"""What leaves the pipeline: BI views and roles, releases, and the trace from a number back to its files."""

from sipetl.publish.causes import Cause
from sipetl.publish.editions import withdraw
from sipetl.publish.export import Package, Wanted, export, write_package
from sipetl.publish.made_with import lake_versions
from sipetl.publish.release import Cut, Release, release
from sipetl.publish.restate import Restated, Restatement, restate, restated, restatements
from sipetl.publish.trace import Trace, TracedDelivery, TracedPart, trace
from sipetl.publish.trace_rows import AbsenceTotal, RowsOfPart, TracedRows, trace_rows
from sipetl.publish.views import apply_views, make_role, roles_sql

__all__ = [
    "AbsenceTotal",
    "Cause",
    "Cut",
    "Package",
    "Release",
    "Restated",
    "Restatement",
    "RowsOfPart",
    "Trace",
    "TracedDelivery",
    "TracedPart",
    "TracedRows",
    "Wanted",
    "apply_views",
    "export",
    "lake_versions",
    "make_role",
    "release",
    "restate",
    "restated",
    "restatements",
    "roles_sql",
    "trace",
    "trace_rows",
    "withdraw",
    "write_package",
]
