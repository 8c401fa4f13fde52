"""Keys and hashes: against an independent computation, and what a wrong key file is told."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from sipetl.errors import ConfigError
from sipetl.privacy import Key, create_key, load_key

KEY = Key(bytes(range(32)))


def test_hash_is_hmac_over_issuer_kind_and_id() -> None:
    message = b"v1\x1fMA:3501\x1flasid\x1f100"
    assert KEY.hash_ids("MA:3501", "lasid", ["100"]) == [hmac.new(bytes(range(32)), message, hashlib.sha256).digest()]


def test_same_id_of_two_issuers_or_kinds_differs() -> None:
    hashes = {
        KEY.hash_ids(issuer, kind, ["100"])[0] for issuer in ("MA:3501", "MA:9002") for kind in ("lasid", "sasid")
    }
    assert len(hashes) == 4


def test_id_is_stripped_and_composed() -> None:
    composed, decomposed = " \u00e91 ", "e\u03011"
    assert KEY.hash_ids("MA", "sasid", [composed]) == KEY.hash_ids("MA", "sasid", [decomposed])


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "home" / "sipetl.key"
    first = create_key(path)

    assert create_key(path) == first == load_key(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_repr_shows_nothing_of_the_secret() -> None:
    secret = bytes.fromhex("5e" * 32)
    assert "5e5e" not in repr(Key(secret)).lower()  # twice: an address in memory may hold it once
    assert "^" not in repr(Key(secret))  # 0x5e, as bytes print it


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("ab", 0o600, "does not hold a 64-digit"),
        ("zz" * 32, 0o600, "does not hold"),
        ("ab" * 32, 0o644, "read by others"),
    ],
)
def test_bad_key_file_is_told(tmp_path: Path, text: str, mode: int, says: str) -> None:
    path = tmp_path / "sipetl.key"
    path.write_text(text)
    path.chmod(mode)

    with pytest.raises(ConfigError, match=says):
        load_key(path)


def test_absent_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run 'sipetl init'"):
        load_key(tmp_path / "none")
