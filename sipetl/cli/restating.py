"""Restatements in lines that a person can read: statuses one by one, values counted by metric and cause. Pure.

A corrected file changes each number above it: school, district, region and state, by group and month. Thousands of them say
the same thing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sipetl.cli import show
from sipetl.publish import Restatement
from sipetl.reports import Display, number

MOST_CAUSES = 3
"""As many files are named in a line of the summary; more are counted."""
ROW = ("cycle", "edition", "organization", "metric", "student_group", "period", "released", "current")
STATUS_ROW = ("cycle", "edition", "plan", "benchmark", "metric", "student_group", "released", "current")
BOTH = ("released_status", "current_status", "why")
SUMMARY = ("cycle", "edition", "metric", "cause", "numbers", "organizations", "new", "gone", "largest_change", "why")
Displays = Mapping[str, Display]


def shown(row: Restatement, displays: Displays) -> dict[str, Any]:
    """A row for people: both numbers in the metric's decimals."""
    display = displays.get(row.metric, Display())
    numbers = {
        name: "" if value is None else number(value, display)
        for name, value in (("released", row.released), ("current", row.current))
    }
    fields = {name: getattr(row, name) for name in Restatement.__dataclass_fields__ if name != "causes"}
    return {**fields, **numbers, "why": "; ".join(cause.told() for cause in row.causes)}


def summary(rows: Iterable[Restatement], displays: Displays) -> Iterator[dict[str, Any]]:
    """Values counted by cycle, edition, metric and cause: how many, of how many organizations, and the largest change."""
    by: defaultdict[tuple[str, int, str, str], list[Restatement]] = defaultdict(list)
    for row in rows:
        by[row.cycle, row.edition or 0, row.metric, row.cause].append(row)
    for (cycle, edition, metric, cause), same in sorted(by.items()):
        yield {
            "cycle": cycle,
            "edition": edition or None,
            "metric": metric,
            "cause": cause,
            "numbers": len(same),
            "organizations": len({row.organization for row in same}),
            "new": sum(row.released is None and row.current is not None for row in same),
            "gone": sum(row.released is not None and row.current is None for row in same),
            "largest_change": _largest(same, displays.get(metric, Display())),
            "why": show.few(sorted({cause.told() for row in same for cause in row.causes}), MOST_CAUSES),
        }


def _largest(rows: Sequence[Restatement], display: Display) -> str:
    changes = (
        abs(row.current - row.released) for row in rows if row.current is not None and row.released is not None
    )
    largest = max(changes, default=None)
    if largest is None:
        return ""
    is_share = display.unit == "percent"  # what lies between two shares are points
    return number(largest, display, unit=not is_share) + (" points" if is_share else "")
