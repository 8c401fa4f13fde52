"""Commands about what waits for a person: held parts, and rows in quarantine."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import exists, select

from sipetl.cli import ids, known, show
from sipetl.cli.app import NEEDS_A_PERSON, app, messages, settings
from sipetl.cli.loads import District, Feed, plain, tell, teller
from sipetl.pipeline import OpenHome, open_home
from sipetl.pipeline.holds import Held, decide
from sipetl.pipeline.holds import show as look
from sipetl.pipeline.replay import Replayed, replay, replay_all, waits
from sipetl.warehouse import tables as t

Reason = Annotated[str | None, typer.Option(help="Why, for whoever looks later; the sender reads it too")]
Part = Annotated[str, typer.Argument(metavar="PART", help="Its id, how that begins, or its file's name")]
_FILE = ("delivery_id", "sender", "file_name", "member")
_REASON = ("rule_id", "column_name")
MOST_RANGES = 12
"""As many runs of row numbers are shown; the letter, and --json, have all."""
hold = typer.Typer(
    help="Deliveries that would remove or change too much wait here for a person.", no_args_is_help=True
)
quarantine = typer.Typer(help="Rows that wait with a reason.", no_args_is_help=True)
app.add_typer(hold, name="hold")
app.add_typer(quarantine, name="quarantine")


@hold.command("list", epilog="Example: sipetl hold list")
def hold_list(as_json: show.Json = False) -> None:
    """What waits for a person."""
    held, part, file = t.ops.hold, t.ops.delivery_part, t.ops.delivery
    query = (
        select(
            held.c.part_id,
            part.c.district,
            part.c.feed,
            part.c.school_year,
            file.c.file_name,
            part.c.reason,
            held.c.rows_before,
            held.c.rows_after,
            held.c.rows_removed,
            held.c.rows_changed,
        )
        .join(part, part.c.part_id == held.c.part_id)
        .join(file, file.c.delivery_id == part.c.delivery_id)
        .where(part.c.status == "held", held.c.decision.is_(None))
        .order_by(held.c.part_id)
    )
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        result = connection.execute(query)
        columns = tuple(result.keys())
        data = [dict(row._mapping) for row in result]
    show.rows("Held", columns, data, as_json=as_json, empty="Nothing is held.")


@hold.command("show", epilog="Example: sipetl hold show 0199...")
def hold_show(part: Part, as_json: show.Json = False) -> None:
    """What a held part would do: rows by school, by day or window, and by column; never a value."""
    with open_home(settings()) as home:
        held = look(home, _held(home, part))
    if as_json:
        show.dump(asdict(held))
        return
    _show(held)


def _held(home: OpenHome, given: str) -> UUID:
    with home.warehouse.begin() as connection:
        return ids.held_part(connection, given)


def _show(held: Held) -> None:
    text = (f"{held.file_name}: {held.feed} of district {held.district}, school year {held.school_year}", held.reason)
    for line in (*text, held.cannot):
        if line:
            show.out.print(line, highlight=False)
    if held.decision:
        show.out.print(f"Decided: {held.decision}, by {held.decided_by}, {held.decided_at:%Y-%m-%d}", highlight=False)
    counts = held.would.whole if held.would else held.counts
    _table("Rows", "what", {kind: _against(held, kind, counts) for kind in counts})
    if held.would:
        _table("By school", "school", held.would.by_school)
        _table("By day or window", "day or window", held.would.by_time)
        _table("Columns that change", "column", {name: {"rows": n} for name, n in held.would.by_column.items()})
        for one in held.would.sentences:
            show.say(f"It {one}, empty before: no change.")


def _against(held: Held, kind: str, counts: Mapping[str, int]) -> dict[str, str]:
    """A count beside its limit: percent of the rows that are there."""
    share, limit = "", held.limits.get(kind)
    if limit is not None and counts["before"]:
        share = f"{100 * counts[kind] / counts['before']:.1f} %"
    return {"rows": f"{counts[kind]:,}", "share": share, "limit": "" if limit is None else f"{limit} %"}


def _table(title: str, first: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    if rows:
        columns = (first, *next(iter(rows.values())))
        show.rows(title, columns, [{first: name, **counts} for name, counts in rows.items()], as_json=False)


@hold.command("accept", epilog="Example: sipetl hold accept 0199... --reason 'the school was closed in June'")
def hold_accept(part: Part, reason: Reason = None) -> None:
    """Let a held part replace what is there."""
    with open_home(settings()) as home:
        for outcome in decide(home, _held(home, part), accept=True, by=getpass.getuser(), reason=reason):
            teller(home)(outcome)


@hold.command("reject", epilog="Example: sipetl hold reject 0199... --reason 'half of the rows are missing'")
def hold_reject(part: Part, reason: Reason = None) -> None:
    """Refuse a held part; what is there stays."""
    with open_home(settings()) as home:
        decide(home, _held(home, part), accept=False, by=getpass.getuser(), reason=reason)
    show.say("Rejected; what is there stays.")


@quarantine.command("list", epilog="Example: sipetl quarantine list --district 3501")
def quarantine_list(district: District = None, as_json: show.Json = False) -> None:
    """Rows that were not taken: file, row, column and rule; never a value."""
    issue, file, part = t.ops.issue, t.ops.delivery, t.ops.delivery_part
    taken = exists().where(part.c.delivery_id == issue.c.delivery_id, part.c.member == issue.c.member, waits(part))
    columns = (*_FILE, *_REASON, "row_number")
    query = (
        select(file.c.delivery_id, file.c.sender, file.c.file_name, file.c.received_at)
        .add_columns(*(issue.c[name] for name in ("member", *_REASON, "row_number")))
        .join(file, file.c.delivery_id == issue.c.delivery_id)
        .where(issue.c.severity == "critical", issue.c.row_number.is_not(None), taken)
        .order_by(file.c.received_at, file.c.delivery_id, issue.c.member, issue.c.row_number, issue.c.rule_id)
        .distinct()
    )
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        district = known.district(connection, district, senders=True)
        if district:
            query = query.where(file.c.sender == district)
        data = [dict(row) for row in connection.execute(query).mappings()]
    if as_json:
        show.rows("", columns, data, as_json=True)
        return
    told = by_reason(data)
    show.rows(
        "Quarantined rows", (*_FILE, "rows", "reasons"), told, as_json=False, empty="No row waits in quarantine."
    )
    if told:
        messages.print("What a reason means, and what to do: sipetl delivery show FILE", style="dim")


def by_reason(issues: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line for the rows of a file that wait for the same reasons.

    Args:
        issues: ordered by file and row; a row has one for each rule that it breaks, and each column.
    """
    reasons: dict[tuple[Any, ...], list[str]] = {}
    for one in issues:
        told = f"{one['rule_id']} {one['column_name'] or ''}".rstrip()
        listed = reasons.setdefault((*(one[name] for name in _FILE), one["row_number"]), [])
        listed += [] if told in listed else [told]
    rows: dict[tuple[Any, ...], list[int]] = {}
    for (*file, row), listed in reasons.items():
        rows.setdefault((*file, ", ".join(listed)), []).append(row)
    return [
        {**dict(zip(_FILE, file, strict=True)), "rows": ranges(numbers), "reasons": told}
        for (*file, told), numbers in rows.items()
    ]


