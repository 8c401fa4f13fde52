"""One round (ingest, compute, watch, judge) in a process of its own, which may be told where to be killed.

    python tests/faults/round.py [POINT before|after]

The home comes from the environment, as for every command. Nothing in sipetl knows of this: the named function is
replaced, in this process alone, by one that ends it with SIGKILL.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sipetl.pipeline import open_home
from sipetl.pipeline.review import run_round
from sipetl.settings import load_settings

POINTS = {
    "land": ("sipetl.pipeline.ingest", "land"),
    "keep_bytes": ("sipetl.intake.land", "_keep"),
    "record_delivery": ("sipetl.pipeline.ingest", "_recorded"),
    "identify": ("sipetl.pipeline.take", "identify"),
    "write_findings": ("sipetl.pipeline.bring", "_write_findings"),
    "intent": ("sipetl.warehouse.ledger", "add_parts"),
    "write_files": ("sipetl.lake.commit", "_move"),
    "delta_commit": ("sipetl.lake.commit", "_transact"),
    "commit": ("sipetl.pipeline.bring", "commit"),
    "accept": ("sipetl.warehouse.ledger", "accept"),
    "accept_part": ("sipetl.pipeline.bring", "accept_part"),
    "letter": ("sipetl.pipeline.take", "write_letter"),
    "conclude": ("sipetl.pipeline.take", "_conclude"),
    "identity": ("sipetl.pipeline.compute", "refresh_identity"),
    "compute_task": ("sipetl.pipeline.compute", "recompute"),
    "upper_values": ("sipetl.pipeline.recompute", "_upper"),
    "close_work": ("sipetl.pipeline.compute", "_close_work"),
    "watch": ("sipetl.pipeline.review", "refresh"),
    "judge": ("sipetl.pipeline.review", "evaluate"),
}
"""Where a process may die: the module that calls the function, and the name it calls."""
KILLED_AT = "KILLED_AT"
"""Names the point and the moment to a process of the nursery."""


def die_at(point: str, moment: str) -> None:
    """Let the next call of the function be the last thing this process does."""
    module_name, name = POINTS[point]
    importlib.import_module(module_name)
    module = sys.modules[module_name]
    real: Callable[..., Any] = getattr(module, name)

    def fatal(*given: Any, **named: Any) -> None:
        if moment == "after":
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, fatal)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        die_at(sys.argv[1], sys.argv[2])
    with open_home(load_settings(threads=1, memory="512MB")) as home:
        run_round(home)
