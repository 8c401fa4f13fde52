"""Commands about figures: compute, metrics, plan, arrivals, readiness, waive, report."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select, text

from sipetl.arrivals import Waived, listing
from sipetl.arrivals import waive as waive_arrival
from sipetl.cli import show
from sipetl.cli.app import NEEDS_A_PERSON, app, messages, settings
from sipetl.metrics import load_catalogue
from sipetl.pipeline import open_home
from sipetl.pipeline.compute import Only, compute
from sipetl.pipeline.review import judge, watch
from sipetl.plans import lint_plans
from sipetl.readiness import State, next_cycle
from sipetl.readiness import readiness as readiness_of
from sipetl.registry.models import FeedName
from sipetl.reports import report as render_report
from sipetl.warehouse import tables as t

metrics = typer.Typer(help="The catalogue and the numbers.", no_args_is_help=True)
plan = typer.Typer(help="Improvement plans.", no_args_is_help=True)
app.add_typer(metrics, name="metrics")
app.add_typer(plan, name="plan")


@app.command("compute", epilog="Example: sipetl compute")
def compute_command(
    district: Annotated[str | None, typer.Option(help="Only what this district's files change")] = None,
    school_year: Annotated[int | None, typer.Option(help="Only this school year, by its spring")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Recompute all, not only what changed")] = False,
    as_json: show.Json = False,
) -> None:
    """Metric values and plan statuses for what changed."""
    with open_home(settings()) as home:
        done = compute(home, Only(district, school_year), everything=everything)
        changes = watch(home)
        statuses = judge(home)
    figures = {
        "partitions": len(done.partitions),
        "values_written": done.written.rows,
        "lake_files_opened": done.files_opened,
        "verdicts_changed": len(changes),
        "statuses_written": statuses.rows,
    }
    if as_json:
        show.dump(figures)
    else:
        messages.print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items()) + ".")


@metrics.command("list", epilog="Example: sipetl metrics list")
def metrics_list(as_json: show.Json = False) -> None:
    """The catalogue."""
    data = [
        {"metric": m.metric, "version": m.version, "feed": m.feed.value, "title": m.title, "unit": m.unit}
        for m in load_catalogue().metrics()
    ]
    show.rows("Metrics", ("metric", "version", "feed", "title", "unit"), data, as_json=as_json)


@metrics.command("show", epilog="Example: sipetl metrics show chronic_absence_rate_pk12")
def metrics_show(name: str, as_json: show.Json = False) -> None:
    """One definition."""
    from sipetl.errors import ConfigError

    metric = load_catalogue().get(name)
    if metric is None:
        raise ConfigError("there is no such metric", where=name, cure="see 'sipetl metrics list'")
    fields = metric.model_dump(mode="json", exclude_none=True)
    if as_json:
        show.dump(fields)
    else:
        show.rows(
            metric.title, ("field", "value"), [{"field": k, "value": v} for k, v in fields.items()], as_json=False
        )


@metrics.command(
    "values", epilog="Example: sipetl metrics values --metric attendance_rate --level school --period 2026"
)
def metrics_values(
    metric: Annotated[str | None, typer.Option(help="Metric")] = None,
    organization: Annotated[str | None, typer.Option(help="Organization code")] = None,
    level: Annotated[str | None, typer.Option(help="state, region, district or school")] = None,
    period: Annotated[str | None, typer.Option(help="Period code: 2026, 2025-10, 2026-fall, C1")] = None,
    group: Annotated[str, typer.Option(help="Student group")] = "all",
    as_json: show.Json = False,
) -> None:
    """Current values, unsuppressed: for the district's own eyes."""
    v, o, p = t.metric.value, t.ref.organization, t.ref.period
    query = (
        select(
            o.c.code.label("organization"),
            o.c.name,
            p.c.code.label("period"),
            v.c.metric,
            v.c.student_group,
            v.c.numerator,
            v.c.denominator,
            v.c.n,
            v.c.expected_n,
            v.c.value,
            v.c.low,
            v.c.high,
            v.c.data_status,
        )
        .join(o, o.c.organization_id == v.c.organization_id)
        .join(p, p.c.period_id == v.c.period_id)
        .where(v.c.student_group == group)
        .order_by(v.c.metric, p.c.school_year, p.c.sort, o.c.code)
    )
    for column, wanted in ((v.c.metric, metric), (o.c.code, organization), (o.c.level, level), (p.c.code, period)):
        if wanted:
            query = query.where(column == wanted)
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        result = connection.execute(query)
        columns = tuple(result.keys())
        data = [dict(row._mapping) for row in result]
    show.rows("Values", columns, data, as_json=as_json)


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
    show.rows("Plan lint", ("file", "where", "rule", "severity", "what", "cure"), data, as_json=as_json)
    if any(row["severity"] == "error" for row in data):
        raise typer.Exit(NEEDS_A_PERSON)


