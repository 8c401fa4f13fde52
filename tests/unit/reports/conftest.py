"""A home of one town, put into the warehouse: registry, arrivals, deliveries, one plan, values and statuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, select

from sipetl.arrivals import expected_arrivals, write_expected
from sipetl.registry import Registry
from sipetl.registry.models import (
    Calendar,
    Closure,
    Cycle,
    District,
    Due,
    Feed,
    FeedName,
    Home,
    Organizations,
    School,
    Window,
)
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import apply_registry

TOWN, ALDER, BIRCH = "3501", "35010001", "35010002"
AS_OF = date(2026, 2, 10)
MOMENT = datetime(2026, 2, 6, 15, tzinfo=UTC)
CHRONIC, GROWTH = "chronic_absence_rate_pk12", "map_met_growth_math"
WINTER = Window(code="winter", school_year=2026, opens=date(2026, 1, 5), closes=date(2026, 1, 23))


def registry() -> Registry:
    days = Due(rule="each_school_day", school_days=3)
    tests = Due(rule="after_window", school_days=5)
    return Registry(
        folder=Path("registry"),
        sha256=uuid4().hex,
        home=Home(state_name="Massachusetts"),
        organizations=Organizations(
            districts=(District(district=TOWN, code="35010000", name="Town <&> Harbor", calendar="town"),),
            schools=(
                School(code=ALDER, name="Alder", district=TOWN),
                School(code=BIRCH, name="Birch & Beech", district=TOWN),
            ),
        ),
        feeds=(
            Feed(district=TOWN, feed=FeedName.ATTENDANCE, inbox="in", owner="A. Clerk", due=days),
            Feed(district=TOWN, feed=FeedName.ASSESSMENT, inbox="in", owner="B. Coach", due=tests, windows=(WINTER,)),
        ),
        calendars=(
            Calendar(
                calendar="town",
                school_year=2026,
                first_day=date(2026, 1, 5),
                last_day=date(2026, 6, 18),
                closures=(Closure(on=date(2026, 1, 19), reason="Martin Luther King Day"),),
            ),
        ),
        cycles=(
            Cycle(
                cycle="C2",
                school_year=2026,
                data_as_of=date(2026, 1, 30),
                data_due=date(2026, 2, 6),
                review_date=date(2026, 2, 24),
            ),
        ),
    )


def add(connection: Connection, table: Any, **values: Any) -> None:
    connection.execute(insert(table).values(values))


def deliver(connection: Connection, name: str, status: str, *, part: str | None = None, **given: Any) -> UUID:
    """A delivery; with `part` also one part of that status, whose key comes back."""
    delivery_id, part_id = uuid4(), uuid4()
    delivery = {key: given.pop(key) for key in ("reason", "received_at", "sender") if key in given}
    add(
        connection, t.ops.delivery, delivery_id=delivery_id, source_path=name, file_name=name, sha256=uuid4().hex,
        size=1, landed_path="x", status=status, **{"sender": TOWN, "received_at": MOMENT, **delivery},
    )  # fmt: skip
    if part is not None:
        add(
            connection, t.ops.delivery_part,
            **{"part_id": part_id, "delivery_id": delivery_id, "member": name, "feed": "attendance", "district": TOWN,
               "school_year": 2026, "layout": "any", "layout_version": 1, "scope_kind": "window", "rows_good": 90,
               "rows_quarantined": 0, "content_sha256": "0", "status": part, **given},
        )  # fmt: skip
    return part_id if part else delivery_id


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
    apply_registry(connection, applied, now=MOMENT)
    write_expected(connection, expected_arrivals(applied), now=datetime(2026, 1, 1, tzinfo=UTC))
    for metric, title, path in ((CHRONIC, "Chronically absent", "hold"), (GROWTH, "Met growth", "same_window")):
        add(
            connection, t.ref.metric, metric=metric, version=1, title=title, feed="attendance", family="f",
            unit="student_school", direction="lower_is_better", path=path, display_unit="percent", decimals=1,
            source="s", definition_sha256="0",
        )  # fmt: skip
    for version, effective in ((1, date(2025, 9, 2)), (2, date(2026, 1, 5)), (3, date(2026, 3, 1))):
        add(
            connection, t.plan.plan_version, version_id=version, plan=f"MA/{ALDER}", organization_code=f"MA/{ALDER}",
            effective_from=effective, title=f"Version {version}", sha256="0",
        )  # fmt: skip
    for key, code, metric, path in ((1, "B1", CHRONIC, "hold"), (2, "B2", GROWTH, "same_window")):
        add(
            connection, t.plan.benchmark, benchmark_id=key, version_id=2, code=code, is_mag=False, kind="student",
            text=f"Goal {code} <b>", metric=metric, student_group="all", target_level=20, baseline_value=25,
            direction="down", path=path, due_on=date(2026, 3, 13), cadence="quarterly",
            feed="attendance" if metric == CHRONIC else "assessment", owner="school", is_academic=False, definition={},
        )  # fmt: skip
    return connection


def judge(connection: Connection, benchmark: int, status: str, value: str | None, **given: Any) -> None:
    add(
        connection, t.metric.status, **{"benchmark_id": benchmark, "cycle": "C2", "as_of": AS_OF, "status": status,
        "value": value and Decimal(value), "target": 20, **given},
    )  # fmt: skip
