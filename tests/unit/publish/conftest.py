"""The server's own database, which only these tests write to: readers connect for themselves, so what they read must be committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from sqlalchemy import Connection, text

from sipetl.publish import roles_sql
from sipetl.warehouse import Warehouse, embedded
from sipetl.warehouse import tables as t
from tests.unit.publish.world import World

PASSWORD = "only-for-tests"


@dataclass(frozen=True)
class Served:
    """A warehouse with its views, and ways to connect as somebody."""

    warehouse: Warehouse
    superuser: str

    def connect(self, role: str = "reader") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(_libpq(self.warehouse.urls[role]), autocommit=True)

    def administer(self, sql: str) -> None:
        with psycopg.connect(_libpq(self.superuser), autocommit=True) as connection:
            connection.execute(sql.encode())

    def connect_as(self, login: str) -> psycopg.Connection[tuple[object, ...]]:
        self.administer(f"alter role {login} password '{PASSWORD}'")
        return psycopg.connect(_libpq(self.warehouse.urls["reader"]), user=login, password=PASSWORD, autocommit=True)

    def write(self, fill: Callable[[World], object]) -> None:
        """Let a world be filled, and commit it."""
        with self.warehouse.begin() as connection:
            fill(World(connection))


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture(scope="session")
def published(server: embedded.Lease) -> Iterator[Served]:
    warehouse = Warehouse({name: server.url(name) for name in ("owner", "etl", "reader")})
    served = Served(warehouse, server.url("superuser"))
    for district in ("3501", "3502"):
        served.administer(roles_sql(district))
    yield served
    warehouse.close()


@pytest.fixture
def served(published: Served) -> Iterator[Served]:
    """The same warehouse, emptied after the test but for the grants."""
    yield published
    kept = t.ops.reader_grant
    tables = ", ".join(f"{x.schema}.{x.name}" for x in t.metadata.sorted_tables if x is not kept)
    with published.warehouse.owner.begin() as connection:
        connection.execute(text(f"truncate {tables} restart identity"))


@pytest.fixture
def world(connection: Connection) -> World:
    return World(connection)
