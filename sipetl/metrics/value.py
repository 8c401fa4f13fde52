"""The one place where integers become a value and its interval (decision 4).

Engines return only counts and sums, so whatever counted them, the numbers that follow are the same: all
arithmetic here is exact integers and `Decimal`s of a stated precision; only the two quantiles come from
floats, and those are rounded far above their last bit. The interval is a property of the metric (catalogue):
`wilson` where a unit adds at most 1 to the denominator, `ratio` for a share of which units add many (days, items),
`t` for means over units, `none` for the rest (medians, counts). The bounds of a share are cut off at 0 and 1: near
them the ratio's symmetric interval would say what cannot be, and nothing that it covers beyond them is lost.

A full census is not a sample: its interval says what a change must exceed to be more than year-to-year noise.
A survey gives `population`, and the interval shrinks to nothing as the responses approach everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import StrEnum
from functools import cache
from statistics import NormalDist

PRECISION = 28
"""Significant digits of a value; the division is the only rounding."""
WORKING_PRECISION = 60
"""Digits while an interval is worked out: the sums' own digits cancel in `ratio`."""
BOUND = Decimal("0.000001")
"""Interval bounds keep six places."""
CONFIDENCE = Decimal("0.95")
"""Two-sided, the convention of the published intervals (ecosystem.md 3.7)."""
QUANTILE_PLACES = 9
"""Places kept of a quantile: libraries agree to more than these."""
ONE, ZERO = Decimal(1), Decimal(0)
_KEPT, _WORKING = Context(prec=PRECISION), Context(prec=WORKING_PRECISION)


class Interval(StrEnum):
    """How a metric's uncertainty is worked out."""

    WILSON = "wilson"
    RATIO = "ratio"
    T = "t"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Sums:
    """What an engine returns: x is a unit's part of the numerator, y its part of the denominator."""

    numerator: int
    denominator: int
    n: int
    sum_xx: int = 0
    sum_xy: int = 0
    sum_yy: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, unrounded, and its bounds to six places; None where there is none."""

    value: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None


Bounds = tuple[Decimal, Decimal]


def measure(
    sums: Sums,
    *,
    interval: Interval,
    scale: Decimal = ONE,
    population: int | None = None,
    confidence: Decimal = CONFIDENCE,
) -> Measured:
    """Divide, and work out the interval the metric declares.

    Args:
        sums: integers of one metric value.
        interval: what the catalogue declares.
        scale: 100 for percent, 0.01 where the sums count hundredths.
        population: everybody who could have been a unit, where the units are a sample of them (surveys).
        confidence: two-sided.

    Raises:
        ValueError: the sums cannot be of such a metric (a proportion above 1, say).
    """
    if sums.denominator == 0:
        return Measured(None)
    value = _KEPT.divide(_WORKING.multiply(Decimal(sums.numerator), scale), Decimal(sums.denominator))
    with localcontext(_WORKING):
        bounds = _INTERVALS[interval](sums, population, confidence)
        if bounds is None:
            return Measured(value)
        return Measured(value, _bound(bounds[0] * scale), _bound(bounds[1] * scale))


def difference(later: Sums, earlier: Sums, *, confidence: Decimal = CONFIDENCE) -> Measured:
    """The change of a proportion between different students: Newcombe's hybrid score (1998, method 10)."""
    if later.denominator == 0 or earlier.denominator == 0:
        return Measured(None)
    with localcontext(_WORKING):
        p1, p2 = _share(later), _share(earlier)
        low1, high1 = _wilson(later, None, confidence)
        low2, high2 = _wilson(earlier, None, confidence)
        change = p1 - p2
        below = ((p1 - low1) ** 2 + (high2 - p2) ** 2).sqrt()
        above = ((high1 - p1) ** 2 + (p2 - low2) ** 2).sqrt()
        return Measured(_rounded(change), _bound(change - below), _bound(change + above))


def matched_difference(
    *, both: int, gained: int, lost: int, neither: int, confidence: Decimal = CONFIDENCE
) -> Measured:
    """The change of a proportion of the same students, from the four cells of McNemar's table.

    The value is (gained - lost) / n; the bounds are Wald's after one is added to each discordant cell (Bonett
    and Price 2012), which holds its level at the small n of one school's group.
    """
    n = both + gained + lost + neither
    if n == 0:
        return Measured(None)
    with localcontext(_WORKING):
        up, down = Decimal(gained + 1) / (n + 2), Decimal(lost + 1) / (n + 2)
        half = _z(confidence) * ((up + down - (up - down) ** 2) / (n + 2)).sqrt()
        low, high = max(up - down - half, -ONE), min(up - down + half, ONE)
        return Measured(_rounded(Decimal(gained - lost) / n), _bound(low), _bound(high))


