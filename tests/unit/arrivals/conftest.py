"""A small town with three schools, its registry in parts, and deliveries put straight into the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert

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

TOWN = "3501"
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
CYCLES = tuple(
    Cycle(cycle=code, school_year=2026, data_as_of=as_of, data_due=due, review_date=review)
    for code, as_of, due, review in (
        ("C1", date(2025, 11, 14), date(2025, 11, 21), date(2025, 12, 2)),
        ("C2", date(2026, 1, 30), date(2026, 2, 6), date(2026, 2, 24)),
    )
)
WINTER = Window(code="winter", school_year=2026, opens=date(2026, 1, 5), closes=date(2026, 1, 23))
FeedMaker = Callable[..., Feed]
RegistryMaker = Callable[..., Registry]
Deliver = Callable[..., UUID]


@pytest.fixture
def winter() -> Window:
    return WINTER


@pytest.fixture
def make_feed() -> FeedMaker:
    """A feed of the town, due two school days after its window closes, if nothing else is said."""

    def make(feed: str = "assessment", **given: Any) -> Feed:
        due = given.pop("due", Due(rule="after_window", school_days=2))
        if due.rule in ("after_window", "date"):
            given.setdefault("windows", (WINTER,))
        return Feed(
            **{"district": TOWN, "feed": FeedName(feed), "inbox": "inbox", "owner": "A. Clerk", "due": due, **given}
        )

    return make


@pytest.fixture
def make_registry() -> RegistryMaker:
    """The town's registry with the given feeds."""

    def make(*feeds: Feed, **given: Any) -> Registry:
        organizations = Organizations(
            districts=(District(district=TOWN, code="35010000", name="Town", calendar="town"),),
            schools=tuple(
                School(code=code, name=name, district=TOWN)
                for code, name in (("35010001", "Alder"), ("35010002", "Birch"), ("35010003", "Cedar"))
            ),
        )
        return Registry(
            **{
                "folder": Path("registry"),
                "sha256": uuid4().hex,
                "home": Home(state_name="Massachusetts"),
                "organizations": organizations,
                "feeds": feeds,
                "calendars": (CALENDAR,),
                "cycles": CYCLES,
                **given,
            }
        )

    return make


@pytest.fixture
def deliver(connection: Connection) -> Deliver:
    """Put a delivery with one part into the ledger."""

    def put(feed: str, received: datetime | date, **given: Any) -> UUID:
        at = received if isinstance(received, datetime) else datetime.combine(received, time(15), UTC)
        status = given.pop("status", "accepted")
        sender = given.pop("sender", TOWN)
        delivery = {
            "delivery_id": uuid4(), "sender": sender, "feed_hint": feed, "source_path": "inbox", "file_name": "f.csv",
            "sha256": uuid4().hex, "size": 1, "received_at": at, "landed_path": "landing", "status": status,
        }  # fmt: skip
        connection.execute(insert(t.ops.delivery).values(delivery))
        part_id: UUID = uuid4()
        if not given.pop("parts", True):
            return part_id
        part = {
            "part_id": part_id, "delivery_id": delivery["delivery_id"], "member": "f.csv", "feed": feed,
            "district": TOWN, "school_year": 2026, "layout": "any", "layout_version": 1, "scope_kind": "window",
            "rows_good": 10, "rows_quarantined": 0, "content_sha256": "0", "status": status, **given,
        }  # fmt: skip
        connection.execute(insert(t.ops.delivery_part).values(part))
        return part_id

    return put
