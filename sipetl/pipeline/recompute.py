"""One task of a computation: the districts' own values first, so many districts at once, then what lies above them.

All that a batch of districts needs is held within the memory of the settings, so that a state takes as much as some of
its districts, and longer. Used by `compute`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, delete, exists, select

from sipetl.lake import attach, attach_identity
from sipetl.metrics import LOWER, UPPER, compute_feed, find_values, load_catalogue, load_facts, roll_up, to_values
from sipetl.metrics.engine import Engine
from sipetl.metrics.register import register_metrics
from sipetl.pipeline.batches import Batch, batches
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.marks import embargoed_districts, mark, mark_above, remarked_above
from sipetl.pipeline.values import (
    ABOVE,
    STORED,
    Slice,
    Task,
    current_inputs,
    difference,
    input_of,
    keep_inputs,
    old_inputs,
)
from sipetl.registry.models import FeedName
from sipetl.warehouse import Written, ledger
from sipetl.warehouse import tables as t


@dataclass(frozen=True, slots=True)
class Setting:
    """What a task is computed with."""

    home: OpenHome
    con: duckdb.DuckDBPyConnection
    """It has the reference data."""
    task: Task
    engine: Engine
    anew: bool
    """Measure and write also what seems not to have changed."""


@dataclass(slots=True)
class _Below:
    """What was done to districts, and what it leaves to be done above them."""

    written: Written = field(default_factory=Written)
    periods: set[int] = field(default_factory=set)
    """Periods of which a number changed."""

    def __iadd__(self, other: _Below) -> _Below:
        self.written += other.written
        self.periods |= other.periods
        return self


def recompute(given: Setting) -> Written:
    """Compute a task, and bring `metric.value` up to date.

    The last batch and the levels above are one transaction: killed in between, the next run would find nothing changed
    below, and stop there. An earlier batch leaves the ledger word of what it owes the levels above; who finds it, pays.
    """
    home, task = given.home, given.task
    *earlier, last = batches(given.con, home.lake, task, given.engine)
    with home.warehouse.begin() as connection:
        is_all = given.anew or connection.execute(select(exists().where(*_debt(task)))).scalar_one()
    below = _Below()
    for batch in earlier:
        with home.warehouse.begin() as connection:
            below += _lower(given, batch, connection)
            if below.periods:
                ledger.request_work(connection, task.feed, ABOVE, task.school_year, home.now())
    with home.warehouse.begin() as connection:
        below += _lower(given, last, connection)
        below.periods |= set() if task.is_whole or is_all else remarked_above(connection, task)
        if task.is_whole or not (is_all or below.periods):
            return below.written
        written = _upper(given, None if is_all else below.periods, last, connection)
        connection.execute(delete(t.ops.work).where(*_debt(task)))
    return below.written + written


def _debt(task: Task) -> tuple[ColumnElement[bool], ...]:
    """What a run that was killed between two batches left of itself in the ledger of work."""
    work = t.ops.work.c
    return work.feed == task.feed.value, work.district == ABOVE, work.school_year == task.school_year


def _lower(given: Setting, batch: Batch, connection: Connection) -> _Below:
    """Schools and districts of a batch."""
    con, task = given.con, replace(given.task, districts=batch.districts)
    feeds = _attach(given, None if task.is_whole else task.districts)
    catalogue = find_values(con, load_catalogue(), task.feed, engine=given.engine)
    register_metrics(connection, catalogue.metrics(task.feed))
    levels = batch.levels if batch.has_rows else ()
    table = compute_feed(con, task.feed, as_of=task.day, catalogue=catalogue, levels=levels, engine=given.engine)
    inputs = current_inputs(connection, task, feeds)
    _take_stored(con, Slice(task, LOWER).read(connection), anew=given.anew)
    own = table if batch.levels == LOWER else _of_levels(table, LOWER)
    values = mark(connection, con, task, to_values(con, own, catalogue=catalogue, known="stored"), inputs)
    changed = difference(con, values, _outdated(con, connection))
    keep_inputs(connection, inputs.values())
    return _Below(changed.write(connection), set() if task.is_whole else changed.periods)


def _of_levels(table: str, levels: Sequence[str], periods: Collection[int] | None = None) -> str:
    """A query for the rows of a table of sums that are of some levels, and of some periods (None = all)."""
    listed = ", ".join(f"'{level}'" for level in levels)
    narrowed = "" if periods is None else f" where period_id in ({', '.join(map(str, sorted(periods)))})"
    kept = f"(from ref_organization where level in ({listed}))"
    return f"(select r.* from {table} as r semi join {kept} as o using (organization_id){narrowed})"


def _take_stored(con: duckdb.DuckDBPyConnection, rows: pa.Table, *, anew: bool = False) -> None:
    """Make table `stored`: the values that the computed ones are compared with."""
    con.register("given_stored", rows)
    version = "-1" if anew else "metric_version"
    con.execute(
        f"create or replace temp table stored as select * replace ({version} as metric_version) from given_stored"
    )
    con.unregister("given_stored")


def _outdated(con: duckdb.DuckDBPyConnection, connection: Connection, *, every: bool = False) -> set[str]:
    """Inputs that no row of `stored` may keep; every one, where an embargo must reach the values above it."""
    found = [input_id for (input_id,) in con.execute("select distinct input_id from stored").fetchall()]
    return set(found) if every else old_inputs(connection, found)


def _attach(given: Setting, districts: Collection[str] | None) -> tuple[str, ...]:
    """Make the inputs of the task's facts, limited to some districts (None = all); returns the lake feeds they read."""
    inputs = load_facts(given.task.feed).inputs
    for name in inputs:
        attach(given.con, given.home.lake, FeedName(name), years={given.task.school_year}, districts=districts)
    attach_identity(given.con, given.home.lake)
    return inputs


