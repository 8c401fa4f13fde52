"""`release_cycle`: a reviewed cycle is frozen, after a person approved it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException
from sipetl_dags import DEFAULTS, TAG, VALUES, on_school_days, settings

ANSWER_WITHIN = timedelta(seconds=float(os.environ.get("SIPETL_APPROVAL_SECONDS", "259200")))
DOC = """
### Release a cycle

**What**: the oldest cycle that is reviewed and not yet released is brought up to date; a person approves (Required
Actions, or the task's own tab); its values and statuses are frozen, suppressed and shown by the public views.

**No answer** within three days counts as *Reject*: nothing is released, and the next run asks again. An approval does
not hold for what was not known: if a new doubt comes up meanwhile the task fails, and the next run asks again.
"""


@task
def due() -> dict[str, Any]:
    """The oldest cycle to release, and what speaks against it."""
    from sipetl.pipeline import batch

    found = batch.due(settings())
    if found is None:
        raise AirflowSkipException("no cycle waits for its release")
    return found


@task(inlets=[VALUES])
def release(asked: dict[str, Any]) -> dict[str, Any]:
    """Freeze it."""
    from sipetl.pipeline import batch

    return batch.release(settings(), asked["cycle"], asked["doubts"])


with DAG(
    "release_cycle",
    schedule=on_school_days(9),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | {"pool": "sipetl_compute"},
    tags=[TAG, "release"],
    doc_md=DOC,
):
    asked = due()
    approve = ApprovalOperator(
        task_id="approve",
        subject="Release cycle {{ ti.xcom_pull(task_ids='due')['cycle'] }}?",
        body="{% for doubt in ti.xcom_pull(task_ids='due')['doubts'] %}- {{ doubt }}\n{% else %}Nothing speaks against it."
        "{% endfor %}",
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        pool="default_pool",
    )
    asked >> approve >> release(asked)  # type: ignore[arg-type] # what comes of a task
