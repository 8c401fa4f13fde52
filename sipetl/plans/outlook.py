"""What follows from a value beside its status: change since last time, pace still needed, projection to the due date.

Pure, in exact decimals. Bounds of sums and differences are recovered from the bounds of their parts (MOVER: Zou and
Donner 2008, Statistics in Medicine 27:1693; of two Wilson intervals it is Newcombe's method 10, 1998), which takes the
parts as independent. Values of the same students are not: their change is truly surer than its interval says, so
"more than noise" is never said too early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from itertools import pairwise

from sipetl.plans.model import Direction, TargetPath

PRECISION = 60
"""Digits while worked out; what is stored is rounded afterwards."""
TWO_SIDED_95 = 0.975
"""The quantile of a two-sided interval of 95 %, as every interval of the catalogue."""
QUANTILE_PLACES = 9
"""Places kept of a quantile: libraries agree to more than these."""
FEWEST_POINTS = 4
"""Fewest points of a line: with three the one degree of freedom left makes every interval say nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, where it has one."""

    value: Decimal
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def is_beyond_zero(self) -> bool | None:
        """Whether the interval leaves out zero: a change that is more than noise; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    def within(self, lowest: Decimal | None, highest: Decimal | None) -> Estimate:
        """The same, no part of it beyond what the metric can be."""
        return self._each(lambda value: _clamped(value, lowest, highest))

    def no_surer_than(self, other: Estimate) -> Estimate:
        """The same, on neither side nearer to its value than another's bounds are to its own."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return self
        below = max(self.value - self.low, other.value - other.low)
        return Estimate(
            self.value, self.value - below, self.value + max(self.high - self.value, other.high - other.value)
        )

    def times(self, factor: Decimal) -> Estimate:
        """Value and bounds times a positive number."""
        with localcontext(Context(prec=PRECISION)):
            return self._each(lambda value: value * factor)

    def _each(self, change: Callable[[Decimal], Decimal]) -> Estimate:
        low, high = (None if bound is None else change(bound) for bound in (self.low, self.high))
        return Estimate(change(self.value), low, high)


@dataclass(frozen=True, slots=True)
class Pace:
    """What is still needed: `change` per measurement to come (metric's unit; negative: it must fall), `left` of them."""

    change: Decimal
    left: int


def change_since(now: Estimate, before: Estimate) -> Estimate:
    """The change from one value to a later one."""
    return combined(plus=(now,), minus=(before,))


def combined(*, plus: Sequence[Estimate], minus: Sequence[Estimate] = ()) -> Estimate:
    """Sum and difference of values with the interval that follows from theirs; without one if any lacks it."""
    with localcontext(Context(prec=PRECISION)):
        value = sum((x.value for x in plus), Decimal(0)) - sum((x.value for x in minus), Decimal(0))
        below = _together([*((x.value, x.low) for x in plus), *((x.value, x.high) for x in minus)])
        above = _together([*((x.value, x.high) for x in plus), *((x.value, x.low) for x in minus)])
        if below is None or above is None:
            return Estimate(value)
        return Estimate(value, value - below, value + above)


def pace_of(value: Decimal, target: Decimal, *, direction: Direction, path: TargetPath, left: int) -> Pace | None:
    """Spread what lies between value and target evenly over the measurements to come.

    None where the target is reached, or no measurement is left. A count that only grows has reached nothing before its
    end: there the pace says how much it may still grow, or must.
    """
    short = target - value if direction is Direction.UP else value - target
    if left <= 0 or (short <= 0 and path is not TargetPath.CUMULATIVE):
        return None
    with localcontext(Context(prec=PRECISION)):
        return Pace((target - value) / left, left)


def line_to(points: Sequence[tuple[int, Decimal]], at: int) -> Estimate | None:
    """The straight line of least squares through (day, value), at a day, with its 95 % prediction interval.

    The textbook interval of one further value: t with n - 2 degrees of freedom. None with fewer than four days.
    """
    n = len(points)
    if len({day for day, _ in points}) < FEWEST_POINTS:
        return None
    with localcontext(Context(prec=PRECISION)):
        mean_x, mean_y = Decimal(sum(x for x, _ in points)) / n, sum((y for _, y in points), Decimal(0)) / n
        sxx = sum(((x - mean_x) ** 2 for x, _ in points), Decimal(0))
        slope = sum(((x - mean_x) * (y - mean_y) for x, y in points), Decimal(0)) / sxx
        value = mean_y + slope * (at - mean_x)
        residual = sum(((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points), Decimal(0))
        spread = residual / (n - 2) * (1 + Decimal(1) / n + (at - mean_x) ** 2 / sxx)
        half = _t(n - 2) * spread.sqrt()
        return Estimate(value, value - half, value + half)


def on_curve(curve: Sequence[tuple[int, Decimal]], day: int) -> Decimal | None:
    """A curve's level on a day, straight between its points, its last level after them; None before them."""
    for (first, low), (last, high) in pairwise(curve):
        if first <= day <= last:
            with localcontext(Context(prec=PRECISION)):
                return low + (high - low) * (day - first) / (last - first) if last > first else high
    return curve[-1][1] if curve and day > curve[-1][0] else None


def _together(sides: Iterable[tuple[Decimal, Decimal | None]]) -> Decimal | None:
    total = Decimal(0)
    for value, bound in sides:
        if bound is None:
            return None
        total += (value - bound) ** 2
    return total.sqrt()


def _clamped(value: Decimal, lowest: Decimal | None, highest: Decimal | None) -> Decimal:
    raised = value if lowest is None else max(value, lowest)
    return raised if highest is None else min(raised, highest)


@cache
def _t(freedom: int) -> Decimal:
    from scipy.special import stdtrit

    return Decimal(f"{float(stdtrit(freedom, TWO_SIDED_95)):.{QUANTILE_PLACES}f}")
