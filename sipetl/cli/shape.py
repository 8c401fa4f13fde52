"""What a file of a layout must look like, in words: for whoever is to send one, or wonders why theirs is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sipetl.cli import show
from sipetl.intake import Layout, load_contract
from sipetl.intake.layout import Column, Long, Rows

MOST_CODES = 12
"""As many codes of a column are shown; --json has all, in `definition`."""
_DAYS = {
    "%Y": "YYYY",
    "%y": "YY",
    "%m": "MM",
    "%d": "DD",
    "%H": "hh",
    "%M": "mm",
    "%S": "ss",
    "%b": "Mon",
    "%B": "Month",
}
"""Parts of a date as a person writes them (strptime's own stay where they are not here)."""
_YEARS = {
    "end": "school year by its spring (2026)",
    "start": "school year by its autumn (2025)",
    "span": "school year (2025-26)",
    "term": "term and school year (Fall 2025-2026)",
    "date": "the school year of its date",
}
_NUMBERS = {
    "plain": "number",
    "padded": "number (separators are dropped)",
    "percent": "percent (38 = 38 %)",
    "fraction": "share (0.38 = 38 %)",
}


def described(layout: Layout) -> dict[str, Any]:
    """A layout in plain values."""
    contract = load_contract(layout.feed)
    filled = list(_filled(layout))
    columns = []
    for name, variants, column in filled:
        asked = contract.column(name) if name in {c.name for c in contract.columns} else None
        columns.append(
            {
                "column": name,
                "required": bool(asked and asked.required),
                "kind": asked.logical_type if asked else "",
                "heading": " | ".join(column.source or _told_by(variants)),
                "how": "; ".join((*_steps(column), *_only_in(variants))),
                "meaning": asked.description if asked else "",
            }
        )
    named = {name for name, _, _ in filled} | ({layout.melt.item, layout.melt.cell} if layout.melt else set())
    return {
        "layout": layout.layout,
        "version": layout.version,
        "feed": layout.feed.value,
        "title": layout.title,
        "file": dict(_file(layout)),
        "headings": list(layout.recognise.headers),
        "conditions": list(_conditions(layout)),
        "columns": columns,
        "dropped": list(layout.drop),
        "unfilled": [c.name for c in contract.columns if c.name not in named],
    }


def _file(layout: Layout) -> Iterator[tuple[str, str]]:
    file, years = layout.file, layout.school_years
    yield "Container", f"{file.kind}" + (f", separated by {file.delimiter!r}" if file.delimiter else "")
    if file.sheet:
        yield "Sheet", f"named like {file.sheet}"
    if file.name_pattern:
        yield "File name", f"like {file.name_example}" if file.name_example else f"matches {file.name_pattern}"
    if years.first or years.last:
        yield "School years", f"{years.first or '...'} to {years.last or '...'}"
    replaces = {"snapshot": "the whole school year", "window": "the days in it", "increment": "rows of the same key"}
    yield "A later file replaces", replaces[layout.scope.kind]
    if layout.renames:
        yield "Other headings", ", ".join(f"{old} = {new}" for old, new in layout.renames.items())
    if layout.rows_keep:
        yield "Rows are taken only", " and ".join(map(_where, layout.rows_keep))
    if layout.rows_drop:
        yield "Rows are left out", ", or ".join(map(_where, layout.rows_drop))
    if layout.melt:
        yield "One row is made of each heading like", layout.melt.headers


def _filled(layout: Layout) -> Iterator[tuple[str, list[Long], Column]]:
    """Contract column, the variants it is only in, and where it comes from; alike in several variants is said once."""
    for name, column in (("district", layout.district), ("school_year", layout.school_year)):
        if column is not None:
            yield name, [], column
    yield from _years(layout)
    for name, column in layout.columns.items():
        yield name, [], column
    found: dict[tuple[str, str], tuple[list[Long], Column]] = {}
    for variant in layout.long:
        for name, column in variant.columns.items():
            found.setdefault((name, column.model_dump_json()), ([], column))[0].append(variant)
    every = len(layout.long)
    for (name, _), (variants, column) in sorted(found.items(), key=lambda one: one[0][0]):
        yield name, [] if len(variants) == every else variants, column


def _years(layout: Layout) -> Iterator[tuple[str, list[Long], Column]]:
    """Where headings hold years, each variant has its own."""
    found: dict[str, tuple[list[Long], Column]] = {}
    for variant in layout.long:
        if variant.school_year:
            found.setdefault(variant.school_year.model_dump_json(), ([], variant.school_year))[0].append(variant)
    for variants, column in found.values():
        yield "school_year", variants, column


def _conditions(layout: Layout) -> Iterator[dict[str, str]]:
    """Headings that tell rows apart, with what is asked of their cells and what it decides."""
    for rows in layout.rows_keep:
        yield {"heading": " | ".join(rows.source), "asked": _asked(rows), "decides": "other rows are left out"}
    for rows in layout.rows_drop:
        yield {"heading": " | ".join(rows.source), "asked": _asked(rows), "decides": "such rows are left out"}
    for variant in layout.long:
        if variant.when:
            decides = f"such rows give {show.few(list(variant.columns), MOST_CODES)}"
            yield {"heading": " | ".join(variant.when.source), "asked": _asked(variant.when), "decides": decides}


def _asked(rows: Rows) -> str:
    """A row condition in words, of the cell."""
    said = (
        {None: "", True: "is blank", False: "is not blank"}[rows.blank],
        f"is {' or '.join(rows.one_of)}" if rows.one_of else "",
        f"matches {rows.matches}" if rows.matches else "",
    )
    return " and ".join(one for one in said if one) or "is in the file"


def _told_by(variants: Sequence[Long]) -> list[str]:
    """Headings by which rows are told apart that have a constant."""
    asked = [variant.when for variant in variants if variant.when]
    return list(dict.fromkeys(" | ".join(when.source) for when in asked))[:MOST_CODES]


def _only_in(variants: Sequence[Long]) -> list[str]:
    """Which rows it is for: by their heading and its cell, else by the variant's name."""
    asked = [_where(one.when) if one.when else f"in rows of {one.name}" for one in variants]
    return [show.few(list(dict.fromkeys(asked)))] if asked else []


def _where(rows: Rows) -> str:
    return f"where {' | '.join(rows.source)} {_asked(rows)}"


def _steps(column: Column) -> list[str]:
    """What is done to a cell, in words, in the order in which it is done."""
    has_rest = "otherwise" in column.model_fields_set
    said = (
        "" if column.source else f"always {_said(column.value)}",
        f"the part that matches {column.extract}" if column.extract else "",
        _codes(column.codes),
        f"any other text = {_said(column.otherwise)}" if has_rest else "",
        "" if column.blank is None else f"blank = {_said(column.blank)}",
        *_kinds(column),
    )
    return [one for one in said if one]


def _kinds(column: Column) -> Iterator[str]:
    yield f"identifier ({column.id.kind}), hashed at once" if column.id else ""
    yield f"{column.crosswalk} code or name, by the crosswalk" if column.crosswalk else ""
    yield f"date as {' or '.join(map(written_day, column.parse))}" if column.parse else ""
    yield _YEARS.get(column.year or "", "")
    yield _NUMBERS.get(column.number or "", "")
    yield f"true from {column.at_least}" if column.at_least else ""
    yield f"true for {', '.join(column.equals)}" if column.equals else ""


def _codes(codes: Mapping[str, Any]) -> str:
    listed = [f"{vendor.removeprefix('re:')} = {_said(ours)}" for vendor, ours in codes.items()]
    return show.few(listed, MOST_CODES)


def _said(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def written_day(pattern: str) -> str:
    """A date's format as people write it: `%m/%d/%Y` is MM/DD/YYYY."""
    for part, said in _DAYS.items():
        pattern = pattern.replace(part, said)
    return pattern
