"""The ledger in a real warehouse: written from the registry, judged, judged again, changed by the registry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from sipetl.arrivals import (
    Judged,
    Resting,
    Waived,
    Wholeness,
    Word,
    expected_arrivals,
    judge_all,
    listing,
    read_arrivals,
    refresh,
    waive,
    write_expected,
)
from sipetl.errors import ConfigError
from sipetl.registry import Registry
from sipetl.registry.models import Due, FeedName, Waiver, Window
from sipetl.warehouse import tables as t
from sipetl.warehouse.reference import apply_registry

START = datetime(2025, 9, 1, 12, tzinfo=UTC)
DAILY = Due(rule="each_school_day", school_days=1)
ROSTER = Due(rule="before_cycle")
WHOLE = {"schools": {"35010001": 9, "35010002": 9, "35010003": 9}}


def apply(connection: Connection, registry: Registry, now: datetime = START) -> Any:
    apply_registry(connection, registry, now=now)
    return write_expected(connection, expected_arrivals(registry), now=now)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def words(connection: Connection) -> dict[str, tuple[str, str | None]]:
    query = select(t.ops.arrival.c.window_code, t.ops.verdict.c.verdict, t.ops.verdict.c.wholeness).join(
        t.ops.verdict
    )
    return {code: (word, whole) for code, word, whole in connection.execute(query)}


def waived(connection: Connection) -> dict[str, tuple[str | None, str | None]]:
    return {a.window_code: (a.waived_reason, a.waived_by) for a in read_arrivals(connection, [2026])}


def test_what_is_expected_comes_back_from_the_warehouse_unchanged(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    registry = make_registry(make_feed(), make_feed("attendance", due=DAILY))

    first = apply(connection, registry)
    again = write_expected(connection, expected_arrivals(registry), now=START)

    assert (first.added, again.added, again.changed) == (191, 0, 0)
    assert read_arrivals(connection, [2026]) == expected_arrivals(registry)


def test_a_file_is_awaited_then_late_then_missing_then_recovered(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed(hard_stop_school_days=3)))  # due January 28, hard stop February 2
    seen = []
    for day in (date(2025, 12, 1), date(2026, 1, 27), date(2026, 1, 29), date(2026, 2, 3)):
        refresh(connection, now=at(day))
        seen.append(words(connection)["winter"][0])
    deliver("assessment", date(2026, 2, 9), scope_by={"window": ["winter"]}, wholeness=WHOLE)
    refresh(connection, now=at(date(2026, 2, 9)))

    assert seen == ["not_due", "due_soon", "late", "missing"]
    assert words(connection)["winter"] == ("recovered", "complete")


def test_changes_are_told_once(connection: Connection, make_registry: Any, make_feed: Any, deliver: Any) -> None:
    apply(connection, make_registry(make_feed()))
    assert refresh(connection, now=START) == []

    (late,) = refresh(connection, now=at(date(2026, 1, 29)))
    assert (late.before.word, late.verdict.word, late.arrival.owner) == ("not_due", Word.LATE, "A. Clerk")
    assert refresh(connection, now=at(date(2026, 1, 30))) == []

    only_two = {"schools": {"35010001": 9, "35010002": 9}}
    deliver("assessment", date(2026, 2, 2), scope_by={"window": ["winter"]}, wholeness=only_two)
    (recovered,) = refresh(connection, now=at(date(2026, 2, 2)))
    assert recovered.verdict.wholeness is Wholeness.INCOMPLETE
    assert recovered.verdict.lacks == "nothing of Cedar"

    deliver("assessment", date(2026, 2, 3), scope_by={"window": ["winter"]}, wholeness={"schools": {"35010003": 9}})
    (whole,) = refresh(connection, now=at(date(2026, 2, 3)))
    assert (whole.before.word, whole.before.wholeness) == ("recovered", "incomplete")


def test_a_second_run_keeps_since_and_is_dated_anew(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed(), make_feed("survey")))
    deliver("assessment", date(2026, 1, 26), scope_by={"window": ["winter"]}, wholeness=WHOLE)
    refresh(connection, now=at(date(2026, 1, 29)))
    before = {row.verdict: row for row in connection.execute(select(t.ops.verdict))}

    refresh(connection, now=at(date(2026, 1, 30)))

    after = {row.verdict: row for row in connection.execute(select(t.ops.verdict))}
    assert after.keys() == before.keys() == {"on_time", "late"}
    assert all(after[word].since == before[word].since for word in after)
    assert {row.as_of for row in after.values()} == {at(date(2026, 1, 30))}


def attendance(first: date, last: date, *schools: int) -> dict[str, Any]:
    codes = [f"3501000{school}" for school in schools]
    span = {"from": first.isoformat(), "to": last.isoformat(), "n": 5}
    return {"scope_from": first, "scope_to": last, "wholeness": {
        "schools": dict.fromkeys(codes, 9), "days": dict.fromkeys(codes, span), "students": dict.fromkeys(codes, 90),
    }}  # fmt: skip


def test_settled_days_rest(connection: Connection, make_registry: Any, make_feed: Any, deliver: Any) -> None:
    apply(connection, make_registry(make_feed("attendance", due=DAILY)))
    deliver("attendance", date(2025, 9, 12), **attendance(date(2025, 9, 2), date(2025, 9, 12), 1, 2, 3))
    refresh(connection, now=at(date(2025, 9, 15)))

    refresh(connection, now=at(date(2025, 9, 16)))

    query = select(t.ops.arrival.c.window_code, t.ops.verdict.c.as_of).join(t.ops.verdict)
    as_of = {code: moment for code, moment in connection.execute(query)}  # noqa: C416 (mypy: a Result is no iterable of pairs)
    assert as_of["2025-09-05"] == at(date(2025, 9, 15))
    assert as_of["2025-09-15"] == at(date(2025, 9, 16))
    assert as_of["2026-05-01"] == at(date(2025, 9, 15))
    assert words(connection)["2025-09-15"] == ("late", None)


def test_night_by_night_the_ledger_says_what_one_look_at_the_end_would_say(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    registry = make_registry(make_feed("attendance", due=DAILY), make_feed("roster", due=ROSTER))
    apply(connection, registry)
    weeks = [(1, 2, 3), (1, 2), (1, 2, 3), (), (1, 2, 3)]
    for number, schools in enumerate(weeks):
        monday = date(2025, 9, 8) + timedelta(weeks=number)
        refresh(connection, now=at(monday + timedelta(days=2)))
        if schools:
            week = attendance(monday, monday + timedelta(days=4), *schools)
            deliver("attendance", monday + timedelta(days=5), **week)
        refresh(connection, now=at(monday + timedelta(days=5)))
    third = attendance(date(2025, 9, 15), date(2025, 9, 19), 3)
    deliver("attendance", date(2025, 10, 14), **third)  # fills the second week
    counts = {**WHOLE, "students": {"35010001": 100, "35010002": 200, "35010003": 100}}
    refresh(connection, now=at(date(2025, 10, 14)))
    deliver("roster", date(2025, 10, 15), scope_kind="snapshot", scope_to=date(2025, 10, 15), wholeness=counts)
    refresh(connection, now=at(date(2025, 10, 16)))
    nightly = words(connection)

    connection.execute(text("delete from ops.verdict"))
    refresh(connection, now=at(date(2025, 10, 16)))

    assert nightly == words(connection)
    assert nightly["2025-09-10"] == ("recovered", "incomplete")  # 90 of 200 students of Birch
    assert nightly["2025-10-01"] == ("late", None)


MONTHS = tuple(
    Window(code=f"2025-{month:02}", school_year=2026, opens=date(2025, month, 6), closes=date(2025, month, 6))
    for month in (10, 11, 12)
)


def test_a_month_s_roster_does_not_answer_for_the_month_before(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed("roster", windows=MONTHS)))
    for month in (10, 12):
        day = date(2025, month, 6)
        deliver("roster", day, scope_kind="snapshot", scope_to=day, wholeness=WHOLE, published_at=at(day))

    for day in (date(2025, 12, 10), date(2025, 12, 11), date(2025, 12, 12)):
        refresh(connection, now=at(day))

        assert [word for word, _ in words(connection).values()] == ["on_time", "missing", "on_time"]


def test_who_looks_while_settled_windows_rest_sees_the_same(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    feeds = make_feed("roster", due=ROSTER), make_feed("assessment"), make_feed("survey", windows=MONTHS)
    apply(connection, make_registry(*feeds, make_feed("attendance", due=DAILY)))
    came = {
        date(2025, 10, 7): ("survey", {"scope_from": date(2025, 10, 6), "scope_to": date(2025, 10, 6)}),
        date(2025, 11, 14): ("roster", {"scope_kind": "snapshot", "scope_to": date(2025, 11, 14)}),
        date(2025, 12, 6): ("survey", {"scope_kind": "snapshot", "scope_to": date(2025, 12, 6)}),
        date(2026, 1, 24): ("assessment", {"scope_by": {"window": ["winter"]}}),
    }
    for number in range(0, 160, 3):
        day = date(2025, 10, 1) + timedelta(days=number)
        for received in [received for received in came if received <= day]:
            feed, scope = came.pop(received)
            deliver(feed, received, wholeness=WHOLE, published_at=at(received), **scope)
        _, fresh = judge_all(connection, now=at(day))
        _, found = judge_all(connection, now=at(day), resting=Resting((2026,), with_windows=True))

        assert [standing(one) for one in found] == [standing(one) for one in fresh], day
        if number % 2:
            refresh(connection, now=at(day))
    assert any(not one.is_fresh and not one.arrival.is_daily for one in found)


def standing(one: Judged) -> tuple[object, ...]:
    return one.arrival, one.verdict.word, one.verdict.wholeness, one.verdict.by_school


def test_parts_of_an_arrival_are_the_first_and_the_current(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed()))
    code = {"window": "winter"}
    first, _, current = (
        deliver("assessment", date(2026, 1, day), scope_by=code, status=status)
        for day, status in ((24, "superseded"), (25, "superseded"), (26, "accepted"))
    )

    refresh(connection, now=at(date(2026, 1, 29)))

    assert set(connection.scalars(select(t.ops.arrival_part.c.part_id))) == {first, current}


def test_a_delivery_of_tomorrow_is_not_seen_today(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed()))
    deliver("assessment", date(2026, 1, 30), scope_by={"window": ["winter"]})

    refresh(connection, now=at(date(2026, 1, 29)))

    assert words(connection)["winter"] == ("late", None)


def test_a_file_that_nobody_could_read_came_but_was_not_taken(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed()))
    deliver("assessment", date(2026, 1, 26), status="unrecognized", parts=False)

    (late,) = refresh(connection, now=at(date(2026, 1, 29)))

    assert late.verdict.lacks == "a file came on 2026-01-26 and was not recognized"


def test_students_are_held_against_the_latest_roster(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed(), make_feed("roster", due=ROSTER)))
    for day, students in ((date(2025, 12, 2), 200), (date(2026, 1, 5), 100)):
        counts = {**WHOLE, "students": {"35010001": students}}
        deliver("roster", day, scope_kind="snapshot", scope_to=day, wholeness=counts)
    tested = {**WHOLE, "students": {"35010001": 95}}
    deliver("assessment", date(2026, 1, 26), scope_by={"window": ["winter"]}, wholeness=tested)

    refresh(connection, now=at(date(2026, 1, 29)))

    query = select(t.ops.verdict.c.students_share).where(t.ops.verdict.c.students_share.is_not(None))
    assert [float(share) for share in connection.scalars(query)] == [0.95]
    assert words(connection)["winter"] == ("on_time", "complete")


def test_a_feed_that_leaves_the_registry_is_waived_and_not_silent(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    apply(connection, make_registry(make_feed(), make_feed("roster", due=ROSTER)))

    change = apply(connection, make_registry(make_feed()), now=at(date(2025, 11, 25)))

    assert (change.waived, change.removed) == (2, 0)
    assert waived(connection)["C2"] == ("no longer in the registry", "(registry)")
    refresh(connection, now=at(date(2026, 3, 1)))
    assert words(connection)["C1"][0] == "waived"


def test_the_last_feed_that_leaves_is_not_silent_either(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    apply(connection, make_registry(make_feed()))

    assert apply(connection, make_registry()).waived == 1


def test_a_feed_that_comes_back_is_expected_again(connection: Connection, make_registry: Any, make_feed: Any) -> None:
    apply(connection, make_registry(make_feed()))
    apply(connection, make_registry())

    change = apply(connection, make_registry(make_feed()))

    assert (change.added, change.changed) == (0, 1)
    assert waived(connection)["winter"] == (None, None)


def test_a_snow_day_takes_a_coming_day_away_and_waives_a_past_one(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    registry = make_registry(make_feed("attendance", due=DAILY))
    apply(connection, registry)
    (calendar,) = registry.calendars
    extra = type(calendar.closures[0])(starts=date(2026, 1, 28), ends=date(2026, 2, 4), reason="Snow")
    snowed = calendar.model_copy(update={"closures": (*calendar.closures, extra)})

    change = apply(connection, make_registry(*registry.feeds, calendars=(snowed,)), now=at(date(2026, 2, 1)))

    # Due a school day later: January 28 and 29 on the 29th and 30th, before the change; 30, 2, 3 and 4 after it.
    assert (change.waived, change.removed) == (2, 4)
    assert waived(connection)["2026-01-29"][0] == "no longer in the registry"
    assert "2026-02-02" not in waived(connection)


def test_a_persons_waiver_outlives_changes_and_the_registrys_does_not(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    roster = make_feed("roster", due=ROSTER)
    waiver = Waiver(district="3501", feed=FeedName.ROSTER, school_year=2026, window="C2", reason="merger", by="B")
    apply(connection, make_registry(make_feed(), roster, waivers=(waiver,)))
    count = waive(connection, Waived("3501", "assessment", 2026, "winter"), reason="no test", by="C")
    assert waived(connection)["C2"] == ("merger", "B (registry)")

    apply(connection, make_registry(make_feed(grace_school_days=1), roster))

    assert count == 1
    assert waived(connection) == {"C1": (None, None), "C2": (None, None), "winter": ("no test", "C")}


def test_a_waiver_without_a_window_is_for_the_year(
    connection: Connection, make_registry: Any, make_feed: Any
) -> None:
    apply(connection, make_registry(make_feed("roster", due=ROSTER)))

    assert waive(connection, Waived("3501", "roster", 2026), reason="merger", by="B") == 2


@pytest.mark.parametrize(("window", "reason"), [("summer", "merger"), ("C1", " ")])
def test_a_waiver_of_nothing_or_without_a_reason_is_refused(
    connection: Connection, make_registry: Any, make_feed: Any, window: str, reason: str
) -> None:
    apply(connection, make_registry(make_feed("roster", due=ROSTER)))

    with pytest.raises(ConfigError):
        waive(connection, Waived("3501", "roster", 2026, window), reason=reason, by="B")


def test_the_listing_shows_what_is_open_and_writes_nothing(
    connection: Connection, make_registry: Any, make_feed: Any, deliver: Any
) -> None:
    apply(connection, make_registry(make_feed(), make_feed("survey"), make_feed("roster", due=ROSTER)))
    deliver("survey", date(2026, 1, 26), scope_by={"window": ["winter"]}, wholeness=WHOLE)

    moment = at(date(2026, 1, 29))

    # The roster of C2 is due on February 6: six school days ahead.
    assert [(o.arrival.feed, o.arrival.window_code) for o in listing(connection, moment)] == [
        ("assessment", "winter"), ("roster", "C1"),
    ]  # fmt: skip
    assert len(listing(connection, moment, only_open=False)) == 4
    assert listing(connection, moment, district="9002") == []
    assert connection.scalar(text("select count(*) from ops.verdict")) == 0


def test_without_a_registry_nothing_can_be_judged(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="no registry"):
        refresh(connection, now=START + timedelta(days=1))
