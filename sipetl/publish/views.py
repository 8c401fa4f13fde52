"""The views that BI tools read, and who may read them. Applied after the migrations, as the owner of the tables.

`pub` shows releases, small cells without their numbers; `own` shows a district its current values, filtered by the grants
of the role that asks (`current_user`, so that a BI tool's `set role` counts too). The views read their tables with the
owner's rights, who is no superuser; readers have no rights on any table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import psycopg
from psycopg import errors, sql
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from sipetl.errors import ConfigError, WarehouseError
from sipetl.metrics import Metric, load_catalogue
from sipetl.registry.models import FeedName, Model
from sipetl.registry.yamlfile import load_model
from sipetl.warehouse import ROLES, Warehouse, advisory_locks, told_plainly
from sipetl.warehouse import tables as t

SQL = files("sipetl.publish") / "sql"
READING = ("pub", "own")
_DISTRICT = re.compile(r"[A-Za-z0-9_]{1,40}")
"""District codes that can be part of a role's name."""
_LOCK = "sipetl:upgrade"
"""The migrations' own lock: views are not made while tables change."""


class Comments(Model):
    """`comments.yaml`."""

    views: dict[str, str]
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class _View:
    """One view to be made."""

    name: str
    query: str
    comment: str

    @property
    def create(self) -> str:
        """The statement; a view that filters rows lets no function of the reader see the others."""
        barrier = "true" if self.name.startswith("own.") else "false"
        return f"create or replace view {self.name} with (security_barrier = {barrier}) as\n{self.query}"


def apply_views(warehouse: Warehouse) -> None:
    """Make or renew every reading view with its comments and grants, in one transaction; safe to repeat.

    Readers' own views on top of these live through it, as long as columns are only added at the end.
    """
    with advisory_locks(warehouse.owner, {_LOCK}), told_plainly(), warehouse.owner.begin() as connection:
        for view in _views():
            _put(connection, view)
        _comment_columns(connection)
        _close(connection)
        _grant(connection)


def _views() -> Iterator[_View]:
    catalogue = [m for m in load_catalogue().metrics(FeedName.ATTENDANCE) if m.family == "attendance"]
    for name, comment in _comments().views.items():
        query = (SQL / f"{name}.sql").read_text(encoding="utf-8")
        yield _View(name, _widened(query, catalogue) if name.endswith("_wide") else query, comment)


@cache
def _comments() -> Comments:
    with as_file(SQL / "comments.yaml") as path:
        return load_model(path, Comments)


def _widened(query: str, metrics: list[Metric]) -> str:
    """One column per metric, in the catalogue's order."""
    listed = [metric.metric for metric in metrics]
    return query.format(
        columns=",\n".join(f"        max(r.shown) filter (where r.metric = '{m}') as {m}" for m in listed),
        metrics=", ".join(f"'{m}'" for m in listed),
        names=",\n".join(f"    w.{m}" for m in listed),
    )


def _put(connection: Connection, view: _View) -> None:
    try:
        with connection.begin_nested():
            connection.execute(text(view.create))
    except ProgrammingError as error:
        if not isinstance(error.orig, errors.InvalidTableDefinition):  # anything but: its columns changed
            raise
        connection.execute(text(f"drop view {view.name}"))
        connection.execute(text(view.create))
    _comment(connection, f"view {view.name}", view.comment)


def _comment_columns(connection: Connection) -> None:
    query = """
        select table_schema || '.' || table_name as view, column_name as name from information_schema.columns
        where table_schema in ('pub', 'own')
    """
    catalogue = load_catalogue()
    for view, name in connection.execute(text(query)).all():
        metric = catalogue.get(name) if view.endswith("_wide") else None
        comment = f"{metric.title} ({metric.display_unit})" if metric else _comments().columns.get(name)
        if comment is None:
            raise ConfigError(f"column {name} of {view} has no comment", where="sipetl/publish/sql/comments.yaml")
        _comment(connection, f"column {view}.{name}", comment)


def _comment(connection: Connection, what: str, comment: str) -> None:
    quoted = comment.replace("'", "''").replace(":", "\\:")
    connection.execute(text(f"comment on {what} is '{quoted}'"))


def _close(connection: Connection) -> None:
    """Take back whatever everybody, or the public's reader, could do in our schemas."""
    present = _present(connection, ROLES["reader"])
    for schema in t.SCHEMAS:
        for role in ("public", *present):
            connection.execute(text(f"revoke all on schema {schema} from {role}"))
            connection.execute(text(f"revoke all on all tables in schema {schema} from {role}"))
            connection.execute(text(f"revoke all on all sequences in schema {schema} from {role}"))


def _grant(connection: Connection) -> None:
    """Let the public's reader and the ETL role read `pub`, and the roles of districts `pub` and `own`.

    Roles that do not exist are passed over: another server's administrator makes them (`roles_sql`).
    """
    for role in _present(connection, ROLES["reader"], ROLES["etl"]):
        _let_read(connection, role, "pub")
    districts = "select quote_ident(rolname) from pg_roles where rolname in (select role_name from ops.reader_grant)"
    for role in connection.execute(text(districts)).scalars().all():
        for schema in READING:
            _let_read(connection, role, schema)


def _let_read(connection: Connection, role: str, schema: str) -> None:
    connection.execute(text(f"grant usage on schema {schema} to {role}"))
    connection.execute(text(f"grant select on all tables in schema {schema} to {role}"))


def _present(connection: Connection, *roles: str) -> list[str]:
    query = text("select rolname from pg_roles where rolname = any(:roles) order by rolname")
    return list(connection.execute(query, {"roles": list(roles)}).scalars())


def role_of(district: str) -> str:
    """Name the role of a district.

    Raises:
        ConfigError: the code cannot be part of a role's name.
    """
    if not _DISTRICT.fullmatch(district):
        raise ConfigError(
            f"{district!r} cannot be part of a role's name", cure="letters, digits and underscores only"
        )
    return f"bi_d{district}"


def roles_sql(district: str) -> str:
    """Write the SQL with which an administrator makes the role of a district; safe to run twice.

    Raises:
        ConfigError: the code cannot be part of a role's name.
    """
    role, template = role_of(district), (SQL / "district_role.sql").read_text(encoding="utf-8")
    quoted = {"role": sql.Identifier(role), "role_text": sql.Literal(role), "district": sql.Literal(district)}
    return template.format(**{name: part.as_string(None) for name, part in quoted.items()})


def make_role(administrator: str, district: str, password: str) -> str:
    """Make the role of a district, or give it another password, as an administrator who may; returns its name.

    The password is sent as its SCRAM verifier, so that no log of the server can hold it.

    Args:
        administrator: URL of the warehouse as a superuser.
        district: code of a district of the registry.
        password: the role's new password.

    Raises:
        ConfigError: the code cannot be part of a role's name.
        WarehouseError: the server refuses.
    """
    role = role_of(district)
    statement = sql.SQL("alter role {} password {}")
    try:
        with psycopg.connect(administrator.replace("postgresql+psycopg://", "postgresql://")) as connection:
            connection.execute(roles_sql(district).encode())
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode())))
    except psycopg.Error as error:
        why = f"PostgreSQL said {type(error).__name__} ({error.sqlstate})"
        raise WarehouseError("the role could not be made", where=role, why=why) from None
    return role
