"""sipetl: the same calls that the command makes, in a home of its own; everything it does to a file is in it."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from clock import hash_of, report
from sqlalchemy import text

from sipetl.lake import attach
from sipetl.pipeline import Flags, OpenHome, ingest, open_home
from sipetl.pipeline.compute import compute
from sipetl.quality import RuleResult, SuiteResult, load_suite, run_suite
from sipetl.registry.models import FeedName
from sipetl.settings import load_settings

DISTRICT, AS_OF = "9001", date(2026, 7, 1)
LOOK = """
select
    count(*) as rows, count(distinct id_hash) as students, count(*) filter (not present) as absent,
    count(*) filter (excused) as excused, count(*) filter (tardy) as tardy,
    min(attendance_date)::varchar as first, max(attendance_date)::varchar as last
from rows
"""
CHRONIC = """
select o.code, v.n, v.numerator
from metric.value v
join ref.organization o on o.organization_id = v.organization_id and o.level = 'school'
join ref.period p using (period_id)
where v.metric = 'chronic_absence_rate_pk12' and v.student_group = 'all' and p.kind = 'year'
order by o.code
"""
STAGES = """
select step, sum(extract(epoch from ended_at - started_at))
from ops.step
where delivery_id = (select delivery_id from ops.delivery order by received_at desc, delivery_id desc limit 1)
group by step order by min(started_at)
"""


def intake(home: str, *sources: str) -> None:
    """Take files one after the other; the last one is timed, those before only warm up."""
    *before, last = (Path(source) for source in sources)
    with open_home(load_settings(home=Path(home), as_of=AS_OF)) as opened:
        for source in before:
            ingest(opened, [source], Flags(district=DISTRICT))
        report(lambda: ingest(opened, [last], Flags(district=DISTRICT)), lambda _: _look(opened))


def _look(home: OpenHome) -> dict[str, Any]:
    with duckdb.connect() as con:
        con.execute(f"create temp view rows as from {attach(con, home.lake, FeedName.ATTENDANCE)}")
        found = con.execute(LOOK)
        names = [column[0] for column in found.description or ()]
        return dict(zip(names, found.fetchall()[0], strict=True)) | {"stages": _stages(home)}


def _stages(home: OpenHome) -> dict[str, float]:
    """Seconds of each step of the last delivery, as the ledger keeps them."""
    with home.warehouse.begin() as connection:
        return {step: round(float(seconds), 2) for step, seconds in connection.execute(text(STAGES))}


def metrics(home: str) -> None:
    """Compute every metric, group and period of the attendance in the lake, and write the values."""
    with open_home(load_settings(home=Path(home), as_of=AS_OF)) as opened:
        with opened.warehouse.begin() as connection:
            connection.execute(text("delete from metric.value"))
        report(lambda: compute(opened, everything=True), lambda _: _chronic(opened))


def _chronic(home: OpenHome) -> dict[str, Any]:
    with home.warehouse.begin() as connection:
        rows = connection.execute(text(CHRONIC)).all()
        values = connection.execute(text("select count(*) from metric.value")).scalar()
    return {code: [int(n), int(numerator)] for code, n, numerator in rows} | {"values": values}


def checks(batch: str, suite: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"create table batch as from read_parquet('{batch}')")
        rules = load_suite(Path(suite))
        report(lambda: run_suite(con, "batch", rules), lambda done: _found(con, done))


def _found(con: duckdb.DuckDBPyConnection, done: SuiteResult) -> dict[str, Any]:
    rows = con.execute(f"select rule_id, row_number from {done.failing}").fetchall()
    return {"failing": [_failing(rule) for rule in done.rules], "failing_rows": hash_of(rows)}


def _failing(rule: RuleResult) -> int:
    return int(not rule.success) if rule.unexpected_count is None else int(rule.unexpected_count)


if __name__ == "__main__":
    {"intake": intake, "metrics": metrics, "checks": checks}[sys.argv[1]](*sys.argv[2:])
