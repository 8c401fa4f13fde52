"""Bring a text file to UTF-8: as it lies where it can be, else as a temporary copy (choice 7).

DuckDB reads no cp1252 and trips over NUL bytes; landing is never edited. Used by `identify`.
"""

from __future__ import annotations

import codecs
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sipetl.errors import UnreadableError

CHUNK = 4 * 1024 * 1024
HEAD = 64 * 1024
NOT_TABLES = {
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old (.xls) or password-protected workbook",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"PAR1": "a Parquet file",
}
ZIPPED = (b"PK\x03\x04", b"PK\x05\x06")
MAX_CONTROL_SHARE = 0.02
"""Text has next to no control characters; compressed or binary data has about one byte in nine."""
_CONTROL = bytes(b for b in range(1, 32) if b not in (9, 10, 12, 13, 27))
_UTF16_NULS = 0.2
"""Share of NUL bytes from which a file without a mark is taken for UTF-16 (Latin text has half)."""


@dataclass(frozen=True, slots=True)
class Text:
    """A UTF-8 file to read, and the encoding the sender used."""

    path: Path
    encoding: str


def as_utf8(path: Path, name: str, scratch: Path) -> Text:
    """Find the encoding, and copy to UTF-8 where the file is not plain UTF-8 already.

    Raises:
        UnreadableError: nothing but blank, or not text.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    refuse_other_kinds(head, name)
    if head.startswith(ZIPPED):
        raise UnreadableError("this is an archive inside an archive", where=name, cure="send one ZIP of CSV or XLSX")
    encoding = _marked(head) or _unmarked_utf16(head)
    if encoding is None:
        _refuse_binary(head, name)
        is_utf8, has_nul = _survey(path)
        encoding = "utf-8" if is_utf8 else "cp1252"
        if is_utf8 and not has_nul:
            _refuse_blank(head, name)
            return Text(path, "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8")
    copy = _transcode(path, encoding, scratch, name)
    with copy.open("rb") as file:
        start = file.read(HEAD)
    _refuse_binary(start, name)
    _refuse_blank(start, name)
    return Text(copy, encoding)


def refuse_other_kinds(head: bytes, name: str) -> None:
    """Refuse what announces itself as something that holds no table.

    Raises:
        UnreadableError: a PDF, a picture, an archive of another kind and the like.
    """
    for start, what in NOT_TABLES.items():
        if head.startswith(start):
            raise UnreadableError(f"this is {what}", where=name, cure="send CSV, XLSX or a ZIP of those")


def _marked(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _unmarked_utf16(head: bytes) -> str | None:
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < _UTF16_NULS * len(head) or min(even, odd) > 0.1 * max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _refuse_binary(head: bytes, name: str) -> None:
    if len(head) - len(head.translate(None, _CONTROL)) > MAX_CONTROL_SHARE * len(head):
        raise UnreadableError("this is not text", where=name, cure="send CSV, XLSX or a ZIP of those")


def _refuse_blank(head: bytes, name: str) -> None:
    if len(head) < HEAD and not head.removeprefix(codecs.BOM_UTF8).strip():
        raise UnreadableError("empty file", where=name, why="it has no header and no rows")


def _survey(path: Path) -> tuple[bool, bool]:
    """Is the whole file UTF-8, and does it hold NUL bytes? Most files are ASCII, which is seen without decoding."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    has_nul = pending = False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            has_nul = has_nul or b"\0" in chunk
            if pending or not chunk.isascii():
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    return False, has_nul
                pending = bool(decoder.getstate()[0])
    return not pending, has_nul


def _transcode(path: Path, encoding: str, scratch: Path, name: str) -> Path:
    """Copy as UTF-8 without NULs. The five bytes cp1252 leaves undefined become U+FFFD, as in browsers."""
    errors = "replace" if encoding == "cp1252" else "strict"
    try:
        with (
            path.open(encoding=encoding, errors=errors, newline="") as source,
            tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", newline="", dir=scratch, prefix="utf8_", delete=False
            ) as target,
        ):
            while chunk := source.read(CHUNK):
                target.write(chunk.replace("\0", ""))
    except UnicodeError:
        raise UnreadableError("the text is broken", where=name, why=f"it is not whole {encoding}") from None
    return Path(target.name)
