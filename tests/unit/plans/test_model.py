from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from sipetl.errors import RegistryError
from sipetl.plans.load import check_plan, load_plan
from sipetl.plans.model import Cadence, Kind, MagCategory, Owner

D = Decimal


def test_a_plan_file_becomes_a_plan(plan_file, good_plan):
    plan = load_plan(plan_file(good_plan))

    assert (plan.plan, plan.school, plan.effective_from) == ("MA/00350012", "MA/00350012", date(2025, 9, 2))
    assert plan.framework == "turnaround_practices"
    assert [goal.code for _, goal in plan.located()] == ["B1", "B2", "B3", "M1", "M2"]
    first = plan.practices[0].objectives[0].initiatives[0].benchmarks[0]
    assert (first.target_level, first.owner, first.student_group) == (D("24.0"), Owner.SCHOOL, "all")


def test_a_mag_is_a_student_goal_measured_once_a_year(plan_file, good_plan):
    mag = load_plan(plan_file(good_plan)).mags[0]

    assert (mag.category, mag.kind, mag.cadence) == (MagCategory.ATT_DISM_EXCL, Kind.STUDENT, Cadence.ANNUAL)


@pytest.mark.parametrize(("direction", "level"), [("up", "36.4"), ("down", "26.4")])
def test_points_are_counted_from_the_baseline_in_the_direction(plan_file, good_plan, direction, level):
    text = good_plan.replace(
        "target: {value: 24.0, unit: level}, direction: down", "target: {value: 5, unit: points}"
    )
    text = text.replace("{value: 5, unit: points},", f"{{value: 5, unit: points}}, direction: {direction},", 1)

    benchmark = next(goal for _, goal in load_plan(plan_file(text)).located())

    assert benchmark.target_level == D(level)


def test_a_located_benchmark_names_its_place(plan_file, good_plan):
    places = [at for at, _ in load_plan(plan_file(good_plan)).located()]

    assert places[1] == ("practices", 0, "objectives", 0, "initiatives", 0, "benchmarks", 1)
    assert places[-1] == ("mags", 1)


def test_a_plan_cannot_be_changed_in_place(plan_file, good_plan):
    plan = load_plan(plan_file(good_plan))

    with pytest.raises(ValidationError):
        plan.title = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("code: B2", "code: B1", 19, "the code is used twice"),
        ("code: M2", "code: B3", 40, "the code is used twice"),
        ("direction: up\n        path", "direction: upward\n        path", 26, "'up' or 'down'"),
        ("unit: points", "unit: percent", 25, "'level' or 'points'"),
        ('        baseline: {value: 40, period: "2025 winter"}\n', "", 24, "a target in points needs a baseline"),
        ("value: 5, unit: points", "value: -5, unit: points", 25, "points cannot be negative"),
        ("window: winter", "windw: winter", 28, "did you mean 'window'?"),
        ("met_of: 4", "met_of: 7", 35, "met_of is more than occurrences"),
        ("academic: true\n      -", "academic: maybe\n      -", 32, "write true or false"),
        ("category: ATT_DISM_EXCL", "category: ATTENDANCE", 37, "'ATT_DISM_EXCL'"),
        ('plan: "MA/00350012"', "plan: 350012", 1, "put it in quotes"),
        ('plan: "MA/00350012"', 'plan: "00350012"', 1, "should match pattern"),
        ("due: 2025-10-31", "due: 2025-11-31", 13, "day is out of range"),
        ("path: same_window", "path: checkpoints", 19, "go together"),
        (
            "path: same_window",
            "path: checkpoints\n        checkpoints: [{on: 2026-02-01, value: 41}, {on: 2026-01-01, value: 40}]",
            28,
            "in order of their days",
        ),
        (
            "path: same_window",
            "path: checkpoints\n        checkpoints: [{on: 2026-02-14, value: 41}]",
            28,
            "end by the due date",
        ),
    ],
)
def test_a_fault_of_a_plan_names_file_and_line(plan_file, good_plan, old, new, line, said):
    assert old in good_plan
    path = plan_file(good_plan.replace(old, new, 1))

    error = check_plan(path)[0]

    assert said in str(error)
    assert error.where == f"{path}:{line}"


def test_load_raises_what_check_lists_first(plan_file, good_plan):
    path = plan_file(good_plan.replace("met_of: 4", "met_of: 7").replace("academic: true", "academic: 12"))

    errors = check_plan(path)
    with pytest.raises(RegistryError) as caught:
        load_plan(path)

    assert len(errors) == 3
    assert str(caught.value) == str(errors[0])
