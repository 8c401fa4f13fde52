"""The daybook: which days are in it, when a scheduler is woken by it, and that nothing about its file can fail."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipetl.errors import RegistryError
from sipetl.readiness import countdown
from sipetl.registry import Registry, load_registry
from sipetl.registry.calendar import instructional, school_days
from sipetl.registry.daybook import (
    FILE,
    MOST_BYTES,
    WEEKDAYS,
    Asked,
    Daybook,
    DaybookFile,
    daybook_of,
    next_run,
    read_daybook,
    write_daybook,
)
from tests.home import write_home

ZONE = ZoneInfo("America/New_York")
SIX = time(6)


def local(text: str) -> datetime:
    """A moment in the home's time zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def book(*days: str, zone: ZoneInfo = ZONE) -> Daybook:
    return Daybook(zone, tuple(date.fromisoformat(day) for day in days))


WINTER = book("2026-02-12", "2026-02-13", "2026-02-23", "2026-02-24", "2026-02-25")
"""Thursday and Friday, a week of vacation, and three days."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_home(tmp_path)


@pytest.fixture
def registry(root: Path) -> Registry:
    return load_registry(root / "registry")


def edit(root: Path, name: str, old: str, new: str) -> Registry:
    """Change a file of the registry by hand."""
    path = root / "registry" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return load_registry(root / "registry")


# which days


def test_every_district_s_school_days_are_in_it(registry: Registry) -> None:
    known = {day for calendar in registry.calendars for day in instructional(school_days(calendar, registry.home))}

    found = daybook_of(registry)

    assert known <= set(found.days)
    assert date(2025, 8, 27) in found.days  # the first district has begun
    assert date(2026, 6, 19) not in found.days  # Juneteenth
    assert date(2026, 6, 18) in found.days  # the second one's last day: the first has closed
    assert found.zone.key == "America/New_York"


def test_a_day_on_which_all_are_closed_is_not_in_it(root: Path) -> None:
    snow = "closures: [{on: 2026-01-27, reason: Snow}]"
    edit(root, "calendars.yaml", "last_day: 2026-06-17}", f"last_day: 2026-06-17, {snow}}}")
    one = daybook_of(load_registry(root / "registry"))
    both = daybook_of(edit(root, "calendars.yaml", "last_day: 2026-06-19}", f"last_day: 2026-06-19, {snow}}}"))

    assert date(2026, 1, 27) in one.days
    assert date(2026, 1, 27) not in both.days
    assert date(2026, 1, 28) in both.days


def test_every_step_of_every_countdown_is_in_it(root: Path) -> None:
    cycles = [
        (f"X{n}", date(2026, 1, 2) + timedelta(days=n)) for n in range(0, 300, 3)
    ]  # through vacation and summer
    lines = "".join(
        f"  - {{cycle: {code}, school_year: {2026 + (due.month > 6)}, data_as_of: {due}, data_due: {due},"
        f" review_date: {due}}}\n"
        for code, due in cycles
    )
    registry = edit(root, "cycles.yaml", "cycles:\n", f"cycles:\n{lines}")
    found = daybook_of(registry)

    for cycle in registry.cycles:
        steps = countdown(cycle, found.days, today=date(2027, 12, 31))
        assert [step.school_days for step in steps] == [10, 5, 2, 0]
        assert {step.on for step in steps} <= set(found.days)


def test_the_day_after_a_dated_due_day_is_in_it_even_in_summer(root: Path) -> None:
    feed = """\
feeds:
  - {district: "3501", feed: staff, inbox: inbox/3501, owner: Data office, due: {rule: date, on: 2026-07-15},
     windows: [{code: annual, school_year: 2026, opens: 2026-06-01, closes: 2026-07-10}]}
