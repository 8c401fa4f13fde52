"""The command notices: what owners are told of what is late, missing, incomplete, or came after all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from sipetl.cli import show
from sipetl.cli.app import app, settings
from sipetl.errors import ConfigError
from sipetl.pipeline import open_home
from sipetl.pipeline.notify import digests_of, look, make_digests, today

_NEWS = ("owner", "address", "what", "still_open")
_KEPT = ("mailed", "file")


@app.command(epilog="Example: sipetl notices --dry-run")
def notices(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="List what was told on this day; tell nothing")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be told now; tell nothing")] = False,
    as_json: show.Json = False,
) -> None:
    """Tell owners what changed: one digest per owner and day, as files; mail is Airflow's."""
    if day and dry_run:
        raise ConfigError("--day lists what was told, --dry-run what would be told", cure="use one of them")
    with open_home(settings()) as home:
        on = day.date() if day else today(home)
        if dry_run:
            told = look(home)
        else:
            if day is None:
                make_digests(home)
            told = digests_of(home, on)
        folder = home.settings.reports_dir / "notices"
    if as_json:
        show.dump(told)
        return
    empty = "Nothing new to tell anybody." if dry_run else f"Nobody was told anything on {on}."
    title = "Would be told" if dry_run else f"Told on {on}"
    columns = _NEWS if dry_run else (*_NEWS, *_KEPT)
    show.rows(title, columns, [_plain(one) for one in told], as_json=False, empty=empty)
    if told and not dry_run:
        show.say(f"The digests are in {folder}.")


def _plain(digest: Mapping[str, Any]) -> dict[str, Any]:
    """A digest in one row."""
    return {
        "owner": digest["owner"],
        "address": digest["address"],
        "what": "\n".join(item["headline"] for item in digest["news"]),
        "still_open": len(digest["still_open"]) or "",
        "mailed": digest.get("sent_at"),
        "file": f"{digest['day']}-{digest['name']}.html" if "name" in digest else "",
    }
