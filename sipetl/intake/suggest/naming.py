"""What a file's name and title say: dates, school years and windows, as named groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

DAY = r"\d{4}-?\d{2}-?\d{2}"
_DAY_SEEN = r"20\d{2}(?P<dash>-?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12]\d|3[01])"
_YEARS_SEEN = r"20\d{2}[-_](?:20)?\d{2}"
_PARTS = re.compile(
    rf"(?P<day>(?<!\d){_DAY_SEEN}(?!\d))|(?P<years>(?<!\d){_YEARS_SEEN}(?!\d))|(?P<year>(?<!\d)20\d{{2}}(?!\d))"
    r"|(?P<window>(?<![a-z])(?:fall|winter|spring|annual)(?![a-z]))",
    re.IGNORECASE,
)
TITLE = r"^\D*(?P<school_year>(?:19|20)\d{2}(?:-\d{2,4})?)\b"
"""A year in a title; the title's own words stay out of the draft."""
EXAMPLES = {"date": "2026-01-15", "from": "2026-01-01", "to": "2026-01-31", "window": "winter", "school_year": "2026"}
PATTERNS = {
    "date": DAY,
    "from": DAY,
    "to": DAY,
    "window": "fall|winter|spring|annual",
    "school_year": r"\d{4}(?:[-_]\d{2,4})?",
}


@dataclass(frozen=True, slots=True)
class Naming:
    """A pattern on a file's name, a name that fits it, and its groups."""

    pattern: str
    example: str
    groups: frozenset[str]


def naming(name: str, wanted: tuple[str, ...] = ()) -> Naming:
    """Read a file's name; groups that are wanted and that it lacks are put behind it."""
    path = PurePosixPath(name)
    found = list(_pieces(path.stem))
    groups = [group for group, _ in found if group]
    lacking = [group for group in wanted if group not in groups]
    pattern = "".join(f"(?P<{group}>{PATTERNS[group]})" if group else re.escape(text) for group, text in found)
    pattern += "".join(f"_(?P<{group}>{PATTERNS[group]})" for group in lacking)
    example = path.stem + "".join(f"_{EXAMPLES[group]}" for group in lacking)
    suffix = path.suffix.lower() or ".csv"
    return Naming(f"^{pattern}{re.escape(suffix)}$", f"{example}{suffix}", frozenset((*groups, *lacking)))


def _pieces(stem: str) -> Iterator[tuple[str, str]]:
    """(group or nothing, text); two days are from and to."""
    hits = list(_PARTS.finditer(stem))
    days = [hit for hit in hits if hit["day"]]
    end, seen = 0, set()
    for hit in hits:
        group = "window" if hit["window"] else "school_year"
        if hit["day"]:
            group = "date" if len(days) == 1 else ("from", "to")[min(1, days.index(hit))]
        if group in seen:
            continue
        seen.add(group)
        yield "", stem[end : hit.start()]
        yield group, hit[0]
        end = hit.end()
    yield "", stem[end:]
