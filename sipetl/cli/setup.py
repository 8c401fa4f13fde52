"""Commands that make and check a home: init, check."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from sipetl.cli import show
from sipetl.cli.app import app, messages, settings
from sipetl.errors import ConfigError
from sipetl.pipeline.check import check_home
from sipetl.privacy import create_key


@app.command(epilog="Example: sipetl init our-home")
def init(directory: Annotated[Path, typer.Argument(help="The new home")]) -> None:
    """A new home with a commented registry to fill in."""
    registry = directory / "registry"
    if registry.exists():
        raise ConfigError("there is a registry already", where=str(registry), cure="edit it, and run 'sipetl check'")
    with as_file(files("sipetl.registry") / "starter") as starter:
        shutil.copytree(starter, registry)
    (directory / "inbox").mkdir(parents=True, exist_ok=True)
    create_key(directory / "sipetl.key")
    messages.print(
        f"Made {directory}. Next: edit the files in {registry}, run 'sipetl --home {directory} check',"
        " put a file into its inbox, run 'sipetl --home ... ingest'.\n"
        f"Keep {directory / 'sipetl.key'} safe and out of backups of the stores: without it no new file can be linked.",
        highlight=False,
    )


@app.command(epilog="Example: sipetl check")
def check(as_json: show.Json = False) -> None:
    """Validate registry, layouts, suites, metrics, plans and policies: file:line, what, why, how to mend."""
    faults = check_home(settings())
    if as_json:
        show.dump([{"where": f.where, "what": f.what, "why": f.why, "cure": f.cure} for f in faults])
    else:
        for fault in faults:
            messages.print(f"[bold red]Error[/] {fault}", highlight=False)
        messages.print("Everything is in order." if not faults else f"{show.count(len(faults), 'fault', 'faults')}.")
    if faults:
        raise typer.Exit(ConfigError.exit_status)
