"""A release: the frozen cut of values and statuses that a monitoring cycle was reviewed with.

Frozen whole in `ops`, with the small-cell decision beside each row; the views of `pub` show what that leaves. A release is made once:
what later data changes is a restatement, never an edit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from sipetl.disclosure import Policy, decide
from sipetl.errors import ConfigError
from sipetl.warehouse import tables as t

SQL = files("sipetl.publish") / "sql"
_BATCH = 10_000
"""Rows fetched at once while hashing."""


@dataclass(frozen=True, slots=True)
class Release:
    """What was frozen."""

    cycle: str
    values: int
    statuses: int
    suppressed: int
    """Rows of both that the public does not see, for whatever reason."""
    sha256: str
    """Over the sorted logical rows: the same in every rebuild from the same deliveries."""


def release(connection: Connection, cycle: str, *, now: datetime, policy: Policy) -> Release:
    """Freeze a cycle's values and statuses, decide what the public sees, and record it.

    Values: of the cycle's own period; of all months and windows of its school year that ended on or before its
    `data_as_of`, and the year to date as it was then; and published results that old. Statuses: all of the cycle.

    Raises:
        ConfigError: no such cycle; it is released already; its last day of data is still to come; the policy may not
            be released with.
    """
    if not policy.releasable:
        raise ConfigError(
            f"no release can be made with the policy {policy.policy!r}",
            why="it leaves counts beside hidden numbers",
            cure="name another policy in home.yaml",
        )
    day = _day(connection, now)
    as_of = _data_as_of(connection, cycle, day)
    _claim(connection, {"cycle": cycle, "released_at": now, "as_of": as_of, "policy": policy.policy, "sha256": ""})
    values = connection.execute(text(_read("freeze_values")), {"cycle": cycle}).rowcount
    statuses = connection.execute(text(_read("freeze_statuses")), {"cycle": cycle}).rowcount
    decided = decide(connection, cycle, policy=policy, day=day)
    sha256 = _sha256(connection, cycle)
    of_cycle = t.release.release.c.cycle == cycle
    connection.execute(t.release.release.update().where(of_cycle).values(sha256=sha256))
    return Release(cycle, values, statuses, decided.values + decided.statuses, sha256)


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


def _claim(connection: Connection, row: dict[str, object]) -> None:
    """Write the release's own row; of two commands at once, the second waits here and is refused."""
    insert = pg_insert(t.release.release).values(row).on_conflict_do_nothing().returning(t.release.release.c.cycle)
    if connection.execute(insert).scalar() is None:
        raise ConfigError(
            f"cycle {row['cycle']} is released already",
            why="a release is what people reviewed, and does not change",
        )


def _sha256(connection: Connection, cycle: str) -> str:
    """Hash the frozen rows in a fixed order, without surrogate keys and ids of runs (choice 8)."""
    digest = hashlib.sha256()
    for name in ("logical_values", "logical_statuses"):
        digest.update(f"{name}\n".encode())
        query = text(_read(name)).execution_options(stream_results=True, yield_per=_BATCH)
        for line in connection.execute(query, {"cycle": cycle}).scalars():
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _read(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
