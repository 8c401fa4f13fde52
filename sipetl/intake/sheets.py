"""Look over a workbook's sheets before they are read: what would take all memory, or read as blank without a word.

The reader lays a sheet out as a full rectangle up to its last cell, so one forgotten cell in the last row and column
asks for 500 GB and ends the process. And it reads the values that were kept with formulas; where none were, nothing.
Used by `unpack`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from sipetl.errors import UnreadableError

MAX_CELLS = 25_000_000
"""Of a sheet's rectangle; a million rows, which is all that a sheet can have, of 24 columns. The reader takes 32 bytes each."""
CHUNK = 4 * 1024 * 1024
_REFERENCE = re.compile(rb'<(?:\w+:)?(?:c|row)\s(?:[^>]*?\s)?r="([A-Z]{0,3})(\d{1,7})"')
_UNCOMPUTED = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A formula's cell without a value; one whose result is an empty text (`str`) has been computed."""


def refuse_unreadable_sheets(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a workbook that cannot be read whole, before anything is.

    Raises:
        UnreadableError: a sheet's rectangle is too large, a formula has no value, or the workbook is of another kind.
    """
    names = archive.namelist()
    if any(one.startswith("xl/") and one.endswith(".bin") and "workbook" in one for one in names):
        raise UnreadableError("this is a binary workbook (.xlsb)", where=name, cure="save it as .xlsx or CSV")
    for one in names:
        if one.startswith("xl/") and one.endswith(".xml"):
            _look_over(archive, one, name)


def _look_over(archive: zipfile.ZipFile, sheet: str, name: str) -> None:
    columns, last_row = set[bytes](), 0
    for text in _chunks(archive, sheet):
        found = set(_REFERENCE.findall(text))
        columns |= {letters for letters, _ in found}
        last_row = max(last_row, max((int(digits) for _, digits in found), default=0))
        last_column = max(map(_number, columns), default=0)
        if last_row * last_column > MAX_CELLS:
            why = f"its last row is {last_row:,} and its last column {last_column:,}"
            cure = "delete all rows below the table and all columns beside it, and save it again; or send CSV"
            raise UnreadableError("a sheet of the workbook is too large", where=name, why=why, cure=cure)
        if _UNCOMPUTED.search(text):
            cure = "open it in Excel and save it again, or send CSV"
            raise UnreadableError("the workbook has formulas without values", where=name, cure=cure)


def _chunks(archive: zipfile.ZipFile, sheet: str) -> Iterator[bytes]:
    """Pieces of a sheet that end between cells."""
    rest = b""
    with archive.open(sheet) as source:
        while chunk := source.read(CHUNK):
            text = rest + chunk
            end = max(text.rfind(b"</c>"), text.rfind(b"</row>")) + 1
            rest = text[end:] if end > 0 and len(text) - end < CHUNK else b""
            yield text
    if rest:
        yield rest


def _number(letters: bytes) -> int:
    """A column's number from its letters.

    >>> _number(b"A"), _number(b"Z"), _number(b"AA"), _number(b"XFD")
    (1, 26, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
