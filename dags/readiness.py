"""`watch_arrivals` and `prepare_cycle`: what is late, and what a cycle lacks before its data is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task
from sipetl_dags import DEFAULTS, TAG, on_school_days, settings

WATCH = """
### Watch arrivals

**What**: every expected arrival is judged: due soon, on time, late, missing, recovered; and whether it is whole.
A file that never came is found because it was expected. What it returns are counts of changed verdicts.
A day on which it did not run is caught up: a verdict depends on the ledger and the moment alone.
"""
PREPARE = """
### Prepare a cycle

**What**: 10, 5, 2 and 0 school days before a cycle's data is due, each district is told what is missing, whose it is and
which benchmarks and MAGs it blocks. Each look is taken once, and kept in the home under `reports/readiness/`; steps
missed are caught up.
"""


@task
def watch() -> dict[str, int]:
    """Judge arrivals."""
    from airflow.sdk.observability import stats

    from sipetl.pipeline import batch

    given = settings()
    changed = batch.watch(given)
    for what, number in batch.standing(given).items():
        stats.gauge(f"sipetl.arrivals.{what}", number)
    return changed


@task
def prepare() -> list[dict[str, Any]]:
    """Take the looks that are reached and not taken."""
    from sipetl.pipeline.prepare import prepare as take_looks

    return take_looks(settings())


def make(dag_id: str, hour: int, doc: str) -> DAG:
    """A DAG of school days."""
    return DAG(
        dag_id,
        schedule=on_school_days(hour),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=2),
        default_args=DEFAULTS | {"pool": "sipetl_compute"},
        tags=[TAG, "readiness"],
        doc_md=doc,
    )


with make("watch_arrivals", 19, WATCH):
    watch()

with make("prepare_cycle", 8, PREPARE):
    prepare()
