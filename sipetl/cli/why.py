"""Why a benchmark could not be judged: what is missing, whose it is, or what it still waits for. Pure.

The status names the missing arrival where one is known. Where it does not, the cycle's readiness knows what blocks the
benchmark, the source's own calendar when a result can be here, and the policy how few are too few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sipetl.disclosure import Policy
from sipetl.metrics import load_catalogue
from sipetl.plans.sources import result_from
from sipetl.readiness import Readiness

UNJUDGED = frozenset({"no_data", "incomplete", "awaiting_source", "insufficient_n"})


def is_unjudged(row: Mapping[str, Any]) -> bool:
    """Whether a status says that nothing could be said."""
    return row["status"] in UNJUDGED


class Reasons:
    """What is known of one cycle."""

    def __init__(self, readiness: Readiness, policy: Policy, zone: ZoneInfo) -> None:
        self._policy, self._zone, self._cycle = policy, zone, readiness.cycle
        self._blocked: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for row in (row for row in readiness.rows if row.missing):
            for goal in row.blocks:
                self._blocked[goal.plan, goal.code].append(f"{row.feed}: {row.missing} ({row.owner})")

    def of(self, row: Mapping[str, Any]) -> str:
        """The reason in words; empty where the benchmark was judged.

        Args:
            row: plan, code, metric, status, n, the counts of occurrences, and the missing arrival.
        """
        if not is_unjudged(row):
            return ""
        if row["feed"]:
            return self._arrival(row)
        if row["status"] == "awaiting_source":
            return self._source(row["metric"])
        if row["status"] == "insufficient_n":
            return self._too_few(row)
        blocked = self._blocked.get((row["plan"], row["code"]))
        return "; ".join(dict.fromkeys(blocked)) if blocked else _not_blocked(row)

    def _arrival(self, row: Mapping[str, Any]) -> str:
        due = row["due_at"].astimezone(self._zone).date()
        verdict = (row["verdict"] or "not here").replace("_", " ")
        found = f"came without all: {row['lacks']}" if row["lacks"] else f"is {verdict}"
        return f"{row['feed']} {row['window_code']} of {row['district']} {found} (due {due}, {row['owner']})"

    def _source(self, metric: str) -> str:
        day = next_result(metric, self._cycle.data_as_of)
        return f"its source publishes from {day} on" if day else "its data is under embargo"

    def _too_few(self, row: Mapping[str, Any]) -> str:
        metric = load_catalogue().get(row["metric"])
        least = self._policy.limits(metric.minimum_n if metric else "default").minimum_n
        return f"only {row['n'] or 0} counted, at least {least} are needed"


def next_result(metric: str, after: date) -> date | None:
    """The first day after another on which a source gives results; None = it may at any time."""
    days = (result_from(metric, after.year + step) for step in (0, 1))
    return next((day for day in days if day is not None and day > after), None)


def _not_blocked(row: Mapping[str, Any]) -> str:
    if row["status"] == "incomplete":
        return "the value rests on too few of those it should"
    if row["occurrences_total"]:
        so_far = f"{row['occurrences_judged']} of {row['occurrences_total']} {row['occurrence']}s"
        return f"{so_far} could be judged, {row['occurrences_needed']} must meet it"
    return "there is no value of its last measurement"
