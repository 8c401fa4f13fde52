"""Work side by side: results in order, and no new work after a failure."""

from __future__ import annotations

import time
from threading import Event

import pytest

from sipetl.errors import StoreError
from sipetl.pipeline.crew import side_by_side
from sipetl.settings import load_settings

TWO = load_settings(threads=2)


def test_results_are_in_the_order_of_the_items() -> None:
    def work(item: int, _: Event) -> int:
        time.sleep(0.01 * (5 - item))
        return item * 10

    assert side_by_side([1, 2, 3, 4], work, TWO) == [10, 20, 30, 40]


def test_nothing_is_begun_after_a_failure() -> None:
    begun: list[int] = []

    def work(item: int, stopped: Event) -> int:
        begun.append(item)
        if item == 2:
            raise StoreError("the disk is full")
        stopped.wait(5)
        return item

    with pytest.raises(StoreError):
        side_by_side([1, 2, 3, 4], work, TWO)

    assert begun == [1, 2]
