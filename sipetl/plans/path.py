"""What a target path expects at a date (metrics.md, "Target path"). Pure: days are counted by the caller."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sipetl.plans.model import Benchmark, Between, Checkpoint, Direction, TargetPath


@dataclass(frozen=True, slots=True)
class Course:
    """Where a benchmark comes from and is to go; levels in the metric's units."""

    path: TargetPath
    direction: Direction
    target: Decimal
    due: date
    baseline: Decimal | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    between: Between = Between.STEP


@dataclass(frozen=True, slots=True)
class Moment:
    """One day of a course, and what the paths need to know of it.

    `days_elapsed` and `days_total` count instructional days from the baseline's day to this day and to the
    due date. For `cumulative` they count from the first school day, and `last_year` is last year's own curve:
    (school day, total so far), ascending, to its end. `previous` is the value of the measurement before this
    one. `window_baseline` is last year's value of the window measured now.
    """

    on: date
    days_elapsed: int = 0
    days_total: int = 0
    last_year: Sequence[tuple[int, int | Decimal]] = ()
    previous: Decimal | None = None
    window_baseline: Decimal | None = None


def course_of(benchmark: Benchmark) -> Course:
    """The course that a benchmark or MAG of a plan sets."""
    return Course(
        path=benchmark.path,
        direction=benchmark.direction,
        target=benchmark.target_level,
        due=benchmark.due,
        baseline=benchmark.baseline.value if benchmark.baseline else None,
        checkpoints=benchmark.checkpoints,
        between=benchmark.between,
    )


def expected_at(course: Course, moment: Moment) -> Decimal | None:
    """The level expected that day; the target from the due date on; None where nothing is expected."""
    if moment.on >= course.due:
        return course.target
    return _PATHS[course.path](course, moment)


def _hold(course: Course, _moment: Moment) -> Decimal:
    return course.target


def _nothing(_course: Course, _moment: Moment) -> None:
    return None


def _linear(course: Course, moment: Moment) -> Decimal | None:
    if course.baseline is None or moment.days_total <= 0:
        return None
    elapsed = min(max(moment.days_elapsed, 0), moment.days_total)
    return course.baseline + (course.target - course.baseline) * elapsed / moment.days_total


def _same_window(course: Course, moment: Moment) -> Decimal | None:
    """Last year's value of this window, moved by what the target asks beyond its own window's last value."""
    if moment.window_baseline is None or course.baseline is None:
        return None
    return moment.window_baseline + (course.target - course.baseline)


def _cumulative(course: Course, moment: Moment) -> Decimal | None:
    """The target, times the share of last year's total that was there by the same school day."""
    if not moment.last_year or moment.last_year[-1][1] == 0:
        return None
    reached = bisect_right([day for day, _ in moment.last_year], moment.days_elapsed)
    so_far = moment.last_year[reached - 1][1] if reached else 0
    return course.target * so_far / moment.last_year[-1][1]


def _checkpoints(course: Course, moment: Moment) -> Decimal | None:
    """The checkpoint passed last, or the line to the next one (calendar days); nothing before the first."""
    days = [checkpoint.on for checkpoint in course.checkpoints]
    reached = bisect_right(days, moment.on)
    if reached == 0:
        return None
    passed = course.checkpoints[reached - 1]
    if course.between is Between.STEP:
        return passed.value
    after = Checkpoint(on=course.due, value=course.target)
    ahead = course.checkpoints[reached] if reached < len(days) else after
    elapsed, whole = (moment.on - passed.on).days, (ahead.on - passed.on).days
    return passed.value + (ahead.value - passed.value) * elapsed / whole


def _rises(course: Course, moment: Moment) -> Decimal | None:
    return moment.previous if moment.previous is not None else course.baseline


_PATHS: Mapping[TargetPath, Callable[[Course, Moment], Decimal | None]] = {
    TargetPath.HOLD: _hold,
    TargetPath.SAME_WINDOW: _same_window,
    TargetPath.CUMULATIVE: _cumulative,
    TargetPath.LINEAR: _linear,
    TargetPath.CHECKPOINTS: _checkpoints,
    TargetPath.RISES: _rises,
    TargetPath.YEAR_END_ONLY: _nothing,
}
