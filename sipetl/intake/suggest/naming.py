"""What a file's name and title say: dates, school years and windows, as named groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

DAY = r"\d{4}-?\d{2}-?\d{2}"
_DAY_SEEN = r"20\d{2}(?P<dash>-?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12]\d|3[01])"
_YEARS_SEEN = r"20(?P<first>\d{2})[-_](?:20)?(?P<second>\d{2})"
_WORD_SEEN = (
    r"(?<![a-z])(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)[ ._-]*(?:\d{1,2}(?:st|nd|rd|th)?[ ,._-]+)?20\d{2}(?!\d)"
)
_MONTH_SEEN = rf"{_WORD_SEEN}|(?<![\d.-])(?:0[1-9]|1[0-2])[-.]20\d{{2}}(?!\d)"
_FALL_SEEN = r"(?<![a-z])(?:fall|autumn)[ _-]?20\d{2}(?!\d|[-_/]\d)"
"""A fall of one year is of the school year after it: its number is not the school year's."""
_PARTS = re.compile(
    rf"(?P<day>(?<!\d){_DAY_SEEN}(?!\d))|(?P<years>(?<!\d){_YEARS_SEEN}(?!\d))|(?P<fall>{_FALL_SEEN})"
    rf"|(?P<month>{_MONTH_SEEN})|(?P<year>(?<!\d)20\d{{2}}(?!\d))"
    r"|(?P<window>(?<![a-z])(?:fall|winter|spring|annual)(?![a-z]))",
    re.IGNORECASE,
)
_FORMS = (
    (
        re.compile(r"(?!sept[ _-])[a-z]{3,9}([ _-])20\d{2}", re.IGNORECASE),
        r"[a-z]{{3,9}}{0}20\d{{2}}",
        "%b{0}%Y",
        "%B{0}%Y",
    ),
    (re.compile(r"\d{2}([-.])20\d{2}"), r"\d{{2}}[{0}]20\d{{2}}", "%m{0}%Y"),
    (re.compile(r"20\d{2}(-)\d{2}"), r"20\d{{2}}{0}\d{{2}}", "%Y{0}%m"),
)
"""How a month and its year are written: what is seen, the pattern for others like it, and its date formats."""
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
    month: tuple[str, ...] = ()
    """How its `month` is written, where a month stands before the year: it decides the school year."""


def title_year(cells: Iterable[str]) -> tuple[str, dict[str, Any]] | None:
    """A title's pattern, and the school year that it says: October 2026 is of 2027."""
    for cell in cells:
        if re.search(_FALL_SEEN, cell, re.IGNORECASE):
            continue
        dated = re.search(_MONTH_SEEN, cell, re.IGNORECASE)
        if dated and (form := _form_of(dated[0])):
            pattern, formats = form
            return rf"(?<![\w.-])(?P<month>{pattern})(?!\d)", {
                "from": "{month}",
                "parse": list(formats),
                "year": "date",
            }
        if not dated and re.search(TITLE, cell):
            return TITLE, {"from": "{school_year}"}
    return None


def _form_of(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The pattern and the date formats of a month; None where it is written in a way that is not read."""
    for seen, pattern, *formats in _FORMS:
        if match := seen.fullmatch(text):
            return pattern.format(match[1]), tuple(one.format(match[1]) for one in formats)
    return None


def naming(name: str, wanted: tuple[str, ...] = ()) -> Naming:
    """Read a file's name; groups that are wanted and that it lacks are put behind it."""
    path = PurePosixPath(name)
    found = list(_pieces(path.stem))
    groups = [group for group, _ in found if group]
    lacking = [group for group in wanted if group not in groups]
    month = next((form for group, text in found if group == "month" and (form := _form_of(text))), ("", ()))
    patterns = PATTERNS | {"month": month[0]}
    pattern = "".join(f"(?P<{group}>{patterns[group]})" if group else re.escape(text) for group, text in found)
    pattern += "".join(f"_(?P<{group}>{PATTERNS[group]})" for group in lacking)
    example = path.stem + "".join(f"_{EXAMPLES[group]}" for group in lacking)
    suffix = path.suffix.lower() or ".csv"
    return Naming(f"^{pattern}{re.escape(suffix)}$", f"{example}{suffix}", frozenset((*groups, *lacking)), month[1])


def _pieces(stem: str) -> Iterator[tuple[str, str]]:
    """(group or nothing, text); two days are from and to."""
    hits = list(_PARTS.finditer(stem))
    days = [hit for hit in hits if hit["day"]]
    end, seen = 0, {""}
    for hit in hits:
        group = ("date" if len(days) == 1 else ("from", "to")[min(1, days.index(hit))]) if hit["day"] else _group(hit)
        if group in seen:
            continue
        seen.add(group)
        yield "", stem[end : hit.start()]
        yield group, hit[0]
        end = hit.end()
    yield "", stem[end:]


def _group(hit: re.Match[str]) -> str:
    """What a part of a name says; nothing where it is a span of several years, or a month that is not read."""
    if hit["years"]:
        is_next = (int(hit["first"]) + 1) % 100 == int(hit["second"])
        return "school_year" if is_next else "month" if _is_month(hit) else ""
    if hit["month"]:
        return "month" if _form_of(hit[0]) else ""
    return "" if hit["fall"] else "window" if hit["window"] else "school_year"


def _is_month(hit: re.Match[str]) -> bool:
    return _form_of(hit[0]) is not None and 1 <= int(hit["second"]) <= 12
