"""School days and periods against calendars counted by hand."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipetl.errors import RegistryError
from sipetl.registry.calendar import (
    DayKind,
    PeriodKind,
    add_school_days,
    before_school_days,
    count_school_days,
    default_days,
    instructional,
    padded,
    periods,
    school_days,
    school_year_of,
)
from sipetl.registry.models import Calendar, Closure, Cycle, Home, Window

HOME = Home(state_name="Massachusetts")
CLOSURES = (
    Closure(on=date(2025, 10, 13), reason="Indigenous Peoples Day"),
    Closure(on=date(2025, 11, 11), reason="Veterans Day"),
    Closure(starts=date(2025, 11, 27), ends=date(2025, 11, 28), reason="Thanksgiving"),
    Closure(starts=date(2025, 12, 24), ends=date(2026, 1, 2), reason="Winter recess"),
    Closure(on=date(2026, 1, 19), reason="Martin Luther King Day"),
    Closure(on=date(2026, 1, 26), reason="Snow day"),
    Closure(starts=date(2026, 2, 16), ends=date(2026, 2, 20), reason="February vacation"),
)
CALENDAR = Calendar(
    calendar="town",
    school_year=2026,
    first_day=date(2025, 9, 2),
    last_day=date(2026, 6, 18),
    closures=CLOSURES,
    early_release=(date(2025, 11, 26), date(2025, 11, 27)),
)
DAYS = instructional(school_days(CALENDAR, HOME))


def test_every_weekday_is_open_or_closed_with_its_reason() -> None:
    days = {day.day: day for day in school_days(CALENDAR, HOME)}

    assert min(days) == date(2025, 9, 2)
    assert max(days) == date(2026, 6, 18)
    assert not any(day.weekday() > 4 for day in days)
    assert days[date(2026, 1, 26)].kind is DayKind.CLOSURE
    assert days[date(2026, 1, 26)].reason == "Snow day"
    assert days[date(2026, 1, 27)].kind is DayKind.INSTRUCTIONAL


def test_a_closure_wins_over_an_early_release_of_the_same_day() -> None:
    kinds = {day.day: day.kind for day in school_days(CALENDAR, HOME)}

    assert kinds[date(2025, 11, 26)] is DayKind.EARLY_RELEASE
    assert kinds[date(2025, 11, 27)] is DayKind.CLOSURE


def test_days_of_a_month_are_those_counted_by_hand() -> None:
    # November 2025 has 20 weekdays, less Veterans Day and two of Thanksgiving; February 2026 20, less a week.
    by_month = Counter((day.year, day.month) for day in DAYS)

    assert by_month[2025, 11] == 17
    assert by_month[2026, 2] == 15
    # December: 23 weekdays less 24, 25, 26, 29, 30, 31
    assert by_month[2025, 12] == 17


def test_a_calendar_without_closures_is_closed_on_public_holidays() -> None:
    bare = CALENDAR.model_copy(update={"closures": ()})
    closed = {day.day: day.reason for day in school_days(bare, HOME) if day.kind is DayKind.CLOSURE}

    # The nine public holidays of Massachusetts from 2025-09-02 to 2026-06-18; Juneteenth is the day after.
    assert sorted(closed) == [
        date(2025, 10, 13),
        date(2025, 11, 11),
        date(2025, 11, 27),
        date(2025, 12, 25),
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 4, 20),
        date(2026, 5, 25),
    ]
    assert closed[date(2026, 4, 20)] == "Patriots' Day"


def test_an_unknown_subdivision_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(RegistryError, match=r"home\.yaml"):
        default_days(2026, "Atlantis")


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        (date(2025, 11, 26), 1, date(2025, 12, 1)),  # over Thanksgiving and the weekend
        (date(2026, 2, 13), 3, date(2026, 2, 25)),  # a window that closes on the Friday before the break
        (date(2026, 1, 23), 1, date(2026, 1, 27)),  # over the snow day
        (date(2025, 10, 31), 1, date(2025, 11, 3)),  # clocks change on November 2
        (date(2026, 3, 6), 1, date(2026, 3, 9)),  # clocks change on March 8
        (date(2026, 2, 16), 1, date(2026, 2, 23)),  # from a closed day the next school day is the first
        (date(2026, 2, 16), 0, date(2026, 2, 23)),
        (date(2026, 2, 23), 0, date(2026, 2, 23)),
        (date(2026, 2, 23), -1, date(2026, 2, 13)),
        (date(2026, 2, 18), -2, date(2026, 2, 12)),
    ],
)
def test_school_days_are_counted_past_closed_days(start: date, n: int, expected: date) -> None:
    assert add_school_days(DAYS, start, n) == expected


def test_leap_day_is_a_school_day_of_2024() -> None:
    leap = Calendar(
        calendar="town",
        school_year=2024,
        first_day=date(2023, 9, 5),
        last_day=date(2024, 6, 14),
        closures=(Closure(on=date(2024, 3, 1), reason="Snow day"),),
    )
    days = instructional(school_days(leap, HOME))

    assert add_school_days(days, date(2024, 2, 28), 1) == date(2024, 2, 29)
    assert add_school_days(days, date(2024, 2, 29), 1) == date(2024, 3, 4)


def test_before_zero_days_is_the_day_itself_or_the_last_school_day_before() -> None:
    assert before_school_days(DAYS, date(2026, 2, 6), 0) == date(2026, 2, 6)
    assert before_school_days(DAYS, date(2026, 2, 18), 0) == date(2026, 2, 13)
    assert before_school_days(DAYS, date(2026, 2, 18), 1) == date(2026, 2, 13)
    assert before_school_days(DAYS, date(2026, 2, 6), 2) == date(2026, 2, 4)


def test_a_count_that_leaves_the_calendar_is_an_error() -> None:
    with pytest.raises(RegistryError, match="cannot be counted"):
        add_school_days(DAYS, date(2026, 6, 18), 1)
    with pytest.raises(RegistryError, match="cannot be counted"):
        add_school_days(DAYS, date(2025, 9, 2), -1)


@given(index=st.integers(0, len(DAYS) - 1), n=st.integers(-60, 60))
def test_counting_forth_and_back_ends_where_it_began(index: int, n: int) -> None:
    if 0 <= index + n < len(DAYS):
        there = add_school_days(DAYS, DAYS[index], n)

        assert add_school_days(DAYS, there, -n) == DAYS[index]


@given(offset=st.integers(0, 280), more=st.integers(0, 9), n=st.integers(-9, 30), extra=st.integers(0, 5))
def test_a_later_start_or_a_longer_count_never_ends_earlier(offset: int, more: int, n: int, extra: int) -> None:
    try:
        first = add_school_days(DAYS, date(2025, 9, 2) + timedelta(days=offset), n)
        later = add_school_days(DAYS, date(2025, 9, 2) + timedelta(days=offset + more), n)
        longer = add_school_days(DAYS, date(2025, 9, 2) + timedelta(days=offset), n + extra)
    except RegistryError:
        return  # beyond the calendar's ends

    assert first <= later
    assert first <= longer


@given(start=st.dates(date(2025, 9, 2), date(2026, 5, 1)), n=st.integers(1, 20))
def test_the_nth_school_day_has_n_school_days_up_to_it(start: date, n: int) -> None:
    end = add_school_days(DAYS, start, n)

    assert count_school_days(DAYS, start + timedelta(days=1), end) == n


def test_a_count_goes_on_after_the_summer() -> None:
    days = padded({2026: DAYS}, [2026], HOME)

    # 2026-09-01 is a Tuesday; Labor Day 2026 is September 7.
    assert add_school_days(days, date(2026, 6, 18), 1) == date(2026, 9, 1)
    assert add_school_days(days, date(2026, 6, 18), 5) == date(2026, 9, 8)
    assert add_school_days(days, date(2025, 9, 2), -1) == date(2025, 6, 20)


def test_a_year_without_a_calendar_gets_the_default() -> None:
    days = padded({}, [2026], HOME)

    assert count_school_days(days, date(2025, 9, 1), date(2025, 9, 5)) == 4  # Labor Day is September 1
    assert padded({}, [], HOME) == ()


def test_the_school_year_turns_on_the_first_of_july() -> None:
    assert school_year_of(date(2025, 6, 30)) == 2025
    assert school_year_of(date(2025, 7, 1)) == 2026


def _periods() -> dict[tuple[str, str], tuple[date, date]]:
    other = CALENDAR.model_copy(update={"calendar": "early", "first_day": date(2025, 8, 27)})
    windows = [
        Window(code="fall", school_year=2026, opens=date(2025, 9, 8), closes=date(2025, 10, 3)),
        Window(code="fall", school_year=2026, opens=date(2025, 10, 20), closes=date(2025, 11, 7)),
    ]
    cycle = Cycle(
        cycle="C1",
        school_year=2026,
        data_as_of=date(2025, 11, 14),
        data_due=date(2025, 11, 21),
        review_date=date(2025, 12, 2),
    )
    found = periods([CALENDAR, other], windows, [cycle])
    assert [period.sort for period in found] == list(range(len(found)))
    return {(period.kind, period.code): (period.starts_on, period.ends_on) for period in found}


def test_periods_span_calendars_and_windows_of_all_districts() -> None:
    found = _periods()

    assert found[PeriodKind.YEAR, "2026"] == (date(2025, 8, 27), date(2026, 6, 18))
    assert found[PeriodKind.MONTH, "2025-08"] == (date(2025, 8, 1), date(2025, 8, 31))
    assert found[PeriodKind.MONTH, "2026-02"] == (date(2026, 2, 1), date(2026, 2, 28))
    assert found[PeriodKind.WINDOW, "2026-fall"] == (date(2025, 9, 8), date(2025, 11, 7))
    assert found[PeriodKind.CYCLE, "C1"] == (date(2025, 8, 27), date(2025, 11, 14))
    assert len(found) == 1 + 11 + 1 + 1


def test_a_periods_key_depends_on_its_name_alone() -> None:
    early = CALENDAR.model_copy(update={"first_day": date(2025, 8, 27)})
    before = {(p.kind, p.code): p.period_id for p in periods([CALENDAR], [], [])}
    after = {(p.kind, p.code): p.period_id for p in periods([early], [], [])}

    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after)
    assert all(0 <= key < 2**53 for key in after.values())


def test_a_year_known_by_a_window_alone_runs_from_july_to_june() -> None:
    window = Window(code="annual", school_year=2025, opens=date(2025, 3, 24), closes=date(2025, 9, 23))

    (year, *_) = periods([], [window], [])

    assert (year.starts_on, year.ends_on) == (date(2024, 7, 1), date(2025, 6, 30))
