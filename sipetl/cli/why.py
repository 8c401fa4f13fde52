"""Why a benchmark could not be judged: what is missing, whose it is, or what it still waits for. Pure.

The status names the missing arrival where one is known; of a missing school day the cycle's readiness knows how many
others are. Where it names none, the ledger knows what is waived, readiness what blocks the benchmark, the source's own
calendar when a result can be here, and the policy how few are too few.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sipetl.arrivals import ONE_WINDOW
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

    def __init__(
        self, readiness: Readiness, policy: Policy, zone: ZoneInfo, ledger: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Take what is known.

        Args:
            readiness: of the cycle.
            policy: the home's.
            zone: in which days are meant.
            ledger: of districts and feeds of which something is waived, all arrivals of the cycle by due time: district
                (None = the state's, for all), feed, window_code, is_daily, is_waived, waived_reason, waived_by.
        """
        self._policy, self._zone, self._cycle = policy, zone, readiness.cycle
        self._missing: dict[tuple[str, str], str] = {}
        self._blocked: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for row in (row for row in readiness.rows if row.missing):
            told = self._missing[row.school, row.feed] = f"{row.feed}: {row.missing} ({row.owner})"
            for goal in row.blocks:
                self._blocked[goal.plan, goal.code].append(told)
        self._ledger: defaultdict[tuple[str | None, str], list[Mapping[str, Any]]] = defaultdict(list)
        for each in ledger:
            self._ledger[each["district"], each["feed"]].append(each)

    def of(self, row: Mapping[str, Any]) -> str:
        """The reason in words; empty where the benchmark was judged.

        Args:
            row: plan, code, metric, status, n, the counts of occurrences, the missing arrival with `is_daily`, and what
                the benchmark rests on: school, of_district, of_feed, of_window.
        """
        if not is_unjudged(row):
            return ""
        if row["feed"]:
            return self._arrival(row)
        if row["status"] == "awaiting_source":
            return self._source(row["metric"])
        if row["status"] == "insufficient_n":
            return self._too_few(row)
        waived = list(self._waived(row)) if row["status"] == "no_data" else []
        blocked = self._blocked.get((row["plan"], row["code"]), ())
        is_open = not (waived or blocked) or (row["occurrences_total"] and not blocked)
        return "; ".join(dict.fromkeys([*waived, *blocked, *([_not_blocked(row)] if is_open else [])]))

    def _waived(self, row: Mapping[str, Any]) -> Iterator[str]:
        """What nobody waits for any more, of what the benchmark would be measured with."""
        feed = row["of_feed"]
        ledger = self._ledger.get((row["of_district"], feed)) or self._ledger.get((None, feed)) or []
        days = [each for each in ledger if each["is_daily"]]
        by_reason = Counter((each["waived_reason"], each["waived_by"]) for each in days if each["is_waived"])
        for (reason, who), count in by_reason.items():
            yield f"{count} of {len(days)} school days of {feed} are waived: {reason} (by {who})"
        for each in _measured(ledger, row["of_window"], feed):
            if each["is_waived"]:
                yield f"{feed} {each['window_code']} is waived: {each['waived_reason']} (by {each['waived_by']})"

    def _arrival(self, row: Mapping[str, Any]) -> str:
        days = self._missing.get((row["school"], row["feed"])) if row["is_daily"] else None
        if days:
            return days
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


def _measured(ledger: Iterable[Mapping[str, Any]], window: str | None, feed: str) -> Sequence[Mapping[str, Any]]:
    """The windows that a benchmark is measured with: its own, else the newest, or all where they add up."""
    windows = [each for each in ledger if not each["is_daily"]]
    if window:
        return [each for each in windows if each["window_code"] == window]
    return windows[-1:] if feed in ONE_WINDOW else windows


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
