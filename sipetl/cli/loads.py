"""Commands about files: scan, ingest, deliveries, delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markdown import Markdown
from sqlalchemy import select

from sipetl.cli import show
from sipetl.cli.app import NEEDS_A_PERSON, app, messages, settings
from sipetl.errors import ConfigError
from sipetl.intake import SETTLE_SECONDS
from sipetl.intake import scan as find
from sipetl.pipeline import DeliveryOutcome, Flags, ingest, open_home
from sipetl.pipeline.ingest import scan_inboxes
from sipetl.quality import Severity
from sipetl.warehouse import tables as t

District = Annotated[str | None, typer.Option(help="Only this district; for a named file: whose it is")]
Feed = Annotated[str | None, typer.Option(help="Only this feed")]
_DAY = ["%Y-%m-%d"]
delivery = typer.Typer(help="One delivery.", no_args_is_help=True)
app.add_typer(delivery, name="delivery")


@app.command(epilog="Example: sipetl scan --district 3501")
def scan(district: District = None, feed: Feed = None, as_json: show.Json = False) -> None:
    """What is new in the inboxes."""
    with open_home(settings()) as home:
        found = scan_inboxes(home, Flags(district=district, feed=feed))
    data = [
        {"sender": i.sender, "file": i.found.path, "size": i.found.size, "modified": i.found.modified_at}
        for i in found.incoming
    ]
    show.rows("New in the inboxes", ("sender", "file", "size", "modified"), data, as_json=as_json)
    _tell_waiting(len(found.waiting))
    if found.away:
        raise found.away[0]


@app.command("ingest", epilog="Example: sipetl ingest, or: sipetl ingest results.csv --district 3501")
def ingest_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; none = all that a scan finds")
    ] = None,
    district: District = None,
    feed: Feed = None,
    layout: Annotated[str | None, typer.Option(help="The layout, where recognition is not wanted")] = None,
    school_year: Annotated[int | None, typer.Option(help="Spring year, where the content does not say")] = None,
    day: Annotated[datetime | None, typer.Option(formats=_DAY, help="Day of a snapshot whose name lacks it")] = None,
    window: Annotated[str | None, typer.Option(help="Window, where the content does not say")] = None,
    embargo_until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Not released before this day")] = None,
    as_json: show.Json = False,
) -> None:
    """Land to lake: take files, check them, and keep what is good."""
    flags = Flags(
        district, feed, layout, school_year, day and day.date(), window, embargo_until and embargo_until.date()
    )
    with open_home(settings()) as home:
        outcomes = ingest(home, list(_files(paths or ())), flags, watch=None if as_json else tell)
        waiting = [] if paths else scan_inboxes(home, flags).waiting
    if as_json:
        show.dump([plain(o) for o in outcomes])
    elif outcomes:
        messages.print(f"{show.count(len(outcomes), 'delivery', 'deliveries')}.")
    else:
        messages.print("Taken before, or waiting for a person: see 'sipetl deliveries'." if paths else "Nothing new.")
    _tell_waiting(len(waiting))
    if any(o.needs_a_person for o in outcomes):
        raise typer.Exit(NEEDS_A_PERSON)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as named; of a folder all in it, the oldest first, but for hidden and half-written ones.

    Raises:
        ConfigError: a folder has none.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = find(str(path.resolve()), settle_seconds=0)
        if not found:
            raise ConfigError(
                "there is no file in this folder", where=str(path), cure="name a file or another folder"
            )
        yield from (Path(path.resolve(), file.path) for file in sorted(found, key=lambda f: (f.modified_at, f.path)))


def _tell_waiting(count: int) -> None:
    if count:
        files = show.count(count, "new file", "new files")
        messages.print(f"{files} changed less than {SETTLE_SECONDS:.0f} s ago, and may still be written: try again.")


_STYLE = {"accepted": "green", "held": "yellow", "rejected": "red", "unrecognized": "red"}


def tell(outcome: DeliveryOutcome) -> None:
    """Say what became of a delivery, in a line or two."""
    style = _STYLE.get(outcome.status.value, "dim")
    good = sum(p.rows_good for p in outcome.parts)
    bad = sum(p.rows_quarantined for p in outcome.parts)
    rows = show.count(good, "row", "rows") + (f", {bad} wait in quarantine" if bad else "")
    messages.print(
        f"[{style}]{outcome.status.value:<13}[/] {outcome.sender}  {outcome.file_name}  {outcome.reason or rows}",
        highlight=False,
    )
    if any(finding.severity is not Severity.INFO for part in outcome.parts for finding in part.findings):
        messages.print(f"{'':<13} what was found: sipetl delivery show {outcome.delivery_id}", style="dim")


def plain(outcome: DeliveryOutcome) -> dict[str, Any]:
    """What became of a delivery, for a machine."""
    names = (
        "member",
        "feed",
        "district",
        "school_year",
        "layout",
        "rows_read",
        "rows_good",
        "rows_quarantined",
        "rows_rejected",
        "reason",
    )
    parts = [{"outcome": p.outcome.value, **{n: getattr(p, n) for n in names}} for p in outcome.parts]
    return {
        "delivery_id": str(outcome.delivery_id),
        "sender": outcome.sender,
        "file": outcome.file_name,
        "status": outcome.status.value,
        "reason": outcome.reason,
        "parts": parts,
    }


@app.command(epilog="Example: sipetl deliveries --status held")
def deliveries(
    district: District = None,
    status: Annotated[str | None, typer.Option(help="Only with this status")] = None,
    as_json: show.Json = False,
) -> None:
    """The ledger of what came."""
    table = t.ops.delivery
    query = select(table).order_by(table.c.received_at, table.c.delivery_id)
    if district:
        query = query.where(table.c.sender == district)
    if status:
        query = query.where(table.c.status == status)
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        data = [dict(row._mapping) for row in connection.execute(query)]
    columns = ("delivery_id", "received_at", "sender", "file_name", "status", "reason")
    show.rows("Deliveries", columns, data, as_json=as_json)


@delivery.command("show", epilog="Example: sipetl delivery show 0199...")
def delivery_show(delivery_id: UUID, as_json: show.Json = False) -> None:
    """One delivery: the letter to its sender."""
    config = settings()
    path = config.reports_dir / "letters" / f"{delivery_id}.{'json' if as_json else 'md'}"
    if not path.exists():
        raise ConfigError(
            "there is no letter of this delivery", where=str(delivery_id), cure="see 'sipetl deliveries'"
        )
    content = path.read_text(encoding="utf-8")
    if as_json:
        typer.echo(content)
    else:
        show.out.print(Markdown(content))
