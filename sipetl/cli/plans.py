"""Commands about plans: lint, status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection, select, text

from sipetl.cli import known, show
from sipetl.cli.app import NEEDS_A_PERSON, app, settings
from sipetl.cli.why import Reasons, is_unjudged
from sipetl.pipeline import OpenHome, open_home
from sipetl.pipeline.review import policy_of
from sipetl.plans import lint_plans
from sipetl.readiness import readiness
from sipetl.reports import Display, number
from sipetl.warehouse import tables as t

plan = typer.Typer(help="Improvement plans.", no_args_is_help=True)
app.add_typer(plan, name="plan")


@plan.command("lint", epilog="Example: sipetl plan lint my-plan.yaml")
def plan_lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Plan files; none = those of the registry")] = None,
    as_json: show.Json = False,
) -> None:
    """What would fail at the review, before the plan is used."""
    config = settings()
    chosen = files or sorted((config.registry_dir / "plans").glob("*.yaml"))
    with open_home(config) as home, home.warehouse.begin() as connection:
        found = lint_plans(connection, chosen)
    data = [
        {"file": path.name, "where": f.where, "rule": f.rule, "severity": f.severity, "what": f.what, "cure": f.cure}
        for path, f in found
    ]
    columns = ("file", "where", "rule", "severity", "what", "cure")
    empty = f"Nothing to mend in {show.count(len(chosen), 'plan', 'plans')}."
    show.rows("Plan lint", columns, data, as_json=as_json, empty=empty)
    if any(row["severity"] == "error" for row in data):
        raise typer.Exit(NEEDS_A_PERSON)


_LEVELS = ("value", "expected", "target")
_STEPS = ("gap", "change")
"""Differences of levels: without a unit, since points of percent are not percent."""
_EXACT = ("cycle", "data_as_of", "plan", "code", "metric", "student_group", "status", "certainty", *_LEVELS, *_STEPS)
_QUERY = """
    select s.cycle, c.data_as_of, v.plan, b.code, b.metric, b.student_group, s.status, s.certainty, s.value, s.expected,
        s.target, s.gap, s.change, s.n, s.occurrence, s.occurrences_judged, s.occurrences_needed, s.occurrences_total,
        m.display_unit, m.decimals, a.district, a.feed, a.window_code, a.due_at, a.owner, d.verdict, d.lacks,
        a.opens_on = a.closes_on as is_daily, o.code as school, o.district as of_district, b.feed as of_feed,
        b.definition ->> 'window' as of_window, c.school_year
    from metric.status s
    join plan.benchmark b using (benchmark_id)
    join plan.version v using (version_id)
    join ref.cycle c using (cycle)
    left join ops.arrival a using (arrival_id)
    left join ops.verdict d using (arrival_id)
    left join ref.organization o
        on o.code = split_part('/' || v.organization_code, '/', -1) and o.authority = (select authority from ref.home)
    left join lateral (
        select display_unit, decimals from ref.metric where metric = b.metric order by version desc limit 1
    ) as m on true
    where s.cycle = coalesce(:cycle, (select cycle from metric.status join ref.cycle using (cycle)
        order by data_as_of desc limit 1))
    order by v.plan, b.is_mag, length(b.code), b.code
"""


_WAIVED = """
    select nullif(a.district, (select state_code from ref.home)) as district, a.feed, a.window_code,
        a.opens_on = a.closes_on as is_daily, d.verdict = 'waived' as is_waived, a.waived_reason, a.waived_by
    from ops.arrival a
    join ops.verdict d using (arrival_id)
    where a.school_year = :school_year and a.opens_on <= :data_as_of and (a.district, a.feed) in (
        select a.district, a.feed from ops.verdict join ops.arrival a using (arrival_id) where verdict = 'waived'
    )
    order by a.due_at, a.window_code
"""


@plan.command("status", epilog="Example: sipetl plan status --cycle C1")
def plan_status(
    cycle: Annotated[str | None, typer.Option(help="Cycle; none = the latest")] = None, as_json: show.Json = False
) -> None:
    """Status of benchmarks and MAGs, and why one could not be judged; of a released cycle as it was released."""
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        cycle = known.cycle(connection, cycle)
        found = [dict(row) for row in connection.execute(text(_QUERY), {"cycle": cycle}).mappings()]
        released = _released(connection, found[0]["cycle"]) if found else {}
        if any(map(is_unjudged, found)):
            found = _with_reasons(home, connection, found)
    if as_json:
        show.dump([_exact(row) | released for row in found])
        return
    if not found:
        show.say(_nothing(cycle))
        return
    show.say(_title(found[0], released, home.zone), style="bold")
    columns = ("plan", "code", "metric", "student_group", "status", "certainty", *_LEVELS, *_STEPS, "why")
    show.rows("", columns, map(_shown, found), as_json=False)


def _released(connection: Connection, cycle: str) -> dict[str, Any]:
    """Of which release the statuses are: nothing of both where they are current."""
    table = t.release.release
    query = select(table.c.released_at, table.c.edition).where(table.c.cycle == cycle)
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row else {"released_at": None, "edition": None}


def _with_reasons(home: OpenHome, connection: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    first = rows[0]
    ready = readiness(connection, first["cycle"], now=home.now())
    given = {name: first[name] for name in ("school_year", "data_as_of")}
    ledger = [dict(row) for row in connection.execute(text(_WAIVED), given).mappings()]
    reasons = Reasons(ready, policy_of(home, connection), home.zone, ledger)
    return [row | {"why": reasons.of(row)} for row in rows]


def _title(row: Mapping[str, Any], released: Mapping[str, Any], zone: ZoneInfo) -> str:
    cycle, day = row["cycle"], released["released_at"]
    what = f"Benchmarks and MAGs at cycle {cycle}, data up to {row['data_as_of']}"
    if day is None:
        return f"{what}: current, not released"
    edition = f"as released on {day.astimezone(zone).date()} (edition {released['edition']})"
    return f"{what}: {edition}; restatements: sipetl restatements {cycle}"


def _nothing(cycle: str | None) -> str:
    at = f"at cycle {cycle}" if cycle else "at any cycle"
    return f"No benchmark was judged {at} so far: 'sipetl compute' judges those whose data day has come."


def _exact(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for machines, digit for digit."""
    arrival = {name: row[name] for name in ("district", "feed", "window_code", "due_at", "owner", "verdict", "lacks")}
    missing = arrival if arrival["feed"] else None
    return {name: row[name] for name in _EXACT} | {"missing_arrival": missing, "why": row.get("why") or None}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people: each number in its metric's decimals, halves away from zero."""
    display = Display(row["display_unit"] or "percent", 1 if row["decimals"] is None else row["decimals"])
    numbers = {name: _number(row[name], display, unit=name in _LEVELS) for name in (*_LEVELS, *_STEPS)}
    return {**row, **numbers, "why": row.get("why", "")}


def _number(value: Any, display: Display, *, unit: bool) -> str:
    return "" if value is None else number(value, display, unit=unit)
