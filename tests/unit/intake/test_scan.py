from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from sipetl.errors import ConfigError, InboxError
from sipetl.intake import scan

NOW = 1_760_000_000.0


def put(path: Path, text: str = "a,b\n1,2\n", *, age: float = 3600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))
    return path


def names(folder: Path, match: str = "*", **options: object) -> list[str]:
    return [f.path for f in scan(str(folder), match, clock=lambda: NOW, **options)]  # type: ignore[arg-type]


def test_settled_files_are_found_by_path(tmp_path: Path) -> None:
    put(tmp_path / "b.csv")
    put(tmp_path / "sub/a.csv")

    assert names(tmp_path) == ["b.csv", "sub/a.csv"]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", "a.csv.FILEPART", "a.csv~", ".a.csv", ".cache/a.csv"])
def test_half_written_and_hidden_files_are_left_alone(tmp_path: Path, name: str) -> None:
    put(tmp_path / name)

    assert names(tmp_path) == []


def test_young_file_waits_until_it_settled(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", age=5)

    assert names(tmp_path, settle_seconds=10) == []
    assert names(tmp_path, settle_seconds=4) == ["a.csv"]


def test_match_is_on_path_or_name(tmp_path: Path) -> None:
    put(tmp_path / "x/attendance_1.csv")
    put(tmp_path / "x/roster.csv")

    assert names(tmp_path, "attendance_*.csv") == ["x/attendance_1.csv"]
    assert names(tmp_path, "x/r*") == ["x/roster.csv"]


def test_seen_file_returns_when_it_changes(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv")
    seen = [f.seen for f in scan(str(tmp_path), clock=lambda: NOW)]

    assert names(tmp_path, seen=seen) == []
    put(path, "a,b\n1,2\n3,4\n")
    assert names(tmp_path, seen=seen) == ["a.csv"]


def test_absent_folder_is_an_empty_inbox(tmp_path: Path) -> None:
    assert names(tmp_path / "not_yet") == []


def test_absent_parent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="cannot be reached"):
        names(tmp_path / "nowhere" / "inbox")


def test_unknown_protocol_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nosuch"):
        scan("nosuch://host/inbox")


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [("sftp://host/inbox", "paramiko", "sipetl[sftp]"), ("s3://bucket/inbox", "s3fs", "sipetl[s3]")],
)
def test_a_protocol_whose_package_is_not_installed_names_the_extra(url: str, module: str, extra: str) -> None:
    without = f"import sys; sys.modules[{module!r}] = None; from sipetl.intake import scan; scan({url!r})"

    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)

    assert done.stderr.splitlines()[-1].startswith("sipetl.errors.ConfigError")
    assert f"install {extra}" in done.stderr


def test_other_stores_are_scanned_like_folders() -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/inbox/a.csv", b"a\n")

    found = scan("memory://inbox", settle_seconds=-10)

    assert [(f.path, f.size) for f in found] == [("a.csv", 2)]
    store.rm("/inbox", recursive=True)


def test_several_patterns_are_listed_at_once(tmp_path: Path) -> None:
    for name in ("roster.csv", "staff.csv", "notes.txt"):
        put(tmp_path / name)

    found = scan(str(tmp_path), "roster*", "staff*", clock=lambda: NOW)

    assert [f.name for f in found] == ["roster.csv", "staff.csv"]
