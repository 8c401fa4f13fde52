"""What every contestant prints: how long its work took, and what came out of it, looked at after the clock stopped."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any


def report(work: Callable[[], Any], look: Callable[[Any], Mapping[str, Any]]) -> None:
    """Time the work; imports and the start of Python are behind it."""
    begun = time.perf_counter()
    done = work()
    seconds, peak = time.perf_counter() - begun, _peak_mb()
    told = {"seconds": seconds, "peak_mb": peak, "result": look(done)}
    sys.stdout.write("\nREPORT " + json.dumps(told, default=str) + "\n")


def hash_of(rows: Iterable[tuple[str, int]]) -> str:
    """One short text for many rows, whatever their order, so that contestants can be compared."""
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]


def _peak_mb() -> float:
    """The most memory this process (since it became this program) or one that it started has held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (own,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
