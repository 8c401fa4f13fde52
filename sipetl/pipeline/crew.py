"""Work on several things side by side, in threads: DuckDB, Delta and the warehouse do theirs outside of Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from sipetl.settings import Settings

MOST_AT_ONCE = 4
"""Each thread holds up to three connections to the warehouse, and the pool has fifteen."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(items: Sequence[Item], work: Callable[[Item, Event], Result], settings: Settings) -> list[Result]:
    """Do the work for each item; results are in the items' order.

    When one fails, or a person interrupts, the event is set: nothing is begun any more, the rest may end early, and the
    first failure in the items' order is raised.
    """
    stopped = Event()

    def one(item: Item) -> Result | None:
        if stopped.is_set():
            return None
        try:
            return work(item, stopped)
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(min(settings.threads, MOST_AT_ONCE)) as pool:
        futures = [pool.submit(one, item) for item in items]
        try:
            wait(futures)
        except BaseException:
            stopped.set()
            raise
    return [result for future in futures if (result := future.result()) is not None]
