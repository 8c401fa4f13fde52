"""Match header rows to layouts: pure text work, used by `identify`, `read` and `map`.

Headers are compared without case, outer space, runs of inner space, byte-order mark and the single quotes that
Aspen puts around them. A layout's `renames` carry vintages to the names the layout uses, and its `header_patterns`
headers that change with the year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sipetl.intake.layout import Column, Layout, Rows

HEADER_ROWS = 20
"""How far down a header is looked for; state workbooks put it on row 5 or 6."""
SINGLE_QUOTED = re.compile(r"^'(.*)'$", re.DOTALL)
TEMPLATE = re.compile(r"^\{(\w+)\}$")


@lru_cache(maxsize=4096)
def normal(header: str) -> str:
    """The form in which headers are compared."""
    return " ".join(header.lstrip("\ufeff").split()).casefold()


@lru_cache(maxsize=256)
def unquoted(row: tuple[str, ...]) -> tuple[str, ...]:
    """Header cells without byte-order mark, outer space, and single quotes if all of them have those."""
    cells = tuple(cell.lstrip("\ufeff").strip() for cell in row)
    filled = [cell for cell in cells if cell]
    if filled and all(SINGLE_QUOTED.match(cell) for cell in filled):
        return tuple(SINGLE_QUOTED.sub(r"\1", cell) for cell in cells)
    return cells


@lru_cache(maxsize=256)
def _named(headers: tuple[str, ...]) -> Mapping[str, int]:
    """Normal header -> its column's position; the first of equal headers wins. A head is held against every layout."""
    found: dict[str, int] = {}
    for position, header in enumerate(headers):
        if name := normal(header):
            found.setdefault(name, position)
    return found


def positions(headers: Sequence[str], layout: Layout) -> dict[str, int]:
    """Normal header, after renames and patterns -> its column's position."""
    found = dict(_named(tuple(headers)))
    for old, new in layout.renames.items():
        if (position := found.get(normal(old))) is not None:
            found.setdefault(normal(new), position)
    for name, pattern in layout.header_patterns.items():
        fitting = (position for header, position in found.items() if re.search(pattern, header, re.IGNORECASE))
        if (position := next(fitting, None)) is not None:
            found.setdefault(normal(name), position)
    return found


def sources(layout: Layout) -> Iterator[tuple[str, ...]]:
    """The source headers of every column and row condition, alternatives together; file-name groups left out."""
    for part in _parts(layout):
        names = tuple(normal(name) for name in part.source if not TEMPLATE.match(name))
        if names:
            yield names


def _parts(layout: Layout) -> Iterable[Column | Rows]:
    yield from layout.columns.values()
    yield from (c for c in (layout.district, layout.school_year) if c)
    yield from (*layout.rows_keep, *layout.rows_drop)
    for variant in layout.long:
        yield from variant.columns.values()
        yield from (part for part in (variant.when, variant.school_year) if part)


def needed(headers: Sequence[str], layout: Layout) -> dict[str, int]:
    """The columns of the file that the layout reads: normal name -> position. All others stay unread."""
    found = positions(headers, layout)
    wanted = {name for names in sources(layout) for name in names}
    if layout.melt:
        wanted |= {name for name in found if re.search(layout.melt.headers, name, re.IGNORECASE)}
    return {name: position for name, position in found.items() if name in wanted}


def unknown(headers: Sequence[str], layout: Layout) -> list[str]:
    """Headers that the layout neither reads nor names in `drop`, as they stand in the file."""
    read = set(needed(headers, layout).values())
    renamed = {normal(old): normal(new) for old, new in layout.renames.items()}
    names = {normal(name) for name in layout.drop if not name.startswith("re:")}
    names |= {normal(name) for name in (*layout.recognise.headers, *layout.recognise.without)}
    patterns = [re.compile(name.removeprefix("re:"), re.IGNORECASE) for name in layout.drop if name.startswith("re:")]
    seen = {normal(headers[position]) for position in read}
    return [
        header
        for position, header in enumerate(headers)
        if (name := normal(header))
        and position not in read
        and name not in seen
        and not {name, renamed.get(name, name)} & names
        and not any(p.search(header) or p.search(name) for p in patterns)
    ]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a layout fits a header row."""

    layout: Layout
    header_row: int
    headers: tuple[str, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Miss:
    """How far a layout is from a header row: its own headers that are not there."""

    layout: Layout
    missing: tuple[str, ...]
    present: int


def fit(layout: Layout, rows: Sequence[Sequence[str]]) -> Fit | Miss:
    """Fit a layout to the first row that has all its headers, or tell what the nearest row lacks."""
    wanted = {normal(header): header for header in layout.recognise.headers}
    without = {normal(header) for header in layout.recognise.without}
    best = Miss(layout, tuple(wanted.values()), 0)
    for index, row in enumerate(rows[:HEADER_ROWS]):
        headers = unquoted(tuple(row))
        found = positions(headers, layout)
        missing = tuple(header for name, header in wanted.items() if name not in found)
        if not missing and not without & found.keys():
            return Fit(layout, index, headers, len(wanted) + _used(layout, found))
        if len(wanted) - len(missing) > best.present:
            best = Miss(layout, missing, len(wanted) - len(missing))
    return best


def _used(layout: Layout, found: Mapping[str, int]) -> int:
    return len({name for names in sources(layout) for name in names if name in found})
