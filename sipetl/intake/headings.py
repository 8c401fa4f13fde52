"""Which headings of a file fill each column of its contract, as they stand there: for the letter to its sender.

Pure text work beside `plan`, which binds the same sources to cells; `map` keeps the answer with the mapped rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from sipetl.intake.headers import TEMPLATE, normal, positions
from sipetl.intake.identify import Member
from sipetl.intake.layout import Column, Layout, Rows, group_names
from sipetl.intake.plan import Plan

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


def deciding(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Headings that a file lacks and by which its layout tells rows apart -> the contract columns that hang on them.

    None of those that a column is filled by (`lacking` names these), nor of conditions that ask for nothing but the
    heading: that a file may lack it is what they are for. `rows_drop` decides no column, but which rows there are.
    """
    found: dict[str, dict[str, None]] = {}
    told = {name for _, header in plan.absent for name in _alternatives(plan.layout, header)}
    for rows, names in _conditions(plan.layout):
        words = [word for word in rows.source if not TEMPLATE.match(word)]
        if words and plan.cells.find(rows.source) is None and is_asked(rows) and not told.intersection(words):
            found.setdefault(" or ".join(words), {}).update(dict.fromkeys(names))
    for name, column in _whose(plan):
        words = [word for word in column.source if not TEMPLATE.match(word)]
        if words and plan.cells.find(column.source) is None:
            found.setdefault(" or ".join(words), {})[name] = None
    return {heading: tuple(names) for heading, names in found.items()}


def is_asked(rows: Rows) -> bool:
    """Does a condition look at the cell, not only whether the file has its column?"""
    return rows.blank is not None or bool(rows.one_of or rows.matches)


def _alternatives(layout: Layout, header: str) -> tuple[str, ...]:
    return next((c.source for _, c in _columns(layout) if c.source[:1] == (header,)), (header,))


def _conditions(layout: Layout) -> Iterator[tuple[Rows, tuple[str, ...]]]:
    for rows in layout.rows_drop:
        yield rows, ()
    for variant in layout.long:
        if variant.when:
            yield variant.when, tuple(variant.columns)


def _whose(plan: Plan) -> Iterator[tuple[str, Column]]:
    """Where a row's district and school year come from; a year is not missed where every row has a date."""
    if plan.layout.district:
        yield "district", plan.layout.district
    if not plan.row_date or plan.lacking(plan.row_date):
        own = [variant.school_year for variant in plan.layout.long if variant.school_year]
        for column in (*own, *([plan.layout.school_year] if plan.layout.school_year else [])):
            yield "school_year", column


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
