"""How many districts are computed at once: whole ones, as many as their rows let fit into the memory of the settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from sipetl.lake import Lake, rows_by_district
from sipetl.metrics import LOWER, UPPER, load_facts
from sipetl.metrics.engine import Engine
from sipetl.pipeline.values import Task
from sipetl.registry.models import FeedName


@dataclass(frozen=True, slots=True)
class Batch:
    """Districts that are computed at once."""

    districts: tuple[str, ...]
    levels: tuple[str, ...] = LOWER
    """Regions and the state too, where there are no other districts: so their rows are read once."""


def batches(con: duckdb.DuckDBPyConnection, lake: Lake, task: Task, engine: Engine) -> list[Batch]:
    """The districts of a task, in their order; at least one batch, and each with a district if the task has any."""
    if task.is_whole:
        return [Batch(task.districts)]
    rows: Counter[str] = Counter()
    for name in load_facts(task.feed).inputs:
        rows.update(rows_by_district(lake, FeedName(name), task.school_year))
    limit = "select parse_formatted_bytes(current_setting('memory_limit'))"
    ((memory,),) = con.execute(limit).fetchall()
    found = list(_filled(task.districts, rows, memory // engine.row_bytes)) or [()]
    if len(found) == 1 and rows.keys() <= set(task.districts):
        return [Batch(found[0], (*LOWER, *UPPER))]
    return [Batch(districts) for districts in found]


def _filled(districts: tuple[str, ...], rows: Counter[str], most: int) -> Iterator[tuple[str, ...]]:
    """Districts by turns, until the next would be too much; one that is too much by itself goes alone."""
    here: list[str] = []
    for district in districts:
        if here and sum(rows[one] for one in here) + rows[district] > most:
            yield tuple(here)
            here = []
        here.append(district)
    if here:
        yield tuple(here)
