"""Feeds of the town, and its registry as it is applied on the first day of school."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from sipetl.arrivals import expected_arrivals, write_expected
from sipetl.registry.models import Due, Feed, FeedName
from sipetl.warehouse.reference import apply_registry
from tests.town import ALDER, BIRCH, C2, CALENDAR, FALL, WINTER, organizations, registry

AFTER = Due(rule="after_window", school_days=2)
"""Winter is due on January 28, and missing (after ten school days) on February 11."""


def feed(name: str, **given: Any) -> Feed:
    return Feed(
        **{
            "district": "3501", "feed": FeedName(name), "inbox": "inbox", "owner": f"keeper of {name}",
            "due": AFTER, "windows": (FALL, WINTER), **given,
        }
    )  # fmt: skip


def town(connection: Connection, *feeds: Feed) -> None:
    """Apply a registry of two schools and one cycle, C2."""
    known = registry(
        feeds=feeds,
        calendars=(CALENDAR,),
        cycles=(C2,),
        organizations=organizations(schools={ALDER: "Alder", BIRCH: "Birch"}),
    )
    start = datetime(2025, 9, 1, tzinfo=UTC)
    apply_registry(connection, known, now=start)
    write_expected(connection, expected_arrivals(known), now=start)
