"""The question that `status.judge` answers for one goal at one cycle, put together from what was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from sipetl.plans.model import Benchmark, TargetPath
from sipetl.plans.occurrences import Occurrence, Occurrences
from sipetl.plans.outlook import Estimate, Pace
from sipetl.plans.path import Moment, course_of
from sipetl.plans.readings import Arrivals, Goal, Value, Values
from sipetl.plans.slots import Place, Rhythm, Slot, final_slot, measured_year, rhythm_of, slots_of, year_before
from sipetl.plans.sources import source_of
from sipetl.plans.status import FINAL, Certainty, Observation, Question, Status, judge
from sipetl.registry.calendar import YEAR_STARTS, Period, add_school_days, count_school_days
from sipetl.registry.models import Cycle

MINIMUM_N = 10
"""Fewest units that a status is given for, where the policy says nothing: MCAS and surveys (massachusetts.md 7, S64)."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read for all goals and cycles."""

    goals: Sequence[Goal]
    values: Values
    periods: Mapping[tuple[int, str, str], Period]
    arrivals: Arrivals
    places: Mapping[tuple[str, str], Place]
    """By district and feed."""
    minimum_n: Mapping[str, int]
    _slots: dict[tuple[str, str, Rhythm, int], tuple[Slot, ...]] = field(default_factory=dict)

    def slots(self, goal: Goal, rhythm: Rhythm, year: int) -> tuple[Slot, ...]:
        """A goal's slots in a school year."""
        place = (goal.district, goal.benchmark.feed)
        key = (*place, rhythm, year)
        if key not in self._slots:
            periods = [period for period in self.periods.values() if period.school_year == year]
            self._slots[key] = slots_of(rhythm, periods, self.places[place])
        return self._slots[key]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, with the value it rests on, and what follows from that."""

    status: Status
    certainty: Certainty | None = None
    value: Decimal | None = None
    expected: Decimal | None = None
    reading: Value | None = None
    """The row of the value; None where no value is told."""
    arrival_id: int | None = None
    pace: Pace | None = None
    projection: Estimate | None = None
    occurrences: Occurrences | None = None
    occurrence: Occurrence | None = None
    """What is counted, of a recurring goal."""


@dataclass(frozen=True)
class Asked:
    """One goal at one cycle."""

    goal: Goal
    cycle: Cycle
    facts: Facts

    @property
    def benchmark(self) -> Benchmark:
        return self.goal.benchmark

    @cached_property
    def rhythm(self) -> Rhythm:
        return rhythm_of(self.benchmark, self.goal.metric)

    @cached_property
    def year(self) -> int:
        return measured_year(self.benchmark, self.rhythm, self.cycle.school_year)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        return self.facts.slots(self.goal, self.rhythm, self.year)

    @cached_property
    def final(self) -> Slot | None:
        """The slot that closes the goal."""
        return final_slot(self.benchmark, self.rhythm, self.slots)

    @cached_property
    def place(self) -> Place:
        return self.facts.places[self.goal.district, self.benchmark.feed]

    @cached_property
    def first_day(self) -> date:
        """The first school day of the cycle's year."""
        starts = date(self.cycle.school_year - 1, *YEAR_STARTS)
        return add_school_days(self.place.days, starts, 0) if self.place.days else starts

    def value(self, slot: Slot | None) -> Value | None:
        return self.facts.values.of(self.goal, slot.period if slot else None)

    def pending(self, slot: Slot) -> date | None:
        """The due day of a window that nothing came for, and that is not overdue yet."""
        if self.rhythm is not Rhythm.WINDOW or self.value(slot) is not None:
            return None
        key = (self.goal.district, self.benchmark.feed, self.year, slot.window)
        return self.facts.arrivals.pending.get(key)


def answered(asked: Asked, slot: Slot | None, question: Question) -> Answer:
    """Judge a question of a slot, and add the value it rests on."""
    found = judge(question)
    expected = question.course.target if found.status in FINAL else found.expected
    return Answer(
        status=found.status,
        certainty=found.certainty,
        value=found.value,
        expected=expected if found.value is not None else None,
        reading=asked.value(slot) if found.value is not None else None,
        arrival_id=int(found.arrival) if found.arrival else None,
    )


