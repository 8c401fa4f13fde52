"""The server process of one place: made, started, found, stopped.

Called by `embedded` only, and only under its gate lock: nothing here guards against a second caller.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from sipetl.errors import WarehouseError
from sipetl.warehouse._place import Account, Place

HOST = "127.0.0.1"
SUPERUSER = "postgres"
RECOVERY_SECONDS = 120
"""How long a server may take to recover after a crash, or to write out what it holds at a stop."""
LOG_TAIL_LINES = 4
LOG_LIMIT_BYTES = 1_000_000

# Below the ports that Linux (32768+) and macOS (49152+) lend to outgoing connections.
FIRST_PORT, PORT_COUNT = 20_000, 10_000
PORT_TRIES = 100

INITDB_OPTIONS = (
    *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--username={SUPERUSER}"),
    *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
    *("--set=timezone=UTC", "--set=log_timezone=UTC", "--set=lc_messages=C"),
    *("--set=shared_buffers=128MB", "--set=max_connections=100"),
)
# On the command line, so that no setting inside the server can undo them. Terse, without statements, and without
# ERROR entries, whose own words can quote a value ("invalid input syntax ..."): no row reaches the log.
START_OPTIONS = (
    *(f"listen_addresses={HOST}", "unix_socket_directories=", "fsync=on"),
    *("log_error_verbosity=terse", "log_min_error_statement=panic", "log_min_messages=log"),
    *("log_statement=none", "log_min_duration_statement=-1"),
)
PROCESSES = Path("/proc")
PORT_TAKEN_WORDS = ("could not bind IPv4 address", "could not create any TCP/IP sockets")
BUSY_WORDS = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")


class Outcome(Enum):
    """What came of an attempt to start."""

    STARTED = auto()
    BUSY = auto()
    """What a killed server left behind is not gone yet: try again."""
    PORT_TAKEN = auto()


@dataclass(frozen=True, slots=True)
class Server:
    """A live server process."""

    pid: int
    port: int
    ready: bool


def initialise(place: Place, password: str) -> None:
    """Make the data folder, whole or not at all; a killed predecessor's half is removed."""
    for leftover in place.folder.glob("init-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = place.folder / f"init-{secrets.token_hex(4)}"
    work.mkdir(mode=0o700)
    _own(work, place.account)
    password_file = work / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="utf-8")
    _own(password_file, place.account)
    draft = work / "data"
    result = _run(place, "initdb", f"--pgdata={draft}", f"--pwfile={password_file}", *INITDB_OPTIONS)
    if result.returncode:
        raise _failure("the embedded PostgreSQL could not be initialised", place, result.stderr)
    draft.rename(place.data)
    shutil.rmtree(work)


def start(place: Place, port: int) -> Outcome:
    """Try once to start the server on `port`; waits until it accepts logins.

    Raises:
        WarehouseError: it did not start, for a reason that trying again cannot heal.
    """
    if not port_is_free(port):
        return Outcome.PORT_TAKEN
    if not _clear_stale_lock(place):
        return Outcome.BUSY
    begin = _trim_log(place.log)
    options = (f"port={port}", f"cluster_name={process_tag(place.data)}", *START_OPTIONS)
    settings = " ".join(f"-c {option}" for option in options)
    wait = f"--timeout={RECOVERY_SECONDS}"
    places = (f"--pgdata={place.data}", f"--log={place.log}")
    result = _run(place, "pg_ctl", "start", "--wait", wait, *places, f"--options={settings}")
    if result.returncode == 0:
        return Outcome.STARTED
    said = _log_since(place.log, begin)
    if any(words in said for words in PORT_TAKEN_WORDS):
        return Outcome.PORT_TAKEN
    if any(words in said for words in BUSY_WORDS):
        return Outcome.BUSY
    raise _failure("the embedded PostgreSQL did not start", place, said or result.stderr)


