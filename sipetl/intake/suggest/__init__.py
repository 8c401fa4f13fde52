"""Draft a layout for a file that none fits: `suggest_layout` reads a bounded part of it and says what it is unsure of.

    path -> excerpt -> Sample -> profiles -> matches (by feed) -> Draft -> YAML text

Beside the flow of deliveries: nothing here is run when a file is taken. A draft is for a person to finish.
"""

from __future__ import annotations

from sipetl.intake.suggest.draft import Suggestion, suggest_layout

__all__ = ["Suggestion", "suggest_layout"]
