from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, text

from sipetl.disclosure import load_policy
from sipetl.errors import ConfigError
from sipetl.warehouse import Warehouse
from tests.unit.publish.world import (
    CHRONIC,
    CYCLE,
    DISTRICT,
    LATE_REVIEW,
    LATER_MONTH,
    MONTH,
    NEXT_CYCLE,
    SCHOOL,
    STATE,
    WINDOW,
    YEAR,
    World,
)


def frozen(connection: Connection) -> set[str]:
    query = text("select p.code from ops.release_value r join ref.period p using (period_id) where r.cycle = 'C1'")
    return set(connection.execute(query).scalars())


def test_a_release_holds_the_cycle_and_what_ended_before_it(world: World) -> None:
    for period in (MONTH, LATER_MONTH, WINDOW, CYCLE, NEXT_CYCLE):
        world.value(SCHOOL, 10, 40, period_id=period)

    released = world.release()

    assert frozen(world.connection) == {"2025-10", "2026-fall", "C1"}
    assert (released.cycle, released.values, released.statuses, released.suppressed) == ("C1", 3, 0, 0)


@pytest.mark.parametrize(("as_of", "is_in"), [(date(2025, 10, 31), True), (date(2025, 11, 1), False)])
def test_the_year_to_date_is_in_while_it_looks_no_further_than_the_cycle(
    world: World, as_of: date, is_in: bool
) -> None:
    world.value(SCHOOL, 10, 40, period_id=YEAR, as_of=as_of)

    world.release()

    assert (frozen(world.connection) == {"2026"}) is is_in


@pytest.mark.parametrize(("as_of", "is_in"), [(date(2025, 6, 20), True), (date(2026, 6, 20), False)])
def test_published_results_of_earlier_years_are_in(world: World, as_of: date, is_in: bool) -> None:
    metric = {
        "metric": "published_rate",
        "version": 1,
        "title": "",
        "feed": "published_results",
        "family": "published",
    }
    metric |= {"unit": "published", "direction": "neutral", "path": "year_end_only", "display_unit": "points"}
    world.connection.execute(
        text(
            "insert into ref.metric (metric, version, title, feed, family, unit, direction, path, display_unit, decimals,"
            " source, definition_sha256) values (:metric, :version, :title, :feed, :family, :unit, :direction, :path,"
            " :display_unit, 1, '', '')"
        ),
        metric,
    )
    world.connection.execute(
        text("insert into ref.period values (99, 2025, 'year', '2025', '2024-09-01', '2025-06-20', 0)")
    )
    more: dict[str, Any] = {"period_id": 99, "school_year": 2025, "as_of": as_of}
    world.value(SCHOOL, 10, 40, metric="published_rate", **more)
    world.value(DISTRICT, 10, 40, **more)

    world.release()

    assert (world.codes() == {(SCHOOL, "all"): None}) is is_in


def test_a_release_counts_what_the_public_does_not_see(world: World) -> None:
    world.value(SCHOOL, 1, 4)
    world.value(DISTRICT, 10, 40)
    world.benchmark(1)
    world.status(1, Decimal(25), 4)

    released = world.release()

    assert (released.values, released.statuses, released.suppressed) == (2, 1, 2)
    assert world.codes() == {(SCHOOL, "all"): "P", (DISTRICT, "all"): None}


def test_the_release_row_says_when_with_what_and_over_what(world: World) -> None:
    world.value(SCHOOL, 10, 40)

    released = world.release(policy=load_policy("ferpa10"))

    row = world.connection.execute(text("select * from ops.release")).one()
    assert (row.cycle, row.as_of, row.policy) == ("C1", date(2025, 10, 31), "ferpa10")
    assert row.released_at == datetime(2025, 11, 20, 15, tzinfo=UTC)
    assert row.sha256 == released.sha256
    assert len(released.sha256) == 64


def test_a_release_does_not_change_when_values_do(world: World) -> None:
    world.value(SCHOOL, 10, 40)
    world.release()

    world.connection.execute(text("update metric.value set value = 1, n = 3"))

    row = world.connection.execute(text("select value, n, suppression from ops.release_value")).one()
    assert tuple(row) == (Decimal(25), 40, None)


