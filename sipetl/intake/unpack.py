"""What kind of file a delivery is, by its content, and the members of a ZIP.

A suffix proves nothing: districts send workbooks called .csv and text called .xls. Nor does an archive's word on its
members' names: each is written to a private file of our own naming. Used by `identify`.
"""

from __future__ import annotations

import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from sipetl.errors import UnreadableError
from sipetl.intake.sheets import refuse_unreadable_sheets
from sipetl.intake.text import ZIPPED, refuse_other_kinds

Kind = Literal["csv", "xlsx"]
MAX_MEMBERS = 1_000
MAX_BYTES = 16 * 1024**3
"""Of all members of a ZIP together; a statewide year of attendance is below half of it."""
MAX_RATIO = 250
"""Unpacked bytes for each byte of an archive; a year of daily attendance has 14 as Windows packs it, 150 at most."""
ALWAYS_BYTES = 256 * 1024**2
"""What an archive may unpack to whatever its ratio."""
CHUNK = 4 * 1024 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)


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
    refuse_other_kinds(magic, name)
    if magic.startswith(ZIPPED):
        return _open_zip(path, name, scratch)
    return [Part(name, path, "csv")]


def _open_zip(path: Path, name: str, scratch: Path) -> list[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_bomb(entries, path.stat().st_size, name)
            if _is_workbook(entries):
                refuse_unreadable_sheets(archive, name)
                return [Part(name, path, "xlsx")]
            return _unpack(archive, [e for e in entries if _is_wanted(e)], name, scratch)
    except (*_BROKEN, OSError) as failure:
        why = type(failure).__name__
        raise UnreadableError("the archive is broken", where=name, why=why, cure="send it again") from None


def _refuse_bomb(entries: Iterable[zipfile.ZipInfo], size: int, name: str) -> None:
    """By what the archive says of itself, before a byte is unpacked; `zipfile` reads no member beyond that."""
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > min(MAX_BYTES, max(ALWAYS_BYTES, MAX_RATIO * size)):
        why = f"{size:,} bytes that unpack to {unpacked:,}"
        raise UnreadableError("the archive is too large", where=name, why=why, cure="send the files in smaller parts")


def _is_workbook(entries: Iterable[zipfile.ZipInfo]) -> bool:
    return any(entry.filename.startswith("xl/") for entry in entries)


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    inner = PurePosixPath(entry.filename.replace("\\", "/"))
    hidden = inner.name.startswith(".") or "__MACOSX" in inner.parts
    return not entry.is_dir() and not hidden


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, scratch: Path) -> list[Part]:
    if not entries:
        raise UnreadableError("empty file", where=name, why="the archive holds no file")
    if len(entries) > MAX_MEMBERS:
        cure = "send fewer files in one archive"
        raise UnreadableError(
            "the archive has too many members", where=name, why=f"more than {MAX_MEMBERS:,}", cure=cure
        )
    _refuse_unsafe(entries, name)
    parts = []
    for entry in entries:
        with archive.open(entry) as source:
            target = _spill(source, scratch)
        parts.append(Part(entry.filename, target, _kind(target, entry.filename)))
    return parts


def _kind(path: Path, name: str) -> Kind:
    """A workbook, or what is to be read as text; an archive inside the archive is refused there, by its first bytes."""
    if not zipfile.is_zipfile(path):
        return "csv"
    with zipfile.ZipFile(path) as inner:
        entries = inner.infolist()
        if not _is_workbook(entries):
            return "csv"
        _refuse_bomb(entries, path.stat().st_size, name)
        refuse_unreadable_sheets(inner, name)
    return "xlsx"


def _refuse_unsafe(entries: list[zipfile.ZipInfo], name: str) -> None:
    """The whole archive, for one such member: nobody packs one by accident, or can say which of two is meant."""
    cure = "pack the files themselves into a new ZIP"
    for entry in entries:
        inner = PurePosixPath(entry.filename.replace("\\", "/"))
        if inner.is_absolute() or ".." in inner.parts or ":" in entry.filename.partition("/")[0]:
            why = "the path of a member leaves the archive"
            raise UnreadableError("unsafe archive", where=name, why=why, cure=cure)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise UnreadableError("unsafe archive", where=name, why="a member is a link to another file", cure=cure)
        if entry.flag_bits & 0x1:
            raise UnreadableError("the archive has a password", where=name, cure="send it without one, over SFTP")
    if len({entry.filename for entry in entries}) < len(entries):
        raise UnreadableError("two members of the archive have the same name", where=name, cure=cure)


def _spill(source: IO[bytes], scratch: Path) -> Path:
    """Write a member to a private file."""
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="member_", delete=False) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
    return Path(target.name)
