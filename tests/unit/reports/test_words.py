"""Numbers and words as a person reads them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from sipetl.plans import Status
from sipetl.readiness import State
from sipetl.reports.model import Count, Display
from sipetl.reports.words import LABELS, clipped, gap_text, in_order, interval, listed, number, target_text
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


def test_a_target_says_its_side() -> None:
    falling = goal("B1", target=Decimal(19))

    assert target_text(falling) == "at most 19.0 %"
    assert target_text(replace(falling, direction="up")) == "at least 19.0 %"


def test_every_status_and_state_has_a_word() -> None:
    assert {*map(str, Status), *map(str, State)} <= set(LABELS)


def test_words_of_one_tone_differ_in_shape() -> None:
    families = (
        ("on_time", "recovered", "due_soon", "not_due", "late", "missing", "waived"),
        ("accepted", "landed", "held", "rejected", "unrecognized", "superseded", "duplicate"),
        tuple(map(str, Status)),
        tuple(map(str, State)),
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
