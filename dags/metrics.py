"""`compute_metrics`: lake to metric values and statuses, woken by the feeds or by the clock, until nothing is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, Param, task
from sipetl_dags import DEFAULTS, REGISTRY, TAG, VALUES, asset, every_day, optional, settings, tell

DOC = """
### Compute metrics

**What**: arrivals are judged, metric values recomputed where the lake changed, benchmarks and MAGs evaluated.
The ledger `ops.work` decides what; events only wake. Woken twice, or not at all until the clock: the result is the same.

**Trigger form**: `district` and `school_year` limit it; `everything` also computes what did not change.
"""


@task(
    pool="sipetl_compute",
    execution_timeout=timedelta(hours=6),
    inlets=[asset(feed) for feed in REGISTRY.feeds],
    outlets=[VALUES],
)
def compute(params: Any = None) -> dict[str, int]:
    """Work the ledger until it is empty."""
    from sipetl.pipeline import batch

    scope = {name: params[name] for name in ("district", "school_year", "everything")}
    computed = batch.compute(settings(), **scope)
    tell("compute", [computed])
    return computed


with DAG(
    "compute_metrics",
    schedule=AssetOrTimeSchedule(timetable=every_day(7), assets=AssetAny(*map(asset, REGISTRY.feeds))),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=8),
    default_args=DEFAULTS,
    tags=[TAG, "metrics"],
    doc_md=DOC,
    params={
        "district": optional("Only what this district's files change"),
        "school_year": optional("Only this school year, by its spring", "integer"),
        "everything": Param(False, type="boolean", description="Also what did not change"),
    },
):
    compute()
