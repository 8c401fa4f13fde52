"""A small district world, written by hand into the warehouse: what releases, views and traces are tested on."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, text

from sipetl.disclosure import Policy, load_policy
from sipetl.metrics import load_catalogue
from sipetl.metrics.register import register_metrics
from sipetl.publish import Release, release
from sipetl.warehouse import tables as t

YEAR, MONTH, LATER_MONTH, WINDOW, CYCLE, NEXT_CYCLE = 1, 2, 3, 4, 5, 6
PERIODS = (
    (YEAR, "year", "2026", date(2025, 9, 1), date(2026, 6, 20)),
    (MONTH, "month", "2025-10", date(2025, 10, 1), date(2025, 10, 31)),
    (LATER_MONTH, "month", "2025-11", date(2025, 11, 1), date(2025, 11, 30)),
    (WINDOW, "window", "2026-fall", date(2025, 9, 8), date(2025, 10, 3)),
    (CYCLE, "cycle", "C1", date(2025, 9, 1), date(2025, 10, 31)),
    (NEXT_CYCLE, "cycle", "C2", date(2025, 9, 1), date(2026, 1, 30)),
)
STATE, DISTRICT, SCHOOL, OTHER_DISTRICT, OTHER_SCHOOL = "00000000", "35010000", "35010001", "35020000", "35020001"
ORGANIZATIONS = (
    (1, STATE, "state", None, None),
    (2, DISTRICT, "district", 1, "3501"),
    (3, SCHOOL, "school", 2, "3501"),
    (4, OTHER_DISTRICT, "district", 1, "3502"),
    (5, OTHER_SCHOOL, "school", 4, "3502"),
)
ID_OF = {code: key for key, code, *_ in ORGANIZATIONS}
CHRONIC = "chronic_absence_rate_pk12"
REVIEW = datetime(2025, 11, 20, 15, tzinfo=UTC)
LATE_REVIEW = datetime(2026, 2, 10, 15, tzinfo=UTC)
SOMEWHERE = uuid.UUID(int=1)
"""An input without members."""


class World:
    """Writes rows through one connection; every method adds what its name says."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._reference()

    def add(self, table: Any, **row: Any) -> None:
        self.connection.execute(insert(table), row)

    def value(self, organization: str, numerator: int, n: int, **more: Any) -> None:
        """A value that is a share of people, in percent."""
        value = None if n == 0 else Decimal(100 * numerator) / n
        row = {
            "organization_id": ID_OF[organization],
            "period_id": CYCLE,
            "metric": CHRONIC,
            "student_group": "all",
            "metric_version": 1,
            "school_year": 2026,
            "as_of": date(2025, 10, 31),
            "numerator": numerator,
            "denominator": n,
            "sum_xx": numerator,
            "sum_xy": numerator,
            "sum_yy": n,
            "n": n,
            "expected_n": n + 1,
            "coverage": Decimal(n) / (n + 1),
            "value": value,
            "low": None if value is None else value * Decimal("0.9"),
            "high": None if value is None else value * Decimal("1.1"),
            "data_status": "final",
            "input_id": SOMEWHERE,
        }
        self.add(t.metric.value, **{**row, **more})

    def benchmark(self, key: int, organization: str = SCHOOL, **more: Any) -> None:
        """A plan with one benchmark, on chronic absence of all students."""
        self.add(
            t.plan.plan_version,
            version_id=key,
            plan=f"plan-{organization}-{key}",
            organization_code=organization,
            effective_from=date(2025, 9, 2),
            title="A plan",
            sha256="0" * 64,
        )
        row = {
            "benchmark_id": key,
            "version_id": key,
            "code": "B1",
            "is_mag": False,
            "kind": "student",
            "text": "Fewer students are chronically absent",
            "metric": CHRONIC,
            "student_group": "all",
            "baseline_value": Decimal("31.4"),
            "target_level": Decimal(24),
            "direction": "down",
            "path": "hold",
            "due_on": date(2026, 3, 13),
            "cadence": "quarterly",
            "feed": "attendance",
            "owner": "school",
            "is_academic": False,
            "definition": {},
        }
        self.add(t.plan.benchmark, **{**row, **more})

    def status(self, key: int, value: Decimal | None, n: int | None, **more: Any) -> None:
        row = {
            "benchmark_id": key,
            "cycle": "C1",
            "as_of": date(2025, 10, 31),
            "status": "no_data" if value is None else "off_track",
            "certainty": None if value is None else "clear",
            "value": value,
            "n": n,
            "expected": Decimal(24),
            "target": Decimal(24),
            "gap": None if value is None else value - 24,
            "input_id": SOMEWHERE,
        }
        self.add(t.metric.status, **{**row, **more})

    def part(self, name: int, **more: Any) -> uuid.UUID:
        """A delivery with one accepted part."""
        delivery, part = uuid.UUID(int=1000 + name), uuid.UUID(int=2000 + name)
        self.add(
            t.ops.delivery,
            delivery_id=delivery,
            sender="3501",
            source_path=f"inbox/attendance_{name}.csv",
            file_name=f"attendance_{name}.csv",
            sha256=f"{name:064x}",
            size=10,
            received_at=datetime(2025, 11, 1, name, tzinfo=UTC),
            landed_path=f"ab/{name:064x}",
            status="accepted",
        )
        row = {
            "part_id": part,
            "delivery_id": delivery,
            "member": f"attendance_{name}.csv",
            "feed": "attendance",
            "district": "3501",
            "school_year": 2026,
            "layout": "sis_daily_attendance",
            "layout_version": 1,
            "scope_kind": "snapshot",
            "rows_good": 100 * name,
            "rows_quarantined": name,
            "content_sha256": f"{name:064x}",
            "status": "accepted",
            "published_at": datetime(2025, 11, 1, name, 1, tzinfo=UTC),
        }
        self.add(t.ops.delivery_part, **{**row, **more})
        return part

    def input(self, key: int, *members: str) -> uuid.UUID:
        input_id = uuid.UUID(int=3000 + key)
        for member in members:
            self.add(t.ops.input_member, input_id=input_id, member=member)
        return input_id

    def release(self, cycle: str = "C1", *, now: datetime = REVIEW, policy: Policy | None = None) -> Release:
        return release(self.connection, cycle, now=now, policy=policy or load_policy("dese"))

    def codes(self, cycle: str = "C1") -> dict[tuple[str, str], str | None]:
        """Suppression by (organization, student group) of a release."""
        query = text(
            "select o.code, r.student_group, r.suppression from ops.release_value r"
            " join ref.organization o using (organization_id) where r.cycle = :cycle"
        )
        rows = self.connection.execute(query, {"cycle": cycle})
        return {(code, group): suppression for code, group, suppression in rows}

    def status_codes(self, cycle: str = "C1") -> dict[int, str | None]:
        query = text("select benchmark_id, suppression from ops.release_status where cycle = :cycle")
        return {row.benchmark_id: row.suppression for row in self.connection.execute(query, {"cycle": cycle})}

    def _reference(self) -> None:
        self.add(t.ref.home, authority="MA", state_code=STATE, time_zone="America/New_York", policy="dese")
        for key, code, level, parent, district in ORGANIZATIONS:
            self.connection.execute(
                text(
                    "insert into ref.organization (organization_id, authority, code, level, name, parent_id, district)"
                    " overriding system value values (:key, 'MA', :code, :level, :name, :parent, :district)"
                ),
                {"key": key, "code": code, "level": level, "name": code, "parent": parent, "district": district},
            )
        for sort, (key, kind, code, starts, ends) in enumerate(PERIODS):
            self.add(
                t.ref.period,
                period_id=key,
                school_year=2026,
                kind=kind,
                code=code,
                starts_on=starts,
                ends_on=ends,
                sort=sort,
            )
        for cycle, as_of in (("C1", date(2025, 10, 31)), ("C2", date(2026, 1, 30))):
            self.add(t.ref.cycle, cycle=cycle, school_year=2026, data_as_of=as_of, data_due=as_of, review_date=as_of)
        register_metrics(self.connection, load_catalogue().metrics())


def as_json(value: Any) -> Any:
    """What is left of a value after JSON."""
    return json.loads(json.dumps(value))
