"""Three schools' improvement plans whose goals end up met, missed, and too close to tell.

Baselines and targets are set from the answer key, so that a goal's fate does not hang on luck (a target is never
worse than its baseline: a goal that was to be met can still be missed where the school fell back). The text is
invented; the shape is that of plan YAML (design: practices > objectives > initiatives > benchmarks, MAGs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sipetl.demo.dates import NEXT_MCAS, as_date, school_days
from sipetl.demo.homefiles import write_yaml
from sipetl.demo.spec import DistrictSpec, SchoolSpec

IN_FORCE = date(2025, 9, 2)
C3_DAY, WINTER_DAY, FEBRUARY_END = date(2026, 3, 13), date(2026, 1, 23), date(2026, 2, 28)
EASY, HARD, CLOSE = 0.8, 5.0, 0.2
"""Points by which a target is met, missed, or only just met."""
PERCENT = 100.0
SMALL = 6
"""Groups below this are never reported (massachusetts.md 4.8)."""
IDENTIFIED_GROUP = "english_learner"

Values = Mapping[tuple[str, str, str, str], float]
"""School, metric, student group, period -> numerator / denominator."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a benchmark measures, and how it is meant to come out (`fate`: points beyond the target)."""

    code: str
    text: str
    metric: str
    fate: float
    group: str = "all"
    then: str = "2025"
    now: str = "C3"
    extra: Mapping[str, Any] | None = None


def values_of(key: pa.Table, schools: Sequence[str]) -> Values:
    """The ratios of some schools, from the answer key."""
    rows = key.filter(pc.and_(pc.is_in(key["organization"], pa.array(schools)), pc.greater(key["denominator"], 0)))
    columns = [rows[name].to_pylist() for name in ("organization", "metric", "student_group", "period_code")]
    ratios = pc.divide(pc.cast(rows["numerator"], pa.float64()), rows["denominator"]).to_pylist()
    return dict(zip(zip(*columns, strict=True), ratios, strict=True))


