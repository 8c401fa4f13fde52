"""What a newcomer gets wrong in a new home: each mistake is told with file and line, its cause, and what mends it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sipetl.errors import RegistryError
from sipetl.pipeline.check import check_home
from sipetl.registry.starting import write_starter
from sipetl.settings import load_settings

PLAN = "plans/99010005.yaml"
MIDDLE = 'name: Exampleton Middle, district: "9901"'
MISTAKES = {
    "misspelt key": (
        "feeds.yaml",
        "hard_stop_school_days:",
        "hard_stop_schooldays:",
        "did you mean 'hard_stop_school",
    ),
    "key left out": ("feeds.yaml", "    owner: Exampleton data office\n", "", "the key 'owner' is missing"),
    "day of another country": ("cycles.yaml", "2025-11-14", "11/14/2025", "write the day as YYYY-MM-DD"),
    "day that is none": ("cycles.yaml", "2025-11-14", "2025-11-31", "day is out of range"),
    "unknown feed": ("feeds.yaml", "feed: attendance", "feed: attendances", "did you mean attendance?"),
    "unknown rule": (
        "feeds.yaml",
        "rule: each_school_day",
        "rule: every_school_day",
        "did you mean each_school_day?",
    ),
    "password of an inbox": (
        "feeds.yaml",
        "inbox: inbox/9901",
        "inbox: sftp://me:word@host/9901",
        "a URL in the registry has no password",
    ),
    "district of no one": ("feeds.yaml", 'district: "9901"', 'district: "9910"', "did you mean 9901?"),
    "code without quotes": ("organizations.yaml", '"99010305"', "99010305", "put it in quotes"),
    "school twice": ("organizations.yaml", '"99010305"', '"99010005"', "is here a second time; first in "),
    "school without district": ("organizations.yaml", MIDDLE, "name: Middle", "the key 'district' is missing"),
    "school of no district": ("organizations.yaml", MIDDLE, 'name: M, district: "9902"', "did you mean 9901?"),
    "unknown calendar": ("organizations.yaml", "calendar: cal-9901", "calendar: cal-9902", "did you mean cal-9901?"),
    "data due too late": (
        "cycles.yaml",
        "data_due: 2025-11-21",
        "data_due: 2025-12-21",
        "before data_due, 2025-12-21",
    ),
    "data due too early": (
        "cycles.yaml",
        "data_due: 2025-11-21",
        "data_due: 2025-11-01",
        "put the days in this order",
    ),
    "closing first": ("feeds.yaml", "closes: 2025-10-03", "closes: 2025-09-03", "before it opens on 2025-09-15"),
    "overlap": (
        "feeds.yaml",
        "closes: 2025-10-03",
        "closes: 2026-01-12",
        "winter 2026 opens before fall 2026 closes",
    ),
    "window twice": ("feeds.yaml", "code: winter", "code: fall", "the window fall 2026 is here a second time"),
    "rule without windows": ("feeds.yaml", "rule: before_cycle", "rule: after_window", "needs at least one window"),
    "unknown layout": (
        "feeds.yaml",
        "    windows:\n",
        "    layouts: [iready]\n    windows:\n",
        "did you mean iready_",
    ),
    "calendar's year": ("calendars.yaml", "last_day: 2026-06-17", "last_day: 2027-06-17", "2026 is 2025-26"),
    "half a closure": ("calendars.yaml", "{starts: 2025-12-24, ", "{", "write {on: DAY, reason: ...}"),
    "tab": ("calendars.yaml", "    first_day:", "\tfirst_day:", "indent with spaces"),
    "unknown zone": ("home.yaml", "America/New_York", "America/New York", "did you mean America/New_York?"),
    "unknown policy": ("home.yaml", "policy: dese", "policy: dsee", "known: dese"),
    "window of no feed": (
        "waivers.yaml",
        "waivers: []",
        'waivers:\n  - {district: "9901", feed: assessment, school_year: 2026, window: fal, reason: no, by: me}',
        "did you mean fall?",
    ),
    "unknown school of a code": ("crosswalk.csv", "99010305", "99010306", "did you mean 99010305?"),
    "code without school": ("crosswalk.csv", "99010305", "", "organization is empty; fill it in"),
    "misspelt column": ("crosswalk.csv", "valid_from", "validfrom", "did you mean valid_from?"),
    "comma in a cell": ("crosswalk.csv", "9901,MID,", "9901,MID, Upper,", "put a cell with a comma in quotes"),
    "vendor's word": (
        "identified.csv",
        "school_year\n",
        "school_year\n99010005,SWD,2026\n",
        "did you mean disability?",
    ),
    "benchmark without target": (
        PLAN,
        "                target: {value: 18.0, unit: level}\n",
        "",
        "the key 'target' is",
    ),
    "unknown metric": (
        PLAN,
        "chronic_absence_rate_pk12",
        "chronic_absense",
        "did you mean chronic_absence_rate_pk12",
    ),
    "unknown evidence": (PLAN, "staff_with_evidence_coaching", "staff_with_coaching", "see 'sipetl metrics list'"),
    "unknown group": (PLAN, "student_group: all", "student_group: ELL", "did you mean english_learner?"),
    "unknown school": (PLAN, "plan: MA/99010005", "plan: MA/99010050", "did you mean MA/99010005 or"),
    "school's code alone": (PLAN, "plan: MA/99010005", "plan: 99010005", 'as "MA/00350012"'),
    "unknown feed of a goal": (PLAN, "feed: evidence", "feed: evidance", "did you mean evidence?"),
}


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    write_starter(tmp_path / "registry", date(2026, 1, 20))
    return tmp_path / "registry"


def spoil(path: Path, old: str, new: str) -> int:
    """Replace the first text that is no comment, and say on which line it stood."""
    text = path.read_text(encoding="utf-8")
    said = re.sub(r"^ *#.*$", lambda comment: " " * len(comment[0]), text, flags=re.MULTILINE)
    at = said.index(old)
    path.write_text(text[:at] + new + text[at + len(old) :], encoding="utf-8")
    return text.count("\n", 0, at) + 1


@pytest.mark.parametrize(("name", "old", "new", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_mends_it(
    registry: Path, name: str, old: str, new: str, says: str
) -> None:
    line = spoil(registry / name, old, new)

    faults = check_home(load_settings(home=registry.parent))

    told = next(fault for fault in faults if says in str(fault))
    file, number = told.where.rsplit(":", 1)
    assert file == str(registry / name)
    # a key that is not there is told at the entry that lacks it, an overlap at the window that comes too early
    assert abs(int(number) - line) <= 6
    assert told.cure or told.why


@pytest.mark.parametrize(
    ("name", "cure"),
    [("feed.yaml", "did you mean feeds.yaml?"), ("plans/mine.yml", "let it end in .yaml"), ("x.csv", "move it away")],
)
def test_a_file_that_nothing_reads_is_told(registry: Path, name: str, cure: str) -> None:
    (registry / name).write_text("", encoding="utf-8")

    (fault,) = check_home(load_settings(home=registry.parent))

    assert fault.where == str(registry / name)
    assert cure in fault.cure


def test_a_list_saved_by_a_spreadsheet_in_its_own_encoding_is_told(registry: Path) -> None:
    row = "9901,\u00c9cole,99010005,,\n"
    path = registry / "crosswalk.csv"
    path.write_bytes(path.read_bytes() + row.encode("cp1252"))

    (fault,) = check_home(load_settings(home=registry.parent))

    assert (fault.where, fault.cure) == (str(path), "save it as 'CSV UTF-8'")


def test_windows_that_lie_across_others_and_those_of_other_schools_are_no_fault(registry: Path) -> None:
    spoil(
        registry / "feeds.yaml",
        "    due: {rule: after_window",
        "      - {code: annual, school_year: 2026, opens: 2026-03-23, closes: 2026-09-22}\n    due: {rule: after_window",
    )
    one = "code: fall, school_year: 2026, opens: 2025-09-15, closes: 2026-01-20, schools: ['99010005']"
    other = "code: winter, school_year: 2026, schools: ['99010305'],"
    spoil(registry / "feeds.yaml", "code: fall, school_year: 2026, opens: 2025-09-15, closes: 2025-10-03", one)
    spoil(registry / "feeds.yaml", "code: winter, school_year: 2026,", other)

    assert check_home(load_settings(home=registry.parent)) == []


def test_faults_of_the_metrics_hide_none_of_the_registry(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_metrics = [RegistryError("one"), RegistryError("two")]
    monkeypatch.setattr("sipetl.pipeline.check.check_catalogue", lambda: of_metrics)
    (registry / "x.csv").write_text("", encoding="utf-8")

    other, *found = check_home(load_settings(home=registry.parent))

    assert other.where == str(registry / "x.csv")
    assert found == of_metrics
