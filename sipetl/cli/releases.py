"""Commands about what was published: release, restatements, trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, null, select, union_all
from typer.core import TyperGroup

from sipetl.cli import known, restating, show
from sipetl.cli.app import app, settings
from sipetl.errors import ConfigError
from sipetl.metrics import load_catalogue
from sipetl.pipeline import OpenHome, open_home
from sipetl.pipeline.compute import compute
from sipetl.pipeline.exchange import export_release, restate_cycle, restatements_of
from sipetl.pipeline.review import bring_up_to_date, policy_of, release_cycle, release_doubts, watch, withdraw_release
from sipetl.publish import Release, Restatement, Trace, TracedRows, Wanted, trace_rows
from sipetl.publish import trace as trace_value
from sipetl.reports import Display
from sipetl.warehouse import tables as t

_MAKE = "cycle"


class _Release(TyperGroup):
    """`sipetl release C1` is `sipetl release cycle C1`: what is no command here is a cycle."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


release = typer.Typer(
    cls=_Release, help="Freeze a cycle: sipetl release CYCLE. List and export releases.", no_args_is_help=True
)
app.add_typer(release, name="release")


@release.command(_MAKE, epilog="Example: sipetl release C1 --yes")
def release_command(
    cycle: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also if its data is blocked, or nothing could be judged")
    ] = False,
    restate: Annotated[bool, typer.Option("--restate", help="A further edition of a released cycle")] = False,
    reason: Annotated[str | None, typer.Option(help="Why it is restated; the public reads it")] = None,
    as_json: show.Json = False,
) -> None:
    """Freeze a cycle's values and statuses; the public views show them from here on."""
    with open_home(settings()) as home:
        cycle = _known(home, cycle)
        bring_up_to_date(home)
        if not restate and not anyway:
            _refuse_doubtful(home, cycle)
        if not yes:
            what = "Restate" if restate else "Freeze"
            typer.confirm(f"{what} cycle {cycle}? Later changes become restatements", abort=True, err=True)
        if not restate:
            _tell_release(release_cycle(home, cycle), {}, as_json=as_json)
            return
        done = restate_cycle(home, cycle, reason=reason)
    if done.release is None and as_json:
        show.dump({"cycle": cycle, "restated": 0})
    elif done.release is None:
        show.say(f"Nothing differs from the release of {cycle}: no further edition was made.")
    else:
        _tell_release(done.release, {"restated": len(done.rows)}, as_json=as_json)


def _known(home: OpenHome, cycle: str) -> str:
    """The cycle's code as the registry writes it."""
    with home.warehouse.begin() as connection:
        return known.cycle(connection, cycle) or cycle


def _refuse_doubtful(home: OpenHome, cycle: str) -> None:
    doubts = release_doubts(home, cycle)
    if doubts:
        raise ConfigError(
            f"cycle {cycle} is not ready to be released",
            why="; ".join(doubts),
            cure=f"see 'sipetl readiness {cycle}', or release it all the same with --anyway",
        )


