"""Commands that make and check a home: init, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipetl.cli import show
from sipetl.cli.app import app, settings
from sipetl.errors import ConfigError
from sipetl.pipeline.check import check_home
from sipetl.privacy import create_key
from sipetl.registry.starting import INBOX, write_starter, year_to_start


@app.command(epilog="Example: sipetl init our-home")
def init(directory: Annotated[Path, typer.Argument(help="The new home")]) -> None:
    """A new home with a commented registry to fill in."""
    registry = directory / "registry"
    if registry.exists():
        raise ConfigError("there is a registry already", where=str(registry), cure="edit it, and run 'sipetl check'")
    today = settings().now().date()
    write_starter(registry, today)
    (directory / INBOX).mkdir(parents=True, exist_ok=True)
    create_key(directory / "sipetl.key")
    year = year_to_start(today)
    show.say(
        f"Made {directory}, with an example district for {year - 1}-{year % 100:02}. Next:\n"
        f"  1. Edit the files in {registry}: put your district, schools, days and plans in place of the"
        " example's.\n"
        f"  2. Check them: sipetl --home {directory} check\n"
        f"  3. Put files into {directory / INBOX} (the inbox in feeds.yaml), and take them in:"
        f" sipetl --home {directory} ingest\n"
        f"Keep {directory / 'sipetl.key'} safe and out of backups of the stores: without it no new file can be linked."
    )


@app.command(epilog="Example: sipetl check")
def check(as_json: show.Json = False) -> None:
    """Validate registry, layouts, suites, metrics, plans and policies: file:line, what, why, how to mend."""
    faults = check_home(settings())
    if as_json:
        show.dump([{"where": f.where, "what": f.what, "why": f.why, "cure": f.cure} for f in faults])
    else:
        for fault in faults:
            show.say(f"Error {fault}", style="red")
        show.say("Everything is in order." if not faults else f"{show.count(len(faults), 'fault', 'faults')}.")
    if faults:
        raise typer.Exit(ConfigError.exit_status)
