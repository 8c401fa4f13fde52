"""Which period's value a goal is judged by. Pure: what the warehouse holds is handed over.

A goal is measured in the slots of one rhythm: the cycles, months or windows of a school year, or its one annual
result. A slot is over on its district's own day: the last school day of a month, the close of its own window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sipetl.metrics import Metric
from sipetl.plans.model import Benchmark, Cadence, TargetPath, Window
from sipetl.registry.calendar import Period, PeriodKind

ANNUAL_WINDOW = "annual"
"""The window of a source that reports once a year (MCAS)."""
LAST_SUMMER_MONTH = 8
FINER_THAN_A_MONTH = frozenset({Cadence.DAILY, Cadence.WEEKLY, Cadence.PER_MEETING})
WINDOWS = tuple(window.value for window in Window)


class Rhythm(StrEnum):
    """What a goal's measurements follow."""

    CYCLE = "cycle"
    MONTH = "month"
    WINDOW = "window"
    ANNUAL = "annual"


@dataclass(frozen=True, slots=True)
class Slot:
    """A period, and the day on which it is over for one district."""

    period: Period
    ends: date

    @property
    def window(self) -> str:
        """The window's own code: `winter` of `2026-winter`."""
        return self.period.code.removeprefix(f"{self.period.school_year}-")


@dataclass(frozen=True, slots=True)
class Place:
    """The days of one district, and when its windows of one feed close: (school year, code) to day."""

    days: Sequence[date]
    closes: Mapping[tuple[int, str], date]


def rhythm_of(goal: Benchmark, metric: Metric | None) -> Rhythm:
    """Tell what a goal is measured by."""
    kinds = metric.periods if metric else ()
    if is_counted_in_entries(goal, metric):
        return Rhythm.CYCLE
    if goal.path is TargetPath.YEAR_END_ONLY:
        return Rhythm.ANNUAL
    if "window" in kinds:
        return Rhythm.WINDOW
    if "month" in kinds and ("cycle" not in kinds or _is_monthly(goal)):
        return Rhythm.MONTH
    return Rhythm.CYCLE


def is_counted_in_entries(goal: Benchmark, metric: Metric | None) -> bool:
    """Whether each piece of evidence is an occurrence of a goal that recurs more often than monthly.

    Such a metric counts the pieces that show what is asked for; its n is all pieces of which that is known.
    """
    counts = metric is not None and metric.unit == "entry" and metric.denominator is None
    return counts and goal.recurrence is not None and goal.cadence in FINER_THAN_A_MONTH


def _is_monthly(goal: Benchmark) -> bool:
    """Whether each month counts by itself; a month is the shortest period that values are kept for."""
    if goal.path is TargetPath.SAME_WINDOW:
        return True
    each = goal.recurrence is not None or goal.path is TargetPath.RISES
    return each and goal.cadence not in (Cadence.QUARTERLY, Cadence.ANNUAL)


def measured_year(goal: Benchmark, rhythm: Rhythm, school_year: int) -> int:
    """The school year whose periods measure a goal: an annual result is that of the year that ended before its due."""
    return goal.due.year if rhythm is Rhythm.ANNUAL else school_year


def slots_of(rhythm: Rhythm, periods: Iterable[Period], place: Place) -> tuple[Slot, ...]:
    """The slots of one rhythm among the periods of one school year, in the order in which they are over."""
    found = (Slot(period, _ends(period, place)) for period in periods if _fits(rhythm, period, place))
    if rhythm is Rhythm.ANNUAL:  # the window of the one result comes before the year's own value
        return tuple(sorted(found, key=lambda slot: slot.period.kind is PeriodKind.YEAR))
    return tuple(sorted(found, key=lambda slot: (slot.ends, slot.period.code)))


def _fits(rhythm: Rhythm, period: Period, place: Place) -> bool:
    code = period.code.removeprefix(f"{period.school_year}-")
    if rhythm is Rhythm.ANNUAL:
        return period.kind == PeriodKind.YEAR or (period.kind == PeriodKind.WINDOW and code == ANNUAL_WINDOW)
    if rhythm is Rhythm.WINDOW:
        known = any(year == period.school_year for year, _ in place.closes)
        collected = not known or (period.school_year, code) in place.closes
        return period.kind == PeriodKind.WINDOW and code in WINDOWS and collected
    return period.kind == rhythm.value


def _ends(period: Period, place: Place) -> date:
    if period.kind == PeriodKind.WINDOW:
        code = period.code.removeprefix(f"{period.school_year}-")
        return place.closes.get((period.school_year, code), period.ends_on)
    if period.kind == PeriodKind.MONTH:
        before = bisect_right(place.days, period.ends_on)
        last = place.days[before - 1] if before else period.ends_on
        return last if last >= period.starts_on else period.ends_on
    return period.ends_on


def final_slot(goal: Benchmark, rhythm: Rhythm, slots: Sequence[Slot]) -> Slot | None:
    """The slot whose value closes a goal; None while its school year does not hold the due date.

    A cycle looks at data up to its own day, so the first on or after the due date does; of months and windows the
    last that is over by then, or the window that the plan names.
    """
    if rhythm is Rhythm.CYCLE:
        return next((slot for slot in slots if slot.ends >= goal.due), None)
    if not slots or due_year(goal) > slots[0].period.school_year:
        return None
    own = next((slot for slot in slots if goal.window and slot.window == goal.window), None)
    by_due = next((slot for slot in reversed(slots) if slot.ends <= goal.due), slots[0])
    return own or by_due


def due_year(goal: Benchmark) -> int:
    """The school year that a due date closes: one in the summer belongs to the year that is over."""
    return goal.due.year + (goal.due.month > LAST_SUMMER_MONTH)


def year_before(slot: Slot, periods: Mapping[tuple[int, str, str], Period]) -> Period | None:
    """The same month or window of the school year before; `periods` by school year, kind and code."""
    period = slot.period
    year, rest = period.code[:4], period.code[4:]
    if period.kind not in (PeriodKind.MONTH, PeriodKind.WINDOW) or not year.isdecimal():
        return None
    return periods.get((period.school_year - 1, period.kind.value, f"{int(year) - 1}{rest}"))