@release.command("withdraw", epilog="Example: sipetl release withdraw C1 --reason 'sent before the review' --yes")
def release_withdraw(
    cycle: str,
    reason: Annotated[str, typer.Option(help="Why it is taken back; kept with it")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Take a release back: the public views show the cycle no more, until it is released again."""
    if not yes:
        typer.confirm(f"Take the release of cycle {cycle} back", abort=True, err=True)
    with open_home(settings()) as home:
        cycle = _known(home, cycle)
        edition = withdraw_release(home, cycle, reason=reason)
    show.say(f"Edition {edition} of {cycle} is withdrawn; it is kept. To release it again: sipetl release {cycle}")


def _tell_release(done: Release, more: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        show.dump({**asdict(done), **more})
        return
    edition = f" This is edition {done.edition}." if done.edition > 1 else ""
    restated = f" {more['restated']} numbers are restated." if more else ""
    show.say(
        f"Released {done.cycle}: {done.values} values ({done.suppressed} suppressed), {done.statuses} statuses.{edition}{restated}"
    )


@release.command("list", epilog="Example: sipetl release list")
def release_list(as_json: show.Json = False) -> None:
    """Every release with its editions."""
    names = ("cycle", "edition", "released_at", "as_of", "policy", "readiness", "reason", "sha256")
    latest, past = t.release.release, t.release.past_release
    taken_back = ("withdrawn_at", "withdrawn_because")
    query = union_all(
        select(*(latest.c[n] for n in names), *(null().label(n) for n in taken_back)),
        select(*(past.c[n] for n in (*names, *taken_back))),
    )
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        data = [dict(row) for row in connection.execute(query.order_by("as_of", "cycle", "edition")).mappings()]
    show.rows("Releases", (*names, *taken_back), data, as_json=as_json, empty="No cycle was released so far.")


@release.command("export", epilog="Example: sipetl release export C1 --out alder-C1.zip")
def release_export(
    cycle: str,
    out: Annotated[Path, typer.Option(help="File to write: .zip, .csv or .parquet")],
    district: Annotated[str | None, typer.Option(help="Whose; none = the only one in the release")] = None,
    edition: Annotated[int | None, typer.Option(help="Which edition; none = the latest")] = None,
    unsuppressed: Annotated[
        bool, typer.Option("--unsuppressed", help="With the numbers of small cells: only where an agreement allows")
    ] = False,
) -> None:
    """Write a district's release as a file for another home: the state's ingests it."""
    with open_home(settings()) as home:
        package = export_release(home, Wanted(_known(home, cycle), district, edition, unsuppressed), out)
    values = show.count(len(package.values), "value", "values")
    show.say(f"Wrote {out}: {values}, {show.count(len(package.statuses), 'status', 'statuses')}.")


@app.command(epilog="Example: sipetl restatements C1 --metric attendance_rate --all")
def restatements(
    cycle: Annotated[str | None, typer.Argument(help="Cycle; none = all that are released")] = None,
    organization: Annotated[str | None, typer.Option(help="Only this organization's, by its code")] = None,
    metric: Annotated[str | None, typer.Option(help="Only of this metric")] = None,
    kind: Annotated[str | None, typer.Option(help="Only value, or status")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Each number, not only how many by metric and cause")
    ] = False,
    as_json: show.Json = False,
) -> None:
    """What differs from a release by now, and why; unsuppressed: for the home's own eyes."""
    with open_home(settings()) as home:
        with home.warehouse.begin() as connection:
            wanted = {
                "organization": known.organization(connection, organization),
                "metric": known.metric(connection, metric),
                "kind": known.chosen(kind, "kind of restatement", ("value", "status"), listed=""),
            }
            displays = _displays(connection)
        cycle = _known(home, cycle) if cycle else None
        watch(home)
        compute(home)
        given = {name: value for name, value in wanted.items() if value is not None}
        found = [
            row
            for row in restatements_of(home, cycle)
            if all(getattr(row, name) == value for name, value in given.items())
        ]
    if as_json:
        show.dump([_restatement(row) | {"causes": [cause.as_json() for cause in row.causes]} for row in found])
    elif found:
        _tell_restatements(found, displays, everything=everything)
    else:
        show.say(
            "Nothing differs from what was released." if not given else "Nothing such differs from what was released."
        )


def _displays(connection: Connection) -> dict[str, Display]:
    """How each metric's numbers are shown, by its newest definition."""
    table = t.ref.metric
    query = select(table.c.metric, table.c.display_unit, table.c.decimals).order_by(table.c.version)
    return {row.metric: Display(row.display_unit, row.decimals) for row in connection.execute(query)}


def _tell_restatements(found: Sequence[Restatement], displays: restating.Displays, *, everything: bool) -> None:
    statuses = [row for row in found if row.kind == "status"]
    values = [row for row in found if row.kind != "status"]
    if statuses:
        rows = [restating.shown(row, displays) for row in statuses]
        columns = (*restating.STATUS_ROW, *restating.BOTH)
        show.rows("Statuses of benchmarks and MAGs that differ from the release", columns, rows, as_json=False)
    if values and everything:
        columns = (*restating.ROW, *restating.BOTH)
        show.rows("Values that differ", columns, [restating.shown(row, displays) for row in values], as_json=False)
    elif values:
        summary = restating.summary(values, displays)
        show.rows("Values that differ, by metric and cause", restating.SUMMARY, summary, as_json=False)
        count = show.count(len(values), "value", "values")
        show.say(f"{count}. Each one: --all, with --organization, --metric or --kind; digit for digit: --json")


def _restatement(row: Restatement) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Restatement.__dataclass_fields__ if name != "causes"}


@app.command(epilog="Example: sipetl trace 35010001 chronic_absence_rate_pk12 2026")
def trace(
    organization: str,
    metric: str,
    period: str,
    group: Annotated[str, typer.Option(help="Student group")] = "all",
    cycle: Annotated[str | None, typer.Option(help="Look into this release; none = the current value")] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Also how many rows of each file, by day or window, with their row numbers")
    ] = False,
    as_json: show.Json = False,
) -> None:
    """From a number to the deliveries and files behind it, and to their rows; no value of a student is shown."""
    listed = None
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        found = trace_value(
            connection,
            organization=known.organization(connection, organization) or organization,
            metric=known.metric(connection, metric) or metric,
            period=known.period(connection, period) or period,
            student_group=known.student_group(connection, group) or group,
            cycle=known.cycle(connection, cycle),
        )
        if rows:
            listed = _rows_of(home, connection, found)
    if as_json:
        show.dump(asdict(found) | ({"rows": asdict(listed)} if listed else {}))
        return
    _tell_trace(found)
    if listed:
        _tell_rows(listed)