def stop(place: Place) -> bool:
    """Stop the server after it wrote out what it holds; False if none ran."""
    server = find(place)
    if server is None:
        return False
    wait = f"--timeout={RECOVERY_SECONDS}"
    result = _run(place, "pg_ctl", "stop", "--mode=fast", "--wait", wait, f"--pgdata={place.data}")
    if result.returncode and find(place) is not None:
        raise _failure("the embedded PostgreSQL did not stop", place, result.stderr)
    return True


def find(place: Place) -> Server | None:
    """Find the live server of a place by its lock file; a lock file without its process does not count."""
    try:
        lines = (place.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if not _is_server(pid, process_tag(place.data)):
        return None
    # Lines of postmaster.pid (miscadmin.h): 1 pid, 4 port, 8 state
    complete = len(lines) >= 8
    return Server(pid, int(lines[3]) if complete else 0, complete and lines[7].strip() == "ready")


def abandon(pid: int, tag: str) -> None:
    """End a server whose data folder was deleted under it."""
    if _shows_processes() and _is_server(pid, tag):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)


def process_tag(data: Path) -> str:
    """Name the processes of one data folder; PostgreSQL shows it in their command lines (`cluster_name`).

    The folder's inode follows a renamed home, differs for a copied one, and is not given to another folder
    while a server works in it. (The working folder in /proc would do as well, but root in a container may not
    look at another user's.)
    """
    status = data.stat()
    return f"sipetl-{status.st_dev:x}-{status.st_ino:x}"


def free_port() -> int:
    """Choose a port nobody listens on.

    Raises:
        WarehouseError: none was found in many tries.
    """
    for _ in range(PORT_TRIES):
        port = FIRST_PORT + secrets.randbelow(PORT_COUNT)
        if port_is_free(port):
            return port
    raise WarehouseError(
        f"no free port between {FIRST_PORT} and {FIRST_PORT + PORT_COUNT - 1}",
        where=HOST,
        cure="free some, or set SIPETL_WAREHOUSE_URL to a PostgreSQL of your own",
    )


def port_is_free(port: int) -> bool:
    """Say whether the server could listen on a port, under the same rule it binds with (SO_REUSEADDR)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _clear_stale_lock(place: Place) -> bool:
    """Remove the lock file of a server that is gone with all its workers; False while any of them lives.

    PostgreSQL trusts a lock file whose process number is in use by whatever process (a restarted container), or
    by a zombie. Where the kernel shows command lines we know better; elsewhere PostgreSQL decides.
    """
    if not _shows_processes():
        return True
    tag = process_tag(place.data)
    if any(_is_server(int(entry.name), tag) for entry in PROCESSES.iterdir() if entry.name.isdigit()):
        return False
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    return True


def _is_server(pid: int, tag: str) -> bool:
    if _shows_processes():
        try:
            return tag.encode() in (PROCESSES / str(pid) / "cmdline").read_bytes()
        except OSError:  # gone meanwhile
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _shows_processes() -> bool:
    return (PROCESSES / "self" / "cmdline").exists()


def _run(place: Place, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the server as its account, in an environment without the caller's PG* variables."""
    account = place.account
    try:
        return subprocess.run(  # noqa: S603 - our own programs, no shell
            [str(place.programs / program), *arguments],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd="/",
            umask=0o077,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=RECOVERY_SECONDS + 30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"{program} could not be run ({type(error).__name__})"
        raise _failure("the embedded PostgreSQL cannot be controlled", place, reason) from None


def _failure(what: str, place: Place, said: str) -> WarehouseError:
    tail = " / ".join(line.strip() for line in said.splitlines()[-LOG_TAIL_LINES:] if line.strip())
    cure = f"read {place.log}; another PostgreSQL can be set with SIPETL_WAREHOUSE_URL"
    return WarehouseError(what, where=str(place.folder), why=tail, cure=cure)


def _trim_log(log: Path) -> int:
    """Empty a log grown beyond its limit; return its size. Only while no server writes to it."""
    size = log.stat().st_size if log.exists() else 0
    if size <= LOG_LIMIT_BYTES:
        return size
    os.truncate(log, 0)
    return 0


def _log_since(log: Path, begin: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(begin)
        return file.read(LOG_LIMIT_BYTES).decode(errors="replace")


def _own(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