def _upper(given: Setting, periods: Collection[int] | None, last: Batch, connection: Connection) -> Written:
    """Regions and the state: added from districts, and from the rows where a metric does not add up.

    Args:
        given: the task.
        periods: of which a number below changed; None = all.
        last: the batch that was computed last; its sums are still there.
        connection: sees the districts' values.
    """
    con, task, catalogue = given.con, replace(given.task, districts=()), load_catalogue()
    _take_below(con, Slice(task, ("district",), periods), connection)
    _take_stored(con, Slice(task, UPPER, periods).read(connection), anew=periods is None and given.anew)
    sums = [roll_up(con, "below", catalogue=catalogue, as_of=task.day)]
    if any(metric.unit == "student" for metric in catalogue.metrics(task.feed)):
        sums.append(_counted_once(given, periods, last))
    added = pa.concat_tables([to_values(con, one, catalogue=catalogue, known="stored") for one in sums])
    inputs = current_inputs(connection, task, load_facts(task.feed).inputs)
    members = _members(con, inputs)
    keep_inputs(connection, [*(inputs[d] for d in members), [f"input:{i}" for i in members.values()]])
    own = str(input_of(f"input:{i}" for i in members.values()))
    marked = mark_above(connection, con, task, added)
    rows = marked.append_column("input_id", pa.array([own] * marked.num_rows, pa.string()))
    outdated = _outdated(con, connection, every=bool(embargoed_districts(connection, task)))
    return difference(con, rows, outdated).write(connection)


def _counted_once(given: Setting, periods: Collection[int] | None, last: Batch) -> str:
    """The sums of metrics that do not add up, of regions and the state."""
    con, feed = given.con, given.task.feed
    if last.levels != LOWER:
        return _of_levels(f"computed_{feed.value}", UPPER, periods)
    _attach(given, None)
    with _only(con, periods):
        return compute_feed(
            con, feed, as_of=given.task.day, catalogue=load_catalogue(), levels=UPPER, engine=given.engine
        )


def _take_below(con: duckdb.DuckDBPyConnection, districts: Slice, connection: Connection) -> None:
    """Make table `below`: the values of all districts, which are too many to be held twice."""
    con.register("given_below", STORED.empty_table())
    con.execute("create or replace temp table below as from given_below")
    for rows in districts.parts(connection):
        con.register("given_below", rows)
        con.execute("insert into below from given_below")
    con.unregister("given_below")


def _members(con: duckdb.DuckDBPyConnection, inputs: Mapping[str, Collection[str]]) -> dict[str, uuid.UUID]:
    """The input of each district that has values in `below`."""
    query = "select distinct o.district from ref_organization o semi join below b using (organization_id)"
    districts = [district for (district,) in con.execute(query).fetchall()]
    return {district: input_of(inputs[district]) for district in sorted(districts) if district in inputs}


@contextmanager
def _only(con: duckdb.DuckDBPyConnection, periods: Collection[int] | None) -> Iterator[None]:
    """Let `ref_period` hold some periods alone for a while."""
    if periods is None:
        yield
        return
    listed = ", ".join(map(str, sorted(periods)))
    con.execute("alter table ref_period rename to every_period")
    con.execute(f"create temp view ref_period as select * from every_period where period_id in ({listed})")
    try:
        yield
    finally:
        con.execute("drop view ref_period")
        con.execute("alter table every_period rename to ref_period")
