"""Lake to metric values: works the ledger of changed partitions until it is empty (decision 6).

A delivery recomputes only what it touches: schools and districts of its partition, then regions and the state by
adding the schools' integers (choice 12). Metrics that do not add up are computed from the rows, once per run.
"""

from __future__ import annotations

import csv
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, select, text, update

import sipetl.metrics
from sipetl.lake import IDENTITY_LOCK, attach, attach_identity, refresh_identity
from sipetl.metrics import LOWER, UPPER, Catalogue, compute_feed, load_catalogue, roll_up, to_values
from sipetl.metrics.compiler import load_facts
from sipetl.metrics.compute import ensure_inputs, find_values
from sipetl.metrics.register import register_metrics
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import fill
from sipetl.registry.models import FeedName
from sipetl.warehouse import Written, advisory_locks, copy_in, ledger, merge
from sipetl.warehouse import tables as t

COMPUTED = tuple(f for f in FeedName if (Path(sipetl.metrics.__file__).parent / "facts" / f"{f.value}.sql").exists())
"""Feeds that metrics are computed from."""
LEVELS = Path(sipetl.metrics.__file__).parent / "reference" / "levels.csv"
LOCK = "compute"
_INPUT_SPACE = uuid.UUID("6f1d2d3e-6a0b-5d4e-9c51-73f3b1f0a1c7")
"""Name space of input ids: a set of parts has the same id in every rebuild that has the same parts."""


@dataclass
class Computed:
    """What a compute run did: for people, and for the test that it did no more."""

    partitions: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    """Feed, school year and districts recomputed."""
    written: Written = field(default_factory=Written)
    files_opened: int = 0


@dataclass(frozen=True)
class _Task:
    """One feed and school year, and the districts of it that changed."""

    feed: FeedName
    school_year: int
    districts: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Published figures of all senders are taken over together: two may speak of one organization."""
        return self.feed is FeedName.PUBLISHED_RESULTS


def compute(home: OpenHome, *, everything: bool = False) -> Computed:
    """Recompute what changed (or everything); one run at a time, and safe to run twice."""
    done = Computed()
    with advisory_locks(home.warehouse.etl, {LOCK}):
        if everything:
            _ask_for_everything(home)
        with home.warehouse.begin() as connection:
            _ask_for_cycles(connection, home.now())
            work = ledger.open_work(connection)
        if not work:
            return done
        con = home.duckdb()
        home.lake.opened.clear()
        if any(row.feed == FeedName.ROSTER for row in work):
            with advisory_locks(home.warehouse.etl, {IDENTITY_LOCK}):
                refresh_identity(con, home.lake)
        _load_reference(home, con)
        for task in _tasks(work):
            done.written += _run(home, con, task)
            done.partitions.append((task.feed.value, task.school_year, task.districts))
        con.close()
        done.files_opened = len(home.lake.opened)
        with home.warehouse.begin() as connection:
            _close_work(connection, work, home.now())
    return done


def _ask_for_everything(home: OpenHome) -> None:
    part = t.ops.delivery_part
    query = select(part.c.feed, part.c.district, part.c.school_year).where(part.c.status == "accepted").distinct()
    with home.warehouse.begin() as connection:
        for row in connection.execute(query).all():
            ledger.request_work(connection, row.feed, row.district, row.school_year, home.now())


def _ask_for_cycles(connection: Connection, now: datetime) -> None:
    """A cycle whose last day has passed needs its own values, also where nothing came since."""
    connection.execute(
        text(
            "update ops.work w set done_at = null from ref.cycle c where c.school_year = w.school_year"
            " and c.data_as_of < :today and w.done_at::date <= c.data_as_of"
        ),
        {"today": now.date()},
    )


def _tasks(work: Iterable[Any]) -> list[_Task]:
    """A changed feed recomputes every feed whose facts read it."""
    districts: dict[tuple[FeedName, int], set[str]] = defaultdict(set)
    for row in work:
        for feed in COMPUTED:
            if row.feed == feed or row.feed in load_facts(feed).inputs:
                districts[feed, row.school_year].add(row.district)
    return [_Task(feed, year, tuple(sorted(found))) for (feed, year), found in sorted(districts.items())]


def _run(home: OpenHome, con: duckdb.DuckDBPyConnection, task: _Task) -> Written:
    inputs = _attach(home, con, task, None if task.is_whole else task.districts)
    catalogue = find_values(con, load_catalogue(), task.feed)
    table = compute_feed(con, task.feed, as_of=home.now().date(), catalogue=catalogue)
    values = to_values(con, table, catalogue=catalogue)
    with home.warehouse.begin() as connection:
        register_metrics(connection, catalogue.metrics(task.feed))
        ids = _inputs(connection, task, inputs)
        rows = _marked(connection, con, task, values, ids)
        written = merge(connection, t.metric.value, rows, within=_within(task, LOWER))
    return written + _upper(home, con, task, catalogue)


def _attach(
    home: OpenHome, con: duckdb.DuckDBPyConnection, task: _Task, districts: Collection[str] | None
) -> tuple[str, ...]:
    """Make the inputs of a feed's facts, limited to the partitions; returns the lake feeds it reads."""
    inputs = load_facts(task.feed).inputs
    for name in inputs:
        attach(con, home.lake, FeedName(name), years={task.school_year}, districts=districts)
    attach_identity(con, home.lake)
    return inputs


