"""Which part answers which arrival: by code, by dates, by day, by newer data."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

from sipetl.arrivals import Arrival, Part, expected_arrivals
from sipetl.arrivals.match import match
from sipetl.registry.calendar import instructional, school_days
from sipetl.registry.models import Due, Window

FALL = Window(code="fall", school_year=2026, opens=date(2025, 9, 8), closes=date(2025, 10, 3))
CYCLE = Due(rule="before_cycle")
DAILY = Due(rule="each_school_day")


def part(feed: str, received: date, **given: Any) -> Part:
    return Part(
        **{
            "part_id": uuid4(),
            "sender": "3501",
            "district": "3501",
            "feed": feed,
            "school_year": 2026,
            "status": "accepted",
            "received_at": datetime.combine(received, time(15), UTC),
            "received_on": received,
            **given,
        }
    )


def matched(registry: Any, *parts: Part) -> dict[str, Any]:
    arrivals: list[Arrival] = expected_arrivals(registry)
    days = instructional(school_days(registry.calendars[0], registry.home))
    cycles = {cycle.cycle for cycle in registry.cycles}
    answers = match(arrivals, parts, cycles=cycles, days={"3501": days})
    return {arrival.window_code: answers[arrival.arrival_id] for arrival in arrivals}


def test_a_window_code_in_the_content_decides_whatever_the_dates_say(
    make_registry: Any, make_feed: Any, winter: Window
) -> None:
    registry = make_registry(make_feed(windows=(FALL, winter)))
    late = part("assessment", date(2026, 1, 20), windows=frozenset({"fall"}), ends=date(2026, 1, 20))

    answers = matched(registry, late)

    assert answers["fall"].first is late
    assert answers["winter"].first is None


def test_without_a_code_dates_that_overlap_decide(make_registry: Any, make_feed: Any, winter: Window) -> None:
    registry = make_registry(make_feed(windows=(FALL, winter)))
    on_the_edge = part("assessment", date(2026, 2, 2), starts=date(2026, 1, 23), ends=date(2026, 1, 30))
    outside = part("assessment", date(2026, 2, 3), starts=date(2026, 1, 24), ends=date(2026, 1, 30))

    answers = matched(registry, outside, on_the_edge)

    assert answers["winter"].current == [on_the_edge]
    assert answers["fall"].first is None


def test_a_snapshot_after_a_window_answers_it_until_the_next_one_opens(
    make_registry: Any, make_feed: Any, winter: Window
) -> None:
    registry = make_registry(make_feed("roster", windows=(FALL, winter)))
    autumn = part("roster", date(2025, 10, 6), ends=date(2025, 10, 6), is_snapshot=True)
    spring = part("roster", date(2026, 3, 2), ends=date(2026, 3, 2), is_snapshot=True)

    answers = matched(registry, autumn, spring)

    assert answers["fall"].current == [autumn]
    assert answers["winter"].current == [spring]


def test_without_code_and_dates_the_day_of_receipt_decides(
    make_registry: Any, make_feed: Any, winter: Window
) -> None:
    registry = make_registry(make_feed("survey", windows=(FALL, winter)))
    unknown = part("survey", date(2026, 1, 27))

    answers = matched(registry, unknown)

    assert answers["winter"].first is unknown
    assert answers["fall"].first is None


def test_the_first_part_counts_even_after_another_took_its_place(make_registry: Any, make_feed: Any) -> None:
    code = frozenset({"winter"})
    old = part("assessment", date(2026, 1, 26), windows=code, status="superseded")
    new = part("assessment", date(2026, 2, 9), windows=code)

    answer = matched(make_registry(make_feed()), old, new)["winter"]

    assert answer.first is old
    assert answer.current == [new]


def test_what_was_held_or_rejected_is_remembered_and_answers_nothing(make_registry: Any, make_feed: Any) -> None:
    held = part("assessment", date(2026, 1, 26), windows=frozenset({"winter"}), status="held")

    answer = matched(make_registry(make_feed()), held)["winter"]

    assert answer.first is None
    assert answer.refused is held


def test_each_day_gets_the_first_part_that_covers_it(make_registry: Any, make_feed: Any) -> None:
    registry = make_registry(make_feed("attendance", due=DAILY))
    week = part("attendance", date(2025, 9, 5), starts=date(2025, 9, 2), ends=date(2025, 9, 5))
    two_weeks = part("attendance", date(2025, 9, 12), starts=date(2025, 9, 2), ends=date(2025, 9, 11))
    refused = part("attendance", date(2025, 9, 15), status="rejected", part_id=None)

    answers = matched(registry, week, two_weeks, refused)

    assert answers["2025-09-05"].first is week
    assert answers["2025-09-05"].current == [week, two_weeks]
    assert answers["2025-09-08"].first is two_weeks
    assert answers["2025-09-12"].first is None
    assert answers["2025-09-12"].refused is refused
    assert answers["2025-09-05"].refused is None
    assert answers["2025-09-16"].refused is None


def test_many_overlapping_parts_give_the_same_as_looking_at_each_day(make_registry: Any, make_feed: Any) -> None:
    registry = make_registry(make_feed("attendance", due=DAILY))
    days = instructional(school_days(registry.calendars[0], registry.home))
    spans = [(7 * i % 90, 7 * i % 90 + 3 * i % 40) for i in range(40)]
    parts = [
        part(
            "attendance",
            date(2026, 6, 1),
            starts=days[low],
            ends=days[high],
            status=("accepted", "superseded")[i % 2],
        )
        for i, (low, high) in enumerate(spans)
    ]

    answers = matched(registry, *parts)

    for day in days:
        covering = [p for p in parts if p.starts <= day <= p.ends]  # type: ignore[operator]
        assert answers[day.isoformat()].first is (covering[0] if covering else None)
        assert answers[day.isoformat()].current == [p for p in covering if p.status == "accepted"]


def test_a_cycle_wants_data_newer_than_the_cycle_before_had(make_registry: Any, make_feed: Any) -> None:
    registry = make_registry(make_feed("roster", due=CYCLE))
    september = part("roster", date(2025, 9, 8), ends=date(2025, 9, 8), is_snapshot=True)
    december = part("roster", date(2025, 12, 2), ends=date(2025, 12, 2), is_snapshot=True)

    assert matched(registry, september)["C2"].first is None
    answers = matched(registry, september, december)

    assert answers["C1"].first is september
    assert answers["C2"].first is december


def test_a_cycle_of_the_summer_can_have_nothing_newer(make_registry: Any, make_feed: Any) -> None:
    registry = make_registry(make_feed("roster", due=CYCLE))
    year_end = registry.cycles[1].model_copy(
        update={
            "cycle": "EOY",
            "data_as_of": date(2026, 6, 30),
            "data_due": date(2026, 8, 24),
            "review_date": date(2026, 9, 4),
        }
    )
    mcas = year_end.model_copy(
        update={"cycle": "MCAS", "data_as_of": date(2026, 9, 30), "data_due": date(2026, 10, 9)}
    )
    june = part("roster", date(2026, 6, 18), ends=date(2026, 6, 18), is_snapshot=True)

    answers = matched(make_registry(*registry.feeds, cycles=(*registry.cycles, year_end, mcas)), june)

    assert answers["MCAS"].first is june


def test_another_feed_year_or_district_answers_nothing(make_registry: Any, make_feed: Any) -> None:
    code = frozenset({"winter"})
    others = [
        part("survey", date(2026, 1, 26), windows=code),
        part("assessment", date(2026, 1, 26), windows=code, school_year=2025),
        part("assessment", date(2026, 1, 26), windows=code, district="9002", sender="9002"),
    ]

    assert matched(make_registry(make_feed()), *others)["winter"].first is None


def test_the_states_file_answers_for_the_sender_and_for_the_district_in_it(
    make_registry: Any, make_feed: Any
) -> None:
    window = Window(code="annual", school_year=2026, opens=date(2026, 3, 23), closes=date(2026, 9, 22))
    state = make_feed("published_results", district="00000000", windows=(window,))
    file = part("published_results", date(2026, 9, 25), sender="00000000", windows=frozenset({"annual"}))

    assert matched(make_registry(state), file)["annual"].first is file
    assert matched(make_registry(make_feed("published_results", windows=(window,))), file)["annual"].first is file