def _rows_of(home: OpenHome, connection: Connection, found: Trace) -> TracedRows:
    metric = load_catalogue().get(found.metric)
    least = policy_of(home, connection).limits(metric.minimum_n if metric else "default").minimum_n
    with home.duckdb() as con:
        return trace_rows(connection, con, home.lake, found, minimum_n=least)


def _tell_rows(listed: TracedRows) -> None:
    columns = ("file_name", "member", "feed", "kind", "slot", "rows", "first_row", "last_row")
    rows = [asdict(row) | {"member": "" if row.member == row.file_name else row.member} for row in listed.rows]
    empty = "No row of this organization and period is in these parts."
    show.rows("Their rows of this organization and period", columns, rows, as_json=False, empty=empty)
    for total in listed.absences:
        of = f"{show.count(total.rows, 'row', 'rows')} of kind {total.grain}"
        counts = (
            f"{total.absent:,} absent, {total.present:,} present"
            if total.absent is not None
            else "too few people to tell"
        )
        show.say(f"In all {of}: {counts}")
    for note in listed.notes:
        show.say(note)


def _tell_trace(found: Trace) -> None:
    number = {name: value for name, value in asdict(found).items() if name not in ("parts", "deliveries")}
    rows = [{"field": name, "value": value} for name, value in number.items() if value is not None]
    show.rows("The number", ("field", "value"), rows, as_json=False)
    files = {d.delivery_id: d for d in found.deliveries}
    parts = [{**asdict(part), "file": files[part.delivery_id].file_name} for part in found.parts]
    columns = (
        "file",
        "feed",
        "district",
        "layout",
        "scope_from",
        "scope_to",
        "rows_good",
        "rows_quarantined",
        "status",
    )
    show.rows("The parts it was computed from", columns, parts, as_json=False)
    landed = [asdict(delivery) for delivery in found.deliveries]
    show.rows("Their files", ("received_at", "sender", "file_name", "landed_path"), landed, as_json=False)
