"""A new home is dated for the year that a newcomer plans, and in order whenever it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sipetl.arrivals import expected_arrivals, write_expected
from sipetl.pipeline.check import check_home
from sipetl.plans import lint_plans
from sipetl.registry import Registry, load_registry
from sipetl.registry.calendar import instructional, public_holidays, school_days
from sipetl.registry.starting import starter_days, write_starter, year_to_start
from sipetl.settings import load_settings
from sipetl.warehouse.reference import apply_registry

STARTER = Path(__file__).parents[3] / "sipetl" / "registry" / "starter"
YEARS = range(2024, 2054)
"""Every shape of a calendar is among 28 years."""


def started(folder: Path, today: date) -> Registry:
    write_starter(folder / "registry", today)
    return load_registry(folder / "registry")


@pytest.mark.parametrize(
    ("today", "year"),
    [
        (date(2025, 9, 1), 2026),
        (date(2026, 1, 20), 2026),
        (date(2026, 5, 31), 2026),
        (date(2026, 6, 1), 2027),
        (date(2026, 11, 22), 2027),
        (date(2027, 12, 31), 2028),
    ],
)
def test_the_running_year_is_started_and_from_june_the_one_that_comes(today: date, year: int) -> None:
    assert year_to_start(today) == year


@pytest.mark.parametrize("today", [date(2026, 1, 20), date(2026, 11, 22), date(2029, 9, 3), date(2030, 3, 1)])
def test_a_new_home_has_no_fault_and_its_plan_no_finding(connection: Connection, tmp_path: Path, today: date) -> None:
    registry = started(tmp_path, today)
    now = load_settings(home=tmp_path, as_of=today).now()
    apply_registry(connection, registry, now=now)
    write_expected(connection, expected_arrivals(registry), now=now)

    assert check_home(load_settings(home=tmp_path)) == []
    assert lint_plans(connection, registry.plan_files) == []


def days_of(registry: Registry) -> Iterator[date]:
    """Days that must be school days: windows, cycles' ends, and the calendar's own."""
    (calendar,) = registry.calendars
    yield from (calendar.first_day, calendar.last_day)
    yield from (day for feed in registry.feeds for window in feed.windows for day in (window.opens, window.closes))
    yield from (cycle.data_as_of for cycle in registry.cycles)
    yield from (day for cycle in registry.cycles[:-1] for day in (cycle.data_due, cycle.review_date))


@pytest.mark.parametrize("year", YEARS)
def test_its_days_are_school_days_and_its_year_is_as_long_as_it_must_be(tmp_path: Path, year: int) -> None:
    registry = started(tmp_path, date(year, 3, 1))
    (calendar,) = registry.calendars
    school = instructional(school_days(calendar, registry.home))

    assert [day for day in days_of(registry) if day not in school] == []
    assert [day for day in public_holidays("MA", year) if day in school] == []
    # 180 days by law (603 CMR 27.03); a calendar is made a few longer, for snow
    assert 180 <= len(school) <= 187


def test_the_days_of_2025_26_are_those_of_the_wall_calendar() -> None:
    days = starter_days(2026)

    # Columbus, Thanksgiving, Washington's, Patriots' and Memorial Day, read off a wall calendar
    assert days["october_holiday"] == "2025-10-13"
    assert (days["thanksgiving"], days["thanksgiving_ends"]) == ("2025-11-27", "2025-11-28")
    assert (days["february_starts"], days["february_ends"]) == ("2026-02-16", "2026-02-20")
    assert (days["april_starts"], days["april_ends"]) == ("2026-04-20", "2026-04-24")
    assert days["memorial_day"] == "2026-05-25"


def test_nothing_in_the_starter_can_go_stale() -> None:
    closed_school = "valid_to: 2020-07-01"  # an example of the past
    for path in STARTER.rglob("*.*"):
        text = path.read_text(encoding="utf-8").replace(closed_school, "")
        assert re.findall(r"\b20[0-9]{2}\b", text) == [], path.name


def test_every_year_has_its_own_days() -> None:
    first = {date.fromisoformat(starter_days(year)["first_day"]) for year in YEARS}

    assert all(day.weekday() == 1 and timedelta(1) < day - date(day.year, 8, 31) <= timedelta(8) for day in first)
