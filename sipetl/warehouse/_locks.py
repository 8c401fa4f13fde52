"""The two locks of a warehouse folder, which order all commands that use its embedded server.

`gate.lock` is exclusive and short: held while the server is found, started or stopped. `users.lock` is shared, held
as long as a lease is open; whoever gets it exclusively (under the gate) knows that nobody uses the server. Both are
kernel locks (flock), freed when their process is killed. (filelock's own read-write lock is SQLite transactions,
with timeouts and a database file: more than two words in the kernel.)
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sipetl.errors import WarehouseError
from sipetl.warehouse._postmaster import RECOVERY_SECONDS

GATE_SECONDS = RECOVERY_SECONDS + 60
"""Longer than the longest thing done under the gate."""


@contextmanager
def gate(base: Path) -> Iterator[None]:
    """Hold the exclusive lock under which the server is started and stopped."""
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / "gate.lock", timeout=GATE_SECONDS, mode=0o600, preserve_lock_file=True):
        yield


def join_users(base: Path) -> int:
    """Take the shared lock and return its descriptor; closing it is leaving. Call under the gate only."""
    descriptor = _open_users(base)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


@contextmanager
def nobody_uses(base: Path) -> Iterator[bool]:
    """Say whether no lease is open, and keep it so; call under the gate only."""
    descriptor = _open_users(base)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for a child forked meanwhile, which holds it as well
        os.close(descriptor)


@contextmanager
def reported(base: Path) -> Iterator[None]:
    """Turn what the operating system and the lock say into our error."""
    try:
        yield
    except Timeout:
        raise WarehouseError(
            "the embedded PostgreSQL is being started or stopped by another sipetl command",
            where=str(base),
            why=f"it has not finished for {GATE_SECONDS} s",
            cure="wait for it, or end it, and try again",
        ) from None
    except OSError as error:
        raise WarehouseError(
            "the folder of the embedded PostgreSQL cannot be used",
            where=str(error.filename or base),
            why=error.strerror or type(error).__name__,
            cure="check its owner, its permissions and the free space; or set SIPETL_WAREHOUSE_URL",
        ) from None


def _open_users(base: Path) -> int:
    return os.open(base / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
