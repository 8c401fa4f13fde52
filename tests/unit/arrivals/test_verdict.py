"""The verdict at the very second of each deadline, and how whole what came is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from sipetl.arrivals import Arrival, Expectations, Part, Wholeness, Word, judge
from sipetl.arrivals.model import Answer
from sipetl.registry.calendar import instructional, school_days
from sipetl.registry.models import Floors

SECOND = timedelta(seconds=1)
NEW_YORK = ZoneInfo("America/New_York")
DUE, GRACE, STOP = (datetime(2026, 1, day, 23, tzinfo=UTC) for day in (27, 28, 30))
ARRIVAL = Arrival(
    1, "3501", "assessment", 2026, "winter", date(2026, 1, 5), date(2026, 1, 23), DUE, GRACE, STOP, "A. Clerk", 2
)
NAMES = {"35010001": "Alder", "35010002": "Birch", "35010003": "Cedar"}


@pytest.fixture
def expected(make_registry: Any) -> Expectations:
    registry = make_registry()
    days = instructional(school_days(registry.calendars[0], registry.home))
    return Expectations(NAMES, {"35010001": 200, "35010002": 100}, days)


def came(at: datetime, **given: Any) -> Answer:
    part = Part(uuid4(), "3501", "3501", "assessment", 2026, "accepted", at, at.date(), **given)
    return Answer(first=part, current=[part])


def held(wholeness: dict[str, Any], **given: Any) -> Answer:
    return came(DUE - SECOND, wholeness=wholeness, **given)


@pytest.mark.parametrize(
    ("now", "word"),
    [
        (datetime(2026, 1, 16, 17, tzinfo=UTC), Word.NOT_DUE),  # 19 to 23 and 27 are six
        (datetime(2026, 1, 20, 17, tzinfo=UTC), Word.DUE_SOON),
        (DUE - SECOND, Word.DUE_SOON),
        (DUE, Word.DUE_SOON),  # in its grace
        (GRACE - SECOND, Word.DUE_SOON),
        (GRACE, Word.LATE),
        (STOP - SECOND, Word.LATE),
        (STOP, Word.MISSING),
    ],
)
def test_deadlines_turn_at_their_very_second(now: datetime, word: Word, expected: Expectations) -> None:
    assert judge(ARRIVAL, Answer(), now.astimezone(NEW_YORK), expected).word is word


def test_due_soon_begins_five_school_days_before_the_due_day(expected: Expectations) -> None:
    # School days before Tuesday, January 27, the 26th being a snow day: 23, 22, 21, 20 and Monday 19.
    monday = datetime(2026, 1, 19, tzinfo=NEW_YORK)

    assert judge(ARRIVAL, Answer(), monday, expected).word is Word.DUE_SOON
    assert judge(ARRIVAL, Answer(), monday - SECOND, expected).word is Word.NOT_DUE


def test_what_comes_at_the_second_of_the_deadline_is_recovered(expected: Expectations) -> None:
    just_in_time = judge(ARRIVAL, came(GRACE - SECOND), STOP, expected)
    too_late = judge(ARRIVAL, came(GRACE), STOP, expected)

    assert (just_in_time.word, just_in_time.since) == (Word.ON_TIME, GRACE - SECOND)
    assert (too_late.word, too_late.since) == (Word.RECOVERED, GRACE)


def test_late_and_missing_are_dated_by_their_deadlines(expected: Expectations) -> None:
    later = STOP + timedelta(days=9)

    assert judge(ARRIVAL, Answer(), STOP - SECOND, expected).since == GRACE
    assert judge(ARRIVAL, Answer(), later, expected).since == STOP


def test_a_waived_arrival_is_neither_late_nor_on_time(expected: Expectations) -> None:
    waived = replace(ARRIVAL, waived_reason="no test this winter", waived_by="B. Boss")

    assert judge(waived, Answer(), STOP, expected).word is Word.WAIVED


def test_a_refused_file_says_so_while_nothing_else_came(expected: Expectations) -> None:
    refused = replace_status(came(DUE), "held")

    verdict = judge(ARRIVAL, Answer(refused=refused), STOP, expected)

    assert verdict.word is Word.MISSING
    assert verdict.wholeness is None
    assert verdict.lacks == "a file came on 2026-01-27 and waits for a person"
    assert judge(ARRIVAL, replace(came(DUE), refused=refused), STOP, expected).lacks is None


def replace_status(answer: Answer, status: str) -> Part:
    assert answer.first is not None
    return replace(answer.first, status=status)


def test_a_school_that_is_not_in_the_file_makes_it_incomplete(expected: Expectations) -> None:
    answer = held({"schools": {"35010001": 400, "35010003": 90}})

    verdict = judge(ARRIVAL, answer, STOP, expected)

    assert verdict.word is Word.ON_TIME
    assert verdict.wholeness is Wholeness.INCOMPLETE
    assert verdict.schools_share == Decimal("0.6667")
    assert verdict.lacks == "nothing of Birch"
    assert verdict.absent == {"35010002"}


def test_two_parts_together_may_be_whole(expected: Expectations) -> None:
    first = held({"schools": {"35010001": 400}})
    second = held({"schools": {"35010002": 5, "35010003": 90}})

    verdict = judge(ARRIVAL, Answer(first.first, first.current + second.current), STOP, expected)

    assert verdict.wholeness is Wholeness.COMPLETE
    assert (verdict.schools_share, verdict.lacks) == (Decimal(1), None)


def test_a_floor_below_one_lets_a_school_be_absent(expected: Expectations) -> None:
    answer = held({"schools": {"35010001": 400, "35010003": 90}})
    lenient = replace(expected, floors=Floors(schools=Decimal("0.6")))

    verdict = judge(ARRIVAL, answer, STOP, lenient)

    assert verdict.wholeness is Wholeness.COMPLETE
    assert verdict.schools_share == Decimal("0.6667")


def test_few_students_of_a_school_make_it_incomplete_in_a_share_not_in_names(expected: Expectations) -> None:
    # Alder 150 of 200 = 75 %, Birch 90 of 100 = 90 %, Cedar unknown to the roster: 240 of 300.
    schools = dict.fromkeys(NAMES, 1)
    answer = held({"schools": schools, "students": {"35010001": 150, "35010002": 90, "35010003": 7}})

    verdict = judge(ARRIVAL, answer, STOP, expected)

    assert verdict.students_share == Decimal("0.8")
    assert verdict.lacks == "only 75 % of the students of Alder"
    assert verdict.by_school == {"35010001": "75 % of the students"}


def test_parts_of_other_grades_add_up_and_parts_of_the_same_students_do_not(expected: Expectations) -> None:
    counts = {"schools": dict.fromkeys(NAMES, 1), "students": {"35010001": 100, "35010002": 50}}
    low, high = held(counts, grades=("KF",)), held(counts, grades=("03",))
    ela, math = held(counts), held(counts)

    by_grade = judge(ARRIVAL, Answer(low.first, low.current + high.current), STOP, expected)
    by_subject = judge(ARRIVAL, Answer(ela.first, ela.current + math.current), STOP, expected)

    assert by_grade.students_share == Decimal(1)
    assert by_subject.students_share == Decimal("0.5")


def test_school_days_are_held_against_the_calendar(expected: Expectations) -> None:
    # January 5 to 23 has 15 school days in this town (it does not close for the 19th).
    attendance = replace(ARRIVAL, feed="attendance")
    span = {"from": "2026-01-05", "to": "2026-01-23"}
    days = {"35010001": {**span, "n": 15}, "35010002": {**span, "n": 10}, "35010003": {**span, "n": 15}}
    answer = held({"schools": dict.fromkeys(NAMES, 1), "days": days})

    verdict = judge(attendance, answer, STOP, expected)

    assert verdict.days_share == Decimal("0.8889")  # 40 of 45
    assert verdict.lacks == "only 10 of 15 school days of Birch"


def test_parts_that_overlap_never_count_more_days_than_there_are(expected: Expectations) -> None:
    attendance = replace(ARRIVAL, feed="attendance")
    week = {"from": "2026-01-05", "to": "2026-01-09", "n": 5}
    answer = held({"schools": {"35010001": 1}, "days": {"35010001": week}})
    again = Answer(answer.first, answer.current * 4)

    verdict = judge(attendance, again, STOP, replace(expected, schools={"35010001": "Alder"}))

    assert verdict.days_share == Decimal("0.3333")


def test_a_school_silent_on_the_day_is_absent_that_day(expected: Expectations) -> None:
    day = replace(
        ARRIVAL, feed="attendance", window_code="2026-01-15", opens_on=date(2026, 1, 15), closes_on=date(2026, 1, 15)
    )
    days = {
        "35010001": {"from": "2026-01-05", "to": "2026-01-23", "n": 15},
        "35010002": {"from": "2026-01-05", "to": "2026-01-14", "n": 8},
        "35010003": {"from": "2026-01-15", "to": "2026-01-15", "n": 1},
    }
    answer = held({"schools": dict.fromkeys(NAMES, 1), "days": days})

    verdict = judge(day, answer, STOP, expected)

    assert verdict.absent == {"35010002"}
    assert verdict.days_share is None


@pytest.mark.parametrize("feed", ["discipline", "observation", "evidence"])
def test_a_school_without_incidents_or_walks_is_not_missing(feed: str, expected: Expectations) -> None:
    verdict = judge(replace(ARRIVAL, feed=feed), held({"schools": {"35010001": 3}}), STOP, expected)

    assert (verdict.wholeness, verdict.schools_share) == (Wholeness.COMPLETE, None)


def test_without_counts_the_wholeness_is_unknown(expected: Expectations) -> None:
    verdict = judge(ARRIVAL, came(DUE), STOP, expected)

    assert (verdict.word, verdict.wholeness, verdict.schools_share) == (Word.ON_TIME, None, None)


def test_a_long_list_of_schools_is_cut(expected: Expectations) -> None:
    many = {f"s{i}": f"School {i}" for i in range(8)}

    verdict = judge(ARRIVAL, held({"schools": {"s0": 1}}), STOP, replace(expected, schools=many))

    assert verdict.lacks == "nothing of School 1, School 2, School 3, School 4, School 5 and 2 more schools"