def ranges(numbers: Sequence[int]) -> str:
    """Ascending row numbers, consecutive ones as a range; many are counted."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    told = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return show.few(told, MOST_RANGES) + (f" ({len(numbers):,} rows)" if len(numbers) > len(runs) else "")


@quarantine.command("replay", epilog="Example: sipetl quarantine replay --district 3501")
def quarantine_replay(
    name: Annotated[
        str | None, typer.Argument(metavar="DELIVERY", help="One delivery's id, or its file's name; none = all")
    ] = None,
    district: District = None,
    feed: Feed = None,
    as_json: show.Json = False,
) -> None:
    """Take deliveries with quarantined rows, and refused ones, again from landing: after the registry or rules were mended."""
    watch = _ignore if as_json else _tell_replayed
    with open_home(settings()) as home:
        with home.warehouse.begin() as connection:
            district, feed = known.district(connection, district, senders=True), known.feed(feed)
            delivery_id = ids.delivery(connection, name) if name else None
        if delivery_id is None:
            done = list(replay_all(home, district=district, feed=feed, watch=watch))
        else:
            one = replay(home, delivery_id)
            done = [one] if one else []
            for each in done:
                watch(each)
    if as_json:
        counts = ("rows_before", "rows_now", "rows_waiting")
        show.dump([plain(d.outcome) | {name: getattr(d, name) for name in counts} for d in done])
    else:
        waiting = sum(d.rows_waiting for d in done)
        taken = show.count(len(done), "delivery", "deliveries")
        show.say(f"{taken} taken again; {show.count(waiting, 'row waits', 'rows wait')} still.")
    if any(d.outcome.needs_a_person for d in done):
        raise typer.Exit(NEEDS_A_PERSON)


def _ignore(_: Replayed) -> None:
    """Nobody watches."""


def _tell_replayed(done: Replayed) -> None:
    tell(done.outcome)
    show.say(f"{'':<13} rows before {done.rows_before:,}, now {done.rows_now:,}, waiting {done.rows_waiting:,}")
