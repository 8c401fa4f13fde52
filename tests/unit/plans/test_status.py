from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipetl.plans.model import Direction, TargetPath, TimelineStep
from sipetl.plans.path import Course, Moment
from sipetl.plans.status import (
    Certainty,
    Observation,
    Question,
    Status,
    StepStatus,
    judge,
    step_status,
)

D = Decimal
DUE = date(2026, 3, 13)
TODAY = date(2026, 1, 12)
COURSE = Course(path=TargetPath.HOLD, direction=Direction.DOWN, target=D(24), due=DUE, baseline=D("31.4"))


def seen(value: str | None, **given_fields) -> Observation:
    fields = {"n": 80, "measured_on": TODAY} | given_fields
    return Observation(value=None if value is None else D(value), **fields)


def question(observed: Observation | None, *, on: date = TODAY, **given_fields) -> Question:
    fields = {"course": COURSE, "moment": Moment(on, 80, 120), "minimum_n": 10} | given_fields
    return Question(observed=observed, **fields)


FINAL = {"measured_on": DUE}
AFTER = date(2026, 3, 20)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        # not started: before the first expected measurement, whatever is there
        (question(None, starts_on=date(2026, 1, 13)), Status.NOT_STARTED),
        (question(seen("30"), starts_on=date(2026, 1, 13)), Status.NOT_STARTED),
        (question(seen("30"), starts_on=TODAY), Status.OFF_TRACK),
        # awaiting the source, or under embargo
        (question(None, source_from=date(2026, 9, 25)), Status.AWAITING_SOURCE),
        (question(None, on=date(2026, 7, 1), source_from=date(2026, 9, 25)), Status.AWAITING_SOURCE),
        (question(None, on=date(2026, 9, 25), source_from=date(2026, 9, 25)), Status.NO_DATA),
        (question(seen("20", **FINAL), on=AFTER, embargo_until=date(2026, 3, 21)), Status.AWAITING_SOURCE),
        (question(seen("20", **FINAL), on=AFTER, embargo_until=AFTER), Status.MET),
        (question(seen("20", is_final=True), source_from=date(2026, 9, 25)), Status.MET),
        # no data: due and nothing arrived
        (question(None), Status.NO_DATA),
        (question(seen("20"), on=DUE + timedelta(days=1)), Status.NO_DATA),
        (question(seen("20"), on=DUE + timedelta(days=1), final_due=date(2026, 3, 18)), Status.ON_TRACK),
        (question(seen("20"), on=date(2026, 3, 19), final_due=date(2026, 3, 18)), Status.NO_DATA),
        # too few
        (question(seen("20", n=9)), Status.INSUFFICIENT_N),
        (question(seen("20", n=10)), Status.ON_TRACK),
        (question(seen(None, n=0)), Status.INSUFFICIENT_N),
        (question(seen("20", n=9, is_incomplete=True)), Status.INSUFFICIENT_N),
        # students or days are missing
        (question(seen("20", is_incomplete=True)), Status.INCOMPLETE),
        (question(seen("20", is_incomplete=True, **FINAL), on=AFTER), Status.INCOMPLETE),
        # the final measurement is in
        (question(seen("24", **FINAL), on=AFTER), Status.MET),
        (question(seen("24.0000000000000000000000001", **FINAL), on=AFTER), Status.NOT_MET),
        (question(seen("23.9", **FINAL), on=AFTER), Status.MET),
        # the final measurement is here, but for days that are not due yet
        (question(seen("24", is_provisional=True, **FINAL), on=AFTER), Status.ON_TRACK),
        # before the due date
        (question(seen("24")), Status.ON_TRACK),
        (question(seen("24.04")), Status.OFF_TRACK),
    ],
)
def test_the_first_status_that_applies_is_taken(asked, status):
    assert judge(asked).status is status


@pytest.mark.parametrize(
    ("direction", "value", "status"),
    [
        (Direction.UP, "23.99", Status.OFF_TRACK),
        (Direction.UP, "24", Status.ON_TRACK),
        (Direction.UP, "24.01", Status.ON_TRACK),
        (Direction.DOWN, "23.99", Status.ON_TRACK),
        (Direction.DOWN, "24", Status.ON_TRACK),
        (Direction.DOWN, "24.01", Status.OFF_TRACK),
    ],
)
def test_direction_says_which_side_is_better(direction, value, status):
    asked = question(seen(value), course=replace(COURSE, direction=direction))

    assert judge(asked).status is status


@pytest.mark.parametrize(
    ("value", "status"),
    [("40", Status.OFF_TRACK), ("40.1", Status.ON_TRACK), ("39", Status.OFF_TRACK), ("60", Status.ON_TRACK)],
)
def test_a_rising_path_asks_for_more_than_last_time(value, status):
    rising = replace(COURSE, path=TargetPath.RISES, direction=Direction.UP, target=D(60))

    assert judge(question(seen(value), course=rising, moment=Moment(TODAY, previous=D(40)))).status is status


