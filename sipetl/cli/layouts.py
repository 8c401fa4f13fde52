"""Commands about layouts: list, show, suggest, test."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sipetl.cli import known, show
from sipetl.cli.app import NEEDS_A_PERSON, app, messages, settings
from sipetl.cli.shape import described
from sipetl.errors import ConfigError
from sipetl.intake import Layout, Suggestion, load_layouts, suggest_layout
from sipetl.pipeline.try_layout import Place, Trial, find_layout, try_layout
from sipetl.registry.models import FeedName

layout = typer.Typer(help="Layouts: how a vendor's file maps to a contract.", no_args_is_help=True)
app.add_typer(layout, name="layout")


def _known() -> tuple[Layout, ...]:
    own = settings().registry_dir / "layouts"
    return load_layouts(own if own.is_dir() else None)


@layout.command("list", epilog="Example: sipetl layout list")
def layout_list(as_json: show.Json = False) -> None:
    """The layouts that are known here."""
    data = [
        {"layout": found.layout, "version": found.version, "feed": found.feed.value, "title": found.title}
        for found in _known()
    ]
    show.rows("Layouts", ("layout", "version", "feed", "title"), data, as_json=as_json)


@layout.command("show", epilog="Example: sipetl layout show sis_daily_attendance")
def layout_show(
    name: Annotated[str, typer.Argument(metavar="LAYOUT", help="A layout's name, or the path of a YAML draft")],
    as_json: show.Json = False,
) -> None:
    """What a file of it must look like: headings, what is required, formats, codes."""
    is_file = Path(name).suffix in (".yaml", ".yml")
    named = name if is_file else known.chosen(name, "layout", _names(), listed="see 'sipetl layout list'")
    found = find_layout(named or name, settings())
    told = described(found)
    if as_json:
        show.dump(told | {"definition": found.model_dump(mode="json", by_alias=True, exclude_defaults=True)})
    else:
        _tell_shape(told)


def _names() -> list[str]:
    return [found.layout for found in _known()]


def _tell_shape(told: Mapping[str, Any]) -> None:
    show.say(f"{told['layout']} v{told['version']}, feed {told['feed']}: {told['title']}")
    for what, said in told["file"].items():
        show.say(f"{what}: {said}")
    show.say(f"Recognised by the headings: {', '.join(told['headings'])}")
    columns = ("column", "required", "kind", "heading", "how", "meaning")
    rows = [{**row, "required": "yes" if row["required"] else ""} for row in told["columns"]]
    show.rows("Columns", columns, rows, as_json=False)
    for what, names in (
        ("Known and not taken", told["dropped"]),
        ("Not in such a file", told["unfilled"]),
    ):
        if names:
            show.say(f"{what}: {', '.join(names)}")


@layout.command("suggest", epilog="Example: sipetl layout suggest results.csv --out registry/layouts/results.yaml")
def layout_suggest(
    file: Annotated[Path, typer.Argument(help="A file that no layout fits", exists=True, dir_okay=False)],
    feed: Annotated[FeedName | None, typer.Option(help="The feed, where it is known")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the draft here; never over a file that is there")] = None,
    as_json: show.Json = False,
) -> None:
    """Draft a layout as commented YAML, from the headers and a bounded sample of the values."""
    if out is not None and out.exists():
        raise ConfigError("the file is there already", where=str(out), cure="name another, or remove it")
    with tempfile.TemporaryDirectory(prefix="sipetl-suggest-") as scratch:
        draft = suggest_layout(file, file.name, _known(), scratch=Path(scratch), feed=feed)
    if out is not None:
        out.write_text(draft.text, encoding="utf-8")
    if as_json:
        show.dump(draft.as_json())
    elif out is None:
        typer.echo(draft.text, nl=False)
    line = _next_step(draft, str(out) if out else "the draft", file)
    if out is not None and not as_json:
        show.say(line)
    else:
        messages.print(line, highlight=False, markup=False)


def _next_step(draft: Suggestion, where: str, file: Path) -> str:
    if draft.fault:
        lacks = f"it lacks {', '.join(draft.missing)}" if draft.missing else draft.fault
        return f"{where} does not load yet: {lacks}. Its comments say where."
    return f"{where} loads. Next: sipetl layout test DRAFT.yaml {file}"


@layout.command("test", epilog="Example: sipetl layout test registry/layouts/results.yaml results.csv")
def layout_test(
    name: Annotated[str, typer.Argument(metavar="LAYOUT", help="A layout's name, or the path of a YAML draft")],
    file: Annotated[Path, typer.Argument(help="A file of it", exists=True, dir_okay=False)],
    district: Annotated[str | None, typer.Option(help="Whose file it is")] = None,
    school_year: Annotated[int | None, typer.Option(help="Spring year, where the content does not say")] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of a snapshot whose name lacks it")
    ] = None,
    window: Annotated[str | None, typer.Option(help="Window, where the content does not say")] = None,
    as_json: show.Json = False,
) -> None:
    """Run one layout on a file without any store: rows, issues, headers, and a masked sample."""
    place = Place(district, school_year, day and day.date(), window)
    trial = try_layout(find_layout(name, settings()), file, place, settings())
    if as_json:
        show.dump(_plain(trial))
    else:
        _tell(trial)
    if not trial.is_good:
        raise typer.Exit(NEEDS_A_PERSON)


_COUNTS = ("rows_read", "rows_mapped", "quarantined", "skipped", "repeated")


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "layout": trial.layout.layout,
        "version": trial.layout.version,
        "feed": trial.layout.feed.value,
        **{name: getattr(trial, name) for name in _COUNTS},
        "issues": _issues(trial),
        "headers_unknown": list(trial.unknown),
        "headers_missing": list(trial.missing),
        "required_missing": list(trial.lacking),
        "sample": [dict(row) for row in trial.sample],
        "notes": list(trial.notes),
    }


def _issues(trial: Trial) -> list[dict[str, Any]]:
    return [
        {
            "rule": found.rule_id,
            "severity": found.severity.value,
            "column": found.column,
            "rows": found.count,
            "row_numbers": list(found.rows),
            "text": found.text,
        }
        for found in trial.findings
    ]


def _tell(trial: Trial) -> None:
    counts = [{"what": name.replace("_", " "), "rows": getattr(trial, name)} for name in _COUNTS]
    typer.echo(f"{trial.layout.layout} v{trial.layout.version}, feed {trial.layout.feed}")
    show.rows("Rows", ("what", "rows"), counts, as_json=False)
    issues = [{**one, "row_numbers": ", ".join(map(str, one["row_numbers"]))} for one in _issues(trial)]
    if issues:
        show.rows("Issues", ("rule", "severity", "column", "rows", "row_numbers", "text"), issues, as_json=False)
    for what, names in (
        ("Headers that the layout does not know", trial.unknown),
        ("Headers that the file does not have", trial.missing),
        ("Required and empty in every row", trial.lacking),
    ):
        if names:
            typer.echo(f"{what}: {', '.join(names)}")
    for number, row in enumerate(trial.sample, start=1):
        cells = ", ".join(f"{name}={value}" for name, value in row.items())
        typer.echo(f"Row {number} as mapped: {cells}")
    for note in trial.notes:
        messages.print(f"Note: {note}.", markup=False, highlight=False)
