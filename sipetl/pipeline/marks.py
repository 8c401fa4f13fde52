"""What values are worth by the ledger: embargoed, incomplete, provisional. Used by `compute`, after the integers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, select, text

from sipetl.metrics import UPPER
from sipetl.pipeline.values import Task, input_of
from sipetl.warehouse import copy_out
from sipetl.warehouse import tables as t

_SHARE = pa.decimal128(38, 18)


def mark(
    connection: Connection,
    con: duckdb.DuckDBPyConnection,
    task: Task,
    values: pa.Table,
    inputs: Mapping[str, Collection[str]],
) -> pa.Table:
    """Values with their input, and with the data status that the ledger knows: embargoed, incomplete."""
    embargoed, floors = embargoed_districts(connection, task), _floors(connection, task)
    listed = pa.table(
        {
            "district": pa.array(inputs, pa.string()),
            "input_id": pa.array([str(input_of(members)) for members in inputs.values()], pa.string()),
            "is_embargoed": pa.array([bool(embargoed) if not d else d in embargoed for d in inputs], pa.bool_()),
            "floor": pa.array([floors.get(d) for d in inputs], _SHARE),
        }
    )
    con.register("given_values", values)
    con.register("given_inputs", listed)
    con.register("shortfalls", _shortfalls(connection, task, "" if task.is_whole else _OF_DISTRICTS))
    found = con.sql(
        f"""
        select v.* replace (
            case
                when i.is_embargoed then 'embargoed'
                when v.coverage < i.floor then 'incomplete'
                else coalesce(s.data_status, v.data_status)
            end as data_status), coalesce(i.input_id, '{input_of([])}') as input_id
        from given_values v join ref_organization o using (organization_id)
        left join shortfalls s using (organization_id, period_id, metric)
        left join given_inputs i on i.district = {"''" if task.is_whole else "o.district"}
        """
    ).to_arrow_table()
    for name in ("given_values", "given_inputs", "shortfalls"):
        con.unregister(name)
    return found


def mark_above(connection: Connection, con: duckdb.DuckDBPyConnection, task: Task, values: pa.Table) -> pa.Table:
    """Values of regions and the state, with the data status that the days not here leave them."""
    con.register("given_values", values)
    con.register("shortfalls", _shortfalls(connection, task, _ABOVE))
    found = con.sql("""
        select v.* replace (coalesce(s.data_status, v.data_status) as data_status)
        from given_values v left join shortfalls s using (organization_id, period_id, metric)
    """).to_arrow_table()
    con.unregister("given_values")
    con.unregister("shortfalls")
    return found


def remarked_above(connection: Connection, task: Task) -> set[int]:
    """Periods in which regions or the state have come to lack days, or lack them no more, by the ledger."""
    query = text("""
        select distinct v.period_id
        from metric.value v
        join ref.organization o using (organization_id)
        join ref.metric m on (m.metric, m.version, m.feed) = (v.metric, v.metric_version, :feed)
        left join ops.shortfall s
            on (s.organization_id, s.feed, s.period_id, s.basis) = (v.organization_id, m.feed, v.period_id, m.basis)
        where v.school_year = :year and o.level in ('region', 'state')
          and (v.data_status = 'incomplete') <> (s.data_status is not distinct from 'incomplete')
    """)
    return set(connection.execute(query, {"feed": task.feed.value, "year": task.school_year}).scalars())


_SHORTFALLS = """
    select s.organization_id, s.period_id, m.metric, s.data_status
    from ops.shortfall s
    join ref.organization o using (organization_id)
    join ref.period p using (period_id)
    join (select distinct on (metric) metric, feed, basis from ref.metric order by metric, version desc) m
        using (feed, basis)
    where s.feed = %(feed)s and p.school_year = %(year)s
"""
_OF_DISTRICTS, _ABOVE = "and o.district = any(%(districts)s)", "and o.level = any(%(levels)s)"
_SHORT = pa.schema(
    [
        ("organization_id", pa.int64()),
        ("period_id", pa.int64()),
        ("metric", pa.string()),
        ("data_status", pa.string()),
    ]
)


def _shortfalls(connection: Connection, task: Task, narrowed: str) -> pa.Table:
    """What values of each organization, period and metric cannot be better than."""
    given = {
        "feed": task.feed.value,
        "year": task.school_year,
        "districts": list(task.districts),
        "levels": list(UPPER),
    }
    query = _SHORTFALLS + narrowed
    return copy_out(connection, query, {name: one for name, one in given.items() if f"%({name})s" in query}, _SHORT)


def embargoed_districts(connection: Connection, task: Task) -> set[str]:
    """Districts with a current part of the feed that is not to be published yet."""
    part = t.ops.delivery_part
    query = select(part.c.district).where(
        part.c.feed == task.feed.value,
        part.c.school_year == task.school_year,
        part.c.status == "accepted",
        part.c.embargo_until > task.day,
    )
    return set(connection.execute(query.distinct()).scalars())


def _floors(connection: Connection, task: Task) -> dict[str, Decimal]:
    """Least coverage by district, below which a value is incomplete."""
    feed = t.ref.feed
    query = select(feed.c.district, feed.c.config).where(feed.c.feed == task.feed.value)
    return {district: Decimal(config["floors"]["students"]) for district, config in connection.execute(query).all()}
