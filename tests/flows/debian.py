"""PostgreSQL and Redis from Debian's packages (scripts/system-deps), run in a test's own folder on free ports."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.flows.airflow_home import local, until
from tests.flows.deployment import Service
from tests.flows.native import started
from tests.flows.parts import free_port

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "postgres"
"""Made by the package: PostgreSQL does not run as root."""


def needed(program: Path | str) -> str:
    """A program of a package."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is absent, and CI must have it: scripts/system-deps")
        pytest.skip(f"{program} is not installed")
    return found


@contextmanager
def postgresql(folder: Path) -> Iterator[URL]:
    """A server with scram passwords; yields the superuser's URL. Everybody must be able to pass into the folder."""
    own, password = folder / "postgresql", folder / "password"
    own.mkdir(mode=0o700)
    password.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        for path in (own, password):
            os.chown(path, account.pw_uid, account.pw_gid)
    data, port = own / "data", free_port()
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _run("initdb", f"--pgdata={data}", "--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256")
    _run("pg_ctl", "start", "--wait", f"--pgdata={data}", f"--log={own / 'log'}", f"--options={options}")
    try:
        yield URL.create("postgresql", "postgres", password.read_text("utf-8"), "127.0.0.1", port, "postgres")
    finally:
        _run("pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={data}")


def _run(program: str, *arguments: str) -> None:
    """As Debian's own account where we are root."""
    command = [needed(POSTGRESQL / program), *arguments]
    as_account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": ()} if os.geteuid() == 0 else {}
    done = subprocess.run(  # type: ignore[call-overload]
        command,
        check=False,
        **as_account,
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert done.returncode == 0, command


@contextmanager
def redis(service: Service, environment: Mapping[str, str], folder: Path, port: int) -> Iterator[None]:
    """A service's own command, and its health check, on a port of ours."""
    needed("redis-server")
    command = [
        word.replace("redis-server", f"redis-server --bind 127.0.0.1 --port {port}") for word in service["command"]
    ]
    check = [word.replace("redis-cli", f"redis-cli -p {port}") for word in service["healthcheck"]["test"][1:]]
    given = {**environment, **service["environment"]}
    process = started(command, given, folder / "redis.log", cwd=folder)
    ask = ["sh", "-c", *check]
    try:
        until(lambda: subprocess.run(ask, env=given, capture_output=True, check=False).returncode == 0, "redis", 20)
        yield
    finally:
        local.stop([process])
