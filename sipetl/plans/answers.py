"""How one goal stands at one cycle: the question put, answered, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sipetl.plans.model import TargetPath
from sipetl.plans.outlook import Estimate, Pace, combined, line_to, on_curve, pace_of
from sipetl.plans.questions import Answer, Asked, answered, last_year, question_of
from sipetl.plans.readings import Value
from sipetl.plans.recurring import recurring
from sipetl.plans.slots import Rhythm, Slot, year_before
from sipetl.plans.sources import result_from
from sipetl.plans.status import Status
from sipetl.registry.calendar import count_school_days

HUNDRED = Decimal(100)
UNDER_WAY = frozenset({Status.ON_TRACK, Status.OFF_TRACK})
UNUSABLE = frozenset({"embargoed", "incomplete", "missing"})
"""Data statuses whose values no line is drawn through."""


def answer(asked: Asked) -> Answer:
    """Say how a goal stands at a cycle, what is still needed, and where it is heading."""
    if asked.rhythm is Rhythm.ANNUAL:
        return _annual(asked)
    if asked.benchmark.recurrence is not None:
        return recurring(asked)
    over = [slot for slot in asked.slots if slot.ends <= asked.cycle.data_as_of]
    if asked.final in over:
        over = over[: over.index(asked.final) + 1]
    here = [slot for slot in over if asked.pending(slot) is None]
    late = [slot for slot in over if slot not in here]
    slot = here[-1] if here else None
    question = question_of(asked, slot, asked.cycle.data_as_of)
    if slot is None:
        return Answer(_before_first(asked, late))
    if late:  # the newest window may still come: until then the one before it speaks
        question = replace(question, final_due=max(filter(None, map(asked.pending, late))))
    found = answered(asked, slot, question)
    if found.status not in UNDER_WAY or asked.final is None:
        return found
    return replace(found, pace=_pace(asked, slot, found), projection=_projection(asked, slot))


def _before_first(asked: Asked, late: Sequence[Slot]) -> Status:
    """Nothing can be here yet, unless no slot exists at all."""
    expected_later = late or any(slot.ends > asked.cycle.data_as_of for slot in asked.slots)
    return Status.NOT_STARTED if expected_later else Status.NO_DATA


def _annual(asked: Asked) -> Answer:
    """One result, from the source's own window or from the year as a whole."""
    slot = next((slot for slot in asked.slots if asked.value(slot) is not None), None)
    question = question_of(asked, slot or next(iter(asked.slots), None), asked.cycle.data_as_of)
    source_from = result_from(asked.benchmark.metric, asked.year)
    waits = source_from is None and question.observed is None
    question = replace(question, source_from=source_from, starts_on=asked.benchmark.due if waits else None)
    return answered(asked, slot, question)


def _pace(asked: Asked, slot: Slot, found: Answer) -> Pace | None:
    """Over the measurements after this one up to the one that closes the goal."""
    goal, final = asked.benchmark, asked.final
    if final is None or found.value is None:
        return None
    left = asked.slots.index(final) - asked.slots.index(slot)
    return pace_of(found.value, goal.target_level, direction=goal.direction, path=goal.path, left=left)


def _projection(asked: Asked, slot: Slot) -> Estimate | None:
    """Where the value will be at the due date if it goes on as so far.

    A window moves as it did last year; a count grows along last year's curve; everything else goes on in the straight
    line of this year's measurements, never surer than its last value. None where last year, or four measurements, are not
    there.
    """
    now = _estimate(asked.value(slot))
    if now is None:
        return None
    path = asked.benchmark.path
    if path is TargetPath.SAME_WINDOW:
        found = _as_last_years_window(asked, slot, now)
    elif path is TargetPath.CUMULATIVE:
        found = _along_last_years_curve(asked, slot, now)
    else:
        line = line_to(_measured(asked, slot), _school_day(asked, _closes(asked)))
        found = line.no_surer_than(now) if line else None
    return found.within(*_limits(asked)) if found else None


def _as_last_years_window(asked: Asked, slot: Slot, now: Estimate) -> Estimate | None:
    """This window's value, moved by what last year lay between it and the closing window."""
    facts = asked.facts
    ends = (
        facts.values.of(asked.goal, year_before(each, facts.periods)) if each else None
        for each in (asked.final, slot)
    )
    closed, then = map(_estimate, ends)
    return combined(plus=(now, closed), minus=(then,)) if closed and then else None


def _along_last_years_curve(asked: Asked, slot: Slot, now: Estimate) -> Estimate | None:
    """This count, times how much last year's grew from this school day to the due date."""
    today = _school_day(asked, min(slot.ends, asked.cycle.data_as_of))
    curve = last_year(asked, today)
    so_far, at_due = on_curve(curve, today), on_curve(curve, _school_day(asked, _closes(asked)))
    return now.times(at_due / so_far) if so_far and at_due else None


def _measured(asked: Asked, slot: Slot) -> list[tuple[int, Decimal]]:
    """This year's values up to a slot by school day; of what counts from the year's start also those of the months."""
    upto = asked.slots[: asked.slots.index(slot) + 1]
    metric = asked.goal.metric
    if (
        asked.rhythm is Rhythm.CYCLE
        and metric is not None
        and metric.basis == "to_date"
        and "month" in metric.periods
    ):
        months = asked.facts.slots(asked.goal, Rhythm.MONTH, asked.year)
        upto = (*(month for month in months if month.ends < slot.ends), *upto)
    found = {_school_day(asked, each.ends): asked.value(each) for each in upto}
    return [
        (day, value.value)
        for day, value in sorted(found.items())
        if value is not None and value.value is not None and value.data_status not in UNUSABLE
    ]


def _estimate(value: Value | None) -> Estimate | None:
    return Estimate(value.value, value.low, value.high) if value is not None and value.value is not None else None


def _closes(asked: Asked) -> date:
    """The due date; where what closes the goal is over before (a month, a window), that day."""
    due = asked.benchmark.due
    return min(due, asked.final.ends) if asked.final else due


def _school_day(asked: Asked, day: date) -> int:
    return count_school_days(asked.place.days, asked.first_day, day)


def _limits(asked: Asked) -> tuple[Decimal | None, Decimal | None]:
    """What the metric can be at all."""
    unit = asked.goal.metric.display_unit if asked.goal.metric else None
    return {"percent": (Decimal(0), HUNDRED), "days": (Decimal(0), None), "count": (Decimal(0), None)}.get(
        unit or "", (None, None)
    )
