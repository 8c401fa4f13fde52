from __future__ import annotations

from dataclasses import asdict

import pytest
from sqlalchemy import text

from sipetl.errors import ConfigError
from sipetl.publish import trace
from tests.unit.publish.world import CHRONIC, DISTRICT, SCHOOL, STATE, World, as_json


def cell(organization: str) -> dict[str, str]:
    return {"organization": organization, "metric": CHRONIC, "period": "C1"}


def test_a_school_value_leads_to_its_parts_and_files(world: World) -> None:
    parts = [world.part(1), world.part(2)]
    world.value(SCHOOL, 10, 40, input_id=world.input(1, *(f"part:{p}" for p in parts)))

    found = trace(world.connection, **cell(SCHOOL))

    assert (found.value, found.numerator, found.denominator, found.n) == ("25", 10, 40, 40)
    assert (found.metric_version, found.source) == (
        1,
        "DESE attendance FAQ (S39), at least 20 days in membership (S61)",
    )
    assert [(p.part_id, p.rows_good, p.rows_quarantined) for p in found.parts] == [
        (str(parts[0]), 100, 1),
        (str(parts[1]), 200, 2),
    ]
    assert [(d.sender, d.file_name, d.sha256) for d in found.deliveries] == [
        ("3501", "attendance_1.csv", f"{1:064x}"),
        ("3501", "attendance_2.csv", f"{2:064x}"),
    ]
    assert found.deliveries[0].received_at.startswith("2025-11-01T01:00:00")
    assert found.deliveries[0].landed_path == f"ab/{1:064x}"


def test_nested_inputs_are_followed_to_the_bottom_and_each_part_is_told_once(world: World) -> None:
    one, two, three = (world.part(number) for number in (1, 2, 3))
    left = world.input(1, f"part:{one}", f"part:{two}")
    right = world.input(2, f"part:{two}", f"part:{three}")
    region = world.input(3, f"input:{left}")
    world.value(STATE, 100, 400, input_id=world.input(4, f"input:{region}", f"input:{right}"))

    found = trace(world.connection, **cell(STATE))

    assert [p.part_id for p in found.parts] == [str(one), str(two), str(three)]
    assert len(found.deliveries) == 3


def test_a_part_that_was_replaced_since_says_by_which(world: World) -> None:
    old = world.part(1, status="superseded")
    new = world.part(2, supersedes=old)
    world.value(SCHOOL, 10, 40, input_id=world.input(1, f"part:{old}"))

    (part,) = trace(world.connection, **cell(SCHOOL)).parts

    assert (part.status_then, part.status, part.replaced_by) == ("accepted", "superseded", str(new))


def test_a_release_is_traced_as_it_was_frozen(world: World) -> None:
    world.value(SCHOOL, 1, 4, input_id=world.input(1, f"part:{world.part(1)}"))
    world.release()
    world.connection.execute(text("update metric.value set numerator = 3, value = 75"))

    then, now = trace(world.connection, **cell(SCHOOL), cycle="C1"), trace(world.connection, **cell(SCHOOL))

    assert (then.cycle, then.numerator, then.suppression) == ("C1", 1, "P")
    assert (now.cycle, now.numerator, now.suppression) == (None, 3, None)
    assert then.parts == now.parts


def test_groups_are_told_apart(world: World) -> None:
    world.value(SCHOOL, 10, 40)
    world.value(SCHOOL, 4, 16, student_group="el")

    assert trace(world.connection, **cell(SCHOOL)).n == 40
    assert trace(world.connection, **cell(SCHOOL), student_group="el").n == 16


def test_a_number_that_is_not_there_is_an_error_that_names_the_cell(world: World) -> None:
    world.value(SCHOOL, 10, 40)

    with pytest.raises(ConfigError, match=f"no such numbers in the current values: organization {DISTRICT}"):
        trace(world.connection, **cell(DISTRICT))
    with pytest.raises(ConfigError, match="no such numbers in release C1"):
        trace(world.connection, **cell(SCHOOL), cycle="C1")


def test_a_trace_goes_into_json(world: World) -> None:
    world.value(SCHOOL, 10, 40, input_id=world.input(1, f"part:{world.part(1)}"))

    told = as_json(asdict(trace(world.connection, **cell(SCHOOL))))

    assert told["parts"][0]["feed"] == "attendance"
    assert told["as_of"] == "2025-10-31"