def _upper(home: OpenHome, con: duckdb.DuckDBPyConnection, task: _Task, catalogue: Catalogue) -> Written:
    """Regions and the state: added from schools, and from the rows where a metric does not add up."""
    as_of = home.now().date()
    with home.warehouse.begin() as connection:
        schools = _school_values(connection, task)
    if schools.num_rows == 0 or task.is_whole:
        return Written()
    added = to_values(con, roll_up(con, schools, catalogue=catalogue, as_of=as_of), catalogue=catalogue)
    if any(metric.unit == "student" for metric in catalogue.metrics(task.feed)):
        _attach(home, con, task, None)
        table = compute_feed(con, task.feed, as_of=as_of, catalogue=catalogue, levels=UPPER)
        added = pa.concat_tables([added, to_values(con, table, catalogue=catalogue)])
    with home.warehouse.begin() as connection:
        ids = _upper_input(connection, task)
        rows = added.append_column("input_id", pa.array([str(ids)] * added.num_rows, pa.string()))
        return merge(connection, t.metric.value, rows, within=_within(task, UPPER))


_SCHOOL_VALUES = pa.schema(
    [
        ("organization_id", pa.int64()),
        ("period_id", pa.int64()),
        ("metric", pa.string()),
        ("metric_version", pa.int32()),
        ("student_group", pa.string()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("sum_xx", pa.decimal128(38, 0)),
        ("sum_xy", pa.decimal128(38, 0)),
        ("sum_yy", pa.decimal128(38, 0)),
        ("n", pa.int64()),
        ("expected_n", pa.int64()),
    ]
)


def _school_values(connection: Connection, task: _Task) -> pa.Table:
    """School rows of `metric.value` of all districts."""
    rows = connection.execute(
        text(
            f"select {', '.join(f'v.{name}' for name in _SCHOOL_VALUES.names)}"
            " from metric.value v join ref.organization o using (organization_id)"
            " where v.school_year = :year and o.level = 'school' and v.metric in"
            " (select metric from ref.metric where feed = :feed)"
        ),
        {"year": task.school_year, "feed": task.feed.value},
    ).all()
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHOOL_VALUES)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, _SCHOOL_VALUES, strict=True)], schema=_SCHOOL_VALUES
    )


def _within(task: _Task, levels: tuple[str, ...]) -> str:
    """The rows of `metric.value` that a task is answerable for."""
    listed = ", ".join(f"'{level}'" for level in levels)
    organizations = f"select organization_id from ref.organization where level in ({listed})"
    if levels == LOWER and not task.is_whole:
        districts = ", ".join("'" + d.replace("'", "''") + "'" for d in task.districts)
        organizations += f" and district in ({districts})"
    if task.is_whole:
        organizations = "select organization_id from ref.organization"
    return (
        f"t.school_year = {task.school_year} and t.organization_id in ({organizations})"
        f" and t.metric in (select metric from ref.metric where feed = '{task.feed.value}')"
    )


def _inputs(connection: Connection, task: _Task, feeds: tuple[str, ...]) -> dict[str, uuid.UUID]:
    """Input id per district: the set of current parts that its values rest on."""
    part = t.ops.delivery_part
    query = select(part.c.district, part.c.part_id).where(
        part.c.feed.in_(feeds), part.c.school_year == task.school_year, part.c.status == "accepted"
    )
    if not task.is_whole:
        query = query.where(part.c.district.in_(task.districts))
    parts: dict[str, list[str]] = defaultdict(list)
    for district, part_id in connection.execute(query).all():
        parts["" if task.is_whole else district].append(f"part:{part_id}")
    return {district: _keep_input(connection, members) for district, members in parts.items()}


def _upper_input(connection: Connection, task: _Task) -> uuid.UUID:
    rows = connection.execute(
        text(
            "select distinct v.input_id from metric.value v join ref.organization o using (organization_id)"
            " where v.school_year = :year and o.level = 'district'"
            " and v.metric in (select metric from ref.metric where feed = :feed)"
        ),
        {"year": task.school_year, "feed": task.feed.value},
    ).scalars()
    return _keep_input(connection, [f"input:{i}" for i in rows])


