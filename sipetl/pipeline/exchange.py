"""Releases after they were made: what differs from them now, a further edition, and the file for another home."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, select

from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.review import policy_of
from sipetl.publish import (
    Cut,
    Package,
    Restated,
    Restatement,
    Wanted,
    export,
    lake_versions,
    restate,
    restated,
    restatements,
    write_package,
)
from sipetl.warehouse import tables as t


def restatements_of(home: OpenHome, cycle: str | None = None) -> tuple[Restatement, ...]:
    """Restatements on record, and after them what differs now from the latest edition; of one cycle or all released.

    Raises:
        ConfigError: the cycle is not released.
    """
    with home.warehouse.begin() as connection:
        cut = Cut(cycle or "", home.now(), policy_of(home, connection), lake_versions(home.lake))
        cycles = [cycle] if cycle else _released(connection)
        pending = [row for code in cycles for row in restatements(connection, replace(cut, cycle=code))]
        return (*restated(connection, cycle), *pending)


def restate_cycle(home: OpenHome, cycle: str, *, reason: str | None = None) -> Restated:
    """Release a cycle once more, if anything differs; the edition before stays readable.

    Args:
        home: the home.
        cycle: a released cycle.
        reason: why, for the public to read; None = the causes that were found.

    Raises:
        ConfigError: the cycle is not released.
    """
    with home.warehouse.begin() as connection:
        cut = Cut(cycle, home.now(), policy_of(home, connection), lake_versions(home.lake))
        return restate(connection, cut, reason=reason)


def export_release(home: OpenHome, wanted: Wanted, path: Path) -> Package:
    """Write a district's release as a file that another home takes (layout `sipetl_release`).

    Raises:
        ConfigError: there is no such release or district, or no such form of file.
    """
    with home.warehouse.begin() as connection:
        package = export(connection, wanted)
    write_package(package, path)
    return package


def _released(connection: Connection) -> list[str]:
    table = t.release.release
    return list(connection.execute(select(table.c.cycle).order_by(table.c.as_of, table.c.cycle)).scalars())