"""
    found = daybook_of(edit(root, "feeds.yaml", "feeds:\n", feed))

    assert [day for day in found.days if date(2026, 7, 1) <= day <= date(2026, 8, 20)] == [date(2026, 7, 16)]


def test_years_without_a_calendar_get_weekdays_but_no_holiday(registry: Registry) -> None:
    days = daybook_of(registry).days

    assert date(2026, 9, 8) in days
    assert date(2026, 11, 26) not in days  # Thanksgiving
    assert days[-1].year == 2027


# when


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        ("2026-02-12T05:59", "2026-02-11T06:00", "2026-02-12T06:00"),  # before the time of day
        ("2026-02-12T06:01", "2026-02-12T06:00", "2026-02-13T06:00"),  # it ran today
        ("2026-02-13T06:01", "2026-02-13T06:00", "2026-02-23T06:00"),  # vacation ahead
        ("2026-02-18T12:00", "2026-02-13T06:00", "2026-02-23T06:00"),  # within it
        ("2026-02-24T12:00", "2026-02-12T06:00", "2026-02-24T06:00"),  # three days missed: one run, at once
        ("2026-02-18T12:00", "2026-02-12T06:00", "2026-02-13T06:00"),  # Friday missed, seen in the vacation
        ("2026-02-24T12:00", None, "2026-02-24T06:00"),  # the very first time: the day that is under way
        ("2026-02-24T05:00", None, "2026-02-23T06:00"),
        ("2026-02-12T06:00", "2026-02-12T18:00", "2026-02-13T06:00"),  # the time of day was moved: not twice a day
    ],
)
def test_next_run(now: str, last: str | None, expected: str) -> None:
    asked = Asked(local(now), last and local(last))

    assert next_run(WINTER, SIX, asked) == local(expected)


def test_with_catchup_each_missed_day_has_its_own_run() -> None:
    now, last, runs = local("2026-02-24T12:00"), None, []
    while not runs or runs[-1] <= now:
        asked = Asked(now, last, earliest=local("2026-02-12T00:00"), catchup=True)
        runs.append(last := next_run(WINTER, SIX, asked))

    days = ["2026-02-12", "2026-02-13", "2026-02-23", "2026-02-24", "2026-02-25"]
    assert runs == [local(f"{day}T06:00") for day in days]


@pytest.mark.parametrize(
    ("earliest", "expected"),
    [
        ("2026-02-23T06:00", "2026-02-23T06:00"),
        ("2026-02-23T06:01", "2026-02-24T06:00"),
        ("2026-02-14T00:00", "2026-02-23T06:00"),
    ],
)
def test_a_start_date_in_the_future_is_kept(earliest: str, expected: str) -> None:
    asked = Asked(local("2026-02-13T12:00"), earliest=local(earliest))

    assert next_run(WINTER, SIX, asked) == local(expected)


def test_a_start_date_long_ago_makes_no_old_runs() -> None:
    asked = Asked(local("2026-02-24T12:00"), earliest=local("2020-01-01T00:00"))

    assert next_run(WINTER, SIX, asked) == local("2026-02-24T06:00")


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        ("2026-03-06", time(6), "2026-03-06T11:00"),  # Friday, winter time
        ("2026-03-09", time(6), "2026-03-09T10:00"),  # Monday, summer time
        ("2026-03-08", time(2, 30), "2026-03-08T07:30"),  # there is no 2:30 that night: 3:30 in summer time
        ("2026-11-01", time(1, 30), "2026-11-01T05:30"),  # 1:30 twice: the first
        ("2026-11-02", time(6), "2026-11-02T11:00"),
    ],
)
def test_the_time_of_day_is_the_home_s_through_changes_of_the_clock(day: str, at: time, expected: str) -> None:
    days = book(day, "2026-12-31")
    asked = Asked(datetime(2026, 2, 1, tzinfo=UTC), last=local("2026-02-01T06:00"))
    first = next_run(days, at, Asked(asked.now, earliest=local(f"{day}T00:00")))

    assert first == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert next_run(days, at, Asked(first + timedelta(minutes=1), last=first)) == days.moment(date(2026, 12, 31), at)


def test_a_day_that_begins_elsewhere_is_still_the_home_s() -> None:
    hawaii = book("2026-02-12", "2026-02-13", zone=ZoneInfo("Pacific/Honolulu"))
    asked = Asked(
        datetime(2026, 2, 13, 9, tzinfo=UTC), last=datetime(2026, 2, 13, 8, tzinfo=UTC)
    )  # 22:00 of the 12th

    assert next_run(hawaii, time(22), asked) == datetime(2026, 2, 14, 8, tzinfo=UTC)


def test_a_snow_day_moves_the_next_run_and_a_make_up_day_brings_it() -> None:
    asked = Asked(local("2026-02-23T12:00"), last=local("2026-02-23T06:00"))
    snow = book("2026-02-23", "2026-02-25")
    make_up = book("2026-02-13", "2026-02-21", "2026-02-23")  # a Saturday

    assert next_run(WINTER, SIX, asked) == local("2026-02-24T06:00")
    assert next_run(snow, SIX, asked) == local("2026-02-25T06:00")
    assert next_run(make_up, SIX, Asked(local("2026-02-20T12:00"), last=local("2026-02-13T06:00"))) == local(
        "2026-02-21T06:00"
    )


def test_it_never_ends() -> None:
    asked = Asked(local("2026-02-25T12:00"), last=local("2026-02-25T06:00"))

    assert next_run(WINTER, SIX, asked) == local("2026-02-26T06:00")
    friday = Asked(local("2026-02-27T12:00"), last=local("2026-02-27T06:00"))
    assert next_run(WINTER, SIX, friday) == local("2026-03-02T06:00")
    assert WINTER.on_or_before(date(2026, 3, 1)) == date(2026, 2, 27)
    assert WINTER.on_or_before(date(2026, 2, 25)) == date(2026, 2, 25)


def test_before_its_first_day_weekdays_stand_in() -> None:
    assert WINTER.on_or_after(date(2026, 2, 7)) == date(2026, 2, 9)
    assert WINTER.on_or_before(date(2026, 2, 8)) == date(2026, 2, 6)
    late_start = book("2026-02-15")  # a Sunday
    assert late_start.on_or_after(date(2026, 2, 14)) == date(2026, 2, 15)


@given(
    days=st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=40, unique=True),
    minutes=st.integers(0, 426 * 24 * 60),
    back=st.integers(0, 90),
    at=st.times(),
)
def test_each_run_is_on_a_later_day_than_the_last(days: list[date], minutes: int, back: int, at: time) -> None:
    now = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    at = at.replace(tzinfo=None, fold=0)
    of = Daybook(ZONE, tuple(sorted(days)))
    last = of.moment(of.on_or_before(of.day_of(now) - timedelta(days=back)), at)

    for catchup in (False, True):
        found = next_run(of, at, Asked(now, last, catchup=catchup))
        assert of.day_of(found) > of.day_of(last)
        assert of.on_or_after(of.day_of(found)) == of.day_of(found)
        between = [
            day
            for n in range(1, 500)
            if of.day_of(last) < (day := of.day_of(last) + timedelta(days=n)) < of.day_of(found)
        ]
        skipped = [day for day in between if of.on_or_after(day) == day]
        assert skipped == [] if catchup else all(of.moment(day, at) <= now for day in skipped)


# its file


def test_what_is_written_is_read(registry: Registry, root: Path) -> None:
    path = write_daybook(registry, root)

    assert path == root / FILE
    assert read_daybook(path) == daybook_of(registry)
    assert path.stat().st_size < 20_000
    assert sorted(p.name for p in root.iterdir()) == [FILE, "inbox", "registry", "sipetl.key"]


def test_a_file_that_says_the_same_is_not_written_again(registry: Registry, root: Path) -> None:
    before = write_daybook(registry, root).stat()
    again = write_daybook(registry, root).stat()

    assert (again.st_ino, again.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_broken_file_is_written_anew(registry: Registry, root: Path) -> None:
    (root / FILE).write_bytes(b"\xff\xfe half a fi")

    assert read_daybook(write_daybook(registry, root)) == daybook_of(registry)


GOOD = json.dumps({"version": 1, "time_zone": "America/Chicago", "days": ["2026-02-12", "2026-02-13"]})
BROKEN = {
    "empty": b"",
    "cut off": GOOD.encode()[:40],
    "not text": bytes(range(128, 256)),
    "a list": b"[]",
    "a number": b"3",
    "null": b"null",
    "no days": b'{"version": 1, "time_zone": "America/Chicago"}',
    "days are numbers": b'{"version": 1, "time_zone": "America/Chicago", "days": [20260212]}',
    "days are null": b'{"version": 1, "time_zone": "America/Chicago", "days": null}',
    "no day": b'{"version": 1, "time_zone": "America/Chicago", "days": ["2026-02-30"]}',
    "no zone": b'{"version": 1, "time_zone": "America/Nowhere", "days": []}',
    "zone is a path": b'{"version": 1, "time_zone": "/etc/passwd", "days": []}',
    "zone is a folder": b'{"version": 1, "time_zone": "America", "days": []}',
    "zone is null": b'{"version": 1, "time_zone": null, "days": []}',
    "of tomorrow": b'{"version": 2}',
    "deep": b"[" * 100_000,
    "large": b" " * (MOST_BYTES + 1),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_told_and_weekdays_stand_in(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE
    path.write_bytes(content)
    file = DaybookFile(path)

    with caplog.at_level(logging.WARNING):
        assert [file.read() for _ in range(3)] == [WEEKDAYS] * 3

    assert [(record.levelname, str(path) in record.message) for record in caplog.records] == [("WARNING", True)]
    assert "weekdays" in caplog.text
    with pytest.raises(RegistryError, match="sipetl check"):
        read_daybook(path)


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_loop(path: Path) -> None:
    path.symlink_to(path)


def _leave_absent(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("make", [_make_folder, _make_loop, _leave_absent])
def test_a_file_that_is_none_is_told_and_weekdays_stand_in(
    make: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE
    make(path)
    file = DaybookFile(path)

    assert file.read() is WEEKDAYS
    assert file.read() is WEEKDAYS
    assert len(caplog.records) == 1


def test_changes_are_picked_up_and_the_last_good_one_outlives_a_broken_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE
    file = DaybookFile(path)
    seen: list[Sequence[date]] = []

    def put(content: str, stamp: int) -> None:
        path.write_text(content, "utf-8")
        os.utime(path, ns=(stamp, stamp))
        seen.append(file.read().days)

    put(GOOD, 1)
    put(GOOD.replace("02-13", "02-20"), 2)
    put(GOOD[:30], 3)
    path.unlink()
    seen.append(file.read().days)
    put(GOOD, 4)

    first, moved = book("2026-02-12", "2026-02-13").days, book("2026-02-12", "2026-02-20").days
    assert seen == [first, moved, moved, moved, first]
    assert ["last good" in record.message for record in caplog.records] == [True, True]


def test_the_end_of_the_days_is_told_once_a_day(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / FILE
    path.write_text(GOOD, "utf-8")
    file = DaybookFile(path)
    file.read()

    for day in (13, 14, 14, 15):
        file.tell_end(date(2026, 2, day))

    assert [record.message.split(" cure=")[0] for record in caplog.records] == [
        f"daybook ended: path={path} last_day=2026-02-13"
    ] * 2