def _keep_input(connection: Connection, members: list[str]) -> uuid.UUID:
    members = sorted(members)
    input_id = uuid.uuid5(_INPUT_SPACE, "\n".join(members))
    there = select(t.ops.input_member.c.input_id).where(t.ops.input_member.c.input_id == input_id).limit(1)
    if members and connection.execute(there).first() is None:
        rows = pa.table({"input_id": [str(input_id)] * len(members), "member": members})
        copy_in(connection, "ops.input_member", rows)
    return input_id


def _marked(
    connection: Connection,
    con: duckdb.DuckDBPyConnection,
    task: _Task,
    values: pa.Table,
    inputs: dict[str, uuid.UUID],
) -> pa.Table:
    """Values with their input, and with the data status that the ledger knows: embargoed, incomplete."""
    empty = _keep_input(connection, [])
    listed = pa.table(
        {
            "district": pa.array(inputs, pa.string()),
            "input_id": pa.array(map(str, inputs.values()), pa.string()),
            "is_embargoed": pa.array([_is_embargoed(connection, task, d) for d in inputs], pa.bool_()),
            "floor": pa.array([_floor(connection, task, d) for d in inputs], pa.float64()),
        }
    )
    con.register("given_values", values)
    con.register("given_inputs", listed)
    found = con.sql(
        f"""
        select v.* replace (
            case when i.is_embargoed then 'embargoed' when v.coverage < i.floor then 'incomplete' else v.data_status end
            as data_status), coalesce(i.input_id, '{empty}') as input_id
        from given_values v join ref_organization o using (organization_id)
        left join given_inputs i on i.district = {"''" if task.is_whole else "o.district"}
        """
    ).to_arrow_table()
    con.unregister("given_values")
    con.unregister("given_inputs")
    return found


def _is_embargoed(connection: Connection, task: _Task, district: str) -> bool:
    part = t.ops.delivery_part
    query = select(part.c.part_id).where(
        part.c.feed == task.feed.value,
        part.c.school_year == task.school_year,
        part.c.status == "accepted",
        part.c.embargo_until.is_not(None),
    )
    if district:
        query = query.where(part.c.district == district)
    return connection.execute(query.limit(1)).first() is not None


def _floor(connection: Connection, task: _Task, district: str) -> float:
    feed = t.ref.feed
    config = connection.execute(
        select(feed.c.config).where(feed.c.district == district, feed.c.feed == task.feed.value)
    ).scalar()
    return float(config["floors"]["students"]) if config else 0.0


def _close_work(connection: Connection, work: Iterable[Any], now: datetime) -> None:
    """What was asked for again while this ran stays open."""
    table = t.ops.work
    for row in work:
        connection.execute(
            update(table)
            .where(
                table.c.feed == row.feed,
                table.c.district == row.district,
                table.c.school_year == row.school_year,
                table.c.requested_at == row.requested_at,
            )
            .values(done_at=now)
        )


def _load_reference(home: OpenHome, con: duckdb.DuckDBPyConnection) -> None:
    """Copies of `ref` that facts read, under the names and types of facts/inputs.sql."""
    organization = """
        select o.organization_id, o.code, o.level, o.district, o.parent_id, r.organization_id as region_id,
            d.organization_id as district_id, s.organization_id as state_id, d.calendar
        from ref.organization o
        left join ref.organization d on d.level = 'district' and d.district = o.district
        left join ref.organization r on r.level = 'region' and r.organization_id = d.parent_id
        left join ref.organization s on s.level = 'state'
    """
    queries = {
        "ref_organization": organization,
        "ref_school_day": "select calendar, day, kind from ref.school_day",
        "ref_period": "select period_id, school_year, kind, code, starts_on, ends_on from ref.period"
        " where kind <> 'cycle' or ends_on <= :as_of",
        "ref_survey_item": "select survey, item, topic, reverse, scale_max, favorable_from from ref.survey_item",
        "declared_scope": "select part_id::text, scope_to as declared_to from ops.delivery_part"
        " where feed = 'attendance' and status = 'accepted' and scope_to is not null and scope_kind = 'snapshot'",
    }
    for feed in FeedName:
        attach(con, home.lake, feed, years=())
    attach_identity(con, home.lake)
    ensure_inputs(con)
    with home.warehouse.begin() as connection:
        for name, query in queries.items():
            given = {"as_of": home.now().date()} if ":as_of" in query else {}
            fill(con, name, connection.execute(text(query), given).all())
    with LEVELS.open(encoding="utf-8", newline="") as file:
        kept = con.execute("select column_name from (describe ref_level)").fetchall()
        rows = [tuple(line[c] or None for (c,) in kept) for line in csv.DictReader(file)]
    fill(con, "ref_level", rows)
