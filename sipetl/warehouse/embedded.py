"""The embedded PostgreSQL of a home: there while somebody uses it, gone when the last one leaves.

`use(base)` is the whole of it for the rest of sipetl: a lease, which holds a shared file lock and writes URLs.
How commands that come and go at once (or are killed) stay out of each other's way is in `_locks`; where the
server lives and as whom it runs, in `_place`.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import Timeout

from sipetl.errors import WarehouseError
from sipetl.warehouse import _place, _postmaster
from sipetl.warehouse._locks import gate, join_users, nobody_uses, reported
from sipetl.warehouse._login import APPLICATION, DATABASE, LOGINS, Role, has_foreign_clients, provide
from sipetl.warehouse._place import Place
from sipetl.warehouse._postmaster import HOST, RECOVERY_SECONDS, SUPERUSER, Outcome, Server
from sipetl.warehouse._state import STATE_FILE, State, load_state, save_state

PAUSE_SECONDS = 0.05
PASSWORD_BYTES = 24

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What `status` saw."""

    running: bool
    port: int | None
    """The port it listens on, or will try first; None before the first use."""
    folder: Path
    """Where data and log are."""


class Lease:
    """Keeps the server of one home running until closed; made by `use`.

    A forked child may use its parent's lease; only the process that took it stops the server.
    """

    __slots__ = ("_base", "_descriptor", "_pid", "_process", "_state", "_tag")

    def __init__(self, state: State, server: Server, descriptor: int) -> None:
        self._base, self._state, self._pid = state.base, state, server.pid
        self._tag = _postmaster.process_tag(_place_of(state).data)
        self._descriptor: int | None = descriptor
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"Lease({str(self._base)!r}, port={self.port})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        return self._state.port

    def password(self, role: Role) -> str:
        """Tell a role's password, for a person who sets up a BI tool."""
        return self._state.passwords[LOGINS[role]]

    def url(self, role: Role, database: str = DATABASE) -> str:
        """Write a role's SQLAlchemy URL, for sipetl's own connections: they never keep the server up."""
        address = f"{LOGINS[role]}:{self.password(role)}@{HOST}:{self.port}/{database}"
        return f"postgresql+psycopg://{address}?application_name={APPLICATION}"

    def close(self) -> None:
        """Let go; the last to leave stops the server, unless foreign clients are connected."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        os.close(descriptor)
        if os.getpid() != self._process:
            return
        if not self._base.exists():
            self._leave_deleted_home()
            return
        with reported(self._base), suppress(Timeout), gate(self._base), nobody_uses(self._base) as unused:
            if unused:
                self._stop_unless_foreign_clients()

    def _stop_unless_foreign_clients(self) -> None:
        place = _place_of(self._state)
        server = _postmaster.find(place)
        if server and not has_foreign_clients(self._state.on_port(server.port)):
            _postmaster.stop(place)

    def _leave_deleted_home(self) -> None:
        place = _place_of(self._state)
        if place.data.exists():
            _postmaster.stop(place)
        else:
            _postmaster.abandon(self._pid, self._tag)


def use(base: Path) -> Lease:
    """Make sure that the server of the warehouse folder `base` runs; make it at the first use.

    Raises:
        WarehouseError: it cannot be made, started or reached.
    """
    base = base.resolve()
    with reported(base), gate(base):
        descriptor = join_users(base)
        try:
            state, server = _running(base)
            return Lease(state, server, descriptor)
        except BaseException:
            os.close(descriptor)
            raise


def stop(base: Path) -> bool:
    """Stop the server even while foreign clients are connected; False if none ran.

    Raises:
        WarehouseError: another sipetl command is using it.
    """
    base = base.resolve()
    if not (base / STATE_FILE).exists():
        return False
    with reported(base), gate(base), nobody_uses(base) as unused:
        _refuse_if_used(base, unused)
        return _postmaster.stop(_place_of(load_state(base)))


def status(base: Path) -> Status:
    """Look, without waiting and without starting anything."""
    base = base.resolve()
    with reported(base):
        if not (base / STATE_FILE).exists():
            return Status(running=False, port=None, folder=base)
        state = load_state(base)
        place = _place_of(state)
        server = _postmaster.find(place)
        ready = server is not None and server.ready
        return Status(running=ready, port=state.port, folder=place.folder)


def remove(base: Path) -> None:
    """Stop the server and delete the warehouse with all its data, also the part outside the home.

    Raises:
        WarehouseError: another sipetl command is using it.
    """
    base = base.resolve()
    if not base.exists():
        return
    with reported(base), gate(base), nobody_uses(base) as unused:
        _refuse_if_used(base, unused)
        if (base / STATE_FILE).exists():
            place = _place_of(load_state(base))
            _postmaster.stop(place)
            shutil.rmtree(place.folder)
        shutil.rmtree(_place.aside_folder(base), ignore_errors=True)
        shutil.rmtree(base, ignore_errors=True)


def _refuse_if_used(base: Path, unused: bool) -> None:
    if not unused:
        raise WarehouseError(
            "another sipetl command is using the embedded PostgreSQL",
            where=str(base),
            cure="let it finish (or end 'sipetl db serve'); the last one to leave stops the server",
        )


def _running(base: Path) -> tuple[State, Server]:
    """Find or start the server and log in; patient while it recovers or what a killed one left vanishes."""
    state = _known_or_new(base)
    place = _place_of(state)
    _place.copy_programs(place)
    if not place.data.exists():
        _postmaster.initialise(place, state.passwords[SUPERUSER])
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        server = _postmaster.find(place)
        if server is None:
            state = _start(state, place)
        elif server.ready and provide(state, server.port):
            return _keep_port(state, server.port), server
        else:
            time.sleep(PAUSE_SECONDS)
    raise WarehouseError(
        f"the embedded PostgreSQL did not accept a login within {RECOVERY_SECONDS} s",
        where=str(base),
        why="it may still be recovering after a crash",
        cure=f"try again; if that does not help, read {place.log}",
    )


def _start(state: State, place: Place) -> State:
    """Try once to start; return the state with the port to try next."""
    outcome = _postmaster.start(place, state.port)
    if outcome is Outcome.PORT_TAKEN:
        return _keep_port(state, _postmaster.free_port())
    if outcome is Outcome.BUSY:
        time.sleep(PAUSE_SECONDS)
    else:
        logger.info("started embedded postgresql port=%d", state.port)
    return state


def _keep_port(state: State, port: int) -> State:
    return state if port == state.port else save_state(state.on_port(port))


def _known_or_new(base: Path) -> State:
    if (base / STATE_FILE).exists():
        return _moved_here(load_state(base), base)
    if (base / "data").exists():
        raise WarehouseError(
            "the passwords of the embedded PostgreSQL are gone",
            where=str(base / STATE_FILE),
            cure="restore this file from a backup; to begin with an empty warehouse, delete its folder",
        )
    _set_aside_deleted_home(base)
    place = _place.make_place(base)
    passwords = {login: secrets.token_urlsafe(PASSWORD_BYTES) for login in LOGINS.values()}
    outside = None if place.folder == base else place.folder
    return save_state(State(base, _postmaster.free_port(), outside, passwords))


def _moved_here(state: State, base: Path) -> State:
    if state.base == base:
        return state
    if state.outside:
        _place.point_back(state.outside, base)
    return save_state(dataclasses.replace(state, base=base))


def _set_aside_deleted_home(base: Path) -> None:
    """Make room for a new home where one was deleted whose data lay outside; the last such data is kept."""
    if os.geteuid() != 0:
        return
    for left in _place.outside_left_by(base):
        _postmaster.stop(_place.known_place(left))
        _place.set_aside(left, base)


def _place_of(state: State) -> Place:
    return _place.known_place(state.outside or state.base)
