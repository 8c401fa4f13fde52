"""`rebuild_year`: a whole school year computed anew; one partition per year, so that a backfill rebuilds several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, task
from sipetl_dags import DEFAULTS, REGISTRY, TAG, optional, settings

DOC = """
### Rebuild a school year

**What**: every value of one school year is computed anew from the lake, and statuses with it. Nothing is loaded again.
By itself it runs on 1 July, for the year that ended the day before.

**Past years**: a backfill from 2025-07-01 to 2026-07-01 rebuilds 2025 (2024-25) and 2026, in order, one at a time. The
trigger form takes a single `school_year`.
"""


@task(pool="sipetl_compute", execution_timeout=timedelta(hours=12))
def rebuild(params: Any = None, dag_run: Any = None) -> dict[str, int]:
    """Compute the partition's year anew."""
    from sipetl.pipeline import batch

    year = int(params["school_year"] or dag_run.partition_key)
    return {"school_year": year, **batch.compute(settings(), school_year=year, everything=True)}


with DAG(
    "rebuild_year",
    schedule=CronPartitionTimetable("0 4 1 7 *", timezone=REGISTRY.time_zone, key_format="%Y"),
    start_date=datetime(2015, 7, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=[TAG, "rebuild"],
    doc_md=DOC,
    params={"school_year": optional("This school year, by its spring; else that of the partition", "integer")},
):
    rebuild()
