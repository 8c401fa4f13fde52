"""Which headings of a file fill each column of its contract, as they stand there: for the letter to its sender.

Pure text work beside `plan`, which binds the same sources to cells; `map` keeps the answer with the mapped rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from sipetl.intake.headers import TEMPLATE, normal, positions
from sipetl.intake.identify import Member
from sipetl.intake.layout import Column, Layout, group_names

Headings = Mapping[str, tuple[str, ...]]
"""Contract column -> headings."""


def headings_of(member: Member) -> dict[str, tuple[str, ...]]:
    """The headings that fill each contract column, in the file's order; several where a wide file has several."""
    layout, headers = member.layout, member.headers
    found = positions(headers, layout)
    places: dict[str, set[int]] = {}
    for name, column in _columns(layout):
        source = next((normal(one) for one in column.source if normal(one) in found), None)
        if source is not None:
            places.setdefault(name, set()).add(found[source])
    for name in _melted(layout):
        melted = (at for header, at in found.items() if re.search(_pattern(layout), header, re.IGNORECASE))
        places.setdefault(name, set()).update(melted)
    return {name: tuple(headers[at].strip() for at in sorted(where)) for name, where in places.items() if where}


def lacking(layout: Layout, absent: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The headings that a file would fill contract columns by, and does not have; alternatives in one text.

    Args:
        layout: the file's.
        absent: contract columns, each with the first of the headers that it may come from.
    """
    found: dict[str, dict[str, None]] = {}
    for name, header in absent:
        words = next((c.source for n, c in _columns(layout) if n == name and c.source[:1] == (header,)), (header,))
        told = " or ".join(word for word in words if not TEMPLATE.match(word))
        found.setdefault(name, {})[told] = None
    return {name: tuple(words) for name, words in found.items()}


def _columns(layout: Layout) -> Iterator[tuple[str, Column]]:
    yield from layout.columns.items()
    for variant in layout.long:
        yield from variant.columns.items()
        if variant.school_year:
            yield "school_year", variant.school_year
    for name, column in (("school_year", layout.school_year), ("district", layout.district)):
        if column:
            yield name, column


def _melted(layout: Layout) -> tuple[str, ...]:
    """Contract columns that come from melted headers: groups of the pattern, and the cell."""
    if layout.melt is None:
        return ()
    groups = (layout.melt.item if group == "item" else group for group in group_names(layout.melt.headers))
    return (*groups, layout.melt.cell)


def _pattern(layout: Layout) -> str:
    return layout.melt.headers if layout.melt else ""
