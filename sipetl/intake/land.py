"""Keep a received file byte for byte, named by what it holds (choices 2 and 7).

The name is the sha256, computed in the pass that copies; so the same bytes are kept once, and a crash leaves at
most a temporary file that no one reads.
"""

from __future__ import annotations

import hashlib
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from sipetl.errors import LandingError
from sipetl.intake.scan import reason

CHUNK = 8 * 1024 * 1024
FOLDER_MODE, FILE_MODE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class Landed:
    """A file in landing; `name` is what the sender called it."""

    sha256: str
    size: int
    url: str
    name: str


def land(found_url: str, landing_url: str) -> Landed:
    """Copy a file into landing. Safe to run twice, and to be killed.

    Raises:
        LandingError: the file cannot be read, or landing cannot be written.
    """
    try:
        source, path = fsspec.core.url_to_fs(found_url)
        store, root = fsspec.core.url_to_fs(landing_url)
        return _copy(_Place(source, path), _Place(store, root))
    except (OSError, ImportError, ValueError) as failure:
        raise LandingError("the file cannot be kept in landing", where=found_url, why=reason(failure)) from None


@dataclass(frozen=True, slots=True)
class _Place:
    """A path in a store."""

    store: Any
    path: str

    @property
    def is_local(self) -> bool:
        return "file" in self.store.protocol or "local" in self.store.protocol

    def at(self, *parts: str) -> _Place:
        return _Place(self.store, "/".join((self.path.rstrip("/"), *parts)))

    def make_folder(self) -> None:
        """Make the folder; on this machine, every folder made is private."""
        if not self.is_local:
            self.store.makedirs(self.path, exist_ok=True)
            return
        folder = Path(self.path)
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        for one in reversed(missing):
            one.mkdir(mode=FOLDER_MODE, exist_ok=True)


def _copy(source: _Place, landing: _Place) -> Landed:
    incoming = landing.at("incoming")
    landing.make_folder()
    incoming.make_folder()
    temporary = incoming.at(f"{uuid.uuid4().hex}.part")
    try:
        digest, size = _stream(source, temporary)
        kept = landing.at(digest[:2], digest[2:4], digest)
        if not kept.store.exists(kept.path):
            landing.at(digest[:2], digest[2:4]).make_folder()
            _rename(temporary, kept)
    finally:
        with suppress(FileNotFoundError):
            temporary.store.rm(temporary.path)
    url = kept.path if kept.is_local else str(kept.store.unstrip_protocol(kept.path))
    return Landed(digest, size, url, PurePosixPath(source.path).name)


def _stream(source: _Place, target: _Place) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    if target.is_local:
        Path(target.path).touch(mode=FILE_MODE)
    with source.store.open(source.path, "rb") as reader, target.store.open(target.path, "wb") as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _rename(temporary: _Place, kept: _Place) -> None:
    if temporary.is_local:
        Path(temporary.path).replace(kept.path)
    else:
        temporary.store.mv(temporary.path, kept.path)
