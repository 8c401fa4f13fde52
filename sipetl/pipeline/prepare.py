"""Looks at a cycle's readiness 10, 5, 2 and 0 school days before its data is due; each is taken once, and kept.

A look is a row of `ops.countdown`, so that all homes on one warehouse know it: a day on which nothing ran catches up, and
a second run on the same day does nothing. For people it is also a file, `reports/readiness/CYCLE/DISTRICT-STEP.json`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

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
    step = t.ops.countdown.c
    query = select(step.district, step.school_days).where(step.cycle == cycle.cycle, step.looked_at.is_not(None))
    with home.warehouse.begin() as connection:
        days = read_context(connection).days
        taken = {(district, number) for district, number in connection.execute(query)}
    today = home.now().astimezone(home.zone).date()
    for district, of_district in sorted(days.items()):
        recorded = [number for of, number in taken if of == district]
        for one in countdown(cycle, of_district, today=today, recorded=recorded):
            yield cycle.cycle, district, one


def _take(home: OpenHome, cycle: str, steps: list[tuple[str, str, CountdownStep]]) -> Iterator[dict[str, Any]]:
    """One look for all steps that were missed: what stood then is not known any more."""
    folder = make_private(home.settings.reports_dir / "readiness" / cycle)
    with home.warehouse.begin() as connection:
        report = readiness(connection, cycle, now=home.now())
        for district in sorted({d for c, d, _ in steps if c == cycle}):
            found = _of(report, district)
            reached = [step.school_days for c, d, step in steps if (c, d) == (cycle, district)]
            for number in reached:
                write_private(folder / f"{district}-{number}.json", json.dumps(found, indent=1) + "\n")
            _record(connection, found, district, reached)
            yield {"cycle": cycle, "district": district, "school_days": min(reached), **found["counts"]}


def _of(report: Readiness, district: str) -> dict[str, Any]:
    """The district's part of the report, in plain values."""
    own = replace(report, rows=tuple(row for row in report.rows if row.district == district))
    plain: dict[str, Any] = json.loads(json.dumps(own.as_json(), default=str))
    return plain


def _record(connection: Connection, found: dict[str, Any], district: str, reached: list[int]) -> None:
    step = t.ops.countdown
    own = {"cycle": found["cycle"]["cycle"], "district": district, "found": found, "looked_at": found["as_of"]}
    looked = insert(step).values([{**own, "school_days": number} for number in reached])
    now = {name: looked.excluded[name] for name in ("found", "looked_at")}
    connection.execute(looked.on_conflict_do_update(step.primary_key, set_=now))
