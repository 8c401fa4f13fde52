"""A small town: one district's registry in parts, and deliveries and a plan put straight into the warehouse."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, insert

from sipetl.registry import Registry
from sipetl.registry.models import Calendar, Closure, Cycle, District, Home, Organizations, School, Window
from sipetl.warehouse import tables as t

TOWN, TOWN_CODE = "3501", "35010000"
ALDER, BIRCH, CEDAR = "35010001", "35010002", "35010003"
CALENDAR = Calendar(
    calendar="town",
    school_year=2026,
    first_day=date(2025, 9, 2),
    last_day=date(2026, 6, 18),
    closures=(
        Closure(on=date(2025, 10, 13), reason="Indigenous Peoples Day"),
        Closure(on=date(2025, 11, 11), reason="Veterans Day"),
        Closure(starts=date(2025, 11, 27), ends=date(2025, 11, 28), reason="Thanksgiving"),
        Closure(starts=date(2025, 12, 24), ends=date(2026, 1, 2), reason="Winter recess"),
        Closure(on=date(2026, 1, 26), reason="Snow day"),
        Closure(starts=date(2026, 2, 16), ends=date(2026, 2, 20), reason="February vacation"),
    ),
)
C1, C2 = (
    Cycle(cycle=code, school_year=2026, data_as_of=as_of, data_due=due, review_date=review)
    for code, as_of, due, review in (
        ("C1", date(2025, 11, 14), date(2025, 11, 21), date(2025, 12, 2)),
        ("C2", date(2026, 1, 30), date(2026, 2, 6), date(2026, 2, 24)),
    )
)
FALL = Window(code="fall", school_year=2026, opens=date(2025, 9, 8), closes=date(2025, 10, 3))
WINTER = Window(code="winter", school_year=2026, opens=date(2026, 1, 5), closes=date(2026, 1, 23))
NAMES = {ALDER: "Alder", BIRCH: "Birch", CEDAR: "Cedar"}
AT_THREE = datetime(2026, 2, 6, 15, tzinfo=UTC)


def organizations(name: str = "Town", schools: dict[str, str] = NAMES) -> Organizations:
    """The district and its schools, code -> name."""
    return Organizations(
        districts=(District(district=TOWN, code=TOWN_CODE, name=name, calendar="town"),),
        schools=tuple(School(code=code, name=school, district=TOWN) for code, school in schools.items()),
    )


def registry(**given: Any) -> Registry:
    """The town's registry; what is not given is as above, and without feeds."""
    usual = {
        "folder": Path("registry"),
        "sha256": uuid4().hex,
        "home": Home(state_name="Massachusetts"),
        "organizations": organizations(),
        "feeds": (),
        "calendars": (CALENDAR,),
        "cycles": (C1, C2),
    }
    return Registry(**usual | given)


def add(connection: Connection, table: Table, **values: Any) -> None:
    """Write one row."""
    connection.execute(insert(table).values(values))


def add_delivery(connection: Connection, **given: Any) -> UUID:
    """A delivery of the town."""
    row: dict[str, Any] = {
        "delivery_id": uuid4(), "sender": TOWN, "source_path": "inbox", "file_name": "f.csv", "sha256": uuid4().hex,
        "size": 1, "received_at": AT_THREE, "landed_path": "landing", "status": "accepted", **given,
    }  # fmt: skip
    add(connection, t.ops.delivery, **row)
    key: UUID = row["delivery_id"]
    return key


def add_part(connection: Connection, delivery_id: UUID, **given: Any) -> UUID:
    """A part of a delivery: the attendance of a window."""
    row: dict[str, Any] = {
        "part_id": uuid4(), "delivery_id": delivery_id, "member": "f.csv", "feed": "attendance", "district": TOWN,
        "school_year": 2026, "layout": "any", "layout_version": 1, "scope_kind": "window", "rows_good": 10,
        "rows_quarantined": 0, "content_sha256": "0", "status": "accepted", **given,
    }  # fmt: skip
    add(connection, t.ops.delivery_part, **row)
    key: UUID = row["part_id"]
    return key


def add_plan(connection: Connection, version_id: int, **given: Any) -> None:
    """A version of Alder's plan, without benchmarks."""
    row = {
        "version_id": version_id, "plan": f"MA/{ALDER}", "organization_code": f"MA/{ALDER}", "title": "Plan",
        "effective_from": date(2025, 9, 2), "sha256": "0", **given,
    }  # fmt: skip
    add(connection, t.plan.plan_version, **row)


def add_benchmark(connection: Connection, benchmark_id: int, version_id: int, **given: Any) -> None:
    """A student benchmark of a plan's version, due on 13 March."""
    row = {
        "benchmark_id": benchmark_id, "version_id": version_id, "is_mag": False, "kind": "student",
        "student_group": "all", "due_on": date(2026, 3, 13), "cadence": "quarterly", "owner": "school",
        "definition": {}, **given,
    }  # fmt: skip
    add(connection, t.plan.benchmark, **row)
