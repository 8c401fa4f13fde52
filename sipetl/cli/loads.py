"""Commands about files: scan, ingest, deliveries, delivery."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from sqlalchemy import select

from sipetl.cli import ids, known, show
from sipetl.cli.app import NEEDS_A_PERSON, app, messages, settings
from sipetl.errors import ConfigError
from sipetl.intake import SETTLE_SECONDS, Found
from sipetl.intake import scan as find
from sipetl.pipeline import DeliveryOutcome, Flags, OpenHome, ingest, open_home
from sipetl.pipeline.away import raise_away
from sipetl.pipeline.ingest import scan_inboxes
from sipetl.pipeline.letters import largest_first
from sipetl.pipeline.outcome import TAKEN
from sipetl.quality import Outcome, PartOutcome, Severity
from sipetl.warehouse import tables as t

District = Annotated[str | None, typer.Option(help="Only this district; for a named file: whose it is")]
Feed = Annotated[str | None, typer.Option(help="Only this feed")]
_DAY = ["%Y-%m-%d"]
MOST_PLACES = 5
"""As many inboxes are named where all are empty."""
MOST_PARTS = 8
"""As many parts of a delivery have a line of their own."""
delivery = typer.Typer(help="One delivery.", no_args_is_help=True)
app.add_typer(delivery, name="delivery")


@app.command(epilog="Example: sipetl scan --district 3501")
def scan(district: District = None, feed: Feed = None, as_json: show.Json = False) -> None:
    """What is new in the inboxes."""
    with open_home(settings()) as home:
        flags = Flags(district=_district(home, district), feed=known.feed(feed))
        found, looked = scan_inboxes(home, flags), inboxes(home, flags)
    data = [
        {"sender": i.sender, "file": i.found.path, "size": i.found.size, "modified": i.found.modified_at}
        for i in found.incoming
    ]
    columns = ("sender", "file", "size", "modified")
    if data or as_json or not found.waiting:
        show.rows("New in the inboxes", columns, data, as_json=as_json, empty=nothing_new(looked))
    _tell_waiting(found.waiting)
    raise_away(found.away)


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
    with open_home(settings()) as home:
        flags = Flags(
            _district(home, district) or _only_district(home, paths or ()),
            known.feed(feed),
            layout,
            school_year,
            day and day.date(),
            window,
            embargo_until and embargo_until.date(),
        )
        outcomes = ingest(home, list(_files(paths or ())), flags, watch=None if as_json else teller(home))
        waiting = [] if paths else scan_inboxes(home, flags).waiting
        looked = inboxes(home, flags)
    if as_json:
        show.dump([plain(o) for o in outcomes])
    elif outcomes:
        show.say(f"{show.count(len(outcomes), 'delivery', 'deliveries')}.")
    elif paths:
        show.say("Taken before, or waiting for a person: see 'sipetl deliveries'.")
    elif not waiting:
        show.say(nothing_new(looked))
    _tell_waiting(waiting)
    if any(o.needs_a_person for o in outcomes):
        raise typer.Exit(NEEDS_A_PERSON)


def _district(home: OpenHome, district: str | None) -> str | None:
    with home.warehouse.begin() as connection:
        return known.district(connection, district)


def _only_district(home: OpenHome, paths: Sequence[Path]) -> str | None:
    """The home's one district, for files that a person names and that lie in no inbox; it is said whose they are."""
    if not paths or any(_lies_in(path, url) for path in paths for _, url, _ in inboxes(home, Flags())):
        return None
    query = select(t.ref.organization.c.district).where(t.ref.organization.c.level == "district")
    with home.warehouse.begin() as connection:
        districts = connection.scalars(query).all()
    if len(districts) != 1:
        return None
    messages.print(f"Taken for district {districts[0]}'s, the only one here.", highlight=False)
    return str(districts[0])


def _lies_in(path: Path, folder: str) -> bool:
    return "://" not in folder and path.resolve().is_relative_to(folder)


def inboxes(home: OpenHome, flags: Flags) -> list[tuple[str, str, list[str]]]:
    """Where files are looked for: district, folder or URL, and the feeds that come there."""
    feed = t.ref.feed
    query = select(feed.c.district, feed.c.inbox, feed.c.feed).order_by(feed.c.district, feed.c.inbox, feed.c.feed)
    found: dict[tuple[str, str], list[str]] = {}
    with home.warehouse.begin() as connection:
        for row in connection.execute(query):
            if flags.district in (None, row.district) and flags.feed in (None, row.feed):
                found.setdefault((row.district, row.inbox), []).append(row.feed)
    folder = home.settings.home
    return [(of, at if "://" in at else str((folder / at).resolve()), feeds) for (of, at), feeds in found.items()]


