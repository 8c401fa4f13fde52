from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from statistics import mean, stdev, variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from sipetl.metrics.value import Interval, Sums, difference, half_up, matched_difference, measure

D = Decimal
SIX = D("0.000001")


def share(numerator: int, n: int) -> Sums:
    return Sums(numerator, n, n)


def sums_of(units: list[tuple[int, int]]) -> Sums:
    return Sums(
        numerator=sum(x for x, _ in units),
        denominator=sum(y for _, y in units),
        n=len(units),
        sum_xx=sum(x * x for x, _ in units),
        sum_xy=sum(x * y for x, y in units),
        sum_yy=sum(y * y for _, y in units),
    )


def places(value: Decimal | None, count: int = 4) -> Decimal:
    assert value is not None
    return half_up(value, count)


@pytest.mark.parametrize(
    ("numerator", "n", "low", "high"),
    [  # ecosystem.md 3.7
        (0, 10, "0", ".2775"),
        (10, 10, ".7225", "1"),
        (5, 10, ".2366", ".7634"),
        (18, 30, ".4232", ".7541"),
        (180, 300, ".5436", ".6538"),
    ],
)
def test_wilson_gives_the_published_bounds(numerator, n, low, high):
    measured = measure(share(numerator, n), interval=Interval.WILSON)

    assert places(measured.low) == D(low)
    assert places(measured.high) == D(high)


@pytest.mark.parametrize(
    ("later", "earlier", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10
        ((56, 70), (48, 80), ".0524", ".3339"),
        ((9, 10), (3, 10), ".1705", ".8090"),
        ((6, 7), (2, 7), ".0582", ".8062"),
        ((5, 56), (0, 29), "-.0381", ".1926"),
        ((0, 10), (0, 20), "-.1611", ".2775"),
        ((0, 10), (0, 10), "-.2775", ".2775"),
        ((10, 10), (0, 20), ".6791", "1"),
        ((10, 10), (0, 10), ".6075", "1"),
    ],
)
def test_newcombe_gives_the_published_difference(later, earlier, low, high):
    change = difference(share(*later), share(*earlier))

    assert change.low == pytest.approx(D(low), abs=D("0.000051"))
    assert change.high == pytest.approx(D(high), abs=D("0.000051"))


def test_a_matched_difference_gives_the_published_change_of_approval():
    # Agresti, Categorical Data Analysis (2002), table 10.1: 794, 150, 86, 570 give -0.04 with (-0.06, -0.02)
    change = matched_difference(both=794, gained=86, lost=150, neither=570)

    assert change.value == D("-0.04")
    assert (places(change.low, 2), places(change.high, 2)) == (D("-0.06"), D("-0.02"))


def test_a_matched_difference_of_few_students_by_hand():
    # 22 students, 7 lost, 1 gained: (2 - 8) / 24 = -1/4; se = sqrt((10/24 - 1/16) / 24) = 0.121478; z se = 0.238093
    change = matched_difference(both=2, gained=1, lost=7, neither=12)

    assert change.value == D(-6) / D(22)
    assert (change.low, change.high) == (D("-0.488093"), D("-0.011907"))


def test_no_student_who_changed_still_has_an_uncertain_difference():
    change = matched_difference(both=5, gained=0, lost=0, neither=5)

    assert change.value == 0
    assert change.low is not None
    assert change.low < 0 < -change.low == change.high


def test_a_change_from_or_to_nobody_has_no_value():
    assert difference(share(0, 0), share(3, 10)).value is None
    assert matched_difference(both=0, gained=0, lost=0, neither=0).value is None


def test_the_value_is_the_exact_quotient_to_28_digits():
    measured = measure(share(1, 3), interval=Interval.NONE, scale=D(100))

    assert measured.value == D("33.33333333333333333333333333")
    assert (measured.low, measured.high) == (None, None)


@pytest.mark.parametrize("interval", list(Interval))
def test_an_empty_denominator_has_no_value(interval):
    measured = measure(share(0, 0), interval=interval)

    assert (measured.value, measured.low, measured.high) == (None, None, None)


def test_bounds_are_scaled_with_the_value():
    measured = measure(share(5, 10), interval=Interval.WILSON, scale=D(100))

    assert (measured.value, measured.low, measured.high) == (D(50), D("23.659309"), D("76.340691"))


def test_a_mean_has_the_t_interval_of_the_table():
    # 5, 7, 9, 11: mean 8, s^2 = 20/3, se = sqrt(5/3) = 1.290994, t(0.975, 3) = 3.182446: 8 -+ 4.108521
    measured = measure(sums_of([(5, 1), (7, 1), (9, 1), (11, 1)]), interval=Interval.T)

    assert (measured.value, measured.low, measured.high) == (D(8), D("3.891479"), D("12.108521"))


def test_a_ratio_of_days_by_hand():
    # absent/enrolled 10/20, 8/20, 12/20: R = 30/60 = .5; residuals 0, -2, 2: sum of squares 8
    # var = 3/2 * 8 / 3600 = .003333333, se = .0577350; t(0.975, 2) = 4.302653: .5 -+ .248414
    measured = measure(sums_of([(10, 20), (8, 20), (12, 20)]), interval=Interval.RATIO)

    assert (measured.value, measured.low, measured.high) == (D("0.5"), D("0.251586"), D("0.748414"))


