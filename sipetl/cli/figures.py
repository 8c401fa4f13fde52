"""Commands about figures: compute, metrics, report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select, text

from sipetl.cli import known, show
from sipetl.cli.app import app, settings
from sipetl.errors import ConfigError
from sipetl.metrics import load_catalogue
from sipetl.pipeline import open_home
from sipetl.pipeline.compute import Only
from sipetl.pipeline.review import bring_up_to_date, watch
from sipetl.reports import Display, make_private, number, write_private
from sipetl.reports import report as render_report
from sipetl.settings import EngineName
from sipetl.warehouse import tables as t

metrics = typer.Typer(help="The catalogue and the numbers.", no_args_is_help=True)
app.add_typer(metrics, name="metrics")


@app.command("compute", epilog="Example: sipetl compute")
def compute_command(
    district: Annotated[str | None, typer.Option(help="Only what this district's files change")] = None,
    school_year: Annotated[int | None, typer.Option(help="Only this school year, by its spring")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Recompute all, not only what changed")] = False,
    engine: Annotated[
        EngineName | None, typer.Option(help="What adds up the rows; else as SIPETL_ENGINE says, or duckdb")
    ] = None,
    as_json: show.Json = False,
) -> None:
    """Metric values and plan statuses for what changed."""
    with open_home(settings(engine)) as home:
        with home.warehouse.begin() as connection:
            district = known.district(connection, district)
        done = bring_up_to_date(home, Only(district, school_year), everything=everything)
    figures = {
        "partitions": len(done.computed.partitions),
        "values_written": done.computed.written.rows,
        "lake_files_opened": done.computed.files_opened,
        "verdicts_changed": len(done.changes),
        "statuses_written": done.statuses.rows,
    }
    if as_json:
        show.dump(figures)
    else:
        show.say(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items()) + ".")


@metrics.command("list", epilog="Example: sipetl metrics list")
def metrics_list(as_json: show.Json = False) -> None:
    """The catalogue, and the metrics that the data brought: topics of surveys, indicators, kinds of evidence."""
    names = ("metric", "version", "feed", "title", "unit")
    listed = {m.metric: {name: getattr(m, name) for name in names} for m in load_catalogue().metrics()}
    config = settings()
    if config.warehouse_url or config.registry_dir.is_dir():
        table = t.ref.metric
        query = select(*(table.c[name] for name in names)).order_by(table.c.feed, table.c.metric, table.c.version)
        with open_home(config) as home, home.warehouse.begin() as connection:
            for row in connection.execute(query).mappings():
                listed[row["metric"]] = listed.get(row["metric"]) or dict(row)
    show.rows("Metrics", names, listed.values(), as_json=as_json)


@metrics.command("show", epilog="Example: sipetl metrics show chronic_absence_rate_pk12")
def metrics_show(name: str, as_json: show.Json = False) -> None:
    """One definition."""
    catalogue = load_catalogue()
    metric = catalogue.get(name)
    if metric is None:
        names = [one.metric for one in catalogue.metrics()]
        metric = catalogue.get(known.chosen(name, "metric", names, listed="see 'sipetl metrics list'") or name)
    assert metric is not None  # noqa: S101 (the catalogue has the chosen name)
    fields = metric.model_dump(mode="json", exclude_none=True)
    if as_json:
        show.dump(fields)
    else:
        rows = [{"field": k, "value": v} for k, v in fields.items()]
        show.rows(metric.title, ("field", "value"), rows, as_json=False)


_VALUES = """
    select o.code as organization, o.name, p.code as period, v.metric, v.student_group, v.numerator, v.denominator, v.n,
        v.expected_n, v.value, v.low, v.high, v.data_status, m.display_unit, m.decimals
    from metric.value v
    join ref.organization o using (organization_id)
    join ref.period p using (period_id)
    left join ref.metric m on m.metric = v.metric and m.version = v.metric_version
    where v.student_group = :student_group
        and v.metric = coalesce(:metric, v.metric)
        and o.code = coalesce(:organization, o.code)
        and o.level = coalesce(:level, o.level)
        and p.code = coalesce(:period, p.code)
    order by v.metric, p.school_year, p.sort, o.code
"""
_COUNTS = ("organization", "name", "period", "metric", "student_group", "numerator", "denominator", "n", "expected_n")
_NUMBERS = ("value", "low", "high")


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
    with open_home(settings()) as home, home.warehouse.begin() as connection:
        wanted = {
            "metric": known.metric(connection, metric),
            "organization": known.organization(connection, organization),
            "level": known.chosen(level, "level", known.LEVELS, listed=""),
            "period": known.period(connection, period),
            "student_group": known.student_group(connection, group),
        }
        data = [dict(row) for row in connection.execute(text(_VALUES), wanted).mappings()]
    columns = (*_COUNTS, *_NUMBERS, "data_status")
    empty = (
        "No such value is computed: its files may not be here yet ('sipetl arrivals'), or 'sipetl compute' not run."
    )
    show.rows("Values", columns, data if as_json else map(_shown, data), as_json=as_json, empty=empty)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people: the value in its metric's decimals, halves away from zero."""
    display = Display(row["display_unit"] or "percent", 1 if row["decimals"] is None else row["decimals"])
    return {**row, **{name: "" if row[name] is None else number(row[name], display) for name in _NUMBERS}}


@app.command(epilog="Example: sipetl report school 35010001 --out page.html")
def report(
    kind: Annotated[str, typer.Argument(help="home, school, district or readiness")] = "home",
    code: Annotated[str, typer.Argument(help="Organization code, district, or cycle")] = "",
    out: Annotated[Path | None, typer.Option(help="Where to write it; none = the home's reports folder")] = None,
) -> None:
    """A self-contained page for people: unsuppressed, so only this account may read it."""
    config = settings()
    if out is not None and not out.absolute().parent.is_dir():
        raise ConfigError("there is no such folder", where=str(out.parent), cure="make it, or name another --out")
    with open_home(config) as home:
        watch(home)
        with home.warehouse.begin() as connection:
            page = render_report(connection, kind, code or None, as_of=home.now().date())
    path = out or make_private(config.reports_dir) / f"{'-'.join(filter(None, (kind, code)))}.html"
    write_private(path, page)
    typer.echo(path)
