"""Load a member's needed columns into a DuckDB table, all text, with the row numbers a person would see.

Only columns that the layout reads are loaded; names and birth dates never get this far. A clean UTF-8 file goes
through DuckDB's strict parser; whatever that refuses (short and long rows, stray quotes, mixed line ends), what it
would count differently (blank lines, a preamble) and workbooks go through `records` instead.
Comes after `identify`, before `map`.
"""

from __future__ import annotations

import mmap
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sipetl.errors import StoreError, UnreadableError
from sipetl.intake.headers import needed, normal
from sipetl.intake.identify import Member
from sipetl.intake.records import fill, records

NO_NULL = "\x01"
"""`nullstr` that no text holds: a blank cell stays an empty text, and null tokens are the layout's business."""
NO_ROOM = (duckdb.IOException, duckdb.OutOfMemoryException)
"""What DuckDB raises when memory and disk are full: no fault of the file."""
PIECE = 256 * 1024
"""Bytes of a file in memory at a time; so few stay in a processor's cache."""
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")


@dataclass(frozen=True, slots=True)
class Raw:
    """A member's rows as text.

    `table` has `row_number` (BIGINT), `ragged` (UTINYINT: 0 as wide as the header; 1 narrower, or wider with blank
    cells only; 2 wider) and one VARCHAR per entry of `columns`.

    A row number counts the records of the file as a spreadsheet does: the header row, what is above it and blank
    lines count; a line break inside quotes does not.
    """

    table: str
    columns: Mapping[str, str]
    """Normal header, after renames -> SQL column."""
    rows: int
    has_controls: bool = True
    """Cells may have tabs or line ends around their text; False makes mapping faster."""

    def drop(self, con: duckdb.DuckDBPyConnection) -> None:
        """Drop the rows and the memory they take. `map_rows` does it: ids stand here as they were sent."""
        con.execute(f"drop view if exists {self.table}")
        con.execute(f"drop table if exists {self.table}_rows")


def read(con: duckdb.DuckDBPyConnection, member: Member) -> Raw:
    """Load a member.

    Raises:
        UnreadableError: a quote is never closed, the workbook is broken, or a header that is needed stands twice.
    """
    wanted = needed(member.headers, member.layout)
    _refuse_twice(member, wanted.values())
    columns = {name: f"c{position}" for name, position in wanted.items()}
    table = f"raw_{uuid.uuid4().hex[:12]}"
    used = list(dict.fromkeys(columns.values()))
    is_loaded = _has_plain_header(member) and _load(con, member, used, table)
    lines = _Lines.of(member.path, _count(con, f"{table}_rows")) if is_loaded else None
    if lines is None or lines.has_blank:
        con.execute(f"drop table if exists {table}_rows")
        declared = ", ".join(f"{name} varchar" for name in used)
        con.execute(f"create temp table {table}_rows (row_number bigint, ragged utinyint, {declared})")
        fill(con, f"{table}_rows", records(member), [int(name[1:]) for name in used])
        con.execute(f"create temp view {table} as from {table}_rows")
        return Raw(table, columns, _count(con, table))
    con.execute(
        f"create temp view {table} as "
        f"select rowid + 2 as row_number, 0::utinyint as ragged, {', '.join(used)} from {table}_rows"
    )
    return Raw(table, columns, _count(con, table), lines.have_controls)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _refuse_twice(member: Member, wanted: Collection[int]) -> None:
    """Which of two columns of one name is meant, nobody can tell."""
    names = Counter(normal(header) for header in member.headers)
    for position in wanted:
        if names[normal(member.headers[position])] > 1:
            why = f"the header '{normal(member.headers[position])}' stands more than once"
            cure = "leave one column of that name, and send the file again"
            raise UnreadableError("two columns have the same name", where=member.name, why=why, cure=cure)


def _has_plain_header(member: Member) -> bool:
    """Can DuckDB's row ids be turned into row numbers: does every line below the first hold a row of several cells?"""
    if member.kind != "csv" or member.header_row or any("\n" in h or "\r" in h for h in member.headers):
        return False
    return len(member.headers) > 1


@dataclass(frozen=True, slots=True)
class _Lines:
    """What the bytes of a file say that its rows, as DuckDB parsed them, do not."""

    has_blank: bool
    """Is there a blank line before the last row, so that row ids are no row numbers?"""
    have_controls: bool
    """May cells have tabs or line ends around their text?"""

    @classmethod
    def of(cls, path: Path, rows: int) -> _Lines:
        """Look at a file that was parsed into so many rows.

        As many line ends as rows and a header can only mean that each line is a row: a blank line and a line break inside
        quotes would both be one more. Only then a search for two line ends in a row, ten times as slow, is not needed.
        """
        ends, marks, last = 0, set[bytes](), b""
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                ends += piece.count(b"\n")
                marks |= {mark for mark in (b"\t", b"\r", b'"') if mark not in marks and mark in piece}
                last = piece[-1:]
        is_line_by_line = ends + (last != b"\n") == rows + 1
        breaks = b'"' in marks and (not is_line_by_line or b"\r" in marks)
        return cls(not is_line_by_line and has_blank_lines(path), breaks or b"\t" in marks)


def has_blank_lines(path: Path) -> bool:
    """Is there a blank line before the last row?"""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data)
        while end and data[end - 1] in b"\r\n":
            end -= 1
        blanks = _BLANK_LINES if data.find(b"\r", 0, end) >= 0 else _BLANK_LINES[:1]  # each look reads the whole file
        return data[:1] in (b"\n", b"\r") or any(data.find(blank, 0, end) >= 0 for blank in blanks)


def no_room(failure: Exception) -> StoreError:
    """DuckDB had neither memory nor disk left: that is not the file's fault."""
    cure = "make room in the home's scratch folder, or raise SIPETL_MEMORY, and run again"
    return StoreError("there is no room to work in", why=f"DuckDB: {type(failure).__name__}", cure=cure)


def _load(con: duckdb.DuckDBPyConnection, member: Member, used: list[str], table: str) -> bool:
    """Load with DuckDB's own parser; False when the file is not strictly well formed."""
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(member.headers)))
    query = f"""
        create temp table {table}_rows as
        select {", ".join(used)}
        from read_csv(
            ?, auto_detect = false, header = false, skip = 1, columns = {{{names}}}, delim = ?, quote = '"',
            escape = ?, nullstr = '{NO_NULL}', strict_mode = true
        )
    """
    try:
        con.execute(query, [str(member.path), member.delimiter, member.layout.file.escape or '"'])
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False  # the message quotes the line: it is not looked at
    except NO_ROOM as failure:
        raise no_room(failure) from None
    except duckdb.Error as failure:
        why = type(failure).__name__
        raise UnreadableError("the file cannot be read", where=member.name, why=why) from None
    return True
