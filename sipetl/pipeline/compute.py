"""Lake to metric values: works the ledger of changed partitions until it is empty (decision 6).

A delivery recomputes only what it touches: schools and districts of its partition, then regions and the state by
adding the districts' integers (choice 12). Metrics that do not add up are computed from the rows, once per run.
"""

from __future__ import annotations

import csv
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, text, update

import sipetl.metrics
from sipetl.lake import IDENTITY_LOCK, attach, attach_identity, close_off, refresh_identity
from sipetl.metrics import LOWER, UPPER, Catalogue, compute_feed, load_catalogue, roll_up, to_values
from sipetl.metrics.compiler import load_facts
from sipetl.metrics.compute import ensure_inputs, find_values
from sipetl.metrics.engine import Engine, open_engine
from sipetl.metrics.register import register_metrics
from sipetl.pipeline.crew import side_by_side
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import fill
from sipetl.pipeline.marks import embargoed_districts, mark, mark_above, remarked_above
from sipetl.pipeline.scratch import scratch_folder
from sipetl.pipeline.values import (
    Slice,
    Task,
    current_inputs,
    difference,
    input_of,
    keep_inputs,
    old_inputs,
)
from sipetl.registry.models import FeedName
from sipetl.warehouse import Written, advisory_locks, ledger
from sipetl.warehouse import tables as t

COMPUTED = tuple(f for f in FeedName if (Path(sipetl.metrics.__file__).parent / "facts" / f"{f.value}.sql").exists())
"""Feeds that metrics are computed from."""
LEVELS = Path(sipetl.metrics.__file__).parent / "reference" / "levels.csv"
LOCK = "compute"


@dataclass
class Computed:
    """What a compute run did: for people, and for the test that it did no more."""

    partitions: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    """Feed, school year and districts recomputed."""
    written: Written = field(default_factory=Written)
    files_opened: int = 0


@dataclass(frozen=True, slots=True)
class Only:
    """What a computation is limited to; None = all."""

    district: str | None = None
    school_year: int | None = None

    def holds(self, row: Any) -> bool:
        """Whether a row of the work ledger is inside."""
        return self.district in (None, row.district) and self.school_year in (None, row.school_year)


EVERYTHING = Only()


def compute(home: OpenHome, only: Only = EVERYTHING, *, everything: bool = False) -> Computed:
    """Recompute what changed (or everything), inside some limits; one run at a time, and safe to run twice."""
    done = Computed()
    with advisory_locks(home.warehouse.etl, {LOCK}):
        if everything:
            with home.warehouse.begin() as connection:
                ledger.request_everything(
                    connection, home.now(), district=only.district, school_year=only.school_year
                )
        with home.warehouse.begin() as connection:
            connection.execute(text(_DAYS_PASSED), {"today": home.now().date()})
            work = [row for row in ledger.open_work(connection) if only.holds(row)]
        if not work:
            return done
        con = home.duckdb()
        close_off(con, home.lake)
        if any(row.feed == FeedName.ROSTER for row in work):
            with advisory_locks(home.warehouse.etl, {IDENTITY_LOCK}):
                refresh_identity(con, home.lake)
        tasks = _tasks(work, home.now().date())
        for task, (written, opened) in zip(tasks, _run_all(home, con, tasks, anew=everything), strict=True):
            done.partitions.append((task.feed.value, task.school_year, task.districts))
            done.written += written
            done.files_opened += opened
        con.close()
        with home.warehouse.begin() as connection:
            _close_work(connection, work, home.now())
    return done


_DAYS_PASSED = """
    update ops.work w set done_at = null
    from (
        select school_year, null as feed, data_as_of + 1 as since from ref.cycle
        union all
        select school_year, feed, embargo_until from ops.delivery_part
        where status = 'accepted' and embargo_until is not null
    ) passed
    where passed.school_year = w.school_year and coalesce(passed.feed, w.feed) = w.feed
        and passed.since <= :today and w.done_at::date < passed.since
"""
"""Work to be done again, because a day has passed since: the first after a cycle's data, or the end of an embargo."""


def _tasks(work: Iterable[Any], day: date) -> list[Task]:
    """A changed feed recomputes every feed whose facts read it."""
    districts: dict[tuple[FeedName, int], set[str]] = defaultdict(set)
    for row in work:
        for feed in COMPUTED:
            if row.feed == feed or row.feed in load_facts(feed).inputs:
                districts[feed, row.school_year].add(row.district)
    return [Task(feed, year, tuple(sorted(found)), day) for (feed, year), found in sorted(districts.items())]


