from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from sipetl.disclosure import Limits, Policy, load_policy
from tests.unit.publish.world import DISTRICT, SCHOOL, STATE, World


@pytest.fixture
def world(connection: Connection) -> World:
    return World(connection)


def policy(**limits: Any) -> Policy:
    return Policy(policy="mine", title="Mine", families={"default": Limits(minimum_n=1, **limits)})


def code_of(world: World, numerator: int, n: int, *, under: Policy, **more: Any) -> str | None:
    world.value(SCHOOL, numerator, n, **more)
    world.release(policy=under)
    return world.codes()[SCHOOL, "all"]


@pytest.mark.parametrize(("n", "code"), [(5, "P"), (6, None)])
def test_attendance_is_shown_at_the_minimum_and_not_one_below(world: World, n: int, code: str | None) -> None:
    assert code_of(world, 2, n, under=load_policy("dese")) == code


@pytest.mark.parametrize(("n", "code"), [(9, "P"), (10, None)])
def test_assessments_have_a_minimum_of_their_own(world: World, n: int, code: str | None) -> None:
    assert code_of(world, 2, n, under=load_policy("dese"), metric="mcas_participation_ela") == code


@pytest.mark.parametrize(
    ("numerator", "limits", "code"),
    [
        (3, {"minimum_part": 3}, None),
        (2, {"minimum_part": 3}, "P"),
        (0, {"minimum_part": 3}, None),
        (0, {"minimum_part": 3, "zero_is_small": True}, "P"),
        (18, {"minimum_part": 3}, None),
        (18, {"minimum_part": 3, "both_parts": True}, "P"),
        (17, {"minimum_part": 3, "both_parts": True}, None),
        (20, {"minimum_part": 3, "both_parts": True}, None),
        (20, {"all_alike": True}, "P"),
        (0, {"all_alike": True}, "P"),
        (1, {"all_alike": True}, None),
    ],
)
def test_the_numerator_rule_hides_small_parts(
    world: World, numerator: int, limits: dict[str, Any], code: str | None
) -> None:
    assert code_of(world, numerator, 20, under=policy(**limits)) == code


@pytest.mark.parametrize(("sum_xx", "code"), [(160, "P"), (161, None)])
def test_a_mean_without_spread_tells_of_everyone(world: World, sum_xx: int, code: str | None) -> None:
    """Ten students with 4 days each: the sum of squares is 160."""
    got = code_of(world, 40, 10, under=policy(all_alike=True), metric="average_days_absent", sum_xx=sum_xx)

    assert got == code


def test_sums_of_days_are_not_taken_for_small_numbers_of_people(world: World) -> None:
    got = code_of(world, 2, 20, under=policy(minimum_part=3), metric="attendance_rate")

    assert got is None


def test_a_metric_the_catalogue_forgot_is_held_to_the_default(world: World) -> None:
    assert code_of(world, 2, 9, under=load_policy("dese"), metric="forgotten") == "P"


def test_what_was_not_reported_is_told_apart_from_what_is_small(world: World) -> None:
    world.value(SCHOOL, 0, 0)
    world.value(DISTRICT, 2, 40, data_status="missing")
    world.value(STATE, 2, 4)
    world.release()

    assert world.codes() == {(SCHOOL, "all"): "N", (DISTRICT, "all"): "N", (STATE, "all"): "P"}


@pytest.mark.parametrize(
    ("embargo_until", "code"), [(date(2025, 11, 21), "E"), (date(2025, 11, 20), None), (None, None)]
)
def test_an_embargo_holds_up_to_its_day_through_nested_inputs(
    world: World, embargo_until: date | None, code: str | None
) -> None:
    """The release is made on 20 November; the state's input points to the district's."""
    part = world.part(1, embargo_until=embargo_until)
    below = world.input(1, f"part:{part}")
    above = world.input(2, f"input:{below}")
    world.value(SCHOOL, 8, 40, input_id=below)
    world.value(STATE, 8, 40, input_id=above)
    world.value(DISTRICT, 8, 40)
    world.release()

    assert world.codes() == {(SCHOOL, "all"): code, (STATE, "all"): code, (DISTRICT, "all"): None}


def test_an_embargoed_data_status_is_believed_without_a_part(world: World) -> None:
    assert code_of(world, 2, 4, under=load_policy("dese"), data_status="embargoed") == "E"


@pytest.mark.parametrize(
    ("numerator", "n", "code"), [(2, 5, "P"), (0, 40, "P"), (40, 40, "P"), (2, 6, None), (8, 40, None)]
)
def test_a_status_is_hidden_with_its_value(world: World, numerator: int, n: int, code: str | None) -> None:
    world.value(SCHOOL, numerator, n)
    world.benchmark(1)
    world.status(1, Decimal(100 * numerator) / n, n)

    world.release()

    assert world.status_codes() == {1: code}


def test_a_status_whose_value_cannot_be_looked_into_is_hidden(world: World) -> None:
    world.benchmark(1)
    world.status(1, Decimal(20), 40)

    world.release()

    assert world.status_codes() == {1: "P"}


def test_a_status_without_a_value_has_nothing_to_hide_unless_it_says_small(world: World) -> None:
    world.benchmark(1)
    world.benchmark(2)
    world.status(1, None, None)
    world.status(2, None, None, status="insufficient_n")

    world.release()

    assert world.status_codes() == {1: None, 2: "P"}


def test_a_status_on_embargoed_data_is_hidden(world: World) -> None:
    embargoed = world.input(1, f"part:{world.part(1, embargo_until=date(2026, 9, 1))}")
    world.value(SCHOOL, 8, 40, input_id=embargoed)
    world.value(DISTRICT, 8, 40, data_status="embargoed")
    world.benchmark(1)
    world.benchmark(2, DISTRICT)
    world.status(1, Decimal(20), 40, input_id=embargoed)
    world.status(2, Decimal(20), 40)

    world.release()

    assert world.status_codes() == {1: "E", 2: "E"}
