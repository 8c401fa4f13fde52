"""Open a home: its stores, its key, its reference data; settle what a killed command left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from sipetl.errors import ConfigError, KeyMismatchError
from sipetl.intake import open_place
from sipetl.lake import Lake
from sipetl.pipeline.scratch import room_told, sweep
from sipetl.privacy import Key, load_key
from sipetl.publish import apply_views
from sipetl.registry import load_registry
from sipetl.registry.load import fingerprint
from sipetl.reports import make_private
from sipetl.settings import Settings
from sipetl.warehouse import Warehouse, advisory_locks, ledger, open_warehouse, upgrade
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import applied, apply_registry

_REGISTRY_LOCK = "sipetl:registry"
"""Held while the registry is applied: the first two commands of a home may come at once."""


@dataclass(frozen=True)
class OpenHome:
    """One home with its stores open."""

    settings: Settings
    warehouse: Warehouse
    lake: Lake
    key: Key
    authority: str
    state_code: str
    zone: ZoneInfo
    """Time zone in which due times are meant."""

    def now(self) -> datetime:
        """The moment this command acts at."""
        return self.settings.now()

    def on(self, day: date) -> OpenHome:
        """The same stores, on another day."""
        return replace(self, settings=self.settings.on(day))

    def duckdb(self, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
        """A fresh in-memory engine within the memory and threads of the settings; spills to the scratch folder."""
        spill = spill or self.settings.scratch_dir
        spill.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect()
        for name, value in (
            ("memory_limit", self.settings.memory),
            ("threads", str(self.settings.threads)),
            ("temp_directory", str(spill)),
            ("preserve_insertion_order", "false"),
            ("enable_progress_bar", "false"),
        ):
            con.execute(f"set {name} = '{value}'")
        if not self.lake.is_local:
            con.register_filesystem(open_place(self.lake.root).store)  # DuckDB's own way to a bucket is a download
        return con


@contextmanager
def open_home(settings: Settings) -> Iterator[OpenHome]:
    """Open the stores, bring tables and reference data up to date, and clear up what a killed command left.

    Raises:
        ConfigError: there is no home here, or its registry or key is wrong.
        StoreError: a store cannot be used.
    """
    _refuse_absent(settings)
    key = load_key(settings.key_file)
    with room_told(settings.home), open_warehouse(settings) as warehouse:
        sweep(settings.scratch_dir)
        _keep_private(settings)
        if upgrade(warehouse):
            apply_views(warehouse)
        _know_key(warehouse, key, settings.now())
        _apply(warehouse, settings)
        home = OpenHome(settings, warehouse, Lake(settings.lake_url), key, *_authority(warehouse))
        _settle(home)
        yield home


def _refuse_absent(settings: Settings) -> None:
    """Make no stores in a folder that somebody mistyped."""
    has_stores = settings.warehouse_url or (settings.home / "warehouse").is_dir()
    if not has_stores and not settings.registry_dir.is_dir():
        raise ConfigError("there is no home here", where=str(settings.home), cure="run 'sipetl init', or name --home")


def _keep_private(settings: Settings) -> None:
    """Student rows, and files as received, are for this account alone; stores elsewhere have rights of their own."""
    for url in (settings.landing_url, settings.lake_url):
        folder = Path(url)
        if "://" not in url and (folder.is_dir() or not folder.exists()):
            make_private(folder)


def _know_key(warehouse: Warehouse, key: Key, now: datetime) -> None:
    """Remember the key's fingerprint at first use; refuse another key ever after."""
    home = t.ops.home
    with warehouse.begin() as connection:
        known = connection.execute(select(home.c.key_fingerprint)).scalar()
        if known is None:
            row = {"key_fingerprint": key.fingerprint(), "created_at": now}
            connection.execute(pg_insert(home).values(row).on_conflict_do_nothing())
        elif known != key.fingerprint():
            raise KeyMismatchError(
                "this key is not the one the home's identifiers were hashed with",
                cure="point SIPETL_KEY_FILE at the home's own key",
            )


def _apply(warehouse: Warehouse, settings: Settings) -> None:
    """Apply the registry's files where this host has them; other hosts read what was applied."""
    from sipetl.arrivals import expected_arrivals, write_expected
    from sipetl.metrics import load_catalogue
    from sipetl.metrics.register import register_metrics
    from sipetl.plans import apply_plans

    if not settings.registry_dir.is_dir():
        with warehouse.begin() as connection:
            if applied(connection) is None:
                raise ConfigError("there is no home here", where=str(settings.home), cure="run 'sipetl init'")
        return
    with warehouse.begin() as connection:
        if applied(connection) == fingerprint(settings.registry_dir):
            return
    registry = load_registry(settings.registry_dir)
    with advisory_locks(warehouse.etl, {_REGISTRY_LOCK}), warehouse.begin() as connection:
        if apply_registry(connection, registry, now=settings.now()):
            register_metrics(connection, load_catalogue().metrics())
            apply_plans(connection, registry.plan_files)
            write_expected(connection, expected_arrivals(registry), now=settings.now())
            ledger.request_everything(connection, settings.now())


def _authority(warehouse: Warehouse) -> tuple[str, str, ZoneInfo]:
    with warehouse.begin() as connection:
        row = connection.execute(select(t.ref.home)).one()
    return row.authority, row.state_code, ZoneInfo(row.time_zone)


def _settle(home: OpenHome) -> None:
    from sipetl.pipeline.accept import settle_intents

    settle_intents(home)
