"""What a running Airflow tells those who look after it: counts by StatsD, lineage by OpenLineage; nobody's student."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import read, sections, table
from tests.flows.airflow_home import LINEAGE, Airflow, until
from tests.home import attendance, present, students, weekdays

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

PEOPLE = students(20)
LINE = re.compile(r"airflow\.(sipetl\.[a-z_.]+)(?:,([^:]*))?:(\d+)\|c")


def counts(airflow: Airflow, since: int) -> Counter[tuple[str, str]]:
    """Sums by name and tags, of what was heard since."""
    found: Counter[tuple[str, str]] = Counter()
    for name, tags, number in LINE.findall("\n".join(airflow.heard[since:])):
        found[name, tags] += int(number)
    return found


def documented() -> set[str]:
    """Names of sipetl's own counts, as the page has them."""
    rows = table(sections(read("airflow.md"))["Looking after it"])
    return {name for row in rows for name in re.findall(r"`(sipetl\.[a-z_.]+)`", row[0])}


def events(airflow: Airflow) -> list[dict[str, Any]]:
    path = Path(airflow.environment["AIRFLOW_HOME"]) / LINEAGE
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_counts_go_to_statsd_under_the_names_that_the_page_has(airflow: Airflow) -> None:
    airflow.settle("ingest_attendance")
    rows = attendance(PEOPLE, weekdays(date(2025, 12, 8), 5), present).replace(",P\n", ",SPOILT\n", 3)
    airflow.site.put("att-dec-08.csv", rows)
    since = len(airflow.heard)

    assert airflow.run("ingest_attendance").state == "success"
    assert airflow.run("compute_metrics").state == "success"

    until(lambda: ("sipetl.compute.partitions", "") in counts(airflow, since), "counts of compute")
    found = counts(airflow, since)
    assert found["sipetl.ingest.deliveries", "feed=attendance"] == 1
    assert found["sipetl.ingest.rows_good", "feed=attendance"] == 97
    assert found["sipetl.ingest.rows_quarantined", "feed=attendance"] == 3
    assert found["sipetl.compute.values_written", ""] > 0
    assert {name for name, _ in counts(airflow, 0)} <= documented()


def test_what_is_late_now_is_a_gauge(airflow: Airflow) -> None:
    since = len(airflow.heard)

    assert airflow.run("watch_arrivals").state == "success"

    gauge = re.compile(r"airflow\.(sipetl\.arrivals\.[a-z]+):(\d+)\|g")
    until(lambda: len(gauge.findall("\n".join(airflow.heard[since:]))) >= 3, "gauges")
    heard = dict(gauge.findall("\n".join(airflow.heard[since:])))
    query = "select count(*) from ops.verdict where verdict = 'missing'"
    ((missing,),) = airflow.site.sql(query)
    assert missing > 0, "nobody sent the second district's files"
    assert heard["sipetl.arrivals.missing"] == str(missing)
    assert set(heard) <= documented()


def test_lineage_names_dags_tasks_and_assets_and_no_student(airflow: Airflow) -> None:
    airflow.site.put("att-dec-15.csv", attendance(PEOPLE, weekdays(date(2025, 12, 15), 5), present))

    assert airflow.run("ingest_attendance").state == "success"
    assert airflow.run("compute_metrics").state == "success"

    wanted = {("ingest_attendance.found", "COMPLETE"), ("compute_metrics.compute", "COMPLETE")}
    until(lambda: wanted <= {(e["job"]["name"], e["eventType"]) for e in events(airflow)}, "events of lineage")
    told = {e["job"]["name"]: json.dumps(e) for e in events(airflow)}
    assert {e["job"]["namespace"] for e in events(airflow)} == {"sipetl"}
    assert "x-sipetl://lake/attendance" in told["ingest_attendance.found"]
    assert "x-sipetl://lake/attendance" in told["compute_metrics.compute"]
    assert "x-sipetl://warehouse/metric_values" in told["compute_metrics.compute"]
    everything = "".join(json.dumps(e) for e in events(airflow)) + "".join(airflow.heard)
    for secret in ("Quillfeather", "SPOILT", "att-dec", *(p.number for p in PEOPLE), *(p.state_id for p in PEOPLE)):
        assert secret not in everything
