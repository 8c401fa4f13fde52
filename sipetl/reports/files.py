"""Reports and letters on disk: they hold unsuppressed figures, so nobody but this account may read them."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def make_private(folder: Path) -> Path:
    """Make a folder, and what is missing above it, for this account alone; its own that is there is closed to others."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        folder.chmod(FOLDER_MODE)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file for this account alone; one that is there is closed to others before it is written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, FILE_MODE)
        file.write(text)
