"""A private folder for one command, gone when it ends; what a killed command left is removed by the next.

Unpacked and transcoded copies of files lie there, with names in them, so they must not outlive their command.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import duckdb
from filelock import FileLock, Timeout

from sipetl.errors import StoreError
from sipetl.lake import NO_SPACE

LOCK = ".lock"
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def scratch_folder(base: Path) -> Iterator[Path]:
    """Make a folder that is locked for as long as it is used."""
    base.mkdir(parents=True, exist_ok=True)
    folder = base / uuid4().hex
    with FileLock(folder.with_suffix(LOCK)):
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _remove(folder)


@contextmanager
def room_told(home: Path) -> Iterator[None]:
    """Tell a full disk plainly, wherever a command met it; what it was writing is gone or swept by the next.

    Raises:
        StoreError: the disk is full.
    """
    try:
        yield
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if getattr(error, "errno", None) not in FULL and NO_SPACE not in str(error):
            raise
        where = getattr(error, "filename", None) or home
        cure = "nothing is lost: make room there, in scratch and reports of the home too, and run again"
        raise StoreError("the disk is full", where=str(where), cure=cure) from None


def sweep(base: Path) -> None:
    """Remove the folders whose command is dead."""
    for lock in base.glob(f"*{LOCK}"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            _remove(lock.with_suffix(""))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(LOCK).unlink(missing_ok=True)
