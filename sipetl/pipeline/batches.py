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
    has_rows: bool = True
    """The feed itself has some; what else its facts read makes no value."""


def batches(con: duckdb.DuckDBPyConnection, lake: Lake, task: Task, engine: Engine) -> list[Batch]:
    """The districts of a task, in their order; at least one batch, and each with a district if the task has any."""
    if task.is_whole:
        return [Batch(task.districts)]
    inputs = [FeedName(name) for name in load_facts(task.feed).inputs]
    counted = {feed: rows_by_district(lake, feed, task.school_year) for feed in inputs}
    rows: Counter[str] = Counter()
    for each in counted.values():
        rows.update(each)
    limit = "select parse_formatted_bytes(current_setting('memory_limit'))"
    ((memory,),) = con.execute(limit).fetchall()
    found = list(_filled(task.districts, rows, memory // engine.row_bytes)) or [()]
    levels = (*LOWER, *UPPER) if len(found) == 1 and rows.keys() <= set(task.districts) else LOWER
    own = counted[task.feed].keys()
    return [Batch(districts, levels, has_rows=not own.isdisjoint(districts)) for districts in found]


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
