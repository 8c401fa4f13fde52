"""How a delivery was asked for: kept with it, so that whoever takes it up again does so on the same terms.

A command may be killed after landing, and a hold is accepted weeks later: the operator's flags (an embargo among
them) and what the registry expected in the inbox are then no longer on any command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Flags:
    """The operator's flags: the last resort where the content does not say."""

    district: str | None = None
    feed: str | None = None
    layout: str | None = None
    school_year: int | None = None
    day: date | None = None
    window: str | None = None
    embargo_until: date | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The operator's flags, and the feeds (each with its layouts; none = all) that may be recognised; none = any."""

    flags: Flags = field(default_factory=Flags)
    expected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    replayed: tuple[str, ...] = ()
    """Ids of the parts that stood when it was last taken again from landing: they do not stand in its own way."""

    def to_json(self) -> dict[str, Any]:
        """As `ops.delivery` keeps it."""
        kept: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Asked:
        """As it was; the default where nothing was kept."""
        return _ADAPTER.validate_python(kept or {})


_ADAPTER = TypeAdapter(Asked)
