from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipetl.plans.model import Between, Checkpoint, Direction, TargetPath
from sipetl.plans.path import Course, Moment, expected_at

D = Decimal
DUE = date(2026, 3, 13)
BEFORE = date(2026, 1, 12)
CHECKPOINTS = (
    Checkpoint(on=date(2025, 11, 1), value=D(30)),
    Checkpoint(on=date(2026, 1, 10), value=D(28)),
)


def course(path: TargetPath, **given_fields) -> Course:
    fields = {"direction": Direction.DOWN, "target": D(24), "due": DUE, "baseline": D("31.5")} | given_fields
    return Course(path=path, **fields)


@pytest.mark.parametrize(
    ("given_course", "moment", "expected"),
    [
        # hold: the target, all year
        (course(TargetPath.HOLD), Moment(date(2025, 9, 3)), D(24)),
        # linear: 31.5 down to 24 over 100 days: 7.5 * 40 / 100 = 3 after 40 days
        (course(TargetPath.LINEAR), Moment(BEFORE, days_elapsed=40, days_total=100), D("28.5")),
        (course(TargetPath.LINEAR), Moment(BEFORE, days_elapsed=0, days_total=100), D("31.5")),
        (course(TargetPath.LINEAR), Moment(BEFORE, days_elapsed=-3, days_total=100), D("31.5")),
        (course(TargetPath.LINEAR), Moment(BEFORE, days_elapsed=120, days_total=100), D(24)),
        (course(TargetPath.LINEAR), Moment(BEFORE), None),
        (course(TargetPath.LINEAR, baseline=None), Moment(BEFORE, 40, 100), None),
        # same window: spring 45 -> 55 asks for 10 more than last year; last year's fall was 30
        (
            course(TargetPath.SAME_WINDOW, target=D(55), baseline=D(45)),
            Moment(BEFORE, window_baseline=D(30)),
            D(40),
        ),
        (
            course(TargetPath.SAME_WINDOW, target=D(55), baseline=D(45)),
            Moment(BEFORE, window_baseline=D(45)),
            D(55),
        ),
        (course(TargetPath.SAME_WINDOW), Moment(BEFORE), None),
        # cumulative: last year 30 of 120 by day 60, so a quarter of 100
        (
            course(TargetPath.CUMULATIVE, target=D(100)),
            Moment(BEFORE, days_elapsed=60, last_year=((20, 6), (60, 30), (180, 120))),
            D(25),
        ),
        (
            course(TargetPath.CUMULATIVE, target=D(100)),
            Moment(BEFORE, days_elapsed=59, last_year=((20, 6), (60, 30), (180, 120))),
            D(5),
        ),
        (
            course(TargetPath.CUMULATIVE, target=D(100)),
            Moment(BEFORE, days_elapsed=10, last_year=((20, 6), (180, 120))),
            D(0),
        ),
        (
            course(TargetPath.CUMULATIVE, target=D(100)),
            Moment(BEFORE, days_elapsed=181, last_year=((20, 6), (180, 120))),
            D(100),
        ),
        (course(TargetPath.CUMULATIVE), Moment(BEFORE, days_elapsed=60), None),
        (course(TargetPath.CUMULATIVE), Moment(BEFORE, days_elapsed=60, last_year=((180, 0),)), None),
        # checkpoints
        (course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS), Moment(date(2025, 10, 31)), None),
        (course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS), Moment(date(2025, 11, 1)), D(30)),
        (course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS), Moment(date(2026, 1, 9)), D(30)),
        (course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS), Moment(date(2026, 1, 10)), D(28)),
        # straight: 70 days from Nov 1 to Jan 10; 35 days later half of the way from 30 to 28
        (
            course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS, between=Between.STRAIGHT),
            Moment(date(2025, 12, 6)),
            D(29),
        ),
        # 62 days from Jan 10 to the due date, 31 days later half of the way from 28 to 24
        (
            course(TargetPath.CHECKPOINTS, checkpoints=CHECKPOINTS, between=Between.STRAIGHT),
            Moment(date(2026, 2, 10)),
            D(26),
        ),
        # rises: the previous value, at first the baseline
        (course(TargetPath.RISES), Moment(BEFORE, previous=D(29)), D(29)),
        (course(TargetPath.RISES), Moment(BEFORE), D("31.5")),
        (course(TargetPath.RISES, baseline=None), Moment(BEFORE), None),
        # year end only: nothing before the result
        (course(TargetPath.YEAR_END_ONLY), Moment(date(2026, 3, 12)), None),
    ],
)
def test_each_path_expects_what_was_worked_out_by_hand(given_course, moment, expected):
    assert expected_at(given_course, moment) == expected


@pytest.mark.parametrize("path", list(TargetPath))
def test_every_path_ends_at_the_target(path):
    ends = course(path, checkpoints=CHECKPOINTS if path is TargetPath.CHECKPOINTS else ())

    assert expected_at(ends, Moment(DUE)) == D(24)
    assert expected_at(ends, Moment(date(2026, 5, 1))) == D(24)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_linear_path_never_turns_back(first, second):
    earlier, later = sorted((first, second))

    at_first = expected_at(course(TargetPath.LINEAR), Moment(BEFORE, earlier, 180))
    at_second = expected_at(course(TargetPath.LINEAR), Moment(BEFORE, later, 180))

    assert at_first is not None
    assert at_second is not None
    assert D(24) <= at_second <= at_first <= D("31.5")
