"""The way into the warehouse: the embedded PostgreSQL of the home, or any PostgreSQL >= 15 by URL.

Commands act as the ETL role; only `upgrade` acts as the owner of the tables (choice 18).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sipetl.errors import WarehouseError
from sipetl.settings import Settings
from sipetl.warehouse import embedded

Role = Literal["owner", "etl"]
ROLES = {"owner": "sipetl_owner", "etl": "sipetl_etl", "reader": "sipetl_reader"}
LEAST_VERSION = 150000
"""PostgreSQL 15: the first with views that check the invoker's rights."""
KEEPALIVES = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""After a minute the server knows that a host is gone which could not say so. Its locks hold up all others until then,
and by the usual settings of a system that is two hours."""


@dataclass(frozen=True)
class Warehouse:
    """An open warehouse: URLs by role, and engines made when first asked for."""

    urls: dict[str, str]
    is_far: bool = True
    """Whether its connections can break while they wait for work: each is then tried before it is used."""

    @cached_property
    def etl(self) -> Engine:
        """Engine that acts as the ETL role."""
        return _engine(self.urls["etl"], "etl", is_far=self.is_far)

    @cached_property
    def owner(self) -> Engine:
        """Engine that acts as the owner of the tables: for `upgrade` alone."""
        return _engine(self.urls["owner"], "owner", is_far=self.is_far)

    def close(self) -> None:
        """Give all connections back."""
        for role in ("etl", "owner"):
            engine = self.__dict__.get(role)
            if engine is not None:
                engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction as the ETL role.

        Raises:
            WarehouseError: the server cannot be reached or refuses; the message holds no data.
        """
        with told_plainly(), self.etl.begin() as connection:
            yield connection


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn a database error into a message without statement or parameters: they may hold row data."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
        raise WarehouseError(
            f"the warehouse refused a statement ({code})", cure="see 'sipetl doctor'; run again when it answers"
        ) from None
    except SQLAlchemyError as error:
        raise WarehouseError(f"the warehouse cannot be used ({type(error).__name__})") from None


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """Open the warehouse; the embedded server runs for as long as somebody holds it open."""
    if settings.warehouse_url:
        warehouse = Warehouse({"etl": settings.warehouse_url, "owner": settings.warehouse_url})
        try:
            yield warehouse
        finally:
            warehouse.close()
        return
    with embedded.use(settings.home / "warehouse") as lease:
        warehouse = Warehouse({name: lease.url(name) for name in ("owner", "etl", "reader")}, is_far=False)
        try:
            yield warehouse
        finally:
            warehouse.close()


def _engine(url: str, role: Role, *, is_far: bool) -> Engine:
    engine = create_engine(url, pool_pre_ping=is_far, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _begin(connection: object, _record: ConnectionPoolEntry) -> None:
        _take_role(connection, ROLES[role])
        _ask_for_signs_of_life(connection)

    return engine


def _take_role(connection: object, role: str) -> None:
    """Act as the role where the login is another member of it; a login without such roles acts as itself."""
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("select current_setting('server_version_num')::int")
        if cursor.fetchone()[0] < LEAST_VERSION:
            raise WarehouseError("the warehouse is older than PostgreSQL 15", cure="use PostgreSQL 15 or newer")
        member = (
            "select current_user <> %(role)s and pg_has_role(current_user, oid, 'member')"
            " from pg_roles where rolname = %(role)s"
        )
        cursor.execute(member, {"role": role})
        row = cursor.fetchone()
        if row and row[0]:
            cursor.execute(f"set role {role}")
    connection.commit()  # type: ignore[attr-defined]


def _ask_for_signs_of_life(connection: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        listed = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in KEEPALIVES.items())
        cursor.execute(f"select {listed}")
    connection.commit()  # type: ignore[attr-defined]


@contextmanager
def advisory_locks(engine: Engine, names: set[str]) -> Iterator[None]:
    """Hold named locks across stores; taken in sorted order, so that two callers cannot block each other for ever.

    They are session locks on a connection of their own: a killed process loses them with its connection.
    """
    with told_plainly(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in sorted(names):
            connection.execute(text("select pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock_all()"))