def test_bounds_of_a_share_are_cut_off_where_no_share_can_be():
    # absent/enrolled 1/10, 3/10, 2/20: .15 -+ .24646540; present: .85 -+ .24646540
    absent, present = [(1, 10), (3, 10), (2, 20)], [(9, 10), (7, 10), (18, 20)]

    low, high = (measure(sums_of(units), interval=Interval.RATIO, scale=D(100)) for units in (absent, present))

    assert (low.value, low.low, low.high) == (15, 0, D("39.646540"))
    assert (high.value, high.low, high.high) == (85, D("60.353460"), 100)


def test_one_unit_has_a_ratio_but_no_interval():
    measured = measure(sums_of([(3, 10)]), interval=Interval.RATIO)

    assert (measured.value, measured.low) == (D("0.3"), None)


def test_large_sums_that_nearly_cancel_keep_their_digits():
    # 200,000 students, 100 of 180 days each, and half of them one day more, half one less: s = 1, se = 1 / sqrt(n)
    n = 200_000
    sums = Sums(100 * n, 180 * n, n, n * (100 * 100 + 1), n * 100 * 180, n * 180 * 180)

    measured = measure(sums, interval=Interval.RATIO)

    half = D("1.959977") / (D(n).sqrt() * 180)  # t(0.975, 199,999) = 1.959977
    assert measured.high == (D(100) / D(180) + half).quantize(SIX)


@pytest.mark.parametrize(
    ("sums", "interval"),
    [
        (Sums(6, 5, 5), Interval.WILSON),
        (Sums(-1, 5, 5), Interval.WILSON),
        (Sums(3, 50, 5), Interval.WILSON),
        (Sums(10, 5, 4, 20), Interval.T),
        (Sums(10, 2, 2, 1), Interval.T),
    ],
)
def test_sums_that_cannot_belong_to_the_interval_are_refused(sums, interval):
    with pytest.raises(ValueError, match=r"wilson|mean|squares"):
        measure(sums, interval=interval)


@pytest.mark.parametrize("interval", [Interval.WILSON, Interval.T, Interval.RATIO])
@pytest.mark.parametrize("population", [4, 3])
def test_a_survey_that_everybody_answered_has_no_margin(interval, population):
    measured = measure(sums_of([(1, 1), (0, 1), (1, 1), (1, 1)]), interval=interval, population=population)

    assert measured.low == measured.value == measured.high == D("0.75")


def test_the_finite_population_factor_by_hand():
    # 50 of 100 answered: variance halves, so 4.108521 -> the t interval above times sqrt(1/2)
    units = [(5, 1), (7, 1), (9, 1), (11, 1)]

    measured = measure(sums_of(units), interval=Interval.T, population=8)

    assert measured.high == (8 + D("4.108520513") * D("0.5").sqrt()).quantize(SIX)


@pytest.mark.parametrize(
    ("value", "count", "shown"),
    [("44.45", 1, "44.5"), ("44.449999", 1, "44.4"), ("2.5", 0, "3"), ("-2.5", 0, "-3"), ("0.125", 2, "0.13")],
)
def test_display_rounds_halves_up(value, count, shown):
    assert str(half_up(D(value), count)) == shown


@settings(deadline=None)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_stays_in_0_to_1_and_holds_the_value(counts):
    measured = measure(share(*counts), interval=Interval.WILSON)

    assert measured.low is not None
    assert measured.high is not None
    assert measured.value is not None
    assert 0 <= measured.low <= measured.value.quantize(SIX) <= measured.high <= 1


@settings(deadline=None)
@given(
    st.integers(2, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([Interval.WILSON, Interval.T]),
)
def test_the_margin_narrows_as_more_of_the_population_answers(counts, interval):
    numerator, n = counts
    sums = Sums(numerator, n, n, numerator, numerator, n)

    margins = []
    for population in (None, 10 * n, 2 * n, n):
        measured = measure(sums, interval=interval, population=population)
        margins.append(measured.high - measured.low)

    assert all(wider >= narrower for wider, narrower in pairwise(margins))
    assert margins[-1] == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_a_mean_agrees_with_the_standard_library(values):
    measured = measure(sums_of([(value, 1) for value in values]), interval=Interval.T)

    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    assert float(measured.low) == pytest.approx(mean(values) - half, abs=2e-6)
    assert float(measured.high) == pytest.approx(mean(values) + half, abs=2e-6)


shares = st.integers(1, 200).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@settings(deadline=None)
@given(st.lists(shares, min_size=2, max_size=30))
def test_a_ratio_agrees_with_the_variance_of_its_residuals(units):
    measured = measure(sums_of(units), interval=Interval.RATIO)

    ratio = sum(x for x, _ in units) / sum(y for _, y in units)
    residuals = [x - ratio * y for x, y in units]
    average = sum(y for _, y in units) / len(units)
    half = t.ppf(0.975, len(units) - 1) * (variance(residuals) / len(units)) ** 0.5 / average
    assert float(measured.low) == pytest.approx(max(ratio - half, 0), rel=1e-6, abs=2e-6)
    assert float(measured.high) == pytest.approx(min(ratio + half, 1), rel=1e-6, abs=2e-6)
    assert 0 <= measured.low <= measured.value.quantize(SIX) <= measured.high <= 1
