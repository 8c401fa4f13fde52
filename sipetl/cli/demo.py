"""`sipetl demo`: generate districts, then let the pipeline live through their days on a fixed clock."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from sipetl.cli import show
from sipetl.cli.app import NEEDS_A_PERSON, messages
from sipetl.demo import Script, generate
from sipetl.errors import ConfigError
from sipetl.pipeline import DeliveryOutcome, OpenHome, ingest, open_home
from sipetl.pipeline.review import due_cycles, release_cycle, run_round, watch
from sipetl.privacy import create_key
from sipetl.quality import Outcome
from sipetl.reports import home_report, make_private, write_private
from sipetl.settings import Settings, load_settings
from sipetl.warehouse import embedded
from sipetl.warehouse import tables as t

DEMO_KEY = bytes(range(32))
"""A key that everybody knows, for people who do not exist: two runs of the demo give the same lake."""
MARK = ".sipetl-demo"
_SURPRISES = (Outcome.HELD, Outcome.REJECTED, Outcome.UNRECOGNIZED)


def run_demo(home: Path, *, students: int, districts: int, seed: int) -> None:
    """Run it all, print a summary and the report's path; exit 0 when the findings are exactly the planted ones."""
    begun = time.monotonic()
    settings = load_settings(home=home)
    _clear(settings)
    with Progress(
        TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn(), console=messages, transient=True
    ) as progress:
        task = progress.add_task("Generating districts", total=None)
        script = generate(home, students=students, districts=districts, seed=seed)
        progress.update(task, total=len(script.days))
        with open_home(settings.on(script.days[0].day)) as opened:
            outcomes = _live(opened, script, lambda text: progress.update(task, description=text, advance=1))
            path = _report(opened.on(script.days[-1].day))
            _summary(opened, outcomes)
    surprises = _surprises(script, outcomes)
    messages.print(f"Done in {time.monotonic() - begun:.0f} s. The report: [bold]{path}[/]")
    messages.print(f"Look around: sipetl --home {home} --as-of {script.days[-1].day} arrivals")
    if surprises:
        messages.print(f"[red]Not as planted:[/] {', '.join(surprises)}")
        raise typer.Exit(NEEDS_A_PERSON)


def run_again(settings: Settings, script: Script) -> list[DeliveryOutcome]:
    """Live through a demo's days once more, from its inboxes and registry."""
    script.recall()
    create_key(settings.key_file, DEMO_KEY)
    with open_home(settings.on(script.days[0].day)) as opened:
        return _live(opened, script, lambda _: None)


def _clear(settings: Settings) -> None:
    """Begin anew, but never in a folder that is not a demo's."""
    home = settings.home
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise ConfigError("the folder is not empty, and not a demo's", where=str(home), cure="name another --home")
    if (home / "warehouse").exists():
        embedded.remove(home / "warehouse")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / MARK).touch()
    create_key(settings.key_file, DEMO_KEY)


def _live(opened: OpenHome, script: Script, tell: Callable[[str], None]) -> list[DeliveryOutcome]:
    """Day after day: what arrives is taken, and arrivals are judged.

    Where somebody looks (a review, the end of a month, the last day) values are computed and benchmarks judged; a
    reviewed cycle is released.
    """
    outcomes: list[DeliveryOutcome] = []
    month_ends = {day.day.replace(day=1): day.day for day in script.days}.values()
    for day in script.days:
        script.deliver(day.day)
        today = opened.on(day.day)
        reviewed = due_cycles(today)
        if reviewed or day.day in month_ends:
            outcomes += run_round(today).deliveries
        else:
            outcomes += ingest(today)
            watch(today)
        for cycle in reviewed:
            release_cycle(today, cycle)
        tell(f"{day.day}: {len(day.files)} files")
    return outcomes


def _report(home: OpenHome) -> Path:
    path = make_private(home.settings.reports_dir) / "demo.html"
    with home.warehouse.begin() as connection:
        page = home_report(connection, as_of=home.now().date(), title="Three districts that do not exist")
    write_private(path, page)
    return path


def _summary(home: OpenHome, outcomes: Iterable[DeliveryOutcome]) -> None:
    queries = {
        "arrivals": select(t.ops.verdict.c.verdict, func.count()).group_by(t.ops.verdict.c.verdict),
        "benchmarks and MAGs (all cycles)": select(t.metric.status.c.status, func.count()).group_by(
            t.metric.status.c.status
        ),
        "metric values": select(t.metric.value.c.data_status, func.count()).group_by(t.metric.value.c.data_status),
    }
    listed = [("deliveries", dict(Counter(o.status.value for o in outcomes)))]
    with home.warehouse.begin() as connection:
        listed += [(name, dict(connection.execute(q).all())) for name, q in queries.items()]
    rows = [
        {"what": name, "how_many": ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in sorted(found.items()))}
        for name, found in listed
    ]
    show.rows("The demo's two school years", ("what", "how_many"), rows, as_json=False)


def _surprises(script: Script, outcomes: Iterable[DeliveryOutcome]) -> list[str]:
    """Files that a person must look at and that were not planted, and planted ones that passed unseen."""
    planted = {Path(p.file).name for p in script.planted if p.expected in {o.value for o in _SURPRISES}}
    found = {o.file_name for o in outcomes if o.status in _SURPRISES}
    return sorted(planted ^ found)
