"""Keep a received file byte for byte, named by what it holds (choices 2 and 7).

The name is the sha256, computed in the pass that copies; so the same bytes are kept once, and a crash leaves at
most a temporary file that no one reads.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sipetl.errors import LandingError, SipetlError, UnsettledError
from sipetl.intake.scan import Found, is_as_found
from sipetl.intake.stores import Place, failures, open_place, reading, reason

CHUNK = 256 * 1024
"""Stays in a processor's cache between its three uses: twice as fast as pieces of megabytes."""
FOLDER_MODE, FILE_MODE = 0o700, 0o600
UNREADABLE = "a file in the inbox cannot be read"
UNWRITABLE = "a file cannot be kept in landing"
NOTHING_LOST = "nothing is lost, the files stay in their inboxes: mend it, or make room there, and run again"


@dataclass(frozen=True, slots=True)
class Landed:
    """A file in landing; `name` is what the sender called it."""

    sha256: str
    size: int
    url: str
    name: str


def land(found: Found, landing_url: str) -> Landed:
    """Copy a file into landing. Safe to run twice, and to be killed.

    Raises:
        InboxError: the file cannot be read.
        UnsettledError: it went, or was written to, while it was read.
        LandingError: landing cannot be written.
    """
    with reading(found.inbox, UNREADABLE):
        source = open_place(found.url)
    with _writing(landing_url):
        landing = open_place(landing_url)
        incoming = landing.at("incoming")
        _make_folder(landing)
        _make_folder(incoming)
    temporary = incoming.at(f"{uuid.uuid4().hex}.part")
    try:
        digest, size = _stream(source, temporary, found, landing_url)
        with _writing(landing_url):
            kept = _keep(landing, temporary, digest)
    finally:
        with suppress(*failures()):
            temporary.store.rm(temporary.path)
    url = kept.path if kept.is_local else str(kept.store.unstrip_protocol(kept.path))
    return Landed(digest, size, url, found.name)


@contextmanager
def _writing(landing_url: str) -> Iterator[None]:
    try:
        yield
    except SipetlError:
        raise
    except failures() as failure:
        raise LandingError(UNWRITABLE, where=landing_url, why=reason(failure), cure=NOTHING_LOST) from None


def _stream(source: Place, target: Place, found: Found, landing_url: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with _opened(source, target, found, landing_url) as (reader, writer), ThreadPoolExecutor(1) as beside:
        while chunk := _read(reader, found):
            hashed = beside.submit(digest.update, chunk)
            with _writing(landing_url):
                writer.write(chunk)
            hashed.result()
            size += len(chunk)
    with reading(found.inbox, UNREADABLE):
        if size != found.size or not is_as_found(source.store, found):
            cure = "its sender still writes to it; the next run takes it when it is whole"
            raise UnsettledError("a file changed while it was read", where=found.inbox, cure=cure)
    return digest.hexdigest(), size


@contextmanager
def _opened(source: Place, target: Place, found: Found, landing_url: str) -> Iterator[tuple[Any, Any]]:
    """Both files; what a store kept back is written, or refused, when the second one is closed."""
    with reading(found.inbox, UNREADABLE):
        reader = source.store.open(source.path, "rb")
    try:
        with _writing(landing_url):
            if target.is_local:
                Path(target.path).touch(mode=FILE_MODE)
            with target.store.open(target.path, "wb") as writer:
                yield reader, writer
    finally:
        with suppress(*failures()):
            reader.close()


def _read(reader: Any, found: Found) -> bytes:
    with reading(found.inbox, UNREADABLE):
        return bytes(reader.read(CHUNK))


def _keep(landing: Place, temporary: Place, digest: str) -> Place:
    kept = landing.at(digest[:2], digest[2:4], digest)
    if not kept.store.exists(kept.path):
        _make_folder(landing.at(digest[:2], digest[2:4]))
        if temporary.is_local:
            Path(temporary.path).replace(kept.path)
        else:
            temporary.store.mv(temporary.path, kept.path)
    return kept


def _make_folder(place: Place) -> None:
    """Make the folder; on this machine, every folder made is private. A bucket has none, and is not made."""
    if place.is_bucket:
        return
    if not place.is_local:
        place.store.makedirs(place.path, exist_ok=True)
        return
    folder = Path(place.path)
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
