"""`doctor`: is everything here that must be, seen from where tasks run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException
from sipetl_dags import DEFAULTS, HOME, TAG, settings

DOC = """
### Doctor

**What**: versions, stores, key, clock and disk, as the workers see them (`sipetl doctor`), with the connections of
Airflow. Run it by hand after an installation, an upgrade or a move.
"""
logger = logging.getLogger(__name__)


@task(retries=0)
def doctor() -> dict[str, bool]:
    """Look; red if something is not as it must be."""
    given = settings()
    command = [sys.executable, "-m", "sipetl", "--home", str(HOME), "doctor", "--json"]
    environment = {**os.environ, "SIPETL_WAREHOUSE_URL": given.warehouse_url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    looked: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    for one in looked:
        logger.log(logging.INFO if one["ok"] else logging.ERROR, "%s: %s", one["what"], one["is"])
    if done.returncode or not looked:
        raise AirflowFailException("something is not as it must be: see the log above")
    return {one["what"]: one["ok"] for one in looked}


with DAG(
    "doctor",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=[TAG, "operations"],
    doc_md=DOC,
):
    doctor()
