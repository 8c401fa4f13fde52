"""Days that are not here make a period's values incomplete: counted by hand in a town of three schools.

The town's September has 21 school days (from the 2nd; Labor Day is the 1st), its October 22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from sipetl.arrivals import Waived, expected_arrivals, refresh, waive, write_expected
from sipetl.registry.models import Due, Floors
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import apply_registry
from tests.town import ALDER, BIRCH, CEDAR, FALL, TOWN, WINTER

START = datetime(2025, 9, 1, 12, tzinfo=UTC)
DAILY = Due(rule="each_school_day", school_days=1)
HALLOWEEN, MID_NOVEMBER = date(2025, 10, 31), date(2025, 11, 12)
SCHOOLS = (ALDER, BIRCH, CEDAR)
Town = Callable[..., None]


@pytest.fixture
def expect(connection: Connection, make_registry: Any, make_feed: Any) -> Town:
    """The town expects a feed of every school day, or as said."""

    def write(feed: str = "attendance", **given: Any) -> None:
        registry = make_registry(make_feed(feed, **{"due": DAILY, **given}))
        apply_registry(connection, registry, now=START)
        write_expected(connection, expected_arrivals(registry), now=START)

    return write


@pytest.fixture
def days(connection: Connection, deliver: Any) -> Callable[..., None]:
    """Attendance of some days and schools is here."""

    def put(first: date, last: date, schools: Sequence[str] = SCHOOLS) -> None:
        span = {"from": first.isoformat(), "to": last.isoformat(), "n": (last - first).days + 1}
        wholeness = {"schools": dict.fromkeys(schools, 50), "days": dict.fromkeys(schools, span)}
        scope = {"scope_from": first, "scope_to": last, "wholeness": wholeness}
        deliver("attendance", last + timedelta(days=1), **scope)

    return put


def short(
    connection: Connection, day: date, period: str = "2025-10", *, basis: str = "within"
) -> dict[str, tuple[int, int, int, str]]:
    """What a period lacks by the end of a day: due, overdue and pending days, and the status, by organization."""
    refresh(connection, now=datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC))
    found = t.ops.shortfall.c
    query = (
        select(t.ref.organization.c.code, found.days_due, found.days_overdue, found.days_pending, found.data_status)
        .join(t.ref.organization, t.ref.organization.c.organization_id == found.organization_id)
        .join(t.ref.period, t.ref.period.c.period_id == found.period_id)
        .where(t.ref.period.c.code == period, t.ref.period.c.school_year == 2026, found.basis == basis)
    )
    return {code: tuple(rest) for code, *rest in connection.execute(query)}


def test_two_missing_days_of_a_month_are_beyond_its_floor(connection: Connection, expect: Town, days: Any) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 20))
    days(date(2025, 10, 23), HALLOWEEN)

    found = short(connection, MID_NOVEMBER)

    assert found == {
        **dict.fromkeys(SCHOOLS, (22, 2, 0, "incomplete")),
        "35010000": (66, 6, 0, "incomplete"),
        "00000000": (66, 6, 0, "incomplete"),
    }
    assert short(connection, MID_NOVEMBER, "2025-09") == {}


def test_a_month_to_date_lacks_what_the_months_before_it_lack(
    connection: Connection, expect: Town, days: Any
) -> None:
    """Four days of October are not here: by 12 November 46 of 50 school days are, or may be, and 0.95 * 50 is 47.5."""
    expect()
    days(date(2025, 9, 2), date(2025, 10, 20))
    days(date(2025, 10, 27), date(2025, 11, 11))

    assert short(connection, MID_NOVEMBER, "2025-11") == {}
    assert short(connection, MID_NOVEMBER, "2025-11", basis="to_date")[ALDER] == (50, 4, 1, "incomplete")


def test_one_missing_day_of_a_month_is_within_its_floor(connection: Connection, expect: Town, days: Any) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 21))
    days(date(2025, 10, 23), HALLOWEEN)

    assert short(connection, MID_NOVEMBER) == {}


def test_a_district_may_ask_for_every_day(connection: Connection, expect: Town, days: Any) -> None:
    expect(floors=Floors(days=1))
    days(date(2025, 9, 2), date(2025, 10, 21))
    days(date(2025, 10, 23), HALLOWEEN)

    assert short(connection, MID_NOVEMBER)[ALDER] == (22, 1, 0, "incomplete")


def test_a_school_that_is_silent_lacks_its_days_alone(connection: Connection, expect: Town, days: Any) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 22))
    days(date(2025, 10, 23), HALLOWEEN, schools=(ALDER, BIRCH))

    found = short(connection, MID_NOVEMBER)

    assert found[CEDAR] == (22, 7, 0, "incomplete")
    assert found["35010000"] == (66, 7, 0, "incomplete")
    assert ALDER not in found


def test_days_that_are_not_due_yet_leave_a_period_provisional(
    connection: Connection, expect: Town, days: Any
) -> None:
    expect(due=Due(rule="each_school_day", school_days=5))
    days(date(2025, 9, 2), date(2025, 10, 29))

    assert short(connection, HALLOWEEN)[ALDER] == (22, 0, 2, "provisional")
    assert short(connection, MID_NOVEMBER)[ALDER] == (22, 2, 0, "incomplete")


def test_a_waived_day_is_neither_due_nor_missing(connection: Connection, expect: Town, days: Any) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 20))
    days(date(2025, 10, 23), HALLOWEEN)
    for day in ("2025-10-21", "2025-10-22"):
        waive(connection, Waived(TOWN, "attendance", 2026, day), reason="no power", by="A. Clerk")

    assert short(connection, MID_NOVEMBER) == {}


def test_days_that_come_after_all_are_here(connection: Connection, expect: Town, days: Any) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 20))
    assert short(connection, HALLOWEEN)[ALDER][-1] == "incomplete"

    days(date(2025, 10, 21), HALLOWEEN)

    assert short(connection, MID_NOVEMBER) == {}


def test_values_are_asked_for_anew_only_when_their_status_may_change(
    connection: Connection, expect: Town, days: Any
) -> None:
    expect()
    days(date(2025, 9, 2), date(2025, 10, 20))
    ledger.request_work(connection, "attendance", TOWN, 2026, START)
    asked = []
    for day in (date(2025, 10, 21), date(2025, 10, 22), date(2025, 10, 24), date(2025, 10, 24)):
        connection.execute(text("update ops.work set done_at = requested_at"))
        short(connection, day)
        asked.append(len(ledger.open_work(connection)))

    # nothing is overdue; one of 15 days of the month is; three of 38 days of the year are; nothing has changed
    assert asked == [0, 1, 1, 0]


def test_a_window_of_walks_that_never_came_counts_by_its_school_days(connection: Connection, expect: Town) -> None:
    expect("observation", due=Due(rule="after_window", school_days=2), windows=(FALL, WINTER))

    assert short(connection, MID_NOVEMBER, "2025-09")[ALDER] == (17, 17, 0, "incomplete")
    assert short(connection, MID_NOVEMBER, "2025-10")[ALDER] == (3, 3, 0, "incomplete")


def test_windows_that_are_measured_by_themselves_do_not_add_up(connection: Connection, expect: Town) -> None:
    expect("assessment", due=Due(rule="after_window", school_days=2), windows=(FALL, WINTER))

    assert short(connection, MID_NOVEMBER) == {}


def test_what_the_state_sends_is_missing_in_its_districts(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    registry = make_registry(make_feed("attendance", due=DAILY, district="MA"))
    apply_registry(connection, registry, now=START)
    write_expected(connection, expected_arrivals(registry), now=START)

    assert short(connection, MID_NOVEMBER)[ALDER] == (22, 22, 0, "incomplete")
