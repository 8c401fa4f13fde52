"""What a delivery of a drafted layout replaces, guessed from its feed and its days."""

from __future__ import annotations

from typing import Any

from sipetl.intake.contract import load_contract
from sipetl.intake.suggest.choose import Choice
from sipetl.registry.models import FeedName

BY = {
    FeedName.ASSESSMENT: ("assessment", "subject", "window"),
    FeedName.SURVEY: ("survey", "window", "population"),
    FeedName.PUBLISHED_RESULTS: ("metric", "subject", "student_group", "level"),
    FeedName.ATTENDANCE: ("population", "grain"),
}
"""What a file of a feed is a whole of."""
WINDOW_COLUMN = {
    FeedName.ATTENDANCE: "attendance_date",
    FeedName.OBSERVATION: "observed_on",
    FeedName.EVIDENCE: "evidence_on",
}
FEW_DAYS = 45
"""Distinct days up to which a file of a row per day holds some days, not the year."""


def scope_of(choice: Choice, given: set[str]) -> tuple[dict[str, Any], str]:
    """The scope and the reason for it."""
    feed = choice.feed
    by = [name for name in BY.get(feed, ()) if name in given]
    column = WINDOW_COLUMN.get(feed)
    kinds = load_contract(feed).custom("scopeKinds")
    day = choice.matching.source(column) if column else None
    if column and day is not None and "window" in kinds and 0 < day.distinct <= FEW_DAYS:
        scope: dict[str, Any] = {"kind": "window", "column": column}
        why = f"A guess: the sample holds {day.distinct} days, so a file replaces the days it holds."
    else:
        scope, why = {"kind": "snapshot"}, "A guess: a file is taken for the whole of what it is about."
    if by:
        scope["by"] = by
        why += f" Only of the same {', '.join(by)}."
    return scope, why
