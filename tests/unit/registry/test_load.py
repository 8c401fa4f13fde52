"""The registry: the starter is in order, and every fault between files is told with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sipetl.errors import RegistryError
from sipetl.registry import check_registry, load_registry
from sipetl.registry.load import fingerprint
from sipetl.registry.starting import write_starter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_starter(tmp_path / "registry", date(2026, 1, 20))
    return tmp_path / "registry"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_starter_is_in_order(folder: Path) -> None:
    assert check_registry(folder) == []
    registry = load_registry(folder)
    assert [d.district for d in registry.organizations.districts] == ["9901"]
    assert [row.local_code for row in registry.crosswalk] == ["ELM", "MID"]
    assert [p.name for p in registry.plan_files] == ["99010005.yaml"]


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "feeds.yaml",
            'district: "9901"\n    feed: roster',
            'district: "9999"\n    feed: roster',
            "district '9999' is not in the registry",
        ),
        ("organizations.yaml", "calendar: cal-9901", "calendar: other", "calendar 'other' is not in the registry"),
        (
            "organizations.yaml",
            '"99010305", name',
            '"99010005", name',
            "the organization code 99010005 is here a second time",
        ),
        (
            "crosswalk.csv",
            "9901,MID,99010305",
            "9901,elm,99010305",
            "'elm' of district 9901 means two organizations at once",
        ),
        ("crosswalk.csv", "99010305", "99010399", "organization '99010399' is not in the registry"),
        ("cycles.yaml", "cycle: C2", "cycle: C1", "the cycle C1 is here a second time"),
    ],
)
def test_fault_between_files_is_told(folder: Path, name: str, old: str, new: str, says: str) -> None:
    replace(folder / name, old, new)

    faults = check_registry(folder)

    assert any(says in fault.what for fault in faults), [str(f) for f in faults]
    assert all(fault.cure and fault.where.startswith(f"{folder / name}:") for fault in faults[:1])


def test_local_code_may_change_its_school_on_a_day(folder: Path) -> None:
    (folder / "crosswalk.csv").write_text(
        "district,local_code,organization,valid_from,valid_to\n"
        "9901,ELM,99010005,,2025-07-01\n9901,ELM,99010305,2025-07-01,\n"
    )
    assert check_registry(folder) == []


def test_bad_line_of_a_csv_file_names_file_and_line(folder: Path) -> None:
    with (folder / "survey_items.csv").open("a") as file:
        file.write("climate_student,s-x-q1,topic,perhaps,5,4\n")

    (fault,) = check_registry(folder)

    assert fault.where == f"{folder / 'survey_items.csv'}:8"
    assert "reverse" in fault.what


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "says"),
    [
        ("home.yaml", "time_zone: America/New_York", "time_zone: America/Bostn", 10, "not a time zone"),
        ("cycles.yaml", "data_due: 2025-11-21", "data_due: 2025-11-01", 9, "before data_as_of"),
        ("calendars.yaml", "last_day: 2026-06-17", "last_day: 2025-06-17", 11, "last_day"),
    ],
)
def test_fault_inside_a_file_names_the_line(
    folder: Path, name: str, old: str, new: str, line: int, says: str
) -> None:
    replace(folder / name, old, new)

    with pytest.raises(RegistryError, match=says) as caught:
        load_registry(folder)

    assert caught.value.where == f"{folder / name}:{line}"
    assert caught.value.cure


def test_absent_registry_says_init(tmp_path: Path) -> None:
    (fault,) = check_registry(tmp_path / "none")
    assert "sipetl init" in fault.cure


Change = Callable[[Path], None]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: replace(folder / "home.yaml", "Massachusetts", "Massachusets"),
        lambda folder: replace(folder / "plans" / "99010005.yaml", "value: 18.0", "value: 17.0"),
        lambda folder: (folder / "layouts").mkdir() or (folder / "layouts" / "own.yaml").write_text("layout: x\n"),
    ],
)
def test_fingerprint_sees_every_file(folder: Path, change: Change) -> None:
    before = fingerprint(folder)
    change(folder)
    assert fingerprint(folder) != before