@plan.command("status", epilog="Example: sipetl plan status --cycle C1")
def plan_status(
    cycle: Annotated[str | None, typer.Option(help="Cycle; none = the latest")] = None, as_json: show.Json = False
) -> None:
    """Status of benchmarks and MAGs."""
    query = text(
        """
        select s.cycle, v.plan, b.code, b.metric, b.student_group, s.status, s.certainty, s.value, s.expected, s.target,
            s.gap, s.change
        from metric.status s join plan.benchmark b using (benchmark_id) join plan.version v using (version_id)
        join ref.cycle c using (cycle)
        where s.cycle = coalesce(:cycle, (select cycle from metric.status join ref.cycle using (cycle)
            order by data_as_of desc limit 1))
        order by v.plan, b.code
        """
    )
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        result = connection.execute(query, {"cycle": cycle})
        columns = tuple(result.keys())
        data = [dict(row._mapping) for row in result]
    show.rows("Benchmarks and MAGs", columns, data, as_json=as_json)


@app.command(epilog="Example: sipetl --as-of 2026-01-30 arrivals")
def arrivals(
    district: Annotated[str | None, typer.Option(help="Only this district")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what came on time, and what is not due")] = False,
    as_json: show.Json = False,
) -> None:
    """Late, missing, incomplete: what was expected, and what came of it."""
    with open_home(settings()) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            judged = listing(connection, home.now(), only_open=not everything, district=district)
    data = [
        {
            "district": one.arrival.district,
            "feed": one.arrival.feed,
            "window": one.arrival.window_code,
            "due_at": one.arrival.due_at.astimezone(home.zone),
            "verdict": one.verdict.word.value,
            "wholeness": one.verdict.wholeness and one.verdict.wholeness.value,
            "lacks": one.verdict.lacks,
            "owner": one.arrival.owner,
        }
        for one in judged
    ]
    columns = ("district", "feed", "window", "due_at", "verdict", "wholeness", "lacks", "owner")
    show.rows("Arrivals", columns, data, as_json=as_json)


@app.command(epilog="Example: sipetl readiness C2")
def readiness(
    cycle: Annotated[str | None, typer.Argument(help="Cycle; none = the next one")] = None, as_json: show.Json = False
) -> None:
    """Whether the data a cycle needs is there, and which benchmarks are blocked."""
    with open_home(settings()) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            code = cycle or next_cycle(connection, home.now().date())
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
        show.rows(f"Cycle {code}: {found.state.value.replace('_', ' ')}", columns, rows, as_json=False)
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
        what = Waived(district, feed.value, school_year, window)
        count = waive_arrival(connection, what, reason=reason, by=getpass.getuser())
    messages.print(f"{count} arrivals waived.")


@app.command(epilog="Example: sipetl report school 35010001 --out page.html")
def report(
    kind: Annotated[str, typer.Argument(help="home, school, district or readiness")] = "home",
    code: Annotated[str, typer.Argument(help="Organization code, district, or cycle")] = "",
    out: Annotated[Path | None, typer.Option(help="Where to write it; none = the home's reports folder")] = None,
) -> None:
    """A self-contained page for people."""
    config = settings()
    with open_home(config) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            page = render_report(connection, kind, code or None, as_of=home.now().date())
    path = out or config.reports_dir / f"{'-'.join(filter(None, (kind, code)))}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    typer.echo(path)
