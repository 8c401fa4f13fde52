"""Keys and hashes: the one place where an identifier becomes a pseudonym.

`id_hash = HMAC-SHA256(key, "v1" 0x1F issuer 0x1F kind 0x1F id)`, the id in NFC and stripped
(design decision 10, choices 9 and 10). The key lives in a file of its own, never in a store.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sipetl.errors import ConfigError

KEY_BYTES = 32
_SEPARATOR = b"\x1f"
_VERSION = b"v1"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """The secret of one home. Its repr is empty on purpose."""

    secret: bytes

    def fingerprint(self) -> str:
        """Name the key without revealing it: stored in `ops.home`, compared at every start."""
        return hmac.new(self.secret, b"sipetl-key-fingerprint", hashlib.sha256).hexdigest()[:32]

    def hash_ids(self, issuer: str, kind: str, ids: Iterable[str]) -> list[bytes]:
        """Hash identifiers of one issuer and kind; 32 bytes each, in the order given.

        Callers pass *distinct* ids and join back: ids repeat 180 times in a year of attendance.
        """
        prefix = _SEPARATOR.join((_VERSION, issuer.encode(), kind.encode(), b""))
        base = hmac.new(self.secret, prefix, hashlib.sha256)
        return [_finish(base, canonical_id(i)) for i in ids]


def _finish(base: hmac.HMAC, text: str) -> bytes:
    mac = base.copy()
    mac.update(text.encode())
    return mac.digest()


def canonical_id(text: str) -> str:
    """Strip and compose an identifier, so that equal ids are equal bytes."""
    return unicodedata.normalize("NFC", text.strip())


def load_key(path: Path) -> Key:
    """Read the key file.

    Raises:
        ConfigError: the file is missing, readable by others, or not a 64-digit hexadecimal key.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            "the key file cannot be read", where=str(path), cure="run 'sipetl init', or set SIPETL_KEY_FILE"
        ) from None
    if mode:
        raise ConfigError("the key file can be read by others", where=str(path), cure=f"chmod 600 {path}")
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ConfigError("the key file does not hold a 64-digit hexadecimal key", where=str(path))
    return Key(secret)


def create_key(path: Path, secret: bytes | None = None) -> Key:
    """Write a new key file (0600), or read the one that is there; never overwrites."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load_key(path)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write((secret or secrets.token_bytes(KEY_BYTES)).hex() + "\n")
    return load_key(path)
