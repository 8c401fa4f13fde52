"""A small good plan, and what is known around it; tests spoil one part at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sipetl.plans import CycleFacts, Direction, LintContext, MetricFacts, TargetPath

PLAN = """\
plan: "MA/00350012"
effective_from: 2025-09-02
title: Example School
practices:
- practice: TP4
  objectives:
  - code: O1
    text: Students are in school
    initiatives:
    - code: I1
      text: Attendance team
      timeline:
      - {step: Form the team, owner: Principal, due: 2025-10-31}
      benchmarks:
      - {code: B1, kind: student, text: Fewer students are chronically absent,
         metric: chronic_absence_rate_pk12, baseline: {value: 31.4, period: "2025", source: state profile},
         target: {value: 24.0, unit: level}, direction: down, path: hold, due: 2026-03-01, cadence: quarterly,
         feed: attendance, owner: school, academic: false}
      - code: B2
        kind: student
        text: More English learners read on grade level
        metric: reading_on_grade_rate
        student_group: el
        baseline: {value: 40, period: "2025 winter"}
        target: {value: 5, unit: points}
        direction: up
        path: same_window
        window: winter
        due: 2026-02-13
        cadence: quarterly
        feed: assessment
        academic: true
      - {code: B3, kind: educator, text: Teachers act on attendance data, metric: team_review_rate,
         baseline: {value: 50, period: "2025"}, target: {value: 80}, direction: up, path: rises, due: 2026-03-01,
         cadence: monthly, recurrence: {met_of: 4, occurrences: 6}, feed: evidence, owner: district, academic: false}
mags:
- {code: M1, category: ATT_DISM_EXCL, text: Chronic absence falls, metric: chronic_absence_rate_pk12,
   baseline: {value: 31.4, period: "2025"}, target: {value: 24}, direction: down, path: hold, due: 2026-06-12,
   feed: attendance, academic: false}
- {code: M2, category: SUBGROUP_PROG, text: English learners meet expectations in ELA, metric: mcas_ela_me_rate,
   student_group: el, baseline: {value: 18, period: "2025"}, target: {value: 22}, direction: up,
   path: year_end_only, due: 2026-09-30, feed: assessment, academic: true}
"""


@pytest.fixture
def good_plan() -> str:
    return PLAN


@pytest.fixture
def lint_context() -> LintContext:
    return LintContext(
        metrics={
            "chronic_absence_rate_pk12": MetricFacts("attendance", Direction.DOWN, frozenset({TargetPath.HOLD})),
            "reading_on_grade_rate": MetricFacts("assessment", Direction.UP, frozenset({TargetPath.SAME_WINDOW})),
            "team_review_rate": MetricFacts(
                "evidence", Direction.UP, frozenset({TargetPath.RISES, TargetPath.LINEAR})
            ),
            "region_rate": MetricFacts(
                "attendance", Direction.DOWN, frozenset({TargetPath.HOLD}), levels=frozenset({"region"})
            ),
            "mcas_ela_me_rate": MetricFacts(
                "assessment",
                Direction.UP,
                frozenset({TargetPath.YEAR_END_ONLY}),
                result_from=date(2026, 9, 25),
            ),
        },
        feed_due={
            "attendance": (date(2026, 3, 4), date(2026, 6, 15)),
            "assessment": (date(2026, 2, 18), date(2026, 9, 30)),
            "evidence": (),
        },
        cycles=(
            CycleFacts("C1", date(2026, 3, 2), date(2026, 3, 6), date(2026, 3, 20)),
            CycleFacts("C2", date(2026, 6, 12), date(2026, 6, 19), date(2026, 6, 26)),
            CycleFacts("C3", date(2026, 9, 30), date(2026, 10, 2), date(2026, 10, 9)),
        ),
        year_starts_on=date(2025, 8, 15),
        year_ends_on=date(2026, 6, 30),
        minimum_n=10,
        identified_groups=frozenset({"el"}),
        group_sizes={"all": 400, "el": 60, "swd": 7},
    )


@pytest.fixture
def plan_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "plan.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
