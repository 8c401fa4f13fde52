"""What leaves the pipeline: BI views and roles, releases, and the trace from a number back to its files."""

from sipetl.publish.release import Release, release
from sipetl.publish.trace import Trace, TracedDelivery, TracedPart, trace
from sipetl.publish.views import apply_views, roles_sql

__all__ = ["Release", "Trace", "TracedDelivery", "TracedPart", "apply_views", "release", "roles_sql", "trace"]
