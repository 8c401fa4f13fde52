"""Ids that a person types: a whole one, how one begins, or the name of the file.

Nobody can tell two UUIDs of a day apart, but everybody knows the name of the file they sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, String, cast, select

from sipetl.cli import show
from sipetl.errors import ConfigError
from sipetl.registry.spelling import nearest
from sipetl.warehouse import tables as t

SHORTEST = 4
"""As many characters of an id are asked for at least."""
_delivery, _part, _hold = t.ops.delivery, t.ops.delivery_part, t.ops.hold


def delivery(connection: Connection, given: str) -> UUID:
    """The delivery that is meant; of several with the file's name, the latest.

    Raises:
        ConfigError: there is none, or several ids begin so.
    """
    query = select(_delivery.c.delivery_id).order_by(_delivery.c.received_at.desc(), _delivery.c.delivery_id.desc())
    named = connection.scalars(query.where(_delivery.c.file_name == given)).first()
    if named is not None:
        return UUID(str(named))
    found = connection.scalars(query.where(_begins(_delivery.c.delivery_id, given))).all()
    if not found:
        names = nearest(given, connection.scalars(select(_delivery.c.file_name).distinct()))
        why = f"near: {show.few(names)}" if names else ""
        raise ConfigError(
            "no delivery has this id or file name", where=given, why=why, cure="see 'sipetl deliveries'"
        )
    return _only(found, given)


def held_part(connection: Connection, given: str) -> UUID:
    """The part that is, or was, held: by its id, or by the name of a file of which one part waits.

    Raises:
        ConfigError: there is none, or several.
    """
    query = select(_hold.c.part_id).join(_part, _part.c.part_id == _hold.c.part_id)
    found = connection.scalars(query.where(_begins(_hold.c.part_id, given))).all()
    if not found:
        named = query.join(_delivery, _delivery.c.delivery_id == _part.c.delivery_id)
        found = connection.scalars(named.where(_delivery.c.file_name == given, _part.c.status == "held")).all()
    if not found:
        raise ConfigError("no such part was held", where=given, cure="see 'sipetl hold list'")
    return _only(found, given)


def _begins(column: Column[Any], given: str) -> Any:
    text = given.casefold()
    is_short = len(text) < SHORTEST
    return cast(column, String) == text if is_short else cast(column, String).startswith(text, autoescape=True)


def _only(found: Sequence[Any], given: str) -> UUID:
    if len(found) > 1:
        why = f"as in {show.few([str(one) for one in found], 3)}"
        raise ConfigError(f"{len(found)} ids are meant by this", where=given, why=why, cure="give more of the id")
    return UUID(str(found[0]))
