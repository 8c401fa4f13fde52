"""What the embedded server lets whom do, and its errors before it runs; its life is in tests/faults."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from sipetl.errors import WarehouseError
from sipetl.warehouse import embedded
from sipetl.warehouse._place import Account, can_pass


def connect(lease: embedded.Lease, role: embedded.Role = "etl") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(lease.url(role).replace("+psycopg", ""), autocommit=True)


def ask(lease: embedded.Lease, query: LiteralString, role: embedded.Role = "etl") -> tuple[object, ...] | None:
    with connect(lease, role) as connection:
        return connection.execute(query).fetchone()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_use_made_a_server_that_etl_can_log_in_to(server: embedded.Lease) -> None:
    with connect(server) as connection:
        row = connection.execute(
            "select current_user::text, current_database()::text, split_part(version(), ' ', 2),"
            " current_setting('server_encoding'), current_setting('fsync'), datlocprovider::text || datlocale,"
            " pg_get_userbyid(datdba)::text from pg_database where datname = current_database()"
        ).fetchone()

    assert row == ("sipetl_etl", "sipetl", "18.4", "UTF8", "on", "bC.UTF-8", "sipetl_owner")


def test_every_role_logs_in_and_only_the_superuser_is_one(server: embedded.Lease) -> None:
    query = "select current_user::text, usesuper from pg_user where usename = current_user"

    rows = [ask(server, query, role) for role in embedded.LOGINS]

    assert rows == [("postgres", True), ("sipetl_owner", False), ("sipetl_etl", False), ("sipetl_reader", False)]


def test_a_wrong_password_is_refused(server: embedded.Lease) -> None:
    wrong = server.url("superuser").replace("+psycopg", "").replace(server.password("superuser"), "guess")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_etl_cannot_do_what_is_the_superusers(server: embedded.Lease) -> None:
    statements: list[LiteralString] = [
        "create role intruder",
        "create database other",
        "alter system set fsync = off",
        "copy (select 1) to program 'true'",
        "select pg_read_file('PG_VERSION')",
        "create table public.t (i int)",
    ]
    refused = []

    with connect(server) as connection:
        for statement in statements:
            with suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
                continue
            refused.append(statement)

    assert refused == statements


def test_no_password_shows_in_a_repr(server: embedded.Lease) -> None:
    shown = repr(server) + repr(server._state)

    assert not any(password in shown for password in server._state.passwords.values())


def test_files_are_private(server: embedded.Lease) -> None:
    base = server._base
    place = embedded.status(server._base).folder
    files = [base / name for name in ("server.json", "gate.lock", "users.lock")] + [place / "server.log"]

    assert [mode(path) for path in (base, place, place / "data")] == [0o700] * 3
    assert [mode(path) for path in files] == [0o600] * 4


def test_the_log_holds_no_statement_and_no_value(server: embedded.Lease) -> None:
    with connect(server) as connection:
        for statement in ("select 'canary'::int", "select 1 from canary_table", "select 1/0 as canary_column"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)  # type: ignore[call-overload]

    log = (embedded.status(server._base).folder / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "canary" not in log


@pytest.mark.parametrize("content", ["", "{}", '{"base": 1, "port": "x", "outside": null, "passwords": {}}'])
def test_a_damaged_state_file_is_an_error_with_a_cure(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)

    with pytest.raises(WarehouseError, match="restore this file"):
        embedded.use(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(WarehouseError, match="cannot be used"):
        embedded.use(tmp_path / "file" / "warehouse")


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    embedded.remove(tmp_path / "warehouse")

    assert not (tmp_path / "warehouse").exists()


def test_status_before_the_first_use_makes_nothing(tmp_path: Path) -> None:
    seen = embedded.status(tmp_path / "warehouse")

    assert seen == embedded.Status(running=False, port=None, folder=tmp_path / "warehouse")
    assert not (tmp_path / "warehouse").exists()


@pytest.mark.parametrize(
    ("uid", "gid", "bits", "expected"),
    [(7, 7, 0o700, True), (7, 8, 0o077, False), (8, 7, 0o010, True), (8, 7, 0o707, False), (8, 8, 0o001, True)],
)
def test_who_may_pass_follows_the_mode_bits(tmp_path: Path, uid: int, gid: int, bits: int, expected: bool) -> None:
    """The owner's bit decides for the owner, else the group's for the group, else the others'."""
    from sipetl.warehouse._place import _may_enter

    status = os.stat_result((stat.S_IFDIR | bits, 0, 0, 1, uid, gid, 0, 0, 0, 0))

    assert _may_enter(status, Account(7, 7)) is expected


def test_a_closed_folder_above_closes_the_ones_below(tmp_path: Path) -> None:
    stranger = Account(os.geteuid() + 4242, os.getegid() + 4242)
    tmp_path.chmod(0o700)

    assert can_pass(Path("/"), stranger)
    assert not can_pass(tmp_path, stranger)
