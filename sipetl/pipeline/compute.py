"""Lake to metric values: works the ledger of changed partitions until it is empty (decision 6).

A delivery recomputes only what it touches: schools and districts of its partition, then regions and the state by
adding the districts' integers (choice 12). Metrics that do not add up are computed from the rows, once per run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
from sqlalchemy import Connection, text, update

import sipetl.metrics
from sipetl.lake import IDENTITY_LOCK, close_off, refresh_identity
from sipetl.metrics.compiler import load_facts
from sipetl.metrics.engine import open_engine
from sipetl.pipeline.crew import side_by_side
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import load_reference
from sipetl.pipeline.recompute import Setting, recompute
from sipetl.pipeline.scratch import scratch_folder
from sipetl.pipeline.values import ABOVE, Task
from sipetl.registry.models import FeedName
from sipetl.warehouse import Written, advisory_locks, ledger
from sipetl.warehouse import tables as t

COMPUTED = tuple(f for f in FeedName if (Path(sipetl.metrics.__file__).parent / "facts" / f"{f.value}.sql").exists())
"""Feeds that metrics are computed from."""
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
    """A changed feed recomputes every feed whose facts read it; what is owed above the districts is its own feed's alone."""
    districts: dict[tuple[FeedName, int], set[str]] = defaultdict(set)
    for row in work:
        for feed in COMPUTED:
            if row.feed == feed or (row.district != ABOVE and row.feed in load_facts(feed).inputs):
                districts[feed, row.school_year].add(row.district)
    return [
        Task(feed, year, tuple(sorted(found - {ABOVE})), day) for (feed, year), found in sorted(districts.items())
    ]


def _run_all(
    home: OpenHome, con: duckdb.DuckDBPyConnection, tasks: Sequence[Task], *, anew: bool
) -> list[tuple[Written, int]]:
    """What each task wrote, and how many files of the lake it opened. Tasks share no row of `metric.value`."""

    def work(task: Task, _: Event) -> tuple[Written, int]:
        lake = home.lake.beside(f"{task.feed}/{task.school_year}")
        lake.opened.clear()
        own = replace(home, lake=lake)
        with con.cursor() as cursor:
            load_reference(own, cursor)
            return recompute(Setting(own, cursor, task, engine_of(lake), anew)), len(lake.opened)

    with scratch_folder(home.settings.scratch_dir) as scratch, open_engine(home.settings, scratch) as engine_of:
        return side_by_side(tasks, work, home.settings)


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
