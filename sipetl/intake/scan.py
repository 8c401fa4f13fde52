"""Which files lie in an inbox, whole and not taken yet: the first stage of the way of the data.

An inbox is a folder on this machine, an SFTP server or a bucket; fsspec makes them one. Nothing is moved or
deleted here: the sender's folder stays as it is.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from sipetl.errors import ConfigError, InboxError
from sipetl.intake.stores import AGAIN, CANNOT, Place, open_place, reading

SETTLE_SECONDS = 30.0
"""A file younger than this may still be written; senders' SFTP clients write in place."""
HALF_WRITTEN = (".part", ".tmp", ".filepart", ".crdownload", ".swp", "~")
"""Suffixes of WinSCP, browsers and editors for a file that is not whole yet."""

Seen = tuple[str, int, datetime]


ANY = ("*",)


@dataclass(frozen=True, slots=True)
class Found:
    """A file in an inbox; `path` is relative to the inbox, `url` opens it with fsspec."""

    url: str
    path: str
    name: str
    size: int
    modified_at: datetime

    @property
    def inbox(self) -> str:
        """URL of the inbox; of a file that lies in none, its folder's. Files' names may say whose they are."""
        return self.url.removesuffix(self.path) or str(PurePosixPath(self.url).parent)

    @property
    def seen(self) -> Seen:
        """What tells this state of the file from a later one."""
        return (self.path, self.size, self.modified_at)


def scan(
    inbox_url: str,
    *matches: str,
    settle_seconds: float = SETTLE_SECONDS,
    seen: Callable[[Seen], bool] | Collection[Seen] = (),
    waiting: list[Found] | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Found]:
    """List the files that match one of the patterns (none given = any), are whole and were not seen in this state.

    A folder that is not there yet is an empty inbox, as long as the folder above it can be reached. `waiting` collects
    the files that may still be written: changed in the last `settle_seconds`, or growing.

    Raises:
        InboxError: the store cannot be reached, or fails while it is listed.
        ConfigError: access is refused, the bucket is absent, or nothing here speaks its protocol.
    """
    with reading(inbox_url):
        inbox = open_place(inbox_url)
        listed = _listed(inbox, inbox_url)
    known = seen if callable(seen) else set(seen).__contains__
    entries = (_found(inbox, info) for info in listed)
    wanted = [f for f in entries if _is_wanted(f, matches or ANY) and not known(f.seen)]
    with reading(inbox_url):
        whole = [f for f in wanted if _is_settled(f, clock() - settle_seconds) and is_as_found(inbox.store, f)]
    if waiting is not None:
        waiting += [f for f in wanted if f not in whole]
    return sorted(whole, key=lambda f: f.path)


def _listed(inbox: Place, inbox_url: str) -> list[dict[str, Any]]:
    """Every file below the inbox; fsspec's own `find` leaves out in silence what it cannot list."""
    inbox.store.invalidate_cache()
    if inbox.is_bucket:
        return _listed_bucket(inbox, inbox_url)
    if not _is_there(inbox, inbox_url):
        return []
    folders, files = [inbox.path], list[dict[str, Any]]()
    for folder in folders:  # it grows as it is gone through
        entries = list(_folder(inbox, folder))
        folders += [info["name"] for info in entries if info["type"] == "directory"]
        files += [info for info in entries if info["type"] != "directory"]
    return files


def _folder(inbox: Place, folder: str) -> Iterator[dict[str, Any]]:
    """What lies in a folder; of a link what it leads to, if that is a file."""
    try:
        entries = inbox.store.ls(folder, detail=True)
    except FileNotFoundError:
        return  # taken away while its neighbours were listed
    for info in entries:
        if info["type"] != "link":
            yield info
            continue
        with suppress(FileNotFoundError):
            target = inbox.store.info(info["name"])
            if target["type"] == "file":
                yield target


def _listed_bucket(inbox: Place, inbox_url: str) -> list[dict[str, Any]]:
    try:
        return list(inbox.store.find(inbox.path, detail=True).values())
    except FileNotFoundError:
        cure = "make it, or mend the inbox in feeds.yaml"
        raise ConfigError("there is no such bucket", where=inbox_url, cure=cure) from None


def _is_there(inbox: Place, inbox_url: str) -> bool:
    if _has(inbox):
        return True
    above = Place(inbox.store, str(PurePosixPath(inbox.path).parent))
    if above.path not in ("", ".", inbox.path) and not _has(above):
        raise InboxError(CANNOT, where=inbox_url, why="nor can the folder above it", cure=AGAIN)
    return False


def _has(place: Place) -> bool:
    try:
        return bool(place.store.info(place.path)["type"] == "directory")
    except FileNotFoundError:
        return False


def _found(inbox: Place, info: dict[str, Any]) -> Found:
    full = str(info["name"])
    path = full.removeprefix(inbox.path.rstrip("/")).lstrip("/")
    url = str(inbox.store.unstrip_protocol(full))
    return Found(url, path, PurePosixPath(path).name, int(info.get("size") or 0), _modified(info))


def _modified(info: dict[str, Any]) -> datetime:
    """The modification time under the name this kind of store gives it; the epoch where it gives none."""
    for name in ("mtime", "LastModified", "last_modified", "modified", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.fromtimestamp(0, UTC)


def fits(found: Found, match: str) -> bool:
    """Whether a file's path or name matches a pattern."""
    return fnmatch.fnmatch(found.path, match) or fnmatch.fnmatch(found.name, match)


def _is_wanted(found: Found, matches: Sequence[str]) -> bool:
    hidden = any(part.startswith(".") for part in PurePosixPath(found.path).parts)
    half = found.name.lower().endswith(HALF_WRITTEN)
    return not hidden and not half and any(fits(found, match) for match in matches)


def _is_settled(found: Found, before: float) -> bool:
    return found.modified_at.timestamp() <= before


def is_as_found(store: Any, found: Found) -> bool:
    """Whether a file is as it was when it was found: neither grown, nor written anew, nor gone."""
    try:
        info = store.info(store._strip_protocol(found.url))
    except FileNotFoundError:
        return False
    same_second = abs((_modified(info) - found.modified_at).total_seconds()) < 1
    return int(info["size"] or 0) == found.size and same_second
