"""Where processes are born that have imported everything already, so that a test can kill fifty and live to tell.

    python tests/faults/nursery.py

A line `go` on standard input forks a process that ingests, computes, judges and releases once, and answers with its
number; a line with a number waits for that process, and answers with its exit status (negative: killed by a signal).
The home comes from the environment, as for every command, and is given with `go`; `KILLED_AT` in it is where to die.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import alembic.command  # noqa: F401 - imported late by the warehouse
import deltalake  # noqa: F401 - starts no thread before it is used
import python_calamine  # noqa: F401

import sipetl.cli
import sipetl.metrics.register
import sipetl.plans.apply  # noqa: F401
from sipetl.errors import ConfigError
from sipetl.pipeline import open_home
from sipetl.pipeline.review import due_cycles, release_cycle, run_round
from sipetl.settings import load_settings
from tests.faults.round import KILLED_AT, die_at


def work() -> None:
    """All that a day's commands do."""
    if KILLED_AT in os.environ:
        die_at(*os.environ[KILLED_AT].split())
    with open_home(load_settings(threads=1, memory="512MB")) as home:
        run_round(home)
        for cycle in due_cycles(home):
            with suppress(ConfigError):  # another process was first
                release_cycle(home, cycle)


def bear(environment: list[str]) -> int:
    """Fork a process that works in the home of this environment, and ends."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for setting in environment:
            name, _, value = setting.partition("=")
            os.environ[name] = value
        work()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        word, *rest = line.rstrip("\n").split("\t")
        answer = bear(rest) if word == "go" else os.waitstatus_to_exitcode(os.waitpid(int(word), 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
