from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest

from sipetl.errors import UnsettledError
from sipetl.intake import Found, land, scan

DATA = b"id,value\n1,2\n" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


def found(path: Path) -> Found:
    stat = path.stat()
    return Found(str(path), str(path), path.name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_file_is_kept_byte_for_byte_under_its_hash(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(DATA)

    landed = land(found(source), str(tmp_path / "landing"))

    assert (landed.sha256, landed.size, landed.name) == (SHA, len(DATA), "in.csv")
    assert landed.url == str(tmp_path / "landing" / SHA[:2] / SHA[2:4] / SHA)
    assert Path(landed.url).read_bytes() == DATA
    assert source.read_bytes() == DATA


def test_kept_file_and_its_folders_are_private(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(DATA)

    landed = Path(land(found(source), str(tmp_path / "landing")).url)

    assert landed.stat().st_mode & 0o777 == 0o600
    assert {p.stat().st_mode & 0o777 for p in landed.parents if tmp_path in p.parents} == {0o700}


def test_same_bytes_are_kept_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(DATA)
    first = land(found(tmp_path / "a.csv"), str(tmp_path / "landing"))
    inode = Path(first.url).stat().st_ino

    second = land(found(tmp_path / "b.csv"), str(tmp_path / "landing"))

    assert second.url == first.url
    assert Path(first.url).stat().st_ino == inode
    assert files(tmp_path / "landing") == [Path(first.url)]


def test_copy_that_was_killed_does_not_disturb_the_next(tmp_path: Path) -> None:
    (tmp_path / "landing/incoming").mkdir(parents=True)
    (tmp_path / "landing/incoming/dead.part").write_bytes(DATA[:10])
    (tmp_path / "in.csv").write_bytes(DATA)

    landed = land(found(tmp_path / "in.csv"), str(tmp_path / "landing"))

    assert Path(landed.url).read_bytes() == DATA


def test_a_file_that_is_gone_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "gone.csv"
    source.write_bytes(DATA)
    there = found(source)
    source.unlink()

    with pytest.raises(UnsettledError, match="gone since"):
        land(there, str(tmp_path / "landing"))

    assert files(tmp_path / "landing") == []


def test_a_file_that_grew_since_it_was_found_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(DATA[:100])
    there = found(source)
    source.write_bytes(DATA)

    with pytest.raises(UnsettledError, match="changed while it was read"):
        land(there, str(tmp_path / "landing"))

    assert files(tmp_path / "landing") == []


def test_any_store_to_any_store() -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/inbox/in.csv", DATA)

    (there,) = scan("memory://inbox", settle_seconds=-10)

    landed = land(there, "memory://landing")

    assert landed.sha256 == SHA
    with fsspec.open(landed.url) as kept:
        assert kept.read() == DATA
    store.rm("/inbox", recursive=True)
    store.rm("/landing", recursive=True)
