"""A bounded part of a file, however large: its head, and blocks of whole lines spread over the rest.

What is found out from it is evidence for a person, not a reading of the file: `read` reads all of it, when it comes.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 256 * 1024
"""Holds 20 rows of the widest file known (1,942 columns)."""
BLOCKS, BLOCK_BYTES = 16, 64 * 1024
MOST_BYTES = HEAD_BYTES + BLOCKS * BLOCK_BYTES
"""No more of a text file is read."""
_ZIP = b"PK"


def excerpt(path: Path, scratch: Path) -> Path:
    """The file itself where it is small or a container, else a copy of its head and of blocks spread over it."""
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        head = file.read(HEAD_BYTES if size > MOST_BYTES else 2)
        if size <= MOST_BYTES or head.startswith(_ZIP):
            return path
        parts = [_lines(head, keep_first=True)]
        if b"\0" not in head:  # in UTF-16 a line end is two bytes, and the head says enough
            step = (size - HEAD_BYTES) // BLOCKS
            parts += [_block(file, HEAD_BYTES + step * number) for number in range(BLOCKS)]
    copy = scratch / "excerpt"
    copy.write_bytes(b"".join(parts))
    return copy


def _block(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return _lines(file.read(BLOCK_BYTES), keep_first=False)


def _lines(data: bytes, *, keep_first: bool) -> bytes:
    """The whole lines; what the cut tore apart at either end is left out."""
    start = 0 if keep_first else data.find(b"\n") + 1
    return data[start : data.rfind(b"\n") + 1]
