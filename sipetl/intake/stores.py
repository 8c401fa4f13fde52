"""The one way into a store: a folder, an SFTP server or a bucket; and the one place that knows how their clients fail.

fsspec makes them one to list and to read, but each client keeps errors of its own. Here they become three: what trying
again may heal (`InboxError`), a file that its sender is still busy with (`UnsettledError`), and what a person must mend
(`ConfigError`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fsspec

from sipetl.errors import ConfigError, InboxError, SipetlError, UnsettledError

CLIENT_ERRORS = (
    ("paramiko", "SSHException"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
)
"""Errors of remote clients that are no OSError. A client that is not loaded has raised nothing."""
NO_KEYS = (("botocore.exceptions", "NoCredentialsError"), ("botocore.exceptions", "PartialCredentialsError"))
PACKAGES = {"sftp": "sipetl[sftp]", "ssh": "sipetl[sftp]", "s3": "sipetl[s3]", "s3a": "sipetl[s3]"}
CANNOT, NO_STORE = "the inbox cannot be reached", "the store cannot be reached"
CREDENTIALS = (
    "credentials come from Airflow's connection sipetl_inbox_{protocol}, or the environment: docs/inboxes.md"
)
S3_OPTIONS = (
    "key",
    "secret",
    "token",
    "endpoint_url",
    "profile",
    "anon",
    "requester_pays",
    "use_ssl",
    "client_kwargs",
    "config_kwargs",
)
"""Of s3fs, what a connection's extra, or the environment, may say; without keys AWS's own variables and files hold."""
AGAIN = "see that the server is up and the path is right; the next run tries again"


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a store."""

    store: Any
    path: str

    @property
    def protocols(self) -> tuple[str, ...]:
        """What the store is called in URLs."""
        named = self.store.protocol
        return (named,) if isinstance(named, str) else tuple(named)

    @property
    def is_local(self) -> bool:
        return "file" in self.protocols

    @property
    def is_bucket(self) -> bool:
        """Whether folders are but beginnings of names: an empty one is not there at all."""
        return "s3" in self.protocols

    def at(self, *parts: str) -> Place:
        """A path below this one."""
        return Place(self.store, "/".join((self.path.rstrip("/"), *parts)))


def open_place(url: str) -> Place:
    """Connect to the store of a URL, or to this machine's folders.

    Raises:
        ConfigError: the protocol is not known, or its package not installed; or the server is not to be trusted.
    """
    protocol = protocol_of(url)
    try:
        if protocol in ("sftp", "ssh"):
            from sipetl.intake.sftp import connect

            return Place(*connect(url))
        if protocol in ("s3", "s3a"):
            refuse_unknown(fsspec.config.conf.get("s3", {}), S3_OPTIONS, url)
        return Place(*fsspec.core.url_to_fs(url))
    except ImportError:
        package = PACKAGES.get(protocol, f"the package that fsspec needs for {protocol}://")
        why = f"nothing here speaks {protocol}://"
        raise ConfigError(NO_STORE, where=url, why=why, cure=f"install {package}") from None
    except ValueError as failure:
        cure = "write a folder, sftp://host/folder or s3://bucket/folder"
        raise ConfigError(NO_STORE, where=url, why=reason(failure), cure=cure) from None


def refuse_unknown(given: Iterable[str], options: Sequence[str], where: str) -> None:
    """Raise a ConfigError where an option is given that the client does not know, or that would make it trust anybody."""
    for name in sorted(set(given) - set(options)):
        cure = f"mend the extra of the connection, or the environment: the options are {', '.join(options)}"
        raise ConfigError(f"the client has no option '{name}'", where=where, cure=cure)


def protocol_of(url: str) -> str:
    """What stands before `://`; `file` for a path."""
    return url.partition("://")[0] if "://" in url else "file"


@contextmanager
def reading(url: str, what: str = CANNOT) -> Iterator[None]:
    """Tell plainly what goes wrong while an inbox, or a file in it, is read.

    Raises:
        InboxError: its store failed.
        UnsettledError: the file is gone.
        ConfigError: access is refused.
    """
    try:
        yield
    except SipetlError:
        raise
    except FileNotFoundError:
        cure = "its sender took it away or gave it another name; the next run takes what is there then"
        raise UnsettledError("the file is gone since the inbox was listed", where=url, cure=cure) from None
    except refusals() as failure:
        raise ConfigError(what, where=url, why=_refused(failure), cure=_rights(url)) from None
    except failures() as failure:
        raise InboxError(what, where=url, why=reason(failure), cure=AGAIN) from None


def failures() -> tuple[type[Exception], ...]:
    """What a store that fails raises, whatever its client."""
    return (OSError, EOFError, *_loaded(CLIENT_ERRORS))


def refusals() -> tuple[type[Exception], ...]:
    """What a store raises that lets nobody in without, or with these, rights."""
    return (PermissionError, *_loaded(NO_KEYS))


def reason(failure: Exception) -> str:
    """Why a store could not be used, in its own words where they are short."""
    return getattr(failure, "strerror", None) or str(failure).partition("\n")[0] or type(failure).__name__


def _loaded(named: tuple[tuple[str, str], ...]) -> tuple[type[Exception], ...]:
    return tuple(getattr(sys.modules[module], name) for module, name in named if module in sys.modules)


def _refused(failure: Exception) -> str:
    return f"access is refused ({reason(failure)})"


def _rights(url: str) -> str:
    protocol = protocol_of(url)
    if protocol == "file":
        return "give the account that runs sipetl the right to read there"
    return CREDENTIALS.format(protocol=protocol)
