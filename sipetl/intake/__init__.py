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
from sipetl.intake.scan import SETTLE_SECONDS, Found, Seen, fits, scan
from sipetl.intake.stores import Place, failures, open_place, reason
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
    "Place",
    "Raw",
    "Refused",
    "Seen",
    "Suggestion",
    "failures",
    "fits",
    "harmless",
    "identify",
    "land",
    "load_contract",
    "load_layouts",
    "map_rows",
    "name_groups",
    "open_place",
    "read",
    "reason",
    "scan",
    "suggest_layout",
]
