"""Migrations: bring the warehouse's tables to this version's shape, as their owner."""

from __future__ import annotations

from importlib.resources import as_file, files

from sqlalchemy import Connection, text

from sipetl.errors import ConfigError
from sipetl.warehouse.engine import ROLES, Warehouse, advisory_locks, told_plainly

WRITTEN_BY_ETL = ("ref", "plan", "ops", "metric")


def upgrade(warehouse: Warehouse) -> bool:
    """Apply what is missing, safe when several commands do it at once; says whether anything was.

    Raises:
        ConfigError: the tables are of a newer version than this one.
    """
    if _is_current(warehouse):
        return False
    from alembic import command  # a third of a second that only an upgrade is worth
    from alembic.config import Config

    with (
        as_file(files("sipetl.warehouse") / "migrations") as scripts,
        advisory_locks(warehouse.owner, {"sipetl:upgrade"}),
        told_plainly(),
        warehouse.owner.begin() as connection,
    ):
        config = Config()
        config.set_main_option("script_location", str(scripts))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _grant_etl(connection)
    return True


def _is_current(warehouse: Warehouse) -> bool:
    """Whether the last migration is applied: the ordinary case, told without loading Alembic."""
    versions = files("sipetl.warehouse") / "migrations" / "versions"
    known = sorted(p.name.partition("_")[0] for p in versions.iterdir() if p.name[0] == "0")
    with told_plainly(), warehouse.owner.begin() as connection:
        if not connection.execute(text("select to_regclass('ops.alembic_version')")).scalar():
            return False
        version = connection.execute(text("select version_num from ops.alembic_version")).scalar()
    if version is not None and version not in known:
        why = f"they are at {version}, and this version knows up to {known[-1]}"
        cure = "install the version that upgraded them, on every host"
        raise ConfigError("the warehouse's tables are of a newer sipetl", why=why, cure=cure)
    return version == known[-1]


def _grant_etl(connection: Connection) -> None:
    """Let the ETL role write rows, and nothing else; skipped where the login has no such role."""
    role = ROLES["etl"]
    if not connection.execute(text("select 1 from pg_roles where rolname = :r"), {"r": role}).scalar():
        return
    for schema in WRITTEN_BY_ETL:
        for sql in (
            f"grant usage on schema {schema} to {role}",
            f"grant select, insert, update, delete on all tables in schema {schema} to {role}",
            f"grant usage on all sequences in schema {schema} to {role}",
        ):
            connection.execute(text(sql))
