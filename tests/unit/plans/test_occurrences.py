"""How often a recurring goal was met, against its rule: counts, and which slots stand for its occurrences."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sipetl.plans import Benchmark, Status, judge_count, judge_occurrences
from sipetl.plans.model import Cadence, RecurrenceRule
from sipetl.plans.occurrences import counted_slots, rule_for
from sipetl.plans.slots import Slot
from sipetl.registry.calendar import Period, PeriodKind

MET, MISSED, UNKNOWN = Status.ON_TRACK, Status.OFF_TRACK, Status.NO_DATA
EIGHT_OF_TEN = RecurrenceRule(met_of=8, occurrences=10)


@pytest.mark.parametrize(
    ("each", "is_over", "status", "met", "judged"),
    [  # met when 8 of 10 are
        ([], False, Status.NOT_STARTED, 0, 0),
        ([UNKNOWN], False, Status.NOT_STARTED, 0, 0),
        ([MET] * 4 + [MISSED], False, Status.ON_TRACK, 4, 5),
        ([MET] * 3 + [MISSED], False, Status.OFF_TRACK, 3, 4),
        ([MET] * 8, False, Status.MET, 8, 8),
        ([Status.MET] * 8 + [Status.NOT_MET] * 2, True, Status.MET, 8, 10),
        ([MISSED] * 3, False, Status.NOT_MET, 0, 3),
        ([MET] * 7 + [MISSED] * 3, True, Status.NOT_MET, 7, 10),
        ([MET] * 7 + [MISSED] * 2 + [UNKNOWN], True, Status.NO_DATA, 7, 9),
        ([MET] * 7 + [MISSED] * 2 + [UNKNOWN], False, Status.OFF_TRACK, 7, 9),
    ],
)
def test_a_recurring_benchmark_is_judged_by_its_occurrences(
    each: list[Status], is_over: bool, status: Status, met: int, judged: int
) -> None:
    result = judge_occurrences(each, EIGHT_OF_TEN, is_over=is_over)

    assert (result.status, result.met, result.judged, result.needed, result.total) == (status, met, judged, 8, 10)


@pytest.mark.parametrize(
    ("met", "judged", "needed", "status"),
    [
        (9, 12, 10, Status.NOT_MET),  # 8 of 10 is 9.6 of 12
        (10, 12, 10, Status.MET),
        (12, 15, 12, Status.MET),  # exactly 8 of 10
        (11, 15, 12, Status.NOT_MET),
    ],
)
def test_where_more_took_place_the_rule_is_a_share(met: int, judged: int, needed: int, status: Status) -> None:
    result = judge_count(met, judged, EIGHT_OF_TEN, is_over=False)

    assert (result.status, result.needed, result.total) == (status, needed, judged)


def month(year: int, number: int) -> Slot:
    starts = date(year, number, 1)
    ends = (starts + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Slot(Period(number, 2026, PeriodKind.MONTH, f"{starts:%Y-%m}", starts, ends, 0), ends)


MONTHS = [month(2025, n) for n in (9, 10, 11, 12)] + [month(2026, n) for n in (1, 2, 3)]


def recurring(cadence: Cadence, met_of: int, occurrences: int) -> Benchmark:
    return Benchmark.model_validate(
        {
            "code": "B1", "kind": "educator", "metric": "observation_at_or_above_3", "target": {"value": 60},
            "direction": "up", "path": "hold", "due": date(2026, 3, 13), "cadence": cadence, "feed": "observation",
            "academic": True, "recurrence": {"met_of": met_of, "occurrences": occurrences},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cadence", "met_of", "occurrences", "months", "needed"),
    [
        (Cadence.MONTHLY, 3, 4, ["2025-11", "2025-12", "2026-01", "2026-02"], 3),  # the last four that are over
        (Cadence.WEEKLY, 8, 10, ["2026-01", "2026-02"], 2),  # ten weeks before March 13 begin on January 2; 1.6
        (Cadence.WEEKLY, 20, 30, ["2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02"], 4),
        (Cadence.DAILY, 1, 5, ["2026-02"], 1),  # not even a month: the last that is over stands for it
        (Cadence.PER_MEETING, 3, 12, ["2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02"], 2),  # 1.5
    ],
)
def test_a_goal_that_recurs_more_often_than_is_measured_is_read_as_a_share_of_its_months(
    cadence: Cadence, met_of: int, occurrences: int, months: list[str], needed: int
) -> None:
    goal = recurring(cadence, met_of, occurrences)

    counted = counted_slots(goal, MONTHS)
    rule = rule_for(goal, counted)

    assert [slot.period.code for slot in counted] == months
    assert rule == RecurrenceRule(met_of=needed, occurrences=len(months))