def sizes_of(key: pa.Table, schools: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """Students of each school and group in the second year."""
    here = pc.and_(pc.is_in(key["organization"], pa.array(schools)), pc.equal(key["period_code"], "2026"))
    rows = key.filter(pc.and_(here, pc.equal(key["metric"], "attendance_rate")))
    columns = (rows[name].to_pylist() for name in ("organization", "student_group", "n"))
    return {(school, group): n for school, group, n in zip(*columns, strict=True)}


def plan_schools(specs: Sequence[DistrictSpec]) -> list[tuple[DistrictSpec, SchoolSpec]]:
    """Schools that have a plan."""
    return [(spec, school) for spec in specs for school in spec.schools if school.has_plan]


def write_plans(specs: Sequence[DistrictSpec], key: pa.Table, folder: Path) -> list[tuple[str, str]]:
    """Write a plan for each; give back the identified groups (school, student group)."""
    chosen = plan_schools(specs)
    codes = [school.code for _, school in chosen]
    values, sizes = values_of(key, codes), sizes_of(key, codes)
    for number, (spec, school) in enumerate(chosen):
        plan = _Plan(spec, school, values, sizes, number)
        lines = (f"Sustainable Improvement Plan of {school.name}, {spec.name} (invented).",)
        write_yaml(folder / f"{school.code}.yaml", plan.data(), lines)
    return [(school.code, IDENTIFIED_GROUP) for _, school in chosen[:1]]


@dataclass(frozen=True, slots=True)
class _Plan:
    spec: DistrictSpec
    school: SchoolSpec
    values: Values
    sizes: Mapping[tuple[str, str], int]
    number: int

    def data(self) -> dict[str, Any]:
        return {
            "plan": f"MA/{self.school.code}",
            "effective_from": IN_FORCE,
            "title": f"{self.school.name}: plan for 2025-26",
            "practices": [
                self._practice("TP2", "Every lesson asks grade-level work of every student", self._instruction()),
                self._practice("TP4", "Students are at school, and want to be", self._climate()),
            ],
            "mags": [self._mag(*each) for each in self._mags()],
        }

    def _practice(self, code: str, text: str, benchmarks: Iterator[dict[str, Any]]) -> dict[str, Any]:
        initiative = {
            "code": f"{code}-I1",
            "text": text,
            "timeline": [
                {"step": "Team agrees on routine and look-fors", "owner": "Principal", "due": date(2025, 10, 3),
                 "done_on": date(2025, 9, 26)},
                {"step": "First review of the data with all staff", "owner": "Coach", "due": date(2025, 12, 5)},
            ],
            "benchmarks": list(benchmarks),
        }  # fmt: skip
        return {"practice": code, "objectives": [{"code": f"{code}-O1", "text": text, "initiatives": [initiative]}]}

    def _instruction(self) -> Iterator[dict[str, Any]]:
        growth = "map_met_growth_math" if self.spec.test == "MAP" else "iready_met_growth_math"
        window = {"path": "same_window", "window": "winter", "due": WINTER_DAY, "cadence": "quarterly"}
        yield self._goal(
            Goal("B1", "Ratings at 3 or above on learning walks rise each month", "observation_at_or_above_3", EASY,
                 now="2026-02", then="2025-10", extra={"path": "rises", "cadence": "monthly", "due": FEBRUARY_END,
                 "recurrence": {"met_of": 4, "occurrences": 6}}), kind="educator", feed="observation", academic=True)  # fmt: skip
        yield self._goal(
            Goal("B2", "Teachers act on feedback that a coach wrote for them", "staff_with_evidence_coaching_feedback",
                 HARD, now="2026-02", then="2025-10", extra={"path": "hold", "cadence": "monthly", "due": FEBRUARY_END}),
            kind="educator", feed="evidence", academic=True)  # fmt: skip
        yield self._goal(
            Goal("B3", "Students meet their typical growth in mathematics", growth, EASY, then="2025-winter",
                 now="2026-winter", extra=window), kind="student", feed="assessment", academic=True)  # fmt: skip
        yield self._meetings()

    def _meetings(self) -> dict[str, Any]:
        """Each agenda of the evidence log is one meeting; the rule is the same in every plan, whatever comes of it."""
        return {
            "code": "B9",
            "kind": "educator",
            "text": "Teams look at their students' work when they meet",
            "metric": "evidence_count_agenda_review",
            "baseline": {"value": 7, "period": "2025", "source": "ten agendas of the spring, drawn by the coach"},
            "target": {"value": 8, "unit": "level"},
            "direction": "up",
            "path": "hold",
            "due": C3_DAY,
            "cadence": "per_meeting",
            "recurrence": {"met_of": 8, "occurrences": 10},
            "feed": "evidence",
            "owner": "school",
            "academic": True,
        }

    def _climate(self) -> Iterator[dict[str, Any]]:
        hold = {"path": "hold", "cadence": "quarterly", "due": C3_DAY}
        chronic, fates = "chronic_absence_rate_pk12", (EASY, -HARD, CLOSE)
        fate = fates[self.number % len(fates)]
        goals = [
            Goal("B4", "Fewer students are chronically absent to date", chronic, fate, extra=hold),
            Goal("B5", "English learners are at school", chronic, EASY, group=IDENTIFIED_GROUP, extra=hold),
            Goal("B7", "Attendance within the month rises", "attendance_rate_in_month", CLOSE, then="2025-10",
                 now="2026-02", extra={"path": "rises", "cadence": "monthly", "due": C3_DAY}),
        ]  # fmt: skip
        if self.number == 0:
            text, group = "Students of the smallest group are at school", self._smallest_group()
            goals.append(Goal("B6", text, "attendance_rate", CLOSE, group=group, extra=hold))
        for goal in goals:
            yield self._goal(goal, kind="student", feed="attendance", academic=False)
        if self.spec.surveys and self.school.high >= 3:
            window = {"path": "same_window", "window": "winter", "due": WINTER_DAY, "cadence": "quarterly"}
            survey = Goal("B8", "Students feel that they belong", "survey_favorable_belonging", EASY,
                          then="2025-winter", now="2026-winter", extra=window)  # fmt: skip
            yield self._goal(survey, kind="student", feed="survey", academic=False)

    def _mags(self) -> Iterator[tuple[Goal, str, str, bool]]:
        end = as_date(school_days(self.spec.start, 2026)[-1])
        hold = {"path": "hold", "due": end, "cadence": "annual"}
        later = {"path": "year_end_only", "due": NEXT_MCAS.closes, "cadence": "annual"}
        yield Goal("M1", "Fewer students are chronically absent at the end of the year", "chronic_absence_rate_pk12",
                   EASY, now="2026", extra=hold), "ATT_DISM_EXCL", "attendance", False  # fmt: skip
        yield Goal("M2", "English learners are chronically absent less often", "chronic_absence_rate_pk12", CLOSE,
                   group=IDENTIFIED_GROUP, now="2026", extra=hold), "SUBGROUP_PROG", "attendance", False  # fmt: skip
        yield Goal("M3", "More students meet or exceed expectations in ELA", "mcas_meeting_exceeding_ela", -HARD,
                   now="2025", extra=later), "MCAS_ACH", "assessment", True  # fmt: skip

    def _mag(self, goal: Goal, category: str, feed: str, academic: bool) -> dict[str, Any]:
        found = self._goal(goal, kind="student", feed=feed, academic=academic)
        return {"code": found.pop("code"), "category": category, **found}

    def _goal(self, goal: Goal, *, kind: str, feed: str, academic: bool) -> dict[str, Any]:
        up = not goal.metric.startswith(("chronic", "severe", "absent", "unexcused", "average_days"))
        baseline, value = self._value(goal, goal.then), self._value(goal, goal.now)
        target = round(value - goal.fate if up else value + goal.fate, 1)
        worst, best = (baseline, 100.0) if up else (1.0, baseline)
        return {
            "code": goal.code,
            "kind": kind,
            "text": goal.text,
            "metric": goal.metric,
            "student_group": goal.group,
            "baseline": {"value": baseline, "period": goal.then, "source": "computed from the district's files"},
            "target": {"value": round(min(max(target, worst), best), 1), "unit": "level"},
            "direction": "up" if up else "down",
            **(goal.extra or {}),
            "feed": feed,
            "owner": "school",
            "academic": academic,
        }

    def _smallest_group(self) -> str:
        """A group that is here and too small to be reported: its status is `insufficient_n`."""
        here = [group for (school, group), n in self.sizes.items() if school == self.school.code and n < SMALL]
        return min(here, default="nonbinary")

    def _value(self, goal: Goal, period: str) -> float:
        """Percent, to a tenth; where the period has none, the nearest that has, else a plain guess."""
        for metric_group in (goal.group, "all"):
            for code in (period, "2026", "2025", "2025-winter"):
                found = self.values.get((self.school.code, goal.metric, metric_group, code))
                if found is not None:
                    return round(PERCENT * found, 1)
        return 50.0
