"""Commands about the installation: demo, db, doctor."""

from __future__ import annotations

import importlib.metadata
import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from sipetl.cli import known, show
from sipetl.cli.app import Options, app, messages, settings
from sipetl.errors import ConfigError, SipetlError
from sipetl.pipeline import open_home
from sipetl.publish import apply_views, make_role, roles_sql
from sipetl.warehouse import embedded, open_warehouse, upgrade

PASSWORD_BYTES = 24
"""As the embedded warehouse gives its own logins."""
db = typer.Typer(help="The warehouse.", no_args_is_help=True)
app.add_typer(db, name="db")


@app.command(epilog="Example: sipetl demo --home demo-home")
def demo(
    home: Annotated[Path | None, typer.Option(help="Where [default: demo-home]; a demo there is begun anew")] = None,
    students: Annotated[int, typer.Option(help="About how many students", min=50, max=1_000_000)] = 3000,
    districts: Annotated[int, typer.Option(help="How many districts", min=3, max=400)] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the generator")] = 1,
) -> None:
    """Generate districts, run the whole pipeline over two school years, and write a report."""
    from sipetl.cli.demo import run_demo

    run_demo(home or Options.home or Path("demo-home"), students=students, districts=districts, seed=seed)


@db.command(epilog="Example: in one terminal 'sipetl db serve', in another psql \"$(sipetl db url)\"")
def url(role: Annotated[str, typer.Option(help="reader, etl or owner")] = "reader") -> None:
    """Where the warehouse is, with a password (do not paste it anywhere), and whether its server stays up."""
    config = settings()
    served = bool(config.warehouse_url) or embedded.status(config.home / "warehouse").running
    with open_warehouse(config) as warehouse:
        if role not in warehouse.urls:
            why = "SIPETL_WAREHOUSE_URL names its only login" if config.warehouse_url else ""
            cure = f"give --role {' or '.join(warehouse.urls)}"
            raise ConfigError("the warehouse has no such login here", where=role, why=why, cure=cure)
        typer.echo(_plain(warehouse.urls[role]))
    if served:
        messages.print('The server is up. Connect with: psql "$(sipetl db url)"', highlight=False)
    else:
        messages.print(
            "The server is down: it runs only while a sipetl command does."
            " Keep it up with 'sipetl db serve' in another terminal, then connect.",
            highlight=False,
        )


def _plain(url: str) -> str:
    """A URL as psql and BI tools write it."""
    return url.replace("postgresql+psycopg://", "postgresql://").partition("?")[0]


@db.command("upgrade", epilog="Example: sipetl db upgrade")
def upgrade_command() -> None:
    """Bring the tables to this version's shape."""
    with open_warehouse(settings()) as warehouse:
        changed = upgrade(warehouse)
        apply_views(warehouse)
    show.say("Upgraded." if changed else "Already at this version.")


@db.command(epilog="Example: sipetl db roles 3501 --apply")
def roles(
    district: str,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make the login in the embedded warehouse; print its URL once")
    ] = False,
) -> None:
    """A login that reads the public views and one district's own rows: the SQL for an administrator, or --apply."""
    config = settings()
    with open_home(config) as home:
        with home.warehouse.begin() as connection:
            of = known.of_district(connection, district)
        if not apply:
            typer.echo(roles_sql(of))
            return
        if config.warehouse_url:
            cure = f"let an administrator run what 'sipetl db roles {of}' prints"
            raise ConfigError("only the embedded warehouse's logins can be made here", where="--apply", cure=cure)
        with embedded.use(config.home / "warehouse") as lease:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            administrator = lease.url("superuser")
            role = make_role(administrator, of, password)
        login = make_url(administrator).set(username=role, password=password)
        typer.echo(_plain(login.render_as_string(hide_password=False)))
    messages.print(
        f"Login {role} reads pub, and own of district {of}. Its password is shown this once, and kept nowhere:"
        " running this again gives another. It works while 'sipetl db serve' runs.",
        highlight=False,
    )


@db.command(epilog="Example: sipetl db serve")
def serve() -> None:
    """Keep the embedded warehouse up, for BI tools, until interrupted."""
    with open_warehouse(settings()) as warehouse:
        address = (
            warehouse.urls.get("reader", "the warehouse of SIPETL_WAREHOUSE_URL").partition("@")[2].partition("?")[0]
        )
        messages.print(f"Serving {address}; login sipetl_reader ('sipetl db url' shows the password). Ctrl-C stops.")
        while True:
            time.sleep(3600)


_PACKAGES = ("duckdb", "deltalake", "sqlalchemy", "pyarrow", "great-expectations", "pandas")
_LEAST_FREE = 1 << 30
"""A gibibyte: less, and a large file cannot be landed and spilled."""


@app.command(epilog="Example: sipetl doctor")
def doctor(as_json: show.Json = False) -> None:
    """Is everything here that must be: versions, stores, key, clock, disk."""
    config = settings()
    data = [{"what": name, "is": importlib.metadata.version(name), "ok": True} for name in ("sipetl", *_PACKAGES)]
    data.append({"what": "home", "is": str(config.home), "ok": config.home.is_dir()})
    if config.home.is_dir():
        free = shutil.disk_usage(config.home).free
        data.append({"what": "free disk", "is": f"{free >> 20} MiB", "ok": free > _LEAST_FREE})
    data.append({"what": "clock (UTC)", "is": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "ok": True})
    try:
        with open_home(config) as home:
            data.append({"what": "stores and key", "is": "open", "ok": True})
            data.append({"what": "acts as of", "is": home.now().date().isoformat(), "ok": True})
        if not config.warehouse_url:
            status = embedded.status(config.home / "warehouse")
            data.append({"what": "embedded warehouse", "is": f"port {status.port}", "ok": True})
    except SipetlError as error:
        data.append({"what": "stores and key", "is": str(error), "ok": False})
    show.rows("Doctor", ("what", "is", "ok"), data, as_json=as_json)
    if not all(row["ok"] for row in data):
        raise typer.Exit(3)
