"""A release: the frozen cut of values and statuses that a monitoring cycle was reviewed with.

Frozen whole in `ops`, with the small-cell decision beside each row and all that the numbers mean and rest on
(`made_with`); the views of `pub` show what that leaves. A release is never edited: what later data changes is restated in a
further edition (`restate`), and the edition before stays as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.resources import files

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from sipetl.disclosure import Policy, decide
from sipetl.errors import ConfigError
from sipetl.publish.editions import next_edition
from sipetl.publish.made_with import MadeWith, keep_made_with
from sipetl.warehouse import tables as t

SQL = files("sipetl.publish") / "sql"
_BATCH = 10_000
"""Rows fetched at once while hashing."""
_LOGICAL = ("logical_values", "logical_statuses", "logical_readiness", "logical_definitions")
"""What the hash is over, in this order."""


@dataclass(frozen=True, slots=True)
class Release:
    """What was frozen."""

    cycle: str
    values: int
    statuses: int
    suppressed: int
    """Rows of both that the public does not see, for whatever reason."""
    sha256: str
    """Over the sorted logical rows: the same in every rebuild from the same deliveries and registry."""
    edition: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """What is to be frozen, when and how."""

    cycle: str
    now: datetime
    policy: Policy
    lake: Mapping[str, int] = field(default_factory=dict)
    """Delta version of each lake table."""
    edition: int = 1


def release(
    connection: Connection, cycle: str, *, now: datetime, policy: Policy, lake: Mapping[str, int] | None = None
) -> Release:
    """Freeze a cycle's values and statuses, decide what the public sees, and record it with what it was made with.

    Values: of the cycle's own period; of all months and windows of its school year that ended on or before its
    `data_as_of`, and the year to date as it was then; and published results that old. Statuses: all of the cycle.

    Args:
        connection: an open transaction.
        cycle: code of the cycle.
        now: the moment.
        policy: the small-cell policy.
        lake: Delta version of each lake table, for the record.

    Raises:
        ConfigError: no such cycle; it is released already; its last day of data is still to come; the policy may not
            be released with.
    """
    return freeze(connection, Cut(cycle, now, policy, lake or {}, next_edition(connection, cycle)))


def freeze(connection: Connection, cut: Cut) -> Release:
    """Freeze one edition; the caller has put the one before aside.

    Raises:
        ConfigError: as `release`.
    """
    if not cut.policy.releasable:
        raise ConfigError(
            f"no release can be made with the policy {cut.policy.policy!r}",
            why="it leaves counts beside hidden numbers",
            cure="name another policy in home.yaml",
        )
    day = _day(connection, cut.now)
    _claim(connection, cut, _data_as_of(connection, cut.cycle, day))
    given = {"cycle": cut.cycle, "edition": cut.edition}
    values = connection.execute(text(read_sql("freeze_values")), given).rowcount
    values += connection.execute(text(read_sql("freeze_moved_on")), given).rowcount
    statuses = connection.execute(text(read_sql("freeze_statuses")), given).rowcount
    decided = decide(connection, cut.cycle, policy=cut.policy, day=day)
    state = keep_made_with(connection, MadeWith(cut.cycle, cut.edition, cut.now, cut.policy, cut.lake))
    sha256 = _sha256(connection, given)
    of_cycle = t.release.release.c.cycle == cut.cycle
    connection.execute(t.release.release.update().where(of_cycle).values(sha256=sha256, readiness=state))
    return Release(cut.cycle, values, statuses, decided.values + decided.statuses, sha256, cut.edition)


def _day(connection: Connection, now: datetime) -> date:
    """The calendar day it is in the home's time zone."""
    query = text("select (cast(:now as timestamptz) at time zone time_zone)::date from ref.home")
    day: date = connection.execute(query, {"now": now}).scalar_one()
    return day


def _data_as_of(connection: Connection, cycle: str, day: date) -> date:
    row = connection.execute(select(t.ref.cycle.c.data_as_of).where(t.ref.cycle.c.cycle == cycle)).one_or_none()
    if row is None:
        raise ConfigError(f"there is no cycle {cycle!r}", cure="see cycles.yaml of the registry")
    if day < row.data_as_of:
        why = f"its data end on {row.data_as_of}, and today is {day}"
        raise ConfigError(f"cycle {cycle} cannot be released yet", why=why)
    as_of: date = row.data_as_of
    return as_of


def _claim(connection: Connection, cut: Cut, as_of: date) -> None:
    """Write the release's own row; of two commands at once, the second waits here and is refused."""
    table = t.release.release
    row = {
        "cycle": cut.cycle,
        "released_at": cut.now,
        "as_of": as_of,
        "policy": cut.policy.policy,
        "sha256": "",
        "edition": cut.edition,
        "registry": connection.execute(select(t.ref.registry.c.sha256)).scalar(),
    }
    if (
        connection.execute(pg_insert(table).values(row).on_conflict_do_nothing().returning(table.c.cycle)).scalar()
        is None
    ):
        raise ConfigError(
            f"cycle {cut.cycle} is released already",
            why="a release is what people reviewed, and does not change",
            cure=f"see 'sipetl restatements {cut.cycle}', and release it with --restate",
        )


def _sha256(connection: Connection, given: Mapping[str, object]) -> str:
    """Hash the frozen rows in a fixed order, without surrogate keys and ids of runs (choice 8)."""
    digest = hashlib.sha256()
    for name in _LOGICAL:
        digest.update(f"{name}\n".encode())
        query = text(read_sql(name)).execution_options(stream_results=True, yield_per=_BATCH)
        for line in connection.execute(query, given).scalars():
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def read_sql(name: str) -> str:
    """A statement of this room."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
