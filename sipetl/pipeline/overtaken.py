"""Whether a file is older than what stands in its place: then a person decides (decision 8).

A scan takes files in the order of their time, so this is a refused file that is tried again after its successor came, or
one that a sender's server kept back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from sipetl.pipeline.home import OpenHome
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


def overtaken_by(home: OpenHome, delivery: ledger.Delivery, row: ledger.PartRow) -> str | None:
    """The name of a newer file of the same sender that stands where this part would go."""
    other = t.ops.delivery.c
    return standing_there(home, row, other.sender == delivery.sender, other.modified_at > delivery.modified_at)


def standing_there(home: OpenHome, row: ledger.PartRow, *conditions: ColumnElement[bool]) -> str | None:
    """The name of a file that stands where a part would go, the last that came of those that meet the conditions."""
    part, delivery = t.ops.delivery_part, t.ops.delivery
    query = (
        select(part, delivery.c.file_name)
        .join(delivery, delivery.c.delivery_id == part.c.delivery_id)
        .where(
            part.c.feed == row.feed,
            part.c.district == row.district,
            part.c.school_year == row.school_year,
            part.c.status == "accepted",
            *conditions,
        )
        .order_by(part.c.part_id.desc())
    )
    with home.warehouse.begin() as connection:
        found = connection.execute(query).all()
    return next((one.file_name for one in found if _overlap(one, row)), None)


def _overlap(one: Any, other: Any) -> bool:
    """Whether two parts speak of the same days and the same values of their scopes."""
    has_days = None not in (one.scope_from, one.scope_to, other.scope_from, other.scope_to)
    if has_days and (one.scope_to < other.scope_from or other.scope_to < one.scope_from):
        return False
    return _share(one.scope_by or {}, other.scope_by or {})


def _share(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> bool:
    return all(set(one[column]) & set(other[column]) for column in one.keys() & other.keys())
