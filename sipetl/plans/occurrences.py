"""How a recurring benchmark stands: how many of its occurrences were met, against the plan's rule (metrics.md, "Status").

Pure. An occurrence is the finest thing whose outcome is known. A piece of counted evidence (a meeting's agenda) is one by
itself, so "8 of 10 meetings" is judged meeting by meeting. Of rates only months, windows and cycles are kept, no weeks:
a weekly goal on a rate is judged by the months that its weeks lie in, the plan's rule read as a share of them, and
`Occurrence` says so beside the count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sipetl.plans.model import Benchmark, Cadence, RecurrenceRule
from sipetl.plans.slots import FINER_THAN_A_MONTH, Slot
from sipetl.plans.status import Status


class Occurrence(StrEnum):
    """What is counted as one occurrence."""

    ENTRY = "entry"
    MONTH = "month"
    WINDOW = "window"
    CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class Occurrences:
    """How a recurring benchmark stands: `met` of the `judged` so far; met when `needed` of all `total` are."""

    status: Status
    met: int
    judged: int
    needed: int
    total: int


def judge_occurrences(each: Sequence[Status], rule: RecurrenceRule, *, is_over: bool) -> Occurrences:
    """Say how a recurring benchmark stands from the statuses of its occurrences so far.

    An occurrence without data stays unknown: it counts neither way, and once the time `is_over` and it could
    still decide, the whole is `no_data`.
    """
    met = sum(status in {Status.MET, Status.ON_TRACK} for status in each)
    missed = sum(status in {Status.NOT_MET, Status.OFF_TRACK} for status in each)
    return judge_count(met, met + missed, rule, is_over=is_over)


def judge_count(met: int, judged: int, rule: RecurrenceRule, *, is_over: bool) -> Occurrences:
    """Say how it stands from counts. Where more took place than the rule names, it is read as a share of them."""
    needed = max(rule.met_of, _share_of(rule, judged))
    total = max(rule.occurrences, judged)
    return Occurrences(_status(met, judged, (needed, total), is_over), met, judged, needed, total)


def _share_of(rule: RecurrenceRule, count: int) -> int:
    """The least whole number of `count` that is no smaller a share than the rule's."""
    return -(-rule.met_of * count // rule.occurrences)


def _status(met: int, judged: int, rule: tuple[int, int], is_over: bool) -> Status:
    needed, total = rule
    if met >= needed:
        return Status.MET
    if met + total - judged < needed:
        return Status.NOT_MET
    if is_over:
        return Status.NO_DATA
    if judged == 0:
        return Status.NOT_STARTED
    return Status.ON_TRACK if met * total >= needed * judged else Status.OFF_TRACK


def counted_slots(goal: Benchmark, slots: Sequence[Slot], closing: Slot | None = None) -> tuple[Slot, ...]:
    """The slots that stand for the occurrences: the rule's number of them, the last that are over by the due date.

    `closing`: the cycle that closes the goal, where it ends after the due date. Of a goal that recurs more often than there are slots, those that its occurrences lie in.
    """
    rule = goal.recurrence
    by_due = [slot for slot in slots if slot.ends <= goal.due or slot == closing]
    if rule is None:
        return ()
    if goal.cadence not in FINER_THAN_A_MONTH:
        return tuple(by_due[-rule.occurrences :])
    begins = _begins(goal.cadence, rule.occurrences, goal.due)
    lies_in = [slot for slot in by_due if begins is None or slot.ends >= begins] or by_due[-1:]
    return tuple(lies_in[-rule.occurrences :])


def _begins(cadence: Cadence, occurrences: int, due: date) -> date | None:
    """The day from which the occurrences before the due date run; None = any day of the year (meetings)."""
    steps = {Cadence.DAILY: timedelta(days=1), Cadence.WEEKLY: timedelta(weeks=1)}
    return due - occurrences * steps[cadence] if cadence in steps else None


def rule_for(goal: Benchmark, counted: Sequence[Slot]) -> RecurrenceRule | None:
    """The plan's rule; as a share of the counted slots where each stands for several occurrences."""
    rule = goal.recurrence
    if rule is None or goal.cadence not in FINER_THAN_A_MONTH or not counted:
        return rule
    return RecurrenceRule(met_of=max(1, _share_of(rule, len(counted))), occurrences=len(counted))
