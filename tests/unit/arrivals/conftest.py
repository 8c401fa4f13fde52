"""A small town with three schools, its registry in parts, and deliveries put straight into the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from sipetl.registry import Registry
from sipetl.registry.models import Due, Feed, FeedName, Window
from tests import town
from tests.town import TOWN, WINTER

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
        return town.registry(feeds=feeds, **given)

    return make


@pytest.fixture
def deliver(connection: Connection) -> Deliver:
    """Put a delivery with one part into the ledger."""

    def put(feed: str, received: datetime | date, **given: Any) -> UUID:
        at = received if isinstance(received, datetime) else datetime.combine(received, time(15), UTC)
        sender = given.pop("sender", TOWN)
        status = given.pop("status", "accepted")
        has_parts = given.pop("parts", True)
        key = town.add_delivery(connection, feed_hint=feed, received_at=at, status=status, sender=sender)
        return town.add_part(connection, key, feed=feed, status=status, **given) if has_parts else key

    return put
