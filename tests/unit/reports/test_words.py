"""Numbers and words as a person reads them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from sipetl.plans import Status, StepStatus
from sipetl.readiness import State
from sipetl.reports.model import Count, Display, Goal
from sipetl.reports.progress import Outlook, Times
from sipetl.reports.words import (
    LABELS,
    change_text,
    clipped,
    gap_text,
    in_order,
    interval,
    listed,
    number,
    pace_text,
    projection_text,
    target_text,
    times_text,
)
from tests.unit.reports.page import goal, judged, months


@pytest.mark.parametrize(
    ("value", "display", "text"),
    [
        ("18.25", Display("percent", 1), "18.3 %"),  # halves upward, as DESE rounds
        ("18.249999", Display("percent", 1), "18.2 %"),
        ("-0.04", Display("points", 1), "0.0 points"),  # no negative zero
        ("-2.35", Display("points", 1), "−2.4 points"),  # noqa: RUF001
        ("1234.5", Display("count", 0), "1,235"),
        ("7.949", Display("days", 1), "7.9 days"),
        ("203.4", Display("score", 1), "203.4"),
    ],
)
def test_a_number_is_rounded_half_up_in_its_metrics_decimals(value: str, display: Display, text: str) -> None:
    assert number(Decimal(value), display) == text


def test_no_number_is_a_dash() -> None:
    assert number(None, Display()) == "–"  # noqa: RUF001


def test_an_interval_names_its_unit_once() -> None:
    (point,) = months("18.0")

    assert interval(point, Display()) == "14.1 to 21.9 %"


def test_an_interval_of_a_share_ends_at_0_and_100() -> None:
    few = replace(months("58.3")[0], low=Decimal("-13.4"), high=Decimal("130.0"))

    assert interval(few, Display()) == "0.0 to 100.0 %"
    assert interval(few, Display("score", 1)) == "−13.4 to 130.0"  # noqa: RUF001


@pytest.mark.parametrize(
    ("direction", "gap", "text"),
    [
        ("down", "-0.85", "0.9 points better than the 19.0 % expected by then"),
        ("down", "2.94", "2.9 points worse than the 19.0 % expected by then"),
        ("up", "0.85", "0.9 points better than the 19.0 % expected by then"),
        ("up", "-20", "20.0 points worse than the 19.0 % expected by then"),
        ("up", "0", "exactly the 19.0 % expected by then"),
    ],
)
def test_a_gap_says_which_side_is_better(direction: str, gap: str, text: str) -> None:
    (point,) = months("18.0")

    assert gap_text(goal("B1", direction=direction, standings=(judged("met", point, "19", gap),))) == text


def standing_at(direction: str, outlook: Outlook) -> Goal:
    (point,) = months("18.0")
    return goal(
        "B1", direction=direction, standings=(replace(judged("on_track", point, "19", "-1"), outlook=outlook),)
    )


@pytest.mark.parametrize(
    ("direction", "change", "is_beyond_noise", "text"),
    [
        ("down", "-1.25", True, "1.3 points better than at the review before (more than chance)"),
        ("up", "-1.25", False, "1.3 points worse than at the review before (chance alone could do that)"),
        ("up", "2", None, "2.0 points better than at the review before"),
        ("up", "0", False, "the same as at the review before"),
    ],
)
def test_a_change_says_whether_chance_could_make_it(
    direction: str, change: str, is_beyond_noise: bool | None, text: str
) -> None:
    assert change_text(standing_at(direction, Outlook(Decimal(change), is_beyond_noise))) == text


@pytest.mark.parametrize(
    ("direction", "pace", "period", "left", "text"),
    [
        ("down", "-0.75", "cycle", 3, "0.8 points down at each of the 3 reviews left"),
        ("up", "8", "window", 1, "8.0 points up by the one window left"),
        ("up", "0.04", "month", 4, ""),
        ("down", "8.9", "month", 2, "up to 8.9 points more at each of the 2 months left"),
    ],
)
def test_a_pace_says_what_each_measurement_to_come_must_bring(
    direction: str, pace: str, period: str, left: int, text: str
) -> None:
    outlook = Outlook(pace=Decimal(pace), pace_period=period, periods_left=left)

    assert pace_text(standing_at(direction, outlook)) == text


def test_a_projection_is_told_with_its_interval() -> None:
    ahead = Outlook(projection=Decimal("16.05"), low=Decimal("9.5"), high=Decimal(22))

    assert projection_text(standing_at("down", ahead)) == "16.1 % (9.5 to 22.0 %)"
    assert projection_text(standing_at("down", replace(ahead, low=None, high=None))) == "16.1 %"


@pytest.mark.parametrize(
    ("times", "rule", "text"),
    [
        (Times("month", 3, 5, 4, 6), (4, 6), "met in 3 of 5 months so far, needed in 4 of 6"),
        (Times("entry", 5, 7, 8, 10), (8, 10), "met in 5 of 7 pieces of evidence so far, needed in 8 of 10"),
        (
            Times("month", 1, 2, 2, 3),
            (8, 12),
            "met in 1 of 2 months so far, needed in 2 of 3 (the plan's 8 of 12, as a share of the months)",
        ),
    ],
)
def test_times_are_told_against_the_plans_rule(times: Times, rule: tuple[int, int], text: str) -> None:
    recurring = standing_at("up", Outlook())
    each = replace(recurring.standings[0], times=times)

    assert times_text(replace(recurring, recurrence=rule, standings=(each,))) == text


def test_nothing_is_said_of_what_is_not_known() -> None:
    for shown in (goal("B1"), standing_at("up", Outlook())):
        assert [tell(shown) for tell in (change_text, pace_text, projection_text, times_text)] == [""] * 4


def test_a_target_says_its_side() -> None:
    falling = goal("B1", target=Decimal(19))

    assert target_text(falling) == "at most 19.0 %"
    assert target_text(replace(falling, direction="up")) == "at least 19.0 %"


def test_every_status_and_state_has_a_word() -> None:
    assert {*map(str, Status), *map(str, State), *map(str, StepStatus)} <= set(LABELS)


def test_words_of_one_tone_differ_in_shape() -> None:
    families = (
        ("on_time", "recovered", "due_soon", "not_due", "late", "missing", "waived"),
        ("accepted", "landed", "held", "rejected", "unrecognized", "superseded", "duplicate"),
        tuple(map(str, Status)),
        tuple(map(str, State)),
        tuple(map(str, StepStatus)),
    )

    for family in families:
        signs = [(LABELS[word].tone, LABELS[word].shape) for word in family]
        assert len(set(signs)) == len(signs)


def test_counts_keep_an_order_and_leave_zeros_out() -> None:
    assert in_order({"missing": 1, "novel": 2, "on_time": 4, "late": 0}) == (
        Count("on_time", 4),
        Count("missing", 1),
        Count("novel", 2),
    )


def test_long_lists_and_names_are_cut() -> None:
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"
    assert clipped("Elm Street School", 8) == "Elm Str…"
    assert clipped("Elm", 8) == "Elm"
