"""The final hash of a home: over sorted logical rows, so that two ways to the same data have the same hash (choice 8).

Left out is what names a run and not the data: ids of deliveries, parts, inputs and surrogate keys, file names in
stores, and times at which something was done. The tests of faults and of the rebuild compare with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import duckdb
from sqlalchemy import text

from sipetl.lake import Lake, attach, attach_identity, column_types
from sipetl.pipeline import OpenHome
from sipetl.registry.models import FeedName

BATCH = 10_000
VALUES = """
    select json_build_array(
        o.authority, o.code, p.kind, p.code, p.school_year, v.metric, v.metric_version, v.student_group, v.as_of,
        v.numerator, v.denominator, trim_scale(v.sum_xx), trim_scale(v.sum_xy), trim_scale(v.sum_yy), v.n, v.expected_n,
        trim_scale(v.coverage), trim_scale(v.value), trim_scale(v.low), trim_scale(v.high), v.data_status)::text
    from metric.value v join ref.organization o using (organization_id) join ref.period p using (period_id)
"""
STATUSES = """
    select json_build_array(
        p.plan, p.effective_from, b.code, b.is_mag, s.cycle, s.as_of, s.status, s.certainty, trim_scale(s.value),
        trim_scale(s.low), trim_scale(s.high), s.n, trim_scale(s.expected), trim_scale(s.target), trim_scale(s.gap),
        trim_scale(s.change), trim_scale(s.change_low), trim_scale(s.change_high), trim_scale(s.pace),
        trim_scale(s.projection), trim_scale(s.projection_low), trim_scale(s.projection_high), s.occurrences_met,
        s.occurrences_judged, s.occurrences_needed)::text
    from metric.status s join plan.benchmark b using (benchmark_id) join plan.version p using (version_id)
"""
DELIVERIES = """
    select json_build_array(
        d.sender, d.sha256, d.file_name, d.status, p.member, p.feed, p.district, p.school_year, p.layout, p.scope_from,
        p.scope_to, p.rows_good, p.rows_quarantined, p.status, p.embargo_until)::text
    from ops.delivery d left join ops.delivery_part p using (delivery_id)
"""
TABLES = {"values": VALUES, "statuses": STATUSES, "deliveries": DELIVERIES}


def final_hashes(home: OpenHome) -> dict[str, str]:
    """The hash of every lake table that has rows, of values, statuses, and of the ledger of deliveries."""
    con = home.duckdb()
    try:
        found = {feed.value: _sha256(_lake_lines(con, home.lake, feed)) for feed in FeedName}
        found["identity"] = _sha256(_lines(con, f"select * from {attach_identity(con, home.lake)}"))
    finally:
        con.close()
    for name, query in TABLES.items():
        found[name] = _sha256(_warehouse_lines(home, query))
    return {name: sha256 for name, sha256 in found.items() if sha256 != _sha256(())}


def _lake_lines(con: duckdb.DuckDBPyConnection, lake: Lake, feed: FeedName) -> Iterator[str]:
    names = ["school_year", "district", *(name for name in column_types(feed) if name != "part_id")]
    listed = ", ".join(f'"{name}"' for name in names)
    return _lines(con, f"select {listed} from {attach(con, lake, feed)}")


def _lines(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[str]:
    found = con.execute(f"select line from (select r::varchar as line from ({query}) r) order by line")
    while batch := found.fetchmany(BATCH):
        yield from (line for (line,) in batch)


def _warehouse_lines(home: OpenHome, query: str) -> Iterator[str]:
    ordered = f'select line from ({query}) as lines (line) order by line collate "C"'
    with home.warehouse.begin() as connection:
        streamed = text(ordered).execution_options(stream_results=True, yield_per=BATCH)
        yield from connection.execute(streamed).scalars()


def _sha256(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
