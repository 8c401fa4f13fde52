"""The header and some rows of an excerpt, as text: which delimiter, which sheet, which row is the header.

Refuses a file whose first row is already data: its cells would be written into the draft as headers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sipetl.errors import UnreadableError, UnrecognizedError
from sipetl.intake.cells import as_text
from sipetl.intake.headers import HEADER_ROWS, normal, unquoted
from sipetl.intake.identify import DELIMITERS
from sipetl.intake.suggest.excerpt import excerpt
from sipetl.intake.text import as_utf8
from sipetl.intake.unpack import Kind, Part, open_parts

MOST_CELLS = 100_000
"""Of a wide file fewer rows are looked at: two seconds hold no more."""
RUNS = 16
"""Runs of rows that are looked at, where there are too many: side by side, since a student's rows often are."""
SHEET_ROWS = 3000
FULL = 0.6
"""Share of the widest row's cells that a header fills; a title fills one."""
VALUE_LIKE = re.compile(r"^[\d\s./:,%$+-]*\d[\d\s./:,%$+-]*$|@|^\d{4}-\d{2}-\d{2}")
"""A number, a date, a mail: no header."""
_ESCAPED = re.compile(r'\\"(?!\s*(?:[,;|\t\r\n]|$))')


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of a file before anyone says what it is."""

    name: str
    kind: Kind
    delimiter: str
    escape: str | None
    sheet: str | None
    """A workbook's sheet, where it is not the first."""
    header_row: int
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    above: tuple[str, ...]
    """Cells above the header."""
    is_part: bool
    """Is there more of the file than was looked at?"""

    def values(self, position: int) -> list[str]:
        """The cells of a column, without outer space."""
        return [row[position].strip() for row in self.rows]


def take_sample(path: Path, name: str, scratch: Path) -> Sample:
    """Read a bounded part of a file.

    Raises:
        UnreadableError: the bytes are no table, or an archive of several.
        UnrecognizedError: no row of it is a header.
    """
    cut = excerpt(path, scratch)
    parts = open_parts(cut, name, scratch)
    if len(parts) > 1:
        cure = "unpack it, and name one of its files"
        raise UnreadableError("the archive holds several files", where=name, cure=cure)
    part = parts[0]
    found = _workbook(part) if part.kind == "xlsx" else _text(part, scratch, is_part=cut != path)
    _refuse_headerless(found)
    return found


def _text(part: Part, scratch: Path, *, is_part: bool) -> Sample:
    path = part.path if is_part else excerpt(part.path, scratch)
    text = as_utf8(path, part.name, scratch).path.read_text(encoding="utf-8-sig", errors="replace")
    escape = "\\" if _ESCAPED.search(text) else None
    delimiter = max(DELIMITERS, key=lambda one: _width(_records(text, one, escape, HEADER_ROWS)))
    rows = _records(text, delimiter, escape, None)
    return _sample(part, rows, delimiter=delimiter, escape=escape, is_part=path != part.path or is_part)


def _records(text: str, delimiter: str, escape: str | None, most: int | None) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, escapechar=escape):
            rows.append(row)
            if len(rows) == most:
                break
    except csv.Error:
        pass
    return rows if most else _spread(rows)


def _spread(rows: list[list[str]]) -> list[list[str]]:
    """The head, and runs of rows spread over the rest: a file in the order of years has each of them."""
    most = MOST_CELLS // max(1, _width(rows))
    if len(rows) <= most:
        return rows
    head, rest = rows[:HEADER_ROWS], rows[HEADER_ROWS:]
    step, run = len(rest) // RUNS, max(1, (most - len(head)) // RUNS)
    return head + [row for start in range(0, step * RUNS, step) for row in rest[start : start + run]]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Of the widest row that has company; a delimiter inside a sentence makes one wide row only."""
    widths = sorted((len(row) for row in rows), reverse=True)
    return widths[min(1, len(widths) - 1)] if widths else 0


def _workbook(part: Part) -> Sample:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(part.path))
        sheets = {
            sheet: [
                [as_text(cell) for cell in row]
                for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False, nrows=SHEET_ROWS)
            ]
            for sheet in book.sheet_names
        }
    except (CalamineError, OSError, ValueError) as failure:
        why = type(failure).__name__
        raise UnreadableError("the workbook cannot be opened", where=part.name, why=why) from None
    if not sheets:
        raise UnreadableError("the workbook has no sheet", where=part.name)
    sheet = max(sheets, key=lambda one: len(sheets[one]) * _width(sheets[one][:HEADER_ROWS]))
    return _sample(part, sheets[sheet], sheet=sheet if sheet != book.sheet_names[0] else None)


def _sample(
    part: Part,
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = "",
    escape: str | None = None,
    sheet: str | None = None,
    is_part: bool = False,
) -> Sample:
    number = _header_row(rows[:HEADER_ROWS])
    headers = unquoted(tuple(rows[number])) if rows else ()
    width = len(headers)
    kept = tuple(tuple(row) for row in rows[number + 1 :] if len(row) == width and any(cell.strip() for cell in row))
    return Sample(
        name=part.name,
        kind=part.kind,
        delimiter=delimiter,
        escape=escape,
        sheet=sheet,
        header_row=number,
        headers=headers,
        rows=kept,
        above=tuple(cell for row in rows[:number] for cell in row if cell.strip()),
        is_part=is_part,
    )


def _header_row(rows: Sequence[Sequence[str]]) -> int:
    """The first row that is nearly as full as the fullest."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    most = max(filled, default=0)
    return next((number for number, count in enumerate(filled) if count >= max(2, FULL * most)), 0)


def _refuse_headerless(found: Sample) -> None:
    named = [header for header in found.headers if header]
    values = sum(bool(VALUE_LIKE.search(header)) for header in named)
    again = sum(
        bool(header)
        and not VALUE_LIKE.search(header)
        and normal(header) in {normal(v) for v in found.values(position)}
        for position, header in enumerate(found.headers)
    )
    if len(named) < 2 or values > len(named) / 4 or again > max(1, len(named) / 10):
        why = "its first full row looks like a row of data"
        raise UnrecognizedError("the file has no header row", where=found.name, why=why, cure="add one")