def test_a_rising_path_may_stand_still_at_its_target():
    rising = replace(COURSE, path=TargetPath.RISES, direction=Direction.UP, target=D(60))

    judged = judge(question(seen("60"), course=rising, moment=Moment(TODAY, previous=D(60))))

    assert judged.status is Status.ON_TRACK


def test_a_year_end_goal_has_no_status_of_the_road_but_shows_its_value():
    judged = judge(question(seen("20"), course=replace(COURSE, path=TargetPath.YEAR_END_ONLY)))

    assert (judged.status, judged.expected, judged.value) == (Status.NOT_STARTED, None, D(20))


@pytest.mark.parametrize(
    ("low", "high", "certainty"),
    [
        ("20", "24", Certainty.CLOSE),
        ("18", "23.99", Certainty.CLEAR),
        ("18", "30", Certainty.CLOSE),
        ("22", "22", Certainty.CLEAR),
        (None, None, None),
    ],
)
def test_certainty_says_whether_the_line_is_inside_the_interval(low, high, certainty):
    bounds = {"low": D(low), "high": D(high)} if low else {}

    judged = judge(question(seen("22", **bounds)))

    assert (judged.status, judged.certainty) == (Status.ON_TRACK, certainty)


def test_certainty_of_a_final_value_is_held_against_the_target_and_not_the_path():
    linear = replace(COURSE, path=TargetPath.LINEAR)
    observed = seen("22", low=D(20), high=D(23), is_final=True)

    judged = judge(question(observed, course=linear, moment=Moment(TODAY, 115, 120)))

    assert (judged.status, judged.certainty) == (Status.MET, Certainty.CLEAR)


def test_an_incomplete_value_is_shown_without_certainty():
    observed = seen("20", is_incomplete=True, low=D(18), high=D(26))

    judged = judge(question(observed))

    assert (judged.status, judged.value, judged.certainty) == (Status.INCOMPLETE, D(20), None)


def test_an_embargoed_value_is_not_shown():
    judged = judge(question(seen("20"), embargo_until=date(2026, 9, 1)))

    assert (judged.value, judged.gap, judged.certainty) == (None, None, None)


def test_missing_data_names_the_arrival():
    assert judge(question(None, missing_arrival="attendance 0035 2026-01")).arrival == "attendance 0035 2026-01"
    assert judge(question(seen("20"), missing_arrival="attendance 0035 2026-01")).arrival is None


@pytest.mark.parametrize(("value", "gap"), [("30", "6"), ("20", "-4")])
def test_the_gap_is_how_far_short_of_the_target_a_value_is(value, gap):
    assert judge(question(seen(value))).gap == D(gap)  # at most 24


DECIMALS = st.decimals(0, 100, places=3)


@given(DECIMALS, DECIMALS, st.sampled_from(Direction))
def test_a_value_at_the_target_is_met_and_the_mirror_image_has_the_same_status(value, target, direction):
    final = replace(COURSE, target=target, direction=direction)
    mirrored = Direction.UP if direction is Direction.DOWN else Direction.DOWN

    at_target = judge(question(seen(str(target), **FINAL), on=AFTER, course=final))
    as_is = judge(question(seen(str(value), **FINAL), on=AFTER, course=final))
    mirror = replace(final, target=-target, direction=mirrored)
    flipped = judge(question(seen(str(-value), **FINAL), on=AFTER, course=mirror))

    assert at_target.status is Status.MET
    assert as_is.status is flipped.status
    assert (as_is.status is Status.MET) == (as_is.gap is not None and as_is.gap <= 0)


@pytest.mark.parametrize(
    ("done_on", "on", "status"),
    [
        (None, date(2025, 10, 31), StepStatus.DUE),
        (None, date(2025, 11, 1), StepStatus.OVERDUE),
        (date(2025, 11, 5), date(2025, 11, 5), StepStatus.DONE),
        (date(2025, 11, 5), date(2025, 11, 4), StepStatus.OVERDUE),
        (date(2025, 10, 1), date(2025, 9, 30), StepStatus.DUE),
    ],
)
def test_a_timeline_step_is_done_due_or_overdue(done_on, on, status):
    step = TimelineStep(step="Form the team", owner="Principal", due=date(2025, 10, 31), done_on=done_on)

    assert step_status(step, on) is status


SPRING = replace(COURSE, path=TargetPath.SAME_WINDOW)


def test_a_goal_of_spring_waits_for_spring_whether_fall_came_or_not() -> None:
    nothing = judge(question(None, course=SPRING, moment=Moment(TODAY)))
    fall = judge(question(seen("20"), course=SPRING, moment=Moment(TODAY)))

    assert nothing.status is fall.status is Status.NOT_STARTED
    assert fall.value is None, "fall's value is not the goal's"


def test_a_window_with_a_line_to_the_target_is_missed_when_it_does_not_come() -> None:
    moment = Moment(TODAY, window_baseline=D(30))

    assert judge(question(None, course=replace(SPRING, baseline=D(30)), moment=moment)).status is Status.NO_DATA