def nothing_new(looked: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """What is said where a scan finds nothing: also where it looked."""
    if not looked:
        return "Nothing new: no inbox is registered for this (feeds.yaml)."
    places = [f"  {place} (district {district}: {', '.join(feeds)})" for district, place, feeds in looked]
    more = [f"  and {len(places) - MOST_PLACES} more"] if len(places) > MOST_PLACES else []
    return "\n".join(["Nothing new. Files are looked for in:", *places[:MOST_PLACES], *more])


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


def _tell_waiting(files: Sequence[Found]) -> None:
    """Say how many new files may still be written, and in how many seconds the last of them is taken for whole."""
    if not files:
        return
    newest = max(file.modified_at for file in files)
    seconds = max(1, math.ceil(SETTLE_SECONDS - (datetime.now(UTC) - newest).total_seconds()))
    changed = f"{show.count(len(files), 'new file', 'new files')} changed less than {SETTLE_SECONDS:.0f} s ago"
    messages.print(f"{changed}, and may still be written: run this again in {seconds} s.", highlight=False)


_STYLE = {"accepted": "green", "held": "yellow", "rejected": "red", "unrecognized": "red"}


def teller(home: OpenHome) -> Callable[[DeliveryOutcome], None]:
    """Says what became of each delivery as soon as it is known, and what to do about a held one."""

    def one(outcome: DeliveryOutcome) -> None:
        tell(outcome)
        if outcome.status is Outcome.HELD:
            for part_id in _held_parts(home, outcome):
                show.say(f"{'':<13} what it would change: sipetl hold show {part_id}", style="dim")

    return one


def _held_parts(home: OpenHome, outcome: DeliveryOutcome) -> list[str]:
    part = t.ops.delivery_part
    query = select(part.c.part_id).where(part.c.delivery_id == outcome.delivery_id, part.c.status == "held")
    with home.warehouse.begin() as connection:
        return [str(part_id) for part_id in connection.scalars(query.order_by(part.c.part_id))]


def tell(outcome: DeliveryOutcome) -> None:
    """Say what became of a delivery, in a line or two; where it has several parts, in one more for each."""
    several = len(outcome.parts) > 1
    good = sum(p.rows_good for p in outcome.parts)
    bad = sum(p.rows_quarantined for p in outcome.parts)
    rows = show.count(good, "row", "rows") + (f" loaded, of {len(outcome.parts)} parts" if several else "")
    rows += f", {bad} wait in quarantine" if bad else ""
    what = f"{outcome.status.value:<13} {outcome.sender}  {outcome.file_name}"
    show.say(f"{what}  {rows if several else outcome.reason or rows}", style=_STYLE.get(outcome.status.value, ""))
    for line in _each_part(outcome) if several else ():
        show.say(f"{'':<13} {line}")
    if any(finding.severity is not Severity.INFO for part in outcome.parts for finding in part.findings):
        show.say(f"{'':<13} what was found: sipetl delivery show {outcome.delivery_id}", style="dim")


def _each_part(outcome: DeliveryOutcome) -> Iterator[str]:
    """A line for each part, the largest of each file first; of many, those that are not loaded are named rather."""
    parts = largest_first(outcome.parts)
    chosen = sorted(parts, key=lambda part: part.outcome in TAKEN)[:MOST_PARTS]
    of_files, of_districts = (
        {getattr(p, name) for p in parts if getattr(p, name)} for name in ("member", "district")
    )
    for part in [one for one in parts if any(one is other for other in chosen)]:
        file = f"{part.member}: " if len(of_files) > 1 else ""
        of = f" of district {part.district}" if part.district and len(of_districts) > 1 else ""
        yield f"{file}{_rows_of(part)}{of}{': ' if part.rows_read else ''}{_became(part)}"
    if len(parts) > MOST_PARTS:
        yield f"and {show.count(len(parts) - MOST_PARTS, 'more part', 'more parts')}"


def _rows_of(part: PartOutcome) -> str:
    if not part.rows_read:
        return ""
    rows = show.count(part.rows_good if part.outcome in TAKEN else part.rows_here, "row", "rows")
    year = part.school_year
    return f"{rows} of {year - 1}-{year % 100:02d}" if year else rows


def _became(part: PartOutcome) -> str:
    word = Outcome.ACCEPTED if part.outcome in TAKEN else part.outcome
    waiting = f"{part.rows_quarantined} wait in quarantine" if part.rows_quarantined else ""
    return ", ".join(one for one in (word.value, waiting, part.reason) if one)


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
    status = known.chosen(status, "status of a delivery", known.DELIVERY_STATUSES, listed="")
    table = t.ops.delivery
    query = select(table).order_by(table.c.received_at, table.c.delivery_id)
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        district = known.district(connection, district, senders=True)
        if district:
            query = query.where(table.c.sender == district)
        if status:
            query = query.where(table.c.status == status)
        data = [dict(row._mapping) for row in connection.execute(query)]
    columns = ("delivery_id", "received_at", "sender", "file_name", "status", "reason")
    show.rows("Deliveries", columns, data, as_json=as_json, empty="No such delivery came so far.")


@delivery.command("show", epilog="Example: sipetl delivery show 0199..., or: sipetl delivery show results.csv")
def delivery_show(
    name: Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, how that begins, or its file's name")],
    as_json: show.Json = False,
) -> None:
    """One delivery: the letter to its sender."""
    config = settings()
    with open_home(config) as home, home.warehouse.begin() as connection:
        delivery_id = ids.delivery(connection, name)
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
