"""A feed's facts file (facts/<feed>.sql): its SQL, and what its header declares that a metric may use.

Read by the catalogue, which checks its expressions against the columns, and by the compiler, which adds the metrics
to the SQL. A file is a chain of CTEs ending in one CTE `facts_<unit>` per unit, a row per unit and period.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from sipetl.errors import RegistryError
from sipetl.registry.models import FeedName

FOLDER = Path(__file__).parent / "facts"
_HEADER = re.compile(r"^-- (with|input|unit|column): (\S+) *(.*)$", re.MULTILINE)


class Ascent(StrEnum):
    """How the rows of organizations count for those above."""

    ADDED = ""
    """Each counts for the district, too."""
    LEVELS = "levels"
    """Each counts for every organization up to the height `alone_to` of CTE `place`; further up are rows of their own."""
    AS_IS = "as_is"
    """Higher organizations have rows of their own."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One `facts_<unit>`: by what it is grouped, and how its rows come to count for higher organizations."""

    name: str
    groups: str
    ascent: Ascent


@dataclass(frozen=True, slots=True)
class Facts:
    """A feed's facts: the SQL of their CTEs and what their header declares."""

    feed: FeedName
    sql: str
    inputs: tuple[str, ...]
    units: Mapping[str, Unit]
    columns: Mapping[str, str]


@cache
def load_facts(feed: FeedName) -> Facts:
    """Read a feed's facts file.

    Raises:
        RegistryError: there are no facts for this feed.
    """
    path = FOLDER / f"{feed.value}.sql"
    if not path.exists():
        raise RegistryError(f"no metric can be computed from the feed {feed.value!r}", where=path.name)
    sql = path.read_text(encoding="utf-8")
    found = _HEADER.findall(sql)
    units = {name: _unit(name, rest) for kind, name, rest in found if kind == "unit"}
    columns = {name: rest.split()[0] for kind, name, rest in found if kind == "column"}
    shared = [(FOLDER / f"{name}.sql").read_text(encoding="utf-8") for kind, name, _ in found if kind == "with"]
    inputs = tuple(name for kind, name, _ in found if kind == "input")
    return Facts(feed, "".join([*shared, sql]), inputs, units, columns)


def _unit(name: str, rest: str) -> Unit:
    groups, _, ascent = rest.removeprefix("groups=").partition(" ")
    return Unit(name, groups, Ascent(ascent))
