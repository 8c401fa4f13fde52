"""The test's side of `nursery.py`: processes that are born at once, because all is imported already."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.faults.round import KILLED_AT
from tests.home import Site


@dataclass(frozen=True)
class Nursery:
    """Forks processes that work in a home, and tells how each ended."""

    process: subprocess.Popen[str]

    def bear(self, site: Site, *killed_at: str) -> int:
        """Start a process; it may be told the point and the moment at which it is killed."""
        environment = site.environment | ({KILLED_AT: " ".join(killed_at)} if killed_at else {})
        return self._ask("\t".join(["go", *(f"{name}={value}" for name, value in environment.items())]))

    def bury(self, number: int) -> int:
        return self._ask(str(number))

    def _ask(self, line: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())
