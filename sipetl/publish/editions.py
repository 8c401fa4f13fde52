"""Editions of a release: the latest is what `pub` shows, the ones before are kept row for row and never written again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, delete, func, insert, literal, select, update

from sipetl.errors import ConfigError
from sipetl.warehouse import tables as t


def withdraw(connection: Connection, cycle: str, *, now: datetime, reason: str) -> int:
    """Take a release back: `pub` shows the cycle no more, until it is released again as its next edition.

    What was frozen is kept with the day and the reason, for whoever asks what the public could read.

    Returns:
        The edition that was withdrawn.

    Raises:
        ConfigError: the cycle is not released.
    """
    edition = put_aside(connection, cycle)
    past = t.release.past_release
    of_edition = (past.c.cycle == cycle) & (past.c.edition == edition)
    connection.execute(update(past).where(of_edition).values(withdrawn_at=now, withdrawn_because=reason))
    return edition


def next_edition(connection: Connection, cycle: str) -> int:
    """The number of a cycle's edition to come: 1 unless one was withdrawn."""
    past = t.release.past_release.c
    last: int | None = connection.scalar(select(func.max(past.edition)).where(past.cycle == cycle))
    return (last or 0) + 1


def put_aside(connection: Connection, cycle: str) -> int:
    """Move the latest edition to the past ones, and return its number.

    Raises:
        ConfigError: the cycle is not released.
    """
    table = t.release.release
    found = connection.execute(select(table.c.edition).where(table.c.cycle == cycle).with_for_update()).scalar()
    if found is None:
        raise ConfigError(f"cycle {cycle} is not released", cure=f"run 'sipetl release {cycle}'")
    edition = int(found)
    _copy(connection, table, t.release.past_release, cycle)
    for rows, past in (
        (t.release.release_value, t.release.past_release_value),
        (t.release.release_status, t.release.past_release_status),
    ):
        _copy(connection, rows, past, cycle, edition=edition)
    connection.execute(delete(table).where(table.c.cycle == cycle))
    return edition


def _copy(connection: Connection, source: Table, target: Table, cycle: str, **more: int) -> None:
    names = [column.name for column in source.columns]
    columns = [source.c[name] for name in names] + [literal(value) for value in more.values()]
    query = select(*columns).where(source.c.cycle == cycle)
    connection.execute(insert(target).from_select([*names, *more], query))
