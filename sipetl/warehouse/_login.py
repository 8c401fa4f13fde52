"""The roles and the database of the embedded server, and a look at who is connected.

Only logins are made here; what each role may do is granted by the migrations and the publishing of views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import psycopg
from psycopg import sql

from sipetl.errors import WarehouseError
from sipetl.warehouse._postmaster import HOST, SUPERUSER
from sipetl.warehouse._state import STATE_FILE, State

Role = Literal["superuser", "owner", "etl", "reader"]
LOGINS: Mapping[Role, str] = {
    "superuser": SUPERUSER,
    "owner": "sipetl_owner",
    "etl": "sipetl_etl",
    "reader": "sipetl_reader",
}
DATABASE = "sipetl"
APPLICATION = "sipetl"
"""The application name in our own URLs: whoever connects under another is a foreign client (a BI tool)."""


def provide(state: State, port: int) -> bool:
    """Log in and create what is missing of roles and database; False while the server is still recovering.

    Raises:
        WarehouseError: the server refuses the kept password, or the creation.
    """
    try:
        connection = _superuser(state, port)
    except psycopg.OperationalError as error:
        if "authentication" not in str(error):
            return False
        raise WarehouseError(
            "the embedded PostgreSQL refuses its own superuser",
            where=str(state.base / STATE_FILE),
            why="the password kept in this file is not the server's",
            cure="restore this file from the backup that fits the data",
        ) from None
    try:
        with connection:
            _create_missing(connection, state.passwords)
    except psycopg.Error as error:
        why = f"PostgreSQL said {type(error).__name__} ({error.sqlstate})"
        raise WarehouseError("the roles and the database could not be made", where=str(state.base), why=why) from None
    return True


def _create_missing(connection: psycopg.Connection[tuple[str]], passwords: Mapping[str, str]) -> None:
    present = {name for (name,) in connection.execute("select rolname from pg_roles")}
    for login, password in passwords.items():
        if login not in present:
            create = sql.SQL("create role {} login password {}")
            connection.execute(create.format(sql.Identifier(login), sql.Literal(password)))
    if not connection.execute("select datname from pg_database where datname = %s", (DATABASE,)).fetchone():
        create = sql.SQL("create database {} owner {}")
        connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(LOGINS["owner"])))


def _superuser(state: State, port: int) -> psycopg.Connection[tuple[str]]:
    return psycopg.connect(
        host=HOST,
        port=port,
        user=SUPERUSER,
        password=state.passwords[SUPERUSER],
        dbname="postgres",
        application_name=APPLICATION,
        autocommit=True,
        connect_timeout=10,
        sslmode="disable",
        gssencmode="disable",
        require_auth="scram-sha-256",  # whoever else listens there never sees the password
        options="-c statement_timeout=60s",
    )


def has_foreign_clients(state: State) -> bool:
    query = (
        "select pid from pg_stat_activity where backend_type in ('client backend', 'walsender')"
        " and application_name <> %s limit 1"
    )
    try:
        with _superuser(state, state.port) as connection:
            return connection.execute(query, (APPLICATION,)).fetchone() is not None
    except psycopg.OperationalError:  # crashed or recovering: nobody is connected
        return False
