"""The command that takes a delivery back: `sipetl delivery retract`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from sipetl.cli import ids, show
from sipetl.cli.app import NEEDS_A_PERSON, settings
from sipetl.cli.loads import delivery, plain, tell
from sipetl.pipeline import DeliveryOutcome, OpenHome, open_home
from sipetl.pipeline.replay import replay
from sipetl.pipeline.retract import Replaced, Standing, StandingPart, look, retract


@delivery.command("retract", epilog="Example: sipetl delivery retract results.csv --reason 'the wrong layout' --yes")
def delivery_retract(
    name: Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, how that begins, or its file's name")],
    reason: Annotated[str | None, typer.Option(help="Why, for whoever looks later; the sender reads it too")] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Take what it had replaced again, from landing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: show.Json = False,
) -> None:
    """Take back what was loaded from a delivery; its file stays in landing, and may be taken anew as something else."""
    with open_home(settings()) as home:
        with home.warehouse.begin() as connection:
            delivery_id = ids.delivery(connection, name)
        found = look(home, delivery_id)
        if not as_json:
            _show(found)
        if found.parts and not yes:
            typer.confirm(f"Retract {found.file_name}", abort=True, err=True)
        done = retract(home, delivery_id, by=getpass.getuser(), reason=reason)
        restored = list(_restored(home, found)) if restore else []
    if as_json:
        show.dump(_plain(found, done, restored))
    else:
        _tell(found, done, restored)
    if any(one.needs_a_person for one in restored):
        raise typer.Exit(NEEDS_A_PERSON)


def _restored(home: OpenHome, found: Standing) -> Iterator[DeliveryOutcome]:
    """What it had replaced, taken again from landing, oldest first."""
    for one in found.replaced:
        done = replay(home, one.delivery_id, restoring=True) if one.is_in_landing else None
        if done is not None:
            yield done.outcome


def _show(found: Standing) -> None:
    if not found.parts:
        show.say(f"{found.file_name} was taken back before: {found.reason}.")
    for part in found.parts:
        place = f"{part.feed} of district {part.district}, school year {part.school_year}"
        show.say(f"{found.file_name}: {place}")
        _table("Rows", "what", {kind: {"rows": n} for kind, n in part.would.whole.items()})
        _table("By school", "school", part.would.by_school)
        _table("By day or window", "day or window", part.would.by_time)
    for one in found.replaced:
        lost = "" if one.is_in_landing else "; landing has its file no longer"
        rows = show.count(one.rows, "row", "rows")
        show.say(f"It had replaced {rows} of {one.file_name} ({one.delivery_id}){lost}.")


def _table(title: str, first: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    if rows:
        columns = (first, *next(iter(rows.values())))
        show.rows(title, columns, [{first: name, **counts} for name, counts in rows.items()], as_json=False)


def _tell(found: Standing, done: DeliveryOutcome, restored: list[DeliveryOutcome]) -> None:
    tell(done)
    for one in restored:
        tell(one)
    offered = [] if restored else [one for one in found.replaced if one.is_in_landing]
    if offered:
        names = show.few([one.file_name for one in offered])
        show.say(f"To take again what it had replaced ({names}): {_again(found)}")
    show.say(
        "Its file stays in landing, and may be ingested as something else. To bring the numbers up to date: sipetl compute"
    )


def _again(found: Standing) -> str:
    return f"sipetl delivery retract {found.delivery_id} --restore"


def _plain(found: Standing, done: DeliveryOutcome, restored: list[DeliveryOutcome]) -> dict[str, Any]:
    return {
        **{name: value for name, value in plain(done).items() if name != "parts"},
        "parts": [_part(part) for part in found.parts],
        "replaced": [_replaced(one) for one in found.replaced],
        "restored": [plain(one) for one in restored],
    }


def _part(part: StandingPart) -> dict[str, Any]:
    names = ("part_id", "member", "feed", "district", "school_year")
    would = part.would
    told = {"rows": would.whole, "by_school": would.by_school, "by_time": would.by_time}
    return {**{name: getattr(part, name) for name in names}, **told}


def _replaced(one: Replaced) -> dict[str, Any]:
    names = ("delivery_id", "file_name", "rows", "is_in_landing")
    return {name: getattr(one, name) for name in names}
