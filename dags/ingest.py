"""`ingest_<feed>`: what is in the feed's inboxes goes to the lake, in batches of districts.

A batch fails only where a store fails. A district whose files need a person is a red cell with its name under
`look_at`, and leaves the run and the other districts green.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule, get_parsing_context, task
from airflow.sdk.exceptions import AirflowFailException
from sipetl_dags import DEFAULTS, REGISTRY, TAG, asset, every_day, name_cell, optional, settings, tell

POOL = "sipetl_ingest"
DOC = """
### {title}

**What**: new files of {what} are landed, identified, mapped, checked and committed to the lake.
Safe to run at any time and twice: the ledger of deliveries decides what is new.

**In the grid**: `ingest` has one cell per batch of districts; a red one means that a store failed (it is tried again,
and goes on where it stopped). `look_at` has one cell per district in whose files something was found, by its name; red
means that a person is needed: `sipetl deliveries --district ...` and `sipetl delivery show ...` say what for.

**Trigger form**: `district` takes only that district's files; `delivery` (an id) takes that delivery again from landing,
after its layout or the registry was mended.
"""


@task(pool=POOL)
def scan(feed: str, params: Any = None) -> list[list[str]]:
    """Districts with something new, in batches."""
    from sipetl.pipeline import batch

    if params["delivery"]:
        return [[params["delivery"]]]
    return batch.scan(settings(), feed, params["district"])


@task(pool=POOL, map_index_template="{{ batch_name }}")
def ingest(districts: list[str], feed: str, params: Any = None) -> list[dict[str, Any]]:
    """Land to lake; what it returns are counts by district."""
    from sipetl.pipeline import batch

    name_cell(batch_name=" ".join((districts[0], *(f"and {len(districts) - 1} more" for _ in districts[1:2]))))
    again = params["delivery"]
    counted = batch.take_again(settings(), again) if again else batch.ingest(settings(), districts, feed)
    tell("ingest", counted, feed=feed)
    return counted


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
def found(counted: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Districts in whose files something was found. Its success is the event that wakes `compute_metrics`."""
    return [one for of_batch in counted for one in of_batch if one["needs_a_person"] or one["rows_quarantined"]]


@task(map_index_template="{{ district }}", retries=0)
def look_at(district: dict[str, Any]) -> None:
    """Show one district by its name; red if its files need a person."""
    name = district["district"]
    name_cell(district=name)
    if district["needs_a_person"]:
        raise AirflowFailException(
            f"{district['needs_a_person']} of {district['deliveries']} deliveries of district {name} need a person:"
            f" sipetl deliveries --district {name}"
        )


def make(dag_id: str, feed: str, title: str, district: str | None = None) -> DAG:
    """One DAG: of a feed, or of a feed in one district."""
    with DAG(
        dag_id,
        schedule=every_day(5, 30),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=8),
        default_args=DEFAULTS,
        tags=[TAG, "ingest", feed],
        doc_md=DOC.format(title=title, what=feed.replace("_", " ")),
        params={
            "district": optional("Only this district") if district is None else district,
            "delivery": optional("Take this delivery again, by its id"),
        },
    ) as dag:
        taken = ingest.partial(feed=feed).expand(districts=scan(feed))
        findings = found.override(outlets=[asset(feed)])(taken)  # type: ignore[arg-type] # what comes of a mapped task
        loaded = EmptyOperator(task_id="loaded", trigger_rule=TriggerRule.NONE_FAILED)
        shown = EmptyOperator(task_id="shown", trigger_rule=TriggerRule.ALL_DONE)
        findings >> loaded
        look_at.expand(district=findings) >> shown
    return dag


def dags() -> dict[str, DAG]:
    """A DAG per feed; where `SIPETL_DAG_PER_DISTRICT` is set, one per feed and district instead."""
    wanted = get_parsing_context().dag_id
    ids: dict[str, tuple[str, str, str | None]]
    if os.environ.get("SIPETL_DAG_PER_DISTRICT"):
        ids = {f"ingest_{f}_{d}": (f, f"{f} of district {d}", d) for f in REGISTRY.feeds for d in REGISTRY.districts}
    else:
        ids = {f"ingest_{f}": (f, f"Ingest {f.replace('_', ' ')}", None) for f in REGISTRY.feeds}
    return {dag_id: make(dag_id, *of) for dag_id, of in ids.items() if wanted in (None, dag_id)}


globals().update(dags())
