"""A recurring goal at one cycle: its occurrences so far, counted against the plan's rule. Pure; counts in `occurrences`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sipetl.plans.model import TargetPath
from sipetl.plans.occurrences import Occurrence, Occurrences, counted_slots, judge_count, judge_occurrences, rule_for
from sipetl.plans.questions import Answer, Asked, answered, question_of
from sipetl.plans.slots import Rhythm, Slot, is_counted_in_entries
from sipetl.plans.status import DECIDED, Question, Status


def recurring(asked: Asked) -> Answer:
    """Say how a recurring goal stands at a cycle: by its pieces of evidence where they are counted, else by its slots."""
    if is_counted_in_entries(asked.benchmark, asked.goal.metric):
        return _by_entries(asked)
    return _by_slots(asked)


def _by_slots(asked: Asked) -> Answer:
    """Judge each slot up to the cycle's day by itself."""
    closing = asked.final if asked.rhythm is Rhythm.CYCLE else None
    counted, today = counted_slots(asked.benchmark, asked.slots, closing), asked.cycle.data_as_of
    rule = rule_for(asked.benchmark, counted)
    assert rule is not None  # noqa: S101 (the caller has looked)
    over = [slot for slot in counted if slot.ends <= today]
    each = [answered(asked, slot, _occurrence(asked, slot)) for slot in over]
    whole = judge_occurrences([one.status for one in each], rule, is_over=today >= asked.benchmark.due)
    latest = each[-1] if each else Answer(whole.status)
    return _counted(latest, whole, Occurrence(asked.rhythm.value))


def _occurrence(asked: Asked, slot: Slot) -> Question:
    """Each rise is held against the measurement before it, the last one too: not against the target."""
    question = question_of(asked, slot, slot.ends)
    if asked.benchmark.path is TargetPath.RISES and question.observed is not None:
        course = replace(question.course, due=date.max)
        observed = replace(question.observed, is_final=False)
        return replace(question, course=course, observed=observed)
    return question


def _by_entries(asked: Asked) -> Answer:
    """Each piece of evidence from the year's start is an occurrence, and met where it shows what is asked for.

    The units are meetings, not people: no minimum of them applies.
    """
    rule, today = asked.benchmark.recurrence, asked.cycle.data_as_of
    assert rule is not None  # noqa: S101 (the caller has looked)
    over = [slot for slot in asked.slots if slot.ends <= today]
    if asked.final in over:
        over = over[: over.index(asked.final) + 1]
    slot = over[-1] if over else None
    question = replace(question_of(asked, slot, today), minimum_n=0)
    found, value = answered(asked, slot, question), asked.value(slot)
    met, judged = (value.numerator, value.n) if value is not None and found.status in DECIDED else (0, 0)
    whole = judge_count(met, judged, rule, is_over=today >= asked.benchmark.due)
    missing = question.missing_arrival
    if judged and whole.status is Status.NO_DATA and missing is None:  # all that took place is here
        whole = replace(whole, status=Status.NOT_MET)
    told = replace(found, expected=None, arrival_id=int(missing) if missing is not None else None)
    return _counted(told, whole, Occurrence.ENTRY)


def _counted(latest: Answer, whole: Occurrences, occurrence: Occurrence) -> Answer:
    """The status of the whole with the latest value; where nothing could be judged yet, why."""
    unknown = whole.judged == 0 and latest.status not in DECIDED
    status = latest.status if unknown else whole.status
    arrival_id = latest.arrival_id if status is Status.NO_DATA else None
    return replace(
        latest, status=status, certainty=None, arrival_id=arrival_id, occurrences=whole, occurrence=occurrence
    )
