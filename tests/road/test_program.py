"""The program as people start it, in a process of its own: exit statuses, and a new home with its own server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from sipetl.warehouse import embedded
from tests.home import Done, Site, attendance, present, students, weekdays

GOOD = attendance(students(10), weekdays(date(2025, 9, 8), 2), present)


def python_m(site: Site, *arguments: str) -> Done:
    process = site.start("-m", "sipetl", *arguments)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in out + err
    assert 'File "' not in out + err
    return Done(process.returncode, out, err)


@pytest.fixture
def new(make_quick: Callable[[str], Path]) -> Iterator[Site]:
    """A folder where nothing is yet."""
    folder = make_quick("new") / "our-home"
    yield Site(folder, "")
    embedded.remove(folder / "warehouse")


def test_all_good_is_0(site: Site) -> None:
    site.put("attendance_a.csv", GOOD)

    done = python_m(site, "ingest")

    assert done.status == 0
    assert "accepted" in done.out


def test_a_bad_file_is_4_and_the_good_one_is_taken(site: Site) -> None:
    site.put("attendance_a.csv", "what,is\nthis,77001\n")
    site.put("attendance_b.csv", GOOD)

    done = python_m(site, "ingest")

    assert done.status == 4
    assert "unrecognized" in done.out
    assert "accepted" in done.out
    assert "77001" not in done.out


def test_doctor_finds_everything_in_a_new_home(new: Site) -> None:
    made = python_m(new, "init", str(new.root))
    done = python_m(new, "doctor", "--json")

    assert (made.status, done.status) == (0, 0)
    assert all(row["ok"] for row in json.loads(done.out))
