"""The catalogue in the warehouse: `ref.metric` names every metric that values may point to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from sipetl.metrics.catalogue import Metric
from sipetl.warehouse import tables as t


def register_metrics(connection: Connection, metrics: Iterable[Metric]) -> None:
    """Write definitions; a metric that is there already is brought up to date, none is ever removed."""
    rows = [_row(metric) for metric in metrics]
    if not rows:
        return
    statement = insert(t.ref.metric).values(rows)
    keys = ("metric", "version")
    changed = {c.name: statement.excluded[c.name] for c in t.ref.metric.columns if c.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed))


def _row(metric: Metric) -> dict[str, Any]:
    return {
        "metric": metric.metric,
        "version": metric.version,
        "title": metric.title,
        "feed": metric.feed.value,
        "family": metric.family,
        "unit": metric.unit,
        "direction": metric.direction,
        "path": metric.path.value,
        "display_unit": metric.display_unit,
        "decimals": metric.decimals,
        "source": metric.source,
        "definition_sha256": metric.definition_sha256,
        "basis": metric.basis,
    }