def half_up(value: Decimal, places: int) -> Decimal:
    """Round for display as DESE does: halves away from zero. Never before a comparison."""
    with localcontext(_WORKING):
        return value.quantize(ONE.scaleb(-places), rounding=ROUND_HALF_UP)


def _wilson(sums: Sums, population: int | None, confidence: Decimal) -> Bounds:
    n = sums.denominator
    if not (0 <= sums.numerator <= n <= sums.n):
        raise ValueError("a wilson interval needs 0 <= numerator <= denominator <= n")
    zz = _z(confidence) ** 2 * _sampled(n, population)
    p, spread = _share(sums), ONE + zz / n
    centre = (p + zz / (2 * n)) / spread
    half = (zz * (p * (1 - p) / n + zz / (4 * Decimal(n) ** 2))).sqrt() / spread
    return max(centre - half, ZERO), min(centre + half, ONE)


def _ratio(sums: Sums, population: int | None, confidence: Decimal) -> Bounds | None:
    """Linearised variance of a ratio: residuals x - Ry over n units, t with n - 1 (Cochran 1977, 6.4).

    What is counted is part of what there is, so that bounds beyond 0 and 1 are cut off there.
    """
    around = _around(sums, population, confidence)
    if around is None:
        return None
    r = _share(sums)
    return max(around[0], min(r, ZERO)), min(around[1], max(r, ONE))


def _around(sums: Sums, population: int | None, confidence: Decimal) -> Bounds | None:
    """The ratio, and as much on either side.

    The residuals' square is kept an integer until the end: (sum_xx Y^2 - 2 X Y sum_xy + X^2 sum_yy) / Y^2.
    """
    x, y, n = sums.numerator, sums.denominator, sums.n
    if n < 2:
        return None
    residual = sums.sum_xx * y * y - 2 * x * y * sums.sum_xy + x * x * sums.sum_yy
    if residual < 0:
        raise ValueError("the sums of squares and products do not belong to these totals")
    variance = Decimal(n * residual) / ((n - 1) * Decimal(y) ** 4) * _left_out(n, population)
    half, r = _t(confidence, n - 1) * variance.sqrt(), _share(sums)
    return r - half, r + half


def _mean(sums: Sums, population: int | None, confidence: Decimal) -> Bounds | None:
    """A mean is the ratio whose every unit adds exactly 1 to the denominator."""
    if sums.denominator != sums.n:
        raise ValueError("a t interval needs a mean over units: denominator = n")
    x, n = sums.numerator, sums.n
    return _around(Sums(x, n, n, sums.sum_xx, sum_xy=x, sum_yy=n), population, confidence)


def _no_interval(_sums: Sums, _population: int | None, _confidence: Decimal) -> None:
    return None


_INTERVALS: Mapping[Interval, Callable[[Sums, int | None, Decimal], Bounds | None]] = {
    Interval.WILSON: _wilson,
    Interval.RATIO: _ratio,
    Interval.T: _mean,
    Interval.NONE: _no_interval,
}


def _sampled(n: int, population: int | None) -> Decimal:
    """The finite-population factor of a proportion, (N - n) / (N - 1); 0 when everybody answered."""
    if population is None:
        return ONE
    return Decimal(population - n) / (population - 1) if population > n else ZERO


def _left_out(n: int, population: int | None) -> Decimal:
    """The finite-population factor of a mean whose variance has divisor n - 1: 1 - n / N."""
    if population is None:
        return ONE
    return Decimal(population - n) / population if population > n else ZERO


def _share(sums: Sums) -> Decimal:
    return Decimal(sums.numerator) / sums.denominator


def _rounded(value: Decimal) -> Decimal:
    return _KEPT.plus(value)


def _bound(value: Decimal) -> Decimal:
    return value.quantize(BOUND, rounding=ROUND_HALF_UP) + ZERO


@cache
def _z(confidence: Decimal) -> Decimal:
    quantile = NormalDist().inv_cdf(float((1 + confidence) / 2))
    return Decimal(f"{quantile:.{QUANTILE_PLACES}f}")


@cache
def _t(confidence: Decimal, freedom: int) -> Decimal:
    from scipy.special import stdtrit

    return Decimal(f"{float(stdtrit(freedom, float((1 + confidence) / 2))):.{QUANTILE_PLACES}f}")
