"""Inboxes on SFTP servers: fsspec's client, but for whom it speaks to and how long it waits.

fsspec's own takes any host key, waits for ever, and forgets the host in a file's URL. Here a server whose key is not
known is refused before a password is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from sipetl.errors import ConfigError
from sipetl.intake.stores import CANNOT, CREDENTIALS, refuse_unknown

KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("~/.ssh/known_hosts"))
"""Where OpenSSH looks too; the option `known_hosts` names another file instead."""
CONNECT_SECONDS, ANSWER_SECONDS, KEEPALIVE_SECONDS = 15, 60, 30
"""A host that is there answers in seconds; a server may take its time to open a large folder."""
REQUESTS_AHEAD = 64
"""As many as OpenSSH's own client: 2 MB on their way, so that a far server is as fast as the line."""
OPTIONS = (
    "username",
    "password",
    "port",
    "key_filename",
    "passphrase",
    "known_hosts",
    "allow_agent",
    "look_for_keys",
    "disabled_algorithms",
)
"""What a connection's extra, or the environment, may say; all but `known_hosts` are paramiko's own."""
NO_METHOD = "No authentication methods available"
"""paramiko's words where it has neither password nor key: it has no class of error for it."""


class CheckedSFTP(SFTPFileSystem):  # type: ignore[misc]
    """SFTP with servers whose host key is known."""

    @property
    def address(self) -> str:
        """The server's URL."""
        user, port = self.ssh_kwargs.get("username"), self.ssh_kwargs.get("port")
        return "".join(("sftp://", f"{user}@" if user else "", self.host, f":{port}" if port else ""))

    def _connect(self) -> None:
        options = _checked(self.ssh_kwargs, self.address)
        known = options.pop("known_hosts", None)
        self.client = paramiko.SSHClient()
        for path in _known_hosts(known, self.address):
            self.client.load_system_host_keys(str(path))
        self.client.set_missing_host_key_policy(_Refuse(self.address, known))
        self._log_in(options, known)
        self.client.get_transport().set_keepalive(KEEPALIVE_SECONDS)
        self.ftp = self.client.open_sftp()
        self.ftp.get_channel().settimeout(ANSWER_SECONDS)

    def _log_in(self, options: dict[str, Any], known: str | None) -> None:
        waits = {f"{what}timeout": CONNECT_SECONDS for what in ("", "banner_", "auth_", "channel_")}
        try:
            self.client.connect(self.host, **(waits | options))
        except paramiko.BadHostKeyException as failure:
            raise _changed(self.address, failure.key, known) from None
        except paramiko.AuthenticationException:
            raise _refused(self.address, "the server refused the login") from None
        except (FileNotFoundError, PermissionError):
            raise _refused(self.address, "the file of the private key cannot be read") from None
        except paramiko.SSHException as failure:
            if str(failure) != NO_METHOD:
                raise
            raise _refused(self.address, "there is neither a password nor a key to log in with") from None

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        """A file; one that is read is asked for ahead: a request is of 32 KB, and each would wait for its answer."""
        file = super()._open(path, mode, block_size, **options)
        if mode == "rb":
            file.prefetch(max_concurrent_requests=REQUESTS_AHEAD)
        return file

    def connect_again(self) -> None:
        """Connect anew where the server has hung up since."""
        transport = self.client.get_transport()
        if transport is None or not transport.is_active():
            self._connect()

    def unstrip_protocol(self, name: str) -> str:
        return f"{self.address}{self._strip_protocol(name)}"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """The path as it is on the server: `#` and `?` are letters of a file's name."""
        _, scheme, rest = str(path).partition("://")
        return (f"/{rest.partition('/')[2]}" if scheme else str(path)).rstrip("/") or "/"


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Speak to nobody whose host key is not known."""

    def __init__(self, address: str, known: str | None) -> None:
        self._address, self._known = address, known

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        del client, hostname  # paramiko's signature
        raise ConfigError(
            "the server's host key is not known",
            where=self._address,
            why=f"it shows {_shown(key)}, and {_file(self._known)} has none for it",
            cure=f"ask its owner whether this is its key; if so, add the line of ssh-keyscan to {_file(self._known)}",
        )


def connect(url: str) -> tuple[CheckedSFTP, str]:
    """The server of a URL, and the path there; one connection per thread, made anew where it broke.

    Raises:
        ConfigError: the server is not to be trusted, refuses the login, or an option is unknown.
    """
    path = CheckedSFTP._strip_protocol(url)
    at = urlsplit(f"sftp://{url.partition('://')[2].partition('/')[0]}")
    named = {"username": at.username, "port": at.port}
    store = CheckedSFTP(at.hostname or "", **{name: value for name, value in named.items() if value})
    store.connect_again()
    return store, path


def _checked(given: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Options that the client knows; with a password or a key given, no other is tried."""
    refuse_unknown(given, OPTIONS, address)
    options = dict(given)
    if "port" in options:
        options["port"] = int(options["port"])
    alone = {"look_for_keys": False, "allow_agent": False} if {"password", "key_filename"} & given.keys() else {}
    return alone | options


def _known_hosts(known: str | None, address: str) -> list[Path]:
    if known is None:
        return [path.expanduser() for path in KNOWN_HOSTS if path.expanduser().is_file()]
    path = Path(known).expanduser()
    if not path.is_file():
        cure = "write it with ssh-keyscan, and compare its keys with what the server's owner says"
        raise ConfigError(
            "there is no such file of known hosts", where=address, why=f"known_hosts names {known}", cure=cure
        )
    return [path]


def _file(known: str | None) -> str:
    return known or str(KNOWN_HOSTS[-1])


def _shown(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"


def _changed(address: str, key: paramiko.PKey, known: str | None) -> ConfigError:
    cure = (
        f"ask its owner whether the key was changed; if so, replace its line in {_file(known)}, else do not connect"
    )
    why = f"it shows {_shown(key)}, and {_file(known)} has another: this may not be the server it was"
    return ConfigError("the server's host key has changed", where=address, why=why, cure=cure)


def _refused(address: str, why: str) -> ConfigError:
    return ConfigError(CANNOT, where=address, why=why, cure=CREDENTIALS.format(protocol="sftp"))
