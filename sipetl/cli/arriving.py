"""Commands about what is expected: arrivals, readiness, waive."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from sipetl.arrivals import Judged, Waived, Word, listing
from sipetl.arrivals import waive as waive_arrival
from sipetl.arrivals.context import read_context
from sipetl.cli import known, show
from sipetl.cli.app import NEEDS_A_PERSON, app, settings
from sipetl.pipeline import open_home
from sipetl.pipeline.review import watch
from sipetl.readiness import State, next_cycle
from sipetl.readiness import readiness as readiness_of
from sipetl.registry.models import FeedName

_EXACT = ("district", "feed", "window", "due_at", "verdict", "wholeness", "lacks", "owner")
_WAIVED = ("waived_reason", "waived_by")


@app.command(epilog="Example: sipetl --as-of 2026-01-30 arrivals")
def arrivals(
    district: Annotated[str | None, typer.Option(help="Only this district")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what came on time, is not due, or is waived")
    ] = False,
    as_json: show.Json = False,
) -> None:
    """Late, missing, incomplete: what was expected, and what came of it."""
    with open_home(settings()) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            district = known.district(connection, district)
            judged = listing(connection, home.now(), only_open=not everything, district=district)
            days = read_context(connection).days
    if as_json:
        data = [_plain(one, home.zone) for one in judged]
        show.rows("Arrivals", (*_EXACT, *_WAIVED), data, as_json=True)
        return
    told = [_folded(several, home.zone) for several in runs(judged, days)]
    columns = (*_EXACT, "why") if any(row["why"] for row in told) else _EXACT
    empty = "No arrival is expected." if everything else "No late, missing or incomplete arrival, and none due soon."
    show.rows("Arrivals", columns, told, as_json=False, empty=empty)


def _plain(one: Judged, zone: ZoneInfo) -> dict[str, Any]:
    arrival, verdict = one.arrival, one.verdict
    is_waived = verdict.word is Word.WAIVED
    return {
        "district": arrival.district,
        "feed": arrival.feed,
        "window": arrival.window_code,
        "due_at": arrival.due_at.astimezone(zone),
        "verdict": verdict.word.value,
        "wholeness": verdict.wholeness and verdict.wholeness.value,
        "lacks": verdict.lacks,
        "owner": arrival.owner,
        "waived_reason": arrival.waived_reason if is_waived else None,
        "waived_by": arrival.waived_by if is_waived else None,
    }


def runs(judged: Sequence[Judged], days: Mapping[str, Sequence[date]]) -> Iterator[list[Judged]]:
    """Arrivals in their order; those of consecutive school days that say the same are put together.

    Args:
        judged: ordered by district, feed and due time.
        days: each district's school days.
    """
    numbers = {district: {day: n for n, day in enumerate(of)} for district, of in days.items()}
    run: list[Judged] = []
    for one in judged:
        if run and not _goes_on(run[-1], one, numbers.get(one.arrival.district, {})):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _goes_on(last: Judged, one: Judged, numbers: Mapping[date, int]) -> bool:
    if not (last.arrival.is_daily and one.arrival.is_daily and _same(last) == _same(one)):
        return False
    before, now = (numbers.get(each.arrival.opens_on) for each in (last, one))
    return before is not None and now == before + 1


def _same(one: Judged) -> tuple[object, ...]:
    arrival, verdict = one.arrival, one.verdict
    whose = (
        arrival.district,
        arrival.feed,
        arrival.school_year,
        arrival.owner,
        arrival.waived_reason,
        arrival.waived_by,
    )
    return (*whose, verdict.word, verdict.wholeness, verdict.lacks)


def _folded(run: Sequence[Judged], zone: ZoneInfo) -> dict[str, Any]:
    """One line for a run: its first and last day, and when they are due."""
    first, last = _plain(run[0], zone), _plain(run[-1], zone)
    why = f"{first['waived_reason']} ({first['waived_by']})" if first["waived_reason"] else ""
    if len(run) == 1:
        return first | {"why": why}
    window = f"{first['window']} to {last['window']}, {len(run)} days"
    return first | {
        "why": why,
        "window": window,
        "due_at": f"{first['due_at']:%Y-%m-%d} to {last['due_at']:%Y-%m-%d}",
    }


@app.command(epilog="Example: sipetl readiness C2")
def readiness(
    cycle: Annotated[str | None, typer.Argument(help="Cycle; none = the next one")] = None, as_json: show.Json = False
) -> None:
    """Whether the data a cycle needs is there, and which benchmarks are blocked."""
    with open_home(settings()) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            code = known.cycle(connection, cycle) or next_cycle(connection, home.now().date())
            found = readiness_of(connection, code, now=home.now())
    if as_json:
        show.dump(found.as_json())
    else:
        rows = [
            {
                "district": r.district,
                "feed": r.feed,
                "school": r.school_name,
                "state": r.state.value,
                "missing": r.missing,
                "owner": r.owner,
                "blocks": ", ".join(f"{g.plan} {g.code}" for g in r.blocks),
            }
            for r in found.rows
            if r.state not in (State.NOT_NEEDED, State.READY)
        ]
        columns = ("district", "feed", "school", "state", "missing", "owner", "blocks")
        title = f"Cycle {code}: {found.state.value.replace('_', ' ')}"
        show.rows(title, columns, rows, as_json=False, empty=f"{title}. Nothing that its plans need is missing.")
    if found.state is State.BLOCKED:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(epilog="Example: sipetl waive 3501 survey 2026 --window winter --reason 'not run this year'")
def waive(
    district: str,
    feed: FeedName,
    school_year: int,
    reason: Annotated[str, typer.Option(help="Why it need not come")],
    window: Annotated[str | None, typer.Option(help="Only this window")] = None,
) -> None:
    """Say that an expected arrival need not come."""
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        what = Waived(known.district(connection, district) or district, feed.value, school_year, window)
        count = waive_arrival(connection, what, reason=reason, by=getpass.getuser())
    show.say(f"{show.count(count, 'arrival', 'arrivals')} waived.")
