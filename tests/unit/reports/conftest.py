"""A home of one town, put into the warehouse: registry, arrivals, deliveries, one plan, values and statuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, select

from sipetl.arrivals import expected_arrivals, write_expected
from sipetl.registry import Registry
from sipetl.registry.models import Calendar, Closure, Due, Feed, FeedName
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import apply_registry
from tests.town import (
    ALDER,
    AT_THREE,
    BIRCH,
    C2,
    TOWN,
    WINTER,
    add,
    add_benchmark,
    add_delivery,
    add_part,
    add_plan,
    organizations,
)
from tests.town import registry as town_registry

MOMENT = AT_THREE
AS_OF = date(2026, 2, 10)
CHRONIC, GROWTH = "chronic_absence_rate_pk12", "map_met_growth_math"


def registry() -> Registry:
    days = Due(rule="each_school_day", school_days=3)
    tests = Due(rule="after_window", school_days=5)
    term = Calendar(
        calendar="town",
        school_year=2026,
        first_day=date(2026, 1, 5),
        last_day=date(2026, 6, 18),
        closures=(Closure(on=date(2026, 1, 19), reason="Martin Luther King Day"),),
    )
    return town_registry(
        organizations=organizations("Town <&> Harbor", {ALDER: "Alder", BIRCH: "Birch & Beech"}),
        feeds=(
            Feed(district=TOWN, feed=FeedName.ATTENDANCE, inbox="in", owner="A. Clerk", due=days),
            Feed(district=TOWN, feed=FeedName.ASSESSMENT, inbox="in", owner="B. Coach", due=tests, windows=(WINTER,)),
        ),
        calendars=(term,),
        cycles=(C2,),
    )


def deliver(connection: Connection, name: str, status: str, *, part: str | None = None, **given: Any) -> UUID:
    """A delivery; with `part` also one part of that status, whose key comes back."""
    told = {key: given.pop(key) for key in ("reason", "received_at", "sender") if key in given}
    key = add_delivery(connection, source_path=name, file_name=name, status=status, **told)
    return key if part is None else add_part(connection, key, member=name, status=part, **{"rows_good": 90, **given})


def measure(
    connection: Connection, organization: str, period: str, metric: str, value: str, *, group: str = "all",
    as_of: date = AS_OF, status: str = "final",
) -> None:  # fmt: skip
    """One metric value; a period is named by its code."""
    organization_id = connection.scalars(
        select(t.ref.organization.c.organization_id).where(t.ref.organization.c.code == organization)
    ).one()
    at = connection.execute(select(t.ref.period).where(t.ref.period.c.code == period)).mappings().one()
    add(
        connection, t.metric.value, organization_id=organization_id, period_id=at["period_id"], metric=metric,
        student_group=group, metric_version=1, school_year=at["school_year"], as_of=as_of, numerator=1, denominator=4,
        sum_xx=0, sum_xy=0, sum_yy=0, n=4, value=Decimal(value), low=Decimal(value) - 2, high=Decimal(value) + 2,
        data_status=status, input_id=uuid4(),
    )  # fmt: skip


@pytest.fixture
def town(connection: Connection) -> Connection:
    """The connection, with the town in its warehouse."""
    applied = registry()
    apply_registry(connection, applied, now=AT_THREE)
    write_expected(connection, expected_arrivals(applied), now=datetime(2026, 1, 1, tzinfo=UTC))
    for metric, title, path in ((CHRONIC, "Chronically absent", "hold"), (GROWTH, "Met growth", "same_window")):
        add(
            connection, t.ref.metric, metric=metric, version=1, title=title, feed="attendance", family="f",
            unit="student_school", direction="lower_is_better", path=path, display_unit="percent", decimals=1,
            source="s", definition_sha256="0",
        )  # fmt: skip
    for version, effective in ((1, date(2025, 9, 2)), (2, date(2026, 1, 5)), (3, date(2026, 3, 1))):
        add_plan(connection, version, effective_from=effective, title=f"Version {version}")
    for key, code, metric, path in ((1, "B1", CHRONIC, "hold"), (2, "B2", GROWTH, "same_window")):
        add_benchmark(
            connection, key, 2, code=code, text=f"Goal {code} <b>", metric=metric, target_level=20, baseline_value=25,
            direction="down", path=path, feed="attendance" if metric == CHRONIC else "assessment", is_academic=False,
        )  # fmt: skip
    return connection


def judge(connection: Connection, benchmark: int, status: str, value: str | None, **given: Any) -> None:
    add(
        connection, t.metric.status, **{"benchmark_id": benchmark, "cycle": "C2", "as_of": AS_OF, "status": status,
        "value": value and Decimal(value), "target": 20, **given},
    )  # fmt: skip