def question_of(asked: Asked, slot: Slot | None, on: date) -> Question:
    """Put together what a status depends on, as a goal stands on a day with a slot's value."""
    value, goal = asked.value(slot), asked.goal
    family = goal.metric.minimum_n if goal.metric else "default"
    ends = slot.ends if slot else on
    window = slot.window if slot else None
    missing = asked.facts.arrivals.missing(goal, asked.year, window=window, on=min(ends, on))
    return Question(
        course=course_of(asked.benchmark),
        moment=_moment(asked, slot, on),
        observed=_observed(asked, slot, value),
        minimum_n=asked.facts.minimum_n.get(family, MINIMUM_N),
        starts_on=_starts_on(asked),
        embargo_until=date.max if value is not None and value.data_status == "embargoed" else None,
        missing_arrival=str(missing) if missing is not None else None,
    )


def _observed(asked: Asked, slot: Slot | None, value: Value | None) -> Observation | None:
    if slot is None or value is None:
        return None
    is_over = value.as_of >= slot.ends
    return Observation(
        value=value.value,
        n=value.n,
        measured_on=min(value.as_of, slot.ends),
        low=value.low,
        high=value.high,
        is_final=is_over and (asked.rhythm is Rhythm.ANNUAL or slot == asked.final),
        is_provisional=is_over and value.data_status == "provisional",
        is_incomplete=value.data_status == "incomplete",
    )


def _starts_on(asked: Asked) -> date | None:
    """The school day from which a value is expected; windows and annual results are waited for by their own days."""
    if asked.rhythm in (Rhythm.WINDOW, Rhythm.ANNUAL) or not asked.place.days:
        return None
    return add_school_days(asked.place.days, asked.first_day, source_of(asked.benchmark.metric).first_school_day - 1)


def _moment(asked: Asked, slot: Slot | None, on: date) -> Moment:
    """What the path needs. Days are counted to the last day that was measured, not to the day of the question."""
    path, measured = asked.benchmark.path, min(slot.ends, on) if slot else on
    if slot is None or path not in _MOMENTS:
        return Moment(on)
    if path is TargetPath.RISES:
        return Moment(on, previous=_previous(asked, slot))
    if path is TargetPath.SAME_WINDOW:
        return Moment(on, window_baseline=_window_baseline(asked, slot))
    if path is TargetPath.CUMULATIVE:
        elapsed = count_school_days(asked.place.days, asked.first_day, measured)
        return Moment(on, elapsed, elapsed, last_year=last_year(asked, elapsed))
    after = _baseline_day(asked) + DAY
    elapsed = count_school_days(asked.place.days, after, measured)
    return Moment(on, elapsed, count_school_days(asked.place.days, after, asked.benchmark.due))


_MOMENTS = frozenset({TargetPath.RISES, TargetPath.SAME_WINDOW, TargetPath.CUMULATIVE, TargetPath.LINEAR})


def _previous(asked: Asked, slot: Slot) -> Decimal | None:
    """The value of the slot before, in the same school year."""
    at = asked.slots.index(slot)
    value = asked.value(asked.slots[at - 1]) if at else None
    return value.value if value else None


def _window_baseline(asked: Asked, slot: Slot) -> Decimal | None:
    """Last year's value of the window; for the target's own window the plan's baseline says it too."""
    before = asked.facts.values.of(asked.goal, year_before(slot, asked.facts.periods))
    if before is not None and before.value is not None:
        return before.value
    baseline = asked.benchmark.baseline
    return baseline.value if baseline and slot == asked.final else None


def _baseline_day(asked: Asked) -> date:
    """The last day of the baseline's period where it is one of this year, else the eve of the first school day."""
    baseline, year = asked.benchmark.baseline, asked.cycle.school_year
    code = "-".join(baseline.period.split()) if baseline else ""
    for kind in ("window", "month", "cycle"):
        period = asked.facts.periods.get((year, kind, code))
        if period is not None:
            return next(
                slot.ends for slot in asked.facts.slots(asked.goal, Rhythm(kind), year) if slot.period == period
            )
    return asked.first_day - DAY


def last_year(asked: Asked, elapsed: int) -> list[tuple[int, Decimal]]:
    """Last year's months as (school day, total so far), with a point on the straight line at the day that is asked."""
    starts = date(asked.cycle.school_year - 2, *YEAR_STARTS)
    days = asked.place.days
    curve = [(0, Decimal(0))]
    for slot in asked.facts.slots(asked.goal, Rhythm.MONTH, asked.cycle.school_year - 1):
        value = asked.value(slot)
        if value is not None and value.value is not None:
            curve.append((count_school_days(days, starts, slot.ends), value.value))
    between = [(a, b) for a, b in pairwise(curve) if a[0] < elapsed < b[0]]
    curve += [(elapsed, a[1] + (b[1] - a[1]) * (elapsed - a[0]) / (b[0] - a[0])) for a, b in between]
    return sorted(curve) if len(curve) > 1 else []
