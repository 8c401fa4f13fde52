"""Change, pace and projection, worked out by hand or taken from the literature."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from sipetl.metrics import Interval, Sums, measure
from sipetl.plans import Direction, TargetPath
from sipetl.plans.outlook import Estimate, Pace, change_since, combined, line_to, on_curve, pace_of

D = Decimal


def estimate(value: str, low: str | None = None, high: str | None = None) -> Estimate:
    return Estimate(D(value), low and D(low), high and D(high))  # type: ignore[arg-type]


def test_a_changes_bounds_are_recovered_from_both_intervals() -> None:
    # down 5: 3 below the later and 4 above the earlier make 5; 4 above the later and 3 below the earlier make 5
    assert change_since(estimate("20", "17", "24"), estimate("25", "22", "29")) == estimate("-5", "-10", "0")


def test_a_change_of_two_shares_is_newcombes() -> None:
    """Newcombe (1998), table II, example (a), method 10: 56/70 - 48/80 is 0.0524 to 0.3339."""
    later, earlier = (measure(Sums(x, n, n, x, x, n), interval=Interval.WILSON) for x, n in ((56, 70), (48, 80)))

    change = change_since(*(Estimate(m.value or D(0), m.low, m.high) for m in (later, earlier)))

    assert change.low is not None and change.high is not None
    assert (round(change.value, 4), round(change.low, 4), round(change.high, 4)) == (
        D("0.2"),
        D("0.0524"),
        D("0.3339"),
    )
    assert change.is_beyond_zero


@pytest.mark.parametrize(
    ("low", "high", "beyond"),
    [("-5", "-1", True), ("1", "5", True), ("-5", "1", False), ("0", "5", False), (None, None, None)],
)
def test_a_change_is_more_than_noise_when_its_interval_leaves_out_zero(
    low: str | None, high: str | None, beyond: bool | None
) -> None:
    assert estimate("2", low, high).is_beyond_zero is beyond


def test_a_change_without_both_intervals_has_none() -> None:
    assert change_since(estimate("20", "18", "22"), estimate("25")) == estimate("-5")


def test_a_sum_and_difference_has_the_bounds_of_all_its_parts() -> None:
    # 42 + 48 - 38; below: 2, 3 and 6 make 7; above: 6, 3 and 2 make 7
    found = combined(
        plus=(estimate("42", "40", "48"), estimate("48", "45", "51")), minus=(estimate("38", "36", "44"),)
    )

    assert found == estimate("52", "45", "59")


@pytest.mark.parametrize(
    ("value", "target", "direction", "left", "expected"),
    [
        ("30", "24", Direction.DOWN, 3, Pace(D(-2), 3)),
        ("41", "50", Direction.UP, 4, Pace(D("2.25"), 4)),
        ("24", "24", Direction.DOWN, 3, None),  # reached
        ("20", "24", Direction.DOWN, 3, None),
        ("30", "24", Direction.DOWN, 0, None),  # nothing to come
    ],
)
def test_the_pace_spreads_what_is_missing_over_what_is_to_come(
    value: str, target: str, direction: Direction, left: int, expected: Pace | None
) -> None:
    assert pace_of(D(value), D(target), direction=direction, path=TargetPath.HOLD, left=left) == expected


def test_of_a_count_that_must_stay_small_the_pace_is_what_it_may_still_grow() -> None:
    pace = pace_of(D(5), D(20), direction=Direction.DOWN, path=TargetPath.CUMULATIVE, left=3)

    assert pace == Pace(D(5), 3)


def test_a_line_is_drawn_by_least_squares_with_the_prediction_interval() -> None:
    """Days 0, 10, 20, 30 at 10, 14, 12, 16: means 15 and 13, slope 80/500; residuals -0.6, 1.8, -1.8, 0.6, s^2 = 3.6.

    At day 40 the line is at 17, and s^2 (1 + 1/4 + 625/500) = 9; t with two degrees of freedom is 4.302653.
    """
    found = line_to([(0, D(10)), (10, D(14)), (20, D(12)), (30, D(16))], 40)

    assert found is not None and found.low is not None and found.high is not None
    assert found.value == 17
    assert float(found.high - 17) == pytest.approx(3 * 4.302653, abs=1e-5)
    assert found.high - 17 == 17 - found.low


def test_a_line_agrees_with_another_implementation() -> None:
    days, values = [17, 40, 60, 82, 104], ["31.4", "29.9", "30.6", "28.1", "27.3"]
    found = line_to([(day, D(value)) for day, value in zip(days, values, strict=True)], 139)

    x, y = np.array(days, float), np.array(values, float)
    fit = stats.linregress(x, y)
    scatter = np.sqrt(((y - fit.intercept - fit.slope * x) ** 2).sum() / 3)
    half = stats.t.ppf(0.975, 3) * scatter * np.sqrt(1 + 1 / 5 + (139 - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    assert found is not None and found.high is not None
    assert float(found.value) == pytest.approx(fit.intercept + fit.slope * 139, abs=1e-9)
    assert float(found.high - found.value) == pytest.approx(half, abs=1e-6)


@pytest.mark.parametrize("days", [[], [5], [5, 9, 12], [5, 5, 9, 12]])
def test_three_days_make_no_line(days: list[int]) -> None:
    assert line_to([(day, D(day)) for day in days], 40) is None


def test_a_line_without_scatter_is_no_surer_than_its_last_value() -> None:
    flat = estimate("50", "50", "50")

    assert flat.no_surer_than(estimate("52", "40", "60")) == estimate("50", "38", "58")
    assert estimate("50", "30", "51").no_surer_than(estimate("52", "40", "60")) == estimate("50", "30", "58")
    assert flat.no_surer_than(estimate("52")) == flat


def test_a_projection_ends_where_its_metric_does() -> None:
    assert estimate("97", "88", "106").within(D(0), D(100)) == estimate("97", "88", "100")
    assert estimate("-1", "-9", "7").within(D(0), None) == estimate("0", "0", "7")


@pytest.mark.parametrize(("day", "level"), [(0, "0"), (10, "4"), (15, "5"), (20, "6"), (25, "6"), (-1, None)])
def test_a_curve_is_straight_between_its_points_and_ends_level(day: int, level: str | None) -> None:
    curve = [(0, D(0)), (10, D(4)), (20, D(6))]

    assert on_curve(curve, day) == (level and D(level))
