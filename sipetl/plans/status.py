"""The status of a benchmark, MAG or timeline step on a day (metrics.md, "Status"): the first that applies.

Pure: the caller looks up calendars, values and policy, and hands everything over in one question. Comparisons
are of exact decimals; a value at the line is at it, not short of it. Certainty is a second column and hides
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sipetl.plans.model import Direction, TargetPath, TimelineStep
from sipetl.plans.path import Course, Moment, expected_at


class Status(StrEnum):
    """How a benchmark stands, in the order in which the first that applies is taken."""

    NOT_STARTED = "not_started"
    AWAITING_SOURCE = "awaiting_source"
    NO_DATA = "no_data"
    INSUFFICIENT_N = "insufficient_n"
    INCOMPLETE = "incomplete"
    MET = "met"
    NOT_MET = "not_met"
    ON_TRACK = "on_track"
    OFF_TRACK = "off_track"


class Certainty(StrEnum):
    """Whether the line the value is held against lies outside its interval (clear) or inside (close)."""

    CLEAR = "clear"
    CLOSE = "close"


class StepStatus(StrEnum):
    """How a timeline step stands: done, still due, or overdue."""

    DONE = "done"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Observation:
    """The newest metric value.

    `measured_on` is the last day it covers; `is_final` says so where days do not tell (MCAS); `is_provisional`: days of
    it are still to come; `is_incomplete`: students or days are missing beyond what the feed's floor allows.
    """

    value: Decimal | None
    n: int
    measured_on: date
    low: Decimal | None = None
    high: Decimal | None = None
    is_final: bool = False
    is_provisional: bool = False
    is_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a status depends on.

    `starts_on` is the day from which a first measurement should be here (chronic absence: day 20);
    `source_from` the first day the source can have come by its own calendar; `embargo_until` the first day the
    value may be used; `final_due` the day on which the final measurement's arrival is due, where that is after
    the benchmark's own due date.
    """

    course: Course
    moment: Moment
    observed: Observation | None
    minimum_n: int
    starts_on: date | None = None
    source_from: date | None = None
    embargo_until: date | None = None
    final_due: date | None = None
    missing_arrival: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A status with what it was judged by.

    `gap` is how far short of the target the value is (negative: beyond it); `arrival` names the arrival whose
    absence is the reason for `no_data` or `incomplete`.
    """

    status: Status
    expected: Decimal | None = None
    certainty: Certainty | None = None
    value: Decimal | None = None
    gap: Decimal | None = None
    arrival: str | None = None


def judge(question: Question) -> Judgement:
    """Say how a benchmark or MAG stands."""
    status, observed = _status(question), question.observed
    if observed is None or observed.value is None or _is_untold(status, question):
        return Judgement(status, arrival=_arrival(status, question))
    course, line = question.course, _line(question, observed)
    return Judgement(
        status=status,
        expected=expected_at(course, question.moment),
        certainty=_certainty(observed, line) if status in DECIDED else None,
        value=observed.value,
        gap=_short_of(course.target, observed.value, course.direction),
        arrival=_arrival(status, question),
    )


def _is_untold(status: Status, question: Question) -> bool:
    """Whether the value is not the goal's to tell: under embargo, or fall's where only spring's counts."""
    is_of_another_window = status is Status.NOT_STARTED and question.course.path is TargetPath.SAME_WINDOW
    return status is Status.AWAITING_SOURCE or is_of_another_window


FINAL = frozenset({Status.MET, Status.NOT_MET})
DECIDED = FINAL | {Status.ON_TRACK, Status.OFF_TRACK}
"""The statuses that a value was compared for."""


def _status(question: Question) -> Status:
    early = _before_any_value(question)
    if early is not None:
        return early
    observed = question.observed
    if observed is None and _is_of_a_later_window(question):
        return Status.NOT_STARTED
    if observed is None or _final_is_missing(question, observed):
        return Status.NO_DATA
    if observed.value is None or observed.n < question.minimum_n:
        return Status.INSUFFICIENT_N
    if observed.is_incomplete:
        return Status.INCOMPLETE
    return _compared(question, observed, observed.value)


def _is_of_a_later_window(question: Question) -> bool:
    """Whether nothing is expected of this window: a goal of spring without a line from fall to it."""
    is_due = question.moment.on > question.course.due
    path = question.course.path
    return path is TargetPath.SAME_WINDOW and not is_due and expected_at(question.course, question.moment) is None


def _before_any_value(question: Question) -> Status | None:
    today = question.moment.on
    if question.starts_on is not None and today < question.starts_on:
        return Status.NOT_STARTED
    if question.embargo_until is not None and today < question.embargo_until:
        return Status.AWAITING_SOURCE
    cannot_be_here = question.source_from is not None and today < question.source_from
    final_is_here = question.observed is not None and _is_final(question, question.observed)
    return Status.AWAITING_SOURCE if cannot_be_here and not final_is_here else None


def _compared(question: Question, observed: Observation, value: Decimal) -> Status:
    course, line = question.course, _line(question, observed)
    if line is None:
        return Status.NOT_STARTED
    short = _short_of(line, value, course.direction)
    if _is_final(question, observed):
        return Status.MET if short <= 0 else Status.NOT_MET
    on_track = short <= 0
    if course.path is TargetPath.RISES:  # standing still is not rising, unless the target is reached
        on_track = short < 0 or _short_of(course.target, value, course.direction) <= 0
    return Status.ON_TRACK if on_track else Status.OFF_TRACK


def _is_final(question: Question, observed: Observation) -> bool:
    return not observed.is_provisional and (observed.is_final or observed.measured_on >= question.course.due)


def _final_is_missing(question: Question, observed: Observation) -> bool:
    due = max(question.course.due, question.final_due or question.course.due)
    is_here = _is_final(question, observed) or observed.measured_on >= question.course.due
    return question.moment.on > due and not is_here


def _line(question: Question, observed: Observation) -> Decimal | None:
    """What the value is held against: the target once the final measurement is in, else the path."""
    if _is_final(question, observed):
        return question.course.target
    return expected_at(question.course, question.moment)


def _short_of(line: Decimal, value: Decimal, direction: Direction) -> Decimal:
    return line - value if direction is Direction.UP else value - line


def _certainty(observed: Observation, line: Decimal | None) -> Certainty | None:
    if line is None or observed.low is None or observed.high is None:
        return None
    if observed.low == observed.high:
        return Certainty.CLEAR
    return Certainty.CLOSE if observed.low <= line <= observed.high else Certainty.CLEAR


def _arrival(status: Status, question: Question) -> str | None:
    return question.missing_arrival if status in (Status.NO_DATA, Status.INCOMPLETE) else None


def step_status(step: TimelineStep, on: date) -> StepStatus:
    """Say how a timeline step stands on a day; a step is overdue from the day after its due date."""
    if step.done_on is not None and step.done_on <= on:
        return StepStatus.DONE
    return StepStatus.OVERDUE if on > step.due else StepStatus.DUE
