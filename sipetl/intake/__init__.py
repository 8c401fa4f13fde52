"""From an inbox to typed rows: scan, land, identify, read, map.

    scan -> Found -> land -> Landed -> identify -> Member -> read -> Raw -> map_rows -> Mapped

Contracts and layouts are package data of this room.
"""

from __future__ import annotations

from sipetl.intake.account import PartKey
from sipetl.intake.cells import harmless
from sipetl.intake.contract import Contract, load_contract
from sipetl.intake.identify import Identified, Member, Refused, identify, name_groups
from sipetl.intake.land import Landed, land
from sipetl.intake.layout import Layout
from sipetl.intake.layouts import load_layouts
from sipetl.intake.map import MapContext, Mapped, map_rows
from sipetl.intake.read import Raw, read
from sipetl.intake.rules import RULES
from sipetl.intake.scan import SETTLE_SECONDS, Found, fits, scan
from sipetl.intake.suggest import Suggestion, suggest_layout

__all__ = [
    "RULES",
    "SETTLE_SECONDS",
    "Contract",
    "Found",
    "Identified",
    "Landed",
    "Layout",
    "MapContext",
    "Mapped",
    "Member",
    "PartKey",
    "Raw",
    "Refused",
    "Suggestion",
    "fits",
    "harmless",
    "identify",
    "land",
    "load_contract",
    "load_layouts",
    "map_rows",
    "name_groups",
    "read",
    "scan",
    "suggest_layout",
]
