"""Due dates of each rule, counted by hand on the town's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sipetl.arrivals import expected_arrivals
from sipetl.registry.models import Due, FeedName, Waiver, Window

NEW_YORK = ZoneInfo("America/New_York")


def local(moment: datetime) -> tuple[date, time]:
    there = moment.astimezone(NEW_YORK)
    return there.date(), there.time()


def test_a_window_is_due_school_days_after_it_closes(make_registry: Any, make_feed: Any) -> None:
    # It closes on Friday January 23; Monday 26 is a snow day: 27 is the first school day after, 28 the second.
    (arrival,) = expected_arrivals(make_registry(make_feed(grace_school_days=1, hard_stop_school_days=14)))

    assert local(arrival.due_at) == (date(2026, 1, 28), time(18))
    assert local(arrival.grace_until) == (date(2026, 1, 29), time(18))
    # 14 school days after the 28th: Jan 29, 30, Feb 2-6, 9-13 are twelve, then the vacation, Feb 23 and 24.
    assert local(arrival.hard_stop_at) == (date(2026, 2, 24), time(18))
    assert (arrival.opens_on, arrival.closes_on) == (date(2026, 1, 5), date(2026, 1, 23))


def test_a_window_that_closes_on_the_friday_before_a_break_is_due_after_it(
    make_registry: Any, make_feed: Any
) -> None:
    window = Window(code="mid", school_year=2026, opens=date(2026, 2, 2), closes=date(2026, 2, 13))
    (arrival,) = expected_arrivals(
        make_registry(make_feed(windows=(window,), due=Due(rule="after_window", school_days=1)))
    )

    assert local(arrival.due_at)[0] == date(2026, 2, 23)


def test_a_hard_stop_counts_on_after_the_summer(make_registry: Any, make_feed: Any) -> None:
    window = Window(code="spring", school_year=2026, opens=date(2026, 5, 4), closes=date(2026, 6, 16))
    (arrival,) = expected_arrivals(make_registry(make_feed(windows=(window,), hard_stop_school_days=3)))

    assert local(arrival.due_at)[0] == date(2026, 6, 18)
    # No calendar of 2027 is given: the default begins on Tuesday, September 1.
    assert local(arrival.hard_stop_at)[0] == date(2026, 9, 3)


def test_the_time_of_day_is_local_across_both_changes_of_clocks(make_registry: Any, make_feed: Any) -> None:
    daily = make_feed("attendance", due=Due(rule="each_school_day"))
    by_day = {arrival.opens_on: arrival.due_at for arrival in expected_arrivals(make_registry(daily))}

    assert by_day[date(2025, 10, 31)] == datetime(2025, 10, 31, 22, tzinfo=UTC)
    assert by_day[date(2025, 11, 3)] == datetime(2025, 11, 3, 23, tzinfo=UTC)
    assert by_day[date(2026, 3, 6)] == datetime(2026, 3, 6, 23, tzinfo=UTC)
    assert by_day[date(2026, 3, 9)] == datetime(2026, 3, 9, 22, tzinfo=UTC)


def test_a_time_that_the_change_of_clocks_skips_is_a_moment_all_the_same(make_registry: Any, make_feed: Any) -> None:
    due = Due(rule="date", on=date(2026, 3, 8), by=time(2, 30))
    (arrival,) = expected_arrivals(make_registry(make_feed(due=due)))

    assert arrival.due_at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


def test_each_school_day_is_expected_once_and_no_closed_day(make_registry: Any, make_feed: Any) -> None:
    daily = make_feed("attendance", due=Due(rule="each_school_day", school_days=1))
    arrivals = expected_arrivals(make_registry(daily))
    codes = {arrival.window_code for arrival in arrivals}

    assert "2026-01-26" not in codes
    assert "2026-01-27" in codes
    # 208 weekdays from September 2 to June 18, less 1 + 1 + 2 + 8 + 1 + 5 closed ones.
    assert len(arrivals) == len(codes) == 190
    by_code = {arrival.window_code: arrival for arrival in arrivals}
    assert local(by_code["2026-02-13"].due_at)[0] == date(2026, 2, 23)
    assert all(arrival.is_daily for arrival in arrivals)


def test_before_a_cycle_counts_back_from_data_due(make_registry: Any, make_feed: Any) -> None:
    roster = make_feed("roster", due=Due(rule="before_cycle", school_days=2))
    first, second = expected_arrivals(make_registry(roster))

    assert (first.window_code, second.window_code) == ("C1", "C2")
    assert local(first.due_at)[0] == date(2025, 11, 19)
    assert (second.opens_on, second.closes_on) == (date(2025, 9, 2), date(2026, 1, 30))
    assert local(second.due_at)[0] == date(2026, 2, 4)


def test_data_due_on_a_closed_day_means_the_school_day_before(make_registry: Any, make_feed: Any) -> None:
    registry = make_registry(make_feed("roster", due=Due(rule="before_cycle")))
    late = registry.cycles[1].model_copy(update={"data_due": date(2026, 2, 18)})
    (arrival,) = expected_arrivals(make_registry(*registry.feeds, cycles=(late,)))

    assert local(arrival.due_at)[0] == date(2026, 2, 13)


def test_a_date_serves_the_windows_of_every_year(make_registry: Any, make_feed: Any) -> None:
    windows = tuple(
        Window(code="annual", school_year=year, opens=date(year, 3, 24), closes=date(year, 9, 23))
        for year in (2025, 2026)
    )
    feed = make_feed(windows=windows, due=Due(rule="date", on=date(2025, 9, 30)))
    by_year = {arrival.school_year: arrival for arrival in expected_arrivals(make_registry(feed))}

    assert local(by_year[2025].due_at)[0] == date(2025, 9, 30)
    assert local(by_year[2026].due_at)[0] == date(2026, 9, 30)


def test_february_29_becomes_the_28th_in_a_common_year(make_registry: Any, make_feed: Any) -> None:
    windows = tuple(
        Window(code="winter", school_year=year, opens=date(year, 1, 5), closes=date(year, 1, 30))
        for year in (2024, 2026)
    )
    feed = make_feed(windows=windows[:1], due=Due(rule="date", on=date(2024, 2, 29)))
    both = feed.model_copy(update={"windows": windows})
    by_year = {a.school_year: local(a.due_at)[0] for a in expected_arrivals(make_registry(both))}

    assert by_year == {2024: date(2024, 2, 29), 2026: date(2026, 2, 28)}


def test_the_states_own_feed_counts_on_the_default_calendar(make_registry: Any, make_feed: Any) -> None:
    window = Window(code="annual", school_year=2026, opens=date(2025, 9, 2), closes=date(2025, 10, 10))
    feed = make_feed(
        "published_results", district="00000000", windows=(window,), due=Due(rule="after_window", school_days=1)
    )
    (arrival,) = expected_arrivals(make_registry(feed))

    assert local(arrival.due_at)[0] == date(2025, 10, 14)  # Columbus Day is the 13th


def test_a_waiver_of_the_registry_reaches_its_window_only(make_registry: Any, make_feed: Any) -> None:
    roster = make_feed("roster", due=Due(rule="before_cycle"))
    waiver = Waiver(
        district="3501", feed=FeedName.ROSTER, school_year=2026, window="C1", reason="new system", by="B. Boss"
    )
    first, second = expected_arrivals(make_registry(roster, waivers=(waiver,)))

    assert (first.waived_reason, first.waived_by) == ("new system", "B. Boss (registry)")
    assert second.waived_reason is None


def test_keys_are_stable_positive_and_distinct(make_registry: Any, make_feed: Any) -> None:
    daily = make_feed("attendance", due=Due(rule="each_school_day"))
    once = expected_arrivals(make_registry(daily, make_feed()))
    moved = expected_arrivals(make_registry(make_feed(grace_school_days=3), daily))

    assert {a.arrival_id for a in once} == {a.arrival_id for a in moved}
    assert len({a.arrival_id for a in once}) == len(once)
    assert all(0 <= a.arrival_id < 2**63 for a in once)
    assert all(a.due_at <= a.grace_until < a.hard_stop_at + timedelta(seconds=1) for a in once)
