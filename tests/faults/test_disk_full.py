"""A disk that is full, for real: nothing is lost or half there, it is told what to do, and the next round heals."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from sipetl.errors import StoreError
from sipetl.registry.models import FeedName
from tests.home import Done, Site, attendance, command, present, students, weekdays

PAGE = 4096
SMALL = attendance(students(20), weekdays(date(2025, 9, 8), 5), present)
LARGE = attendance(students(400), weekdays(date(2025, 9, 15), 5), present)


@pytest.fixture
def small_disk(site: Site) -> Iterator[Callable[[str, int], Path]]:
    """Mounts a file system of so many bytes on a folder of the home."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    mounted: list[Path] = []

    def mount(name: str, size: int) -> Path:
        folder = site.root / name
        folder.mkdir(mode=0o700, exist_ok=True)
        options = f"size={size},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, free: int = 0) -> None:
    """Take all room but so many bytes."""
    filler = folder / "filler"
    filler.unlink(missing_ok=True)
    room = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    filler.write_bytes(b"\0" * (room - free))


def assert_told(done: Done) -> None:
    said = " ".join(done.err.split())
    assert done.status == StoreError.exit_status, said
    assert "Traceback" not in done.err
    assert "No space left" in said or "is full" in said
    assert "make room" in said
    assert "Quillfeather" not in said


def whole(site: Site) -> bool:
    """Every file in landing is what its name says, and none is half there."""
    files = [path for path in (site.root / "landing").rglob("*") if path.is_file() and path.name != "filler"]
    return all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in files)


def state(site: Site) -> tuple[object, ...]:
    return (
        site.sql("select file_name, status from ops.delivery order by 1"),
        site.lake(FeedName.ATTENDANCE, "select count(*) from rows"),
    )


ALL_THERE = ([("large.csv", "accepted"), ("small.csv", "accepted")], [(2100,)])


def test_a_full_landing_keeps_what_is_whole_and_takes_the_rest_later(
    site: Site, small_disk: Callable[[str, int], Path]
) -> None:
    landing = small_disk("landing", 1 << 20)
    fill(landing, free=10 * PAGE)
    site.put("small.csv", SMALL)
    site.put("large.csv", LARGE)

    full = site.run("ingest")
    between = state(site)

    assert_told(full)
    assert between == ([("small.csv", "accepted")], [(100,)])
    assert whole(site)
    (landing / "filler").unlink()
    assert [site.run("ingest").status for _ in range(2)] == [0, 0]
    assert state(site) == ALL_THERE
    assert whole(site)


@pytest.mark.parametrize("store", ["landing", "lake", "scratch"])
def test_however_little_room_there_is_nothing_is_lost_or_half_there(
    site: Site, small_disk: Callable[[str, int], Path], store: str
) -> None:
    folder = small_disk(store, 8 << 20)
    site.put("small.csv", SMALL)
    site.put("large.csv", LARGE)
    statuses = []

    for pages in (0, 1, 2, 3, 5, 8, 12, 20, 32):
        fill(folder, free=pages * PAGE)
        done = site.run("ingest")
        statuses.append(done.status)
        if done.status:
            assert_told(done)
        assert whole(site)
    (folder / "filler").unlink()
    last = [site.run("ingest").status for _ in range(2)]

    assert statuses[0] == StoreError.exit_status
    assert set(statuses) <= {0, StoreError.exit_status}
    assert last == [0, 0]
    assert state(site) == ALL_THERE


@pytest.mark.parametrize("memory", ["10MB", "16MB", "24MB"])
def test_a_file_too_large_for_the_room_left_is_not_the_sender_s_fault(
    site: Site, small_disk: Callable[[str, int], Path], memory: str
) -> None:
    scratch = small_disk("scratch", 1 << 20)
    people, days = students(400), weekdays(date(2025, 9, 8), 100)
    site.put("huge.csv", attendance(people, days, present))
    fill(scratch, free=2 * PAGE)
    little = {**site.environment, "SIPETL_MEMORY": memory, "SIPETL_THREADS": "1"}

    full = command("ingest", **little)

    said = " ".join(full.err.split())
    assert full.status == StoreError.exit_status, full.out + said
    assert "make room" in said
    assert site.sql("select status from ops.delivery") == [("landed",)], "it is not refused"
    (scratch / "filler").unlink()
    assert site.run("ingest").status == 0
    assert state(site) == ([("huge.csv", "accepted")], [(40_000,)])
