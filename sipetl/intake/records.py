"""The patient reader: files that are not well formed, preambles, and workbooks, record by record.

Slower than DuckDB's parser (about a million rows in three seconds) and forgiving: a row that is too short or too
long is kept and marked, so that `map` can make it a row issue. Used by `read`.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence

import duckdb
import pyarrow as pa

from sipetl.errors import UnreadableError
from sipetl.intake.cells import as_text
from sipetl.intake.identify import Member

BATCH = 50_000
_END = "\x03sipetl-end\x03"
"""Appended to the lines: if it does not come back as a record of its own, a quote is open."""

Record = tuple[int, int, Sequence[str]]
"""Row number, ragged (0, 1, 2: see `Raw`), cells as wide as the header."""


def records(member: Member) -> Iterator[Record]:
    """Rows below the header that are not blank.

    Raises:
        UnreadableError: a quote is never closed, or the workbook is broken.
    """
    rows = _workbook(member) if member.kind == "xlsx" else _text(member)
    width = len(member.headers)
    for number, row in enumerate(rows, start=1):
        if number <= member.header_row + 1 or not any(cell and not cell.isspace() for cell in row):
            continue
        if len(row) == width:
            yield number, 0, row
        elif len(row) < width:
            yield number, 1, [*row, *[""] * (width - len(row))]
        else:
            yield number, 2 if any(cell.strip() for cell in row[width:]) else 1, row[:width]


def _text(member: Member) -> Iterator[list[str]]:
    escape = member.layout.file.escape
    with member.path.open(encoding="utf-8-sig", newline="") as file:
        lines = itertools.chain(file, [f"{_END}\n"])
        reader = csv.reader(lines, delimiter=member.delimiter, escapechar=escape)
        number = 0
        try:
            for number, row in enumerate(reader, start=1):  # noqa: B007 - told in the error below
                if row == [_END]:
                    return
                if row and _END in row[-1]:
                    break
                yield row
        except csv.Error as failure:
            if "field" not in str(failure):
                raise UnreadableError("a row cannot be read", where=member.name, why=f"row {number + 1}") from None
    raise UnreadableError("a quote is never closed", where=member.name, why=f"it opens in or before row {number}")


def _workbook(member: Member) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(str(member.path)).get_sheet_by_name(str(member.sheet))
        for row in sheet.to_python(skip_empty_area=False):
            yield [as_text(cell) for cell in row]
    except (CalamineError, OSError) as failure:
        why = type(failure).__name__
        raise UnreadableError("the workbook cannot be read", where=member.name, why=why) from None


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Record], positions: Sequence[int]) -> None:
    """Insert the cells at these positions into a table of row_number, ragged and text columns."""
    names = ["row_number", "ragged", *(f"c{position}" for position in positions)]
    types = [pa.int64(), pa.uint8(), *[pa.string()] * len(positions)]
    schema = pa.schema(list(zip(names, types, strict=True)))
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        columns = [[r[0] for r in batch], [r[1] for r in batch], *([r[2][p] for r in batch] for p in positions)]
        arrays = [pa.array(c, type=t) for c, t in zip(columns, types, strict=True)]
        con.register("sipetl_batch", pa.Table.from_arrays(arrays, schema=schema))
        con.execute(f"insert into {table} select * from sipetl_batch")
        con.unregister("sipetl_batch")
