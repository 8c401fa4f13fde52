"""Exit statuses of the program: done, wrong call, store away, somebody must look; and never a traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sipetl.privacy import create_key
from tests.home import ROOT, Done, Site, attendance, present, students, weekdays

GOOD = attendance(students(10), weekdays(date(2025, 9, 8), 2), present)


def assert_plain(done: Done) -> None:
    assert "Traceback" not in done.out + done.err
    assert 'File "' not in done.out + done.err


def test_a_wrong_key_is_2(site: Site, tmp_path: Path) -> None:
    site.key_file = tmp_path / "other.key"
    create_key(site.key_file, bytes(range(2, 34)))

    done = site.run("ingest")

    assert_plain(done)
    assert done.status == 2
    assert "not the one" in " ".join(done.err.split())


def test_no_key_is_2(site: Site, tmp_path: Path) -> None:
    site.key_file = tmp_path / "nowhere.key"

    done = site.run("ingest")

    assert_plain(done)
    assert done.status == 2


@pytest.mark.parametrize("has_key", [False, True])
def test_no_home_is_2_and_makes_none(tmp_path: Path, has_key: bool) -> None:
    away = Site(tmp_path / "nowhere", "")
    if has_key:
        away.key_file = tmp_path / "some.key"
        create_key(away.key_file)

    done = away.run("ingest")

    assert_plain(done)
    assert done.status == 2
    assert "sipetl init" in " ".join(done.err.split())
    assert not away.root.exists()


def test_a_warehouse_that_is_away_is_3(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site.url = f"postgresql+psycopg://nobody:secret-word@127.0.0.1:{free.getsockname()[1]}/x"

    done = site.run("ingest")

    assert_plain(done)
    assert done.status == 3
    assert "secret-word" not in done.err


def test_a_named_file_that_is_not_there_is_2(site: Site) -> None:
    done = site.run("ingest", str(site.root / "nothing.csv"))

    assert_plain(done)
    assert done.status == 2


def test_a_landing_that_cannot_be_written_is_3_and_the_next_run_goes_on(site: Site) -> None:
    site.put("attendance_a.csv", GOOD)
    blocked = site.root / "landing"
    blocked.write_text("a file where the folder should be")

    done = site.run("ingest")
    blocked.unlink()
    again = site.run("ingest")

    assert_plain(done)
    assert (done.status, again.status) == (3, 0)
    assert "accepted" in again.out


def test_a_lake_that_is_broken_is_3_and_the_next_run_goes_on(site: Site) -> None:
    site.put("attendance_a.csv", GOOD)
    blocked = site.root / "lake"
    blocked.write_text("a file where the folder should be")

    done = site.run("ingest")
    blocked.unlink()
    again = site.run("ingest")

    assert_plain(done)
    assert (done.status, again.status) == (3, 0)
    assert site.sql("select status from ops.delivery") == [("accepted",)]
    assert site.sql("select status from ops.delivery_part") == [("accepted",)]


def test_what_a_killed_command_left_in_scratch_is_swept(site: Site) -> None:
    code = (
        "import os, signal; from pathlib import Path; from sipetl.pipeline.scratch import scratch_folder\n"
        f"with scratch_folder(Path({str(site.root / 'scratch')!r})) as folder:\n"
        "    (folder / 'names.csv').write_text('Quillfeather'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert list((site.root / "scratch").rglob("names.csv"))

    site.run("ingest")

    assert list((site.root / "scratch").iterdir()) == []
