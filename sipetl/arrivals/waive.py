"""A person's waiver: an expected arrival need not come. What the registry waives is in `waivers.yaml` instead."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, update

from sipetl.errors import ConfigError
from sipetl.warehouse import tables as t


@dataclass(frozen=True, slots=True)
class Waived:
    """Which arrivals: one window of a feed, or with `window` None all of the school year."""

    district: str
    feed: str
    school_year: int
    window: str | None = None


def waive(connection: Connection, what: Waived, *, reason: str, by: str) -> int:
    """Waive the arrivals and count them; the reason and the name stay with them through every registry change.

    Raises:
        ConfigError: nothing like it is expected, or the reason or the name is empty.
    """
    if not reason.strip() or not by.strip():
        raise ConfigError("a waiver needs a reason and a name", where="sipetl waive")
    arrival = t.ops.arrival.c
    change = update(t.ops.arrival).where(
        arrival.district == what.district, arrival.feed == what.feed, arrival.school_year == what.school_year
    )
    if what.window is not None:
        change = change.where(arrival.window_code == what.window)
    count = connection.execute(change.values(waived_reason=reason.strip(), waived_by=by.strip())).rowcount
    if not count:
        sought = " ".join(str(part) for part in (what.district, what.feed, what.school_year, what.window or ""))
        raise ConfigError(f"no arrival is expected for {sought}", where="sipetl waive", cure="see 'sipetl arrivals'")
    return count
