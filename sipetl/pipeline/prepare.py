"""Looks at a cycle's readiness 10, 5, 2 and 0 school days before its data is due; each is taken once, and kept.

A look is a file, `reports/readiness/CYCLE/DISTRICT-STEP.json`: it is also the record that the look was taken, so a day on
which nothing ran catches up, and a second run on the same day does nothing.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sipetl.arrivals.context import read_context
from sipetl.pipeline.home import OpenHome, open_home
from sipetl.pipeline.review import watch
from sipetl.readiness import CountdownStep, Readiness, countdown, readiness
from sipetl.registry.models import Cycle
from sipetl.reports import make_private, write_private
from sipetl.settings import Settings
from sipetl.warehouse import tables as t

logger = logging.getLogger(__name__)


def prepare(settings: Settings) -> list[dict[str, Any]]:
    """Take every look that is reached and not taken, of the cycles not yet reviewed; counts by cycle and district."""
    with open_home(settings) as home:
        steps = [step for cycle in _ahead(home) for step in _open_steps(home, cycle)]
        if not steps:
            return []
        watch(home)
        looks = [look for cycle in {c for c, _, _ in steps} for look in _take(home, cycle, steps)]
    for look in looks:
        logger.info(" ".join(f"{name}={value}" for name, value in look.items()))
    return sorted(looks, key=lambda look: (look["cycle"], look["district"]))


def _ahead(home: OpenHome) -> list[Cycle]:
    table = t.ref.cycle
    query = select(table).where(table.c.review_date >= home.now().date()).order_by(table.c.data_due)
    with home.warehouse.begin() as connection:
        return [Cycle.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _open_steps(home: OpenHome, cycle: Cycle) -> Iterator[tuple[str, str, CountdownStep]]:
    with home.warehouse.begin() as connection:
        days = read_context(connection).days
    today = home.now().astimezone(home.zone).date()
    for district, of_district in sorted(days.items()):
        taken = [int(path.stem.rpartition("-")[2]) for path in _folder(home, cycle.cycle).glob(f"{district}-*.json")]
        for step in countdown(cycle, of_district, today=today, recorded=taken):
            yield cycle.cycle, district, step


def _take(home: OpenHome, cycle: str, steps: list[tuple[str, str, CountdownStep]]) -> Iterator[dict[str, Any]]:
    """One look for all steps that were missed: what stood then is not known any more."""
    with home.warehouse.begin() as connection:
        found = readiness(connection, cycle, now=home.now())
    folder = make_private(_folder(home, cycle))
    for district in sorted({d for c, d, _ in steps if c == cycle}):
        content, counts = _of(found, district)
        reached = [step.school_days for c, d, step in steps if (c, d) == (cycle, district)]
        for number in reached:
            write_private(folder / f"{district}-{number}.json", content)
        yield {"cycle": cycle, "district": district, "school_days": min(reached), **counts}


def _of(found: Readiness, district: str) -> tuple[str, dict[str, int]]:
    """The district's rows as JSON, and how many there are of each state."""
    told = found.as_json()
    told["rows"] = [row for row in told["rows"] if row["district"] == district]
    counts = Counter(row.state.value for row in found.rows if row.district == district)
    told["counts"] = dict(counts)
    return json.dumps(told, indent=1, default=str) + "\n", dict(counts)


def _folder(home: OpenHome, cycle: str) -> Path:
    return home.settings.reports_dir / "readiness" / cycle
