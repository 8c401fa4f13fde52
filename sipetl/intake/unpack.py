"""What kind of file a delivery is, by its content, and the members of a ZIP.

A suffix proves nothing: districts send workbooks called .csv and text called .xls. Used by `identify`.
"""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from sipetl.errors import UnreadableError

Kind = Literal["csv", "xlsx"]
MAX_MEMBERS = 1_000
MAX_BYTES = 16 * 1024**3
"""Of all members of a ZIP together; a statewide year of attendance is below half of it."""
CHUNK = 4 * 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class Part:
    """One table-like file: the delivery itself, or a member of its ZIP."""

    name: str
    path: Path
    kind: Kind


def open_parts(path: Path, name: str, scratch: Path) -> list[Part]:
    """The files to read; members of a ZIP are unpacked into `scratch`.

    Raises:
        UnreadableError: empty, of a kind that holds no table, or an archive that is broken or unsafe.
    """
    with path.open("rb") as file:
        magic = file.read(8)
    if not magic:
        raise UnreadableError("empty file", where=name, why="it has no bytes at all")
    for start, what in NOT_TABLES.items():
        if magic.startswith(start):
            raise UnreadableError(f"this is {what}", where=name, cure="send CSV, XLSX or a ZIP of those")
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path, name, scratch)
    return [Part(name, path, "csv")]


def _open_zip(path: Path, name: str, scratch: Path) -> list[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(e.filename.startswith("xl/") for e in entries):
                return [Part(name, path, "xlsx")]
            return _unpack(archive, [e for e in entries if _is_table(e)], name, scratch)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as failure:
        raise UnreadableError("the archive is broken", where=name, why=type(failure).__name__) from None


def _is_table(entry: zipfile.ZipInfo) -> bool:
    inner = PurePosixPath(entry.filename.replace("\\", "/"))
    hidden = inner.name.startswith(".") or "__MACOSX" in inner.parts
    return not entry.is_dir() and not hidden and inner.suffix.lower() != ".zip"


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, scratch: Path) -> list[Part]:
    if not entries:
        raise UnreadableError("empty file", where=name, why="the archive holds no file")
    if len(entries) > MAX_MEMBERS:
        raise UnreadableError("the archive has too many members", where=name, why=f"more than {MAX_MEMBERS}")
    parts, left = [], MAX_BYTES
    for entry in entries:
        _refuse_unsafe(entry, name)
        with archive.open(entry) as source:
            target, size = _spill(source, scratch, left)
        left -= size
        if left < 0:
            raise UnreadableError("the archive is too large", where=name, why=f"over {MAX_BYTES} bytes unpacked")
        kind: Kind = "xlsx" if zipfile.is_zipfile(target) else "csv"
        parts.append(Part(entry.filename, target, kind))
    return parts


def _refuse_unsafe(entry: zipfile.ZipInfo, name: str) -> None:
    inner = PurePosixPath(entry.filename.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or ":" in entry.filename.partition("/")[0]:
        raise UnreadableError("unsafe archive", where=name, why="the path of a member leaves the archive")
    if entry.flag_bits & 0x1:
        raise UnreadableError("the archive has a password", where=name, cure="send it without one, over SFTP")


def _spill(source: IO[bytes], scratch: Path, limit: int) -> tuple[Path, int]:
    """Write a member to a private file; stops one chunk past the limit, whatever the archive claims."""
    size = 0
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="member_", delete=False) as target:
        while (chunk := source.read(CHUNK)) and size <= limit:
            target.write(chunk)
            size += len(chunk)
    return Path(target.name), size
