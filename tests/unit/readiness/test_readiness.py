"""The readiness of a cycle in a real warehouse: what is missing, whose it is, what it blocks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from sqlalchemy import Connection

from sipetl.arrivals import Waived, waive
from sipetl.errors import ConfigError
from sipetl.readiness import Row, State, countdown, next_cycle, readiness
from sipetl.registry.calendar import instructional, school_days
from sipetl.registry.models import Due
from tests.town import ALDER, BIRCH, C2, CALENDAR, add_benchmark, add_delivery, add_part, add_plan, registry
from tests.unit.readiness.feeds import feed, town

DAILY = Due(rule="each_school_day")


def plan(connection: Connection, code: str, feed_name: str, **given: Any) -> None:
    """A plan of Alder with one benchmark."""
    version, effective = abs(hash(code)), given.pop("effective_from", date(2025, 9, 2))
    add_plan(connection, version, plan=f"MA/{ALDER}/{code}", effective_from=effective)
    benchmark = {
        "code": code, "text": f"text of {code}", "metric": "any", "target_level": 1, "direction": "up",
        "path": "same_window", "feed": feed_name, "is_academic": True, **given,
    }  # fmt: skip
    add_benchmark(connection, abs(hash((code, feed_name))), version, **benchmark)


def deliver(connection: Connection, name: str, received: date, *schools: str, **given: Any) -> None:
    key = add_delivery(connection, feed_hint=name, received_at=datetime.combine(received, time(15), UTC))
    add_part(connection, key, feed=name, wholeness={"schools": dict.fromkeys(schools, 9)}, **given)


def evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def look(connection: Connection, day: date) -> dict[tuple[str, str], Row]:
    return {(row.feed, row.school): row for row in readiness(connection, "C2", now=evening(day)).rows}


def test_a_window_goes_from_at_risk_to_blocked_and_names_what_hangs_on_it(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment")
    deliver(connection, "assessment", date(2025, 10, 6), ALDER, BIRCH, scope_by={"window": ["fall"]})

    days = (date(2026, 1, 20), date(2026, 1, 29), date(2026, 2, 7))
    not_due, late, past = (look(connection, day)["assessment", ALDER] for day in days)

    assert (not_due.state, not_due.missing) == (State.AT_RISK, "winter is due 2026-01-28")
    assert (late.state, late.missing) == (State.AT_RISK, "winter is late, was due 2026-01-28")
    assert (past.state, past.owner) == (State.BLOCKED, "keeper of assessment")
    assert past.due_at == datetime(2026, 1, 28, 23, tzinfo=UTC)
    assert [(goal.code, goal.is_mag, goal.text) for goal in past.blocks] == [("B1", False, "text of B1")]


def test_data_due_passes_at_midnight_of_the_home(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment")
    midnight = datetime(2026, 2, 7, 5, tzinfo=UTC)  # in New York

    before = readiness(connection, "C2", now=midnight.replace(hour=4, minute=59))
    after = readiness(connection, "C2", now=midnight)

    assert (before.counts[State.BLOCKED], after.counts[State.BLOCKED]) == (0, 1)
    assert after.state is State.BLOCKED


def test_a_window_past_its_hard_stop_blocks_even_before_data_is_due(connection: Connection) -> None:
    town(connection, feed("assessment", hard_stop_school_days=1))
    plan(connection, "B1", "assessment")

    assert look(connection, date(2026, 1, 30))["assessment", ALDER].state is State.BLOCKED


def test_only_what_a_plan_rests_on_blocks(connection: Connection) -> None:
    town(connection, feed("assessment"), feed("survey"))
    plan(connection, "B1", "assessment")

    rows = look(connection, date(2026, 2, 7))

    assert rows["survey", ALDER].state is State.NOT_NEEDED
    assert rows["assessment", BIRCH].state is State.NOT_NEEDED
    assert "winter is late" in (rows["survey", ALDER].missing or "")
    assert rows["survey", ALDER].blocks == ()


def test_a_benchmark_of_the_fall_does_not_wait_for_the_winter(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment", definition={"window": "fall"})
    deliver(connection, "assessment", date(2025, 10, 6), ALDER, BIRCH, scope_by={"window": ["fall"]})

    assert look(connection, date(2026, 2, 7))["assessment", ALDER].state is State.READY


def test_a_school_that_is_not_in_the_file_is_the_only_one_blocked(connection: Connection) -> None:
    town(connection, feed("survey"))
    plan(connection, "B1", "survey")
    deliver(connection, "survey", date(2026, 1, 26), BIRCH, scope_by={"window": ["winter"]})

    alder = look(connection, date(2026, 2, 7))["survey", ALDER]

    assert (alder.state, alder.missing) == (
        State.BLOCKED, "fall is missing, was due 2025-10-07; winter came without this school",
    )  # fmt: skip
    assert look(connection, date(2026, 2, 6))["survey", ALDER].state is State.AT_RISK


def test_all_here_is_ready(connection: Connection) -> None:
    town(connection, feed("survey"))
    plan(connection, "B1", "survey")
    for window in ("fall", "winter"):
        deliver(connection, "survey", date(2026, 1, 26), ALDER, BIRCH, scope_by={"window": [window]})

    alder = look(connection, date(2026, 2, 7))["survey", ALDER]

    assert (alder.state, alder.missing, alder.blocks) == (State.READY, None, ())


def test_a_group_rests_on_the_roster_too(connection: Connection) -> None:
    roster = feed("roster", due=Due(rule="before_cycle"), windows=())
    town(connection, feed("survey"), roster)
    plan(connection, "B1", "survey", student_group="el")

    alder = look(connection, date(2026, 2, 7))["roster", ALDER]

    assert (alder.state, [goal.code for goal in alder.blocks]) == (State.BLOCKED, ["B1"])


def test_a_feed_that_nobody_registered_is_blocked_and_says_so(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "survey")

    alder = look(connection, date(2026, 1, 5))["survey", ALDER]

    assert alder.state is State.BLOCKED
    assert "not in the registry" in (alder.missing or "")


def test_what_is_waived_does_not_block(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment")
    waive(connection, Waived("3501", "assessment", 2026, "winter"), reason="new test", by="B. Boss")

    alder = look(connection, date(2026, 2, 7))["assessment", ALDER]

    assert alder.state is State.READY
    assert "winter is waived: new test" in (alder.missing or "")


@pytest.mark.parametrize(
    "given",
    [
        {"due_on": date(2025, 6, 13)},  # a plan of last year
        {"path": "year_end_only", "due_on": date(2026, 6, 12)},  # MCAS is not out before the autumn
        {"effective_from": date(2026, 2, 1)},  # not in force on the cycle's last day of data
    ],
)
def test_a_goal_that_this_cycle_cannot_judge_needs_nothing(connection: Connection, given: dict[str, Any]) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment", **given)

    assert look(connection, date(2026, 2, 7))["assessment", ALDER].state is State.NOT_NEEDED


def _attendance(connection: Connection, last: date) -> Row:
    town(connection, feed("attendance", due=DAILY, windows=()))
    plan(connection, "B1", "attendance", path="hold")
    first = date(2025, 9, 2)
    deliver(connection, "attendance", last, ALDER, BIRCH, scope_from=first, scope_to=last)
    return look(connection, date(2026, 2, 7))["attendance", ALDER]


# From September 2 to January 30 there are 109 weekdays, less 4 holidays of the fall, 8 days of the recess and the snow day: 96.
def test_days_above_the_floor_are_ready_and_still_told(connection: Connection) -> None:
    row = _attendance(connection, date(2026, 1, 23))  # the 27th to the 30th are not here

    assert row.state is State.READY
    assert row.missing == "4 of 96 school days are not here, 4 of them overdue, from 2026-01-27"


def test_days_below_the_floor_block(connection: Connection) -> None:
    row = _attendance(connection, date(2026, 1, 20))

    assert row.state is State.BLOCKED
    assert row.missing == "7 of 96 school days are not here, 7 of them overdue, from 2026-01-21"


def test_the_report_is_plain_json(connection: Connection) -> None:
    town(connection, feed("assessment"))
    plan(connection, "B1", "assessment")

    report = json.loads(json.dumps(readiness(connection, "C2", now=evening(date(2026, 2, 7))).as_json()))

    assert report["state"] == "blocked"
    # nobody sends a roster: who should be in the assessment is not known
    assert report["counts"] == {"not_needed": 2, "ready": 0, "at_risk": 1, "blocked": 1}
    assert report["cycle"]["data_due"] == "2026-02-06"
    assert report["rows"][0]["blocks"] == [
        {"plan": f"MA/{ALDER}/B1", "code": "B1", "is_mag": False, "text": "text of B1"}
    ]


def test_an_unknown_cycle_is_an_error(connection: Connection) -> None:
    town(connection)

    with pytest.raises(ConfigError, match="no cycle 'C9'"):
        readiness(connection, "C9", now=evening(date(2026, 2, 7)))


def test_the_next_cycle_is_the_one_not_yet_reviewed(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="no monitoring cycle"):
        next_cycle(connection, date(2026, 2, 24))
    town(connection)

    assert next_cycle(connection, date(2026, 2, 24)) == "C2"
    assert next_cycle(connection, date(2026, 3, 1)) == "C2"


@pytest.mark.parametrize(
    ("today", "recorded", "expected"),
    [
        (date(2026, 1, 21), (), []),
        (date(2026, 1, 22), (), [10]),  # Jan 23, 27-30 and Feb 2-6 are ten; the 26th is a snow day
        (date(2026, 1, 29), (), [10]),
        (date(2026, 1, 30), (10,), [5]),
        (date(2026, 2, 4), (), [10, 5, 2]),  # missed days are caught up
        (date(2026, 2, 6), (10, 5, 2), [0]),
        (date(2026, 2, 9), (10, 5, 2, 0), []),
    ],
)
def test_the_countdown_counts_school_days(today: date, recorded: tuple[int, ...], expected: list[int]) -> None:
    days = instructional(school_days(CALENDAR, registry().home))

    assert [step.school_days for step in countdown(C2, days, today=today, recorded=recorded)] == expected


def test_a_roster_that_is_missing_puts_students_values_at_risk_and_blocks_none(connection: Connection) -> None:
    roster = feed("roster", due=Due(rule="before_cycle"), windows=())
    town(connection, feed("survey"), roster)
    plan(connection, "B1", "survey")

    alder = look(connection, date(2026, 2, 7))["roster", ALDER]

    assert (alder.state, alder.blocks) == (State.AT_RISK, ())
    assert "is late" in (alder.missing or "")
