"""Which files lie in an inbox, whole and not taken yet: the first stage of the way of the data.

An inbox is a folder on this machine, an SFTP server or a bucket; fsspec makes them one. Nothing is moved or
deleted here: the sender's folder stays as it is.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import fsspec

from sipetl.errors import LandingError

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
        LandingError: the store cannot be reached.
    """
    try:
        filesystem, root = fsspec.core.url_to_fs(inbox_url)
        if not _is_there(filesystem, root, inbox_url):
            return []
        listed = filesystem.find(root, detail=True)
    except (OSError, ImportError, ValueError) as failure:
        raise _unreachable(inbox_url, failure) from None
    known = seen if callable(seen) else set(seen).__contains__
    entries = (_found(filesystem, root, info) for info in listed.values())
    wanted = [f for f in entries if _is_wanted(f, matches or ANY) and not known(f.seen)]
    whole = [f for f in wanted if _is_whole(filesystem, f, clock() - settle_seconds)]
    if waiting is not None:
        waiting += [f for f in wanted if f not in whole]
    return sorted(whole, key=lambda f: f.path)


def _is_there(filesystem: Any, root: str, inbox_url: str) -> bool:
    filesystem.invalidate_cache()
    if filesystem.isdir(root):
        return True
    parent = str(PurePosixPath(root).parent)
    if parent not in ("", ".", root) and not filesystem.exists(parent):
        raise LandingError("the inbox cannot be reached", where=inbox_url, why="nor can the folder above it")
    return False


def _unreachable(inbox_url: str, failure: Exception) -> LandingError:
    return LandingError("the inbox cannot be reached", where=inbox_url, why=reason(failure))


def reason(failure: Exception) -> str:
    """Why a store could not be used, in its own words where they are short."""
    return getattr(failure, "strerror", None) or str(failure).partition("\n")[0] or type(failure).__name__


def _found(filesystem: Any, root: str, info: dict[str, Any]) -> Found:
    full = str(info["name"])
    path = full.removeprefix(root.rstrip("/")).lstrip("/")
    url = str(filesystem.unstrip_protocol(full))
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


def _is_whole(filesystem: Any, found: Found, settled_before: float) -> bool:
    """Neither young nor growing: the size is asked for again."""
    if found.modified_at.timestamp() > settled_before:
        return False
    try:
        return int(filesystem.info(filesystem._strip_protocol(found.url))["size"] or 0) == found.size
    except FileNotFoundError:
        return False
