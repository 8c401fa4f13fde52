"""The verdict on an expected arrival at a moment: is it here, was it in time, is it whole.

Pure. `not_due -> due_soon -> on_time`, or `late -> missing -> recovered`; `waived` beside them (choice 19).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sipetl.arrivals.model import DUE_SOON_SCHOOL_DAYS, Answer, Arrival, Part, Verdict, Word
from sipetl.arrivals.whole import Expectations, measure
from sipetl.registry.calendar import count_school_days


def judge(arrival: Arrival, answer: Answer, now: datetime, expected: Expectations) -> Verdict:
    """Judge one arrival.

    `late` and `missing` begin at the very second of their deadlines, and what came at that second is `recovered`.

    Args:
        arrival: what was expected.
        answer: what came for it up to `now`.
        now: the moment; its time zone is the home's, in which days are counted.
        expected: what it should hold.
    """
    word, since = _word(arrival, answer, now, expected)
    measured = measure(arrival, answer.current, expected)
    refused = answer.refused if answer.first is None else None
    return Verdict(
        arrival_id=arrival.arrival_id,
        word=word,
        since=since,
        wholeness=measured.wholeness,
        lacks=measured.lacks if refused is None else _refused(refused),
        schools_share=measured.schools_share,
        days_share=measured.days_share,
        students_share=measured.students_share,
        by_school=measured.by_school,
        absent=measured.absent,
        short=measured.short,
    )


def _word(arrival: Arrival, answer: Answer, now: datetime, expected: Expectations) -> tuple[Word, datetime]:
    if arrival.waived_reason is not None:
        return Word.WAIVED, now
    if answer.first is not None:
        came = answer.first.received_at
        return (Word.ON_TIME if came < arrival.grace_until else Word.RECOVERED), came
    if now >= arrival.hard_stop_at:
        return Word.MISSING, arrival.hard_stop_at
    if now >= arrival.grace_until:
        return Word.LATE, arrival.grace_until
    return (Word.DUE_SOON if _is_soon(arrival, now, expected) else Word.NOT_DUE), now


def _is_soon(arrival: Arrival, now: datetime, expected: Expectations) -> bool:
    if now >= arrival.due_at:
        return True
    due_on = arrival.due_at.astimezone(now.tzinfo).date()
    tomorrow = now.date() + timedelta(days=1)
    return count_school_days(expected.days, tomorrow, due_on) <= DUE_SOON_SCHOOL_DAYS


def _refused(part: Part) -> str:
    what = {"held": "waits for a person", "unrecognized": "was not recognized"}.get(part.status, "was rejected")
    return f"a file came on {part.received_on.isoformat()} and {what}"