def _run_all(
    home: OpenHome, con: duckdb.DuckDBPyConnection, tasks: Sequence[Task], *, anew: bool
) -> list[tuple[Written, int]]:
    """What each task wrote, and how many files of the lake it opened. Tasks share no row of `metric.value`."""

    def work(task: Task, _: Event) -> tuple[Written, int]:
        lake = home.lake.beside(f"{task.feed}/{task.school_year}")
        lake.opened.clear()
        own = replace(home, lake=lake)
        with con.cursor() as cursor:
            _load_reference(own, cursor)
            return _run(own, cursor, task, engine_of(lake), anew=anew), len(lake.opened)

    with scratch_folder(home.settings.scratch_dir) as scratch, open_engine(home.settings, scratch) as engine_of:
        return side_by_side(tasks, work, home.settings)


def _run(home: OpenHome, con: duckdb.DuckDBPyConnection, task: Task, engine: Engine, *, anew: bool) -> Written:
    """Compute a task; `anew` measures and writes also what seems not to have changed."""
    feeds = _attach(home, con, task, None if task.is_whole else task.districts)
    catalogue = find_values(con, load_catalogue(), task.feed, engine=engine)
    table = compute_feed(con, task.feed, as_of=home.now().date(), catalogue=catalogue, engine=engine)
    with home.warehouse.begin() as connection:
        register_metrics(connection, catalogue.metrics(task.feed))
        inputs = current_inputs(connection, task, feeds)
        _take_stored(con, Slice(task, LOWER).read(connection), anew=anew)
        values = mark(connection, con, task, to_values(con, table, catalogue=catalogue, known="stored"), inputs)
        changed = difference(con, values, _outdated(con, connection))
        keep_inputs(connection, [m for d, m in inputs.items() if task.is_whole or d in task.districts])
        written = changed.write(connection)
        periods = set() if task.is_whole else changed.periods | remarked_above(connection, task)
        if task.is_whole or not (anew or periods):
            return written
        # in the same transaction: killed in between, the next run would find nothing changed below, and stop here
        above = _Above(catalogue, inputs, None if anew else periods, engine)
        return written + _upper(home, con, task, above, connection=connection)


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


def _attach(
    home: OpenHome, con: duckdb.DuckDBPyConnection, task: Task, districts: Collection[str] | None
) -> tuple[str, ...]:
    """Make the inputs of a feed's facts, limited to the partitions; returns the lake feeds it reads."""
    inputs = load_facts(task.feed).inputs
    for name in inputs:
        attach(con, home.lake, FeedName(name), years={task.school_year}, districts=districts)
    attach_identity(con, home.lake)
    return inputs


@dataclass(frozen=True)
class _Above:
    """What the levels above districts are computed from."""

    catalogue: Catalogue
    inputs: Mapping[str, Collection[str]]
    periods: Collection[int] | None
    """Periods of which a number below changed; None = all."""
    engine: Engine


def _upper(
    home: OpenHome, con: duckdb.DuckDBPyConnection, task: Task, above: _Above, *, connection: Connection
) -> Written:
    """Regions and the state: added from districts, and from the rows where a metric does not add up."""
    as_of, catalogue = home.now().date(), above.catalogue
    below = Slice(replace(task, districts=()), ("district",), above.periods).read(connection)
    _take_stored(con, Slice(task, UPPER, above.periods).read(connection), anew=above.periods is None)
    added = to_values(con, roll_up(con, below, catalogue=catalogue, as_of=as_of), catalogue=catalogue, known="stored")
    if any(metric.unit == "student" for metric in catalogue.metrics(task.feed)):
        _attach(home, con, task, None)
        with _only(con, above.periods):
            table = compute_feed(con, task.feed, as_of=as_of, catalogue=catalogue, levels=UPPER, engine=above.engine)
            added = pa.concat_tables([added, to_values(con, table, catalogue=catalogue, known="stored")])
    members = _members(con, below, above.inputs)
    keep_inputs(connection, [*(above.inputs[d] for d in members), [f"input:{i}" for i in members.values()]])
    own = str(input_of(f"input:{i}" for i in members.values()))
    marked = mark_above(connection, con, task, added)
    rows = marked.append_column("input_id", pa.array([own] * marked.num_rows, pa.string()))
    outdated = _outdated(con, connection, every=bool(embargoed_districts(connection, task)))
    return difference(con, rows, outdated).write(connection)


def _members(
    con: duckdb.DuckDBPyConnection, below: pa.Table, inputs: Mapping[str, Collection[str]]
) -> dict[str, uuid.UUID]:
    """The input of each district that has values here."""
    con.register("given_below", below)
    query = "select distinct o.district from ref_organization o semi join given_below b using (organization_id)"
    districts = [district for (district,) in con.execute(query).fetchall()]
    con.unregister("given_below")
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
        "ref_window_school": "select f.district, (w ->> 'school_year')::int, w ->> 'code', s.school from ref.feed f"
        " cross join jsonb_array_elements(f.config -> 'windows') as w"
        " cross join jsonb_array_elements_text(w -> 'schools') as s (school) where f.feed = 'assessment'",
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
