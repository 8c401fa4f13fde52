"""The way into the warehouse: the embedded PostgreSQL of the home, or any PostgreSQL >= 15 by URL.

Commands act as the ETL role; only `upgrade` acts as the owner of the tables (choice 18).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sipetl.errors import ConfigError, SipetlError, WarehouseError
from sipetl.settings import Settings
from sipetl.warehouse import embedded

Role = Literal["owner", "etl"]
ROLES = {"owner": "sipetl_owner", "etl": "sipetl_etl", "reader": "sipetl_reader"}
REFUSED_LOGIN = "28"
_LOGIN = "mend the login: SIPETL_WAREHOUSE_URL, or Airflow's connection sipetl_warehouse"
MISTAKES: Mapping[str, str] = {
    "42501": "the login lacks a right: the roles and their grants are in docs/deploy.md, 'The warehouse'",
    "42": "a table or column is not as this version made it: run 'sipetl db upgrade', or restore what was dropped",
    "3F": "a schema is not there: run 'sipetl db upgrade', or restore what was dropped",
    "3D": _LOGIN,
    REFUSED_LOGIN: _LOGIN,
}
"""Beginnings of SQLSTATEs that trying again does not mend (PostgreSQL manual, appendix A), and what does; the first wins."""
_REFUSED = re.compile(
    "password authentication failed|no password supplied|no pg_hba.conf entry|not permitted to log in"
    "|(role|database) .* does not exist"
)
"""A refused connection has no SQLSTATE in psycopg; these are the server's words in English, where it speaks that."""
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
    """Turn a database error into a message without statement or parameters: they may hold row data.

    Raises:
        ConfigError: a person must mend it: the login, its rights, or tables that are not those of this version.
        WarehouseError: anything else, which may heal.
    """
    try:
        yield
    except DBAPIError as error:
        raise _told(error.orig) from None
    except psycopg.Error as error:  # COPY goes around SQLAlchemy
        raise _told(error) from None
    except SQLAlchemyError as error:
        raise WarehouseError(f"the warehouse cannot be used ({type(error).__name__})") from None


def _told(error: BaseException | None) -> SipetlError:
    code = getattr(error, "sqlstate", None)
    if code is None and isinstance(error, psycopg.OperationalError) and _REFUSED.search(str(error)):
        code = REFUSED_LOGIN
    for beginning, cure in MISTAKES.items():
        if code and code.startswith(beginning):
            return ConfigError(f"the warehouse refused a statement ({code})", cure=cure)
    what = f"the warehouse refused a statement ({code or type(error).__name__})"
    return WarehouseError(what, cure="see 'sipetl doctor'; run again when it answers")


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
