"""A real SFTP server for tests, which can be told to fail at a certain moment. It speaks SSH by asyncssh, the client by paramiko."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

HOST, USER, PASSWORD = "127.0.0.1", "sender", "right-word"
T = TypeVar("T")


@dataclass
class SFTP:
    """A server on a folder, with what tests may change of it while it runs."""

    root: Path
    key: asyncssh.SSHKey
    port: int = 0
    logins: int = 0
    listing: Callable[[], bool] = field(default=lambda: True)
    """Asked before each entry of a listing; False: the connection is cut."""
    read: Callable[[int], bool] = field(default=lambda _: True)
    """Asked with the offset before each read; False: the connection is cut."""

    open: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sftp://{HOST}:{self.port}"

    def known(self, path: Path, key: asyncssh.SSHKey | None = None) -> Path:
        """Write a file of known hosts, with the server's own key or another."""
        line = (key or self.key).export_public_key().decode().strip()
        path.write_text(f"[{HOST}]:{self.port} {line}\n", encoding="utf-8")
        return path


class _Logins(asyncssh.SSHServer):
    def __init__(self, server: SFTP) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.open.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._server.logins += 1
        return (username, password) == (USER, PASSWORD)


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: Any, server: SFTP) -> None:
        super().__init__(channel, chroot=str(server.root))
        self._server = server

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:  # type: ignore[override]
        async for entry in super().scandir(path):
            if not self._server.listing():
                self._cut()
            yield entry

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if not self._server.read(offset):
            self._cut()
        return super().read(file_obj, offset, size)  # type: ignore[return-value, misc]

    def _cut(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("cut")


@contextmanager
def sftp_server(root: Path, port: int = 0, key: asyncssh.SSHKey | None = None) -> Iterator[SFTP]:
    """Serve a folder until the end; every connection is then cut."""
    server = SFTP(root, key or asyncssh.generate_private_key("ssh-ed25519"), port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    try:
        listening = do(_listen(server))
        server.port = listening.get_port()
        try:
            yield server
        finally:
            do(_end(server, listening))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(server: SFTP) -> asyncssh.SSHAcceptor:
    return await asyncssh.listen(
        HOST,
        server.port,
        server_host_keys=[server.key],
        server_factory=lambda: _Logins(server),
        sftp_factory=lambda channel: _Files(channel, server),
        reuse_address=True,
    )


async def _end(server: SFTP, listening: asyncssh.SSHAcceptor) -> None:
    listening.close()
    await listening.wait_closed()
    for connection in server.open:
        connection.abort()
        await connection.wait_closed()