def test_a_cycle_is_released_once(world: World) -> None:
    world.value(SCHOOL, 10, 40)
    world.release()

    with pytest.raises(ConfigError, match="released already"):
        world.release()


def test_an_unknown_cycle_is_refused(world: World) -> None:
    with pytest.raises(ConfigError, match="no cycle 'C9'"):
        world.release("C9")


@pytest.mark.parametrize(
    ("now", "is_refused"),
    [(datetime(2025, 10, 31, 3, tzinfo=UTC), True), (datetime(2025, 10, 31, 5, tzinfo=UTC), False)],
)
def test_a_release_before_the_last_day_of_data_is_refused_by_the_homes_own_clock(
    world: World, now: datetime, is_refused: bool
) -> None:
    """At 3:00 UTC on the 31st it is still the 30th in New York."""
    world.value(SCHOOL, 10, 40)

    if is_refused:
        with pytest.raises(ConfigError, match="cannot be released yet"):
            world.release(now=now)
    else:
        assert world.release(now=now).values == 1


def test_the_display_preset_cannot_be_released_with(world: World) -> None:
    with pytest.raises(ConfigError, match="dese_display"):
        world.release(policy=load_policy("dese_display"))


def hash_of(warehouse: Warehouse, fill: Callable[[World], None]) -> str:
    with warehouse.etl.connect() as connection:
        transaction = connection.begin()
        world = World(connection)
        fill(world)
        released = world.release().sha256
        transaction.rollback()
    return released


def forwards(world: World) -> None:
    world.value(SCHOOL, 1, 4)
    world.value(DISTRICT, 10, 40)
    world.benchmark(1)
    world.status(1, Decimal(25), 4)


def backwards(world: World) -> None:
    """The same, in another order, with other ids of inputs, and zeros behind the point."""
    world.benchmark(1)
    world.status(1, Decimal("25.000"), 4, input_id=None)
    part = world.part(1)
    world.value(DISTRICT, 10, 40, input_id=world.input(7, f"part:{part}"), value=Decimal("25.0000"))
    world.value(SCHOOL, 1, 4, sum_xx=Decimal("1.0"))


def other(world: World) -> None:
    forwards(world)
    world.connection.execute(text("update metric.value set expected_n = expected_n + 1"))


def test_the_hash_depends_on_what_is_released_and_on_nothing_else(warehouse: Warehouse) -> None:
    first, again, reordered, changed = (hash_of(warehouse, f) for f in (forwards, forwards, backwards, other))

    assert first == again == reordered
    assert changed != first


def test_the_hash_covers_statuses_and_what_is_hidden(warehouse: Warehouse) -> None:
    def other_status(world: World) -> None:
        forwards(world)
        world.connection.execute(text("update metric.status set status = 'on_track'"))

    def embargoed(world: World) -> None:
        forwards(world)
        part = world.part(1, embargo_until=date(2026, 9, 1))
        input_id = world.input(7, f"part:{part}")
        world.connection.execute(text("update metric.value set input_id = :i"), {"i": input_id})

    def other_outlook(world: World) -> None:
        forwards(world)
        world.connection.execute(text("update metric.status set projection = 20"))

    def other_count(world: World) -> None:
        forwards(world)
        world.connection.execute(text("update metric.status set occurrences_met = 3"))

    fills = (forwards, other_status, embargoed, other_outlook, other_count)

    assert len({hash_of(warehouse, fill) for fill in fills}) == len(fills)


def test_a_later_cycle_leaves_the_earlier_release_as_it_was(world: World) -> None:
    world.value(SCHOOL, 10, 40)
    world.value(STATE, 100, 400, period_id=NEXT_CYCLE)
    world.release()

    second = world.release("C2", now=LATE_REVIEW)

    assert second.values == 1
    assert world.codes("C1") == {(SCHOOL, "all"): None}
    assert world.codes("C2") == {(STATE, "all"): None}


def test_a_release_is_of_one_metric_version_per_value(world: World) -> None:
    world.value(SCHOOL, 10, 40, metric_version=3)

    world.release()

    row = world.connection.execute(text("select metric, metric_version from ops.release_value")).one()
    assert tuple(row) == (CHRONIC, 3)
