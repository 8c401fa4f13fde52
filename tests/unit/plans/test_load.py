"""Plan files of a home, looked at without a warehouse: what `sipetl check` says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sipetl.plans import check_plans

KNOWN = {
    "reading_on_grade_rate": "iready_on_grade_level_ela",
    "team_review_rate": "staff_with_evidence_team_review",
    "mcas_ela_me_rate": "mcas_meeting_exceeding_ela",
    "student_group: el": "student_group: english_learner",
}
"""The example's names, as the catalogue has them; the evidence's is known by its template alone."""


@pytest.fixture
def plan(good_plan: str) -> str:
    for example, real in KNOWN.items():
        good_plan = good_plan.replace(example, real)
    return good_plan


def test_a_plan_that_names_what_is_there_has_no_fault(plan_file: Callable[[str], Path], plan: str) -> None:
    assert check_plans([plan_file(plan)], ["MA/00350012"]) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (
            "metric: chronic_absence_rate_pk12",
            "metric: chronic_absense",
            16,
            "did you mean chronic_absence_rate_pk12",
        ),
        ("student_group: english_learner", "student_group: ELL", 23, "did you mean english_learner?"),
        ('plan: "MA/00350012"', "plan: MA/00350021", 1, "did you mean MA/00350012?"),
        ("feed: evidence", "feed: evidance", 35, "did you mean evidence?"),
        ("        target: {value: 5, unit: points}\n", "", 19, "the key 'target' is missing"),
    ],
)
def test_a_wrong_name_is_told_with_file_line_and_cure(
    plan_file: Callable[[str], Path], plan: str, old: str, new: str, line: int, says: str
) -> None:
    assert old in plan
    path = plan_file(plan.replace(old, new, 1))

    (fault,) = check_plans([path], ["MA/00350012"])

    assert fault.where == f"{path}:{line}"
    assert says in str(fault)
    assert fault.cure


def test_where_the_schools_are_not_known_none_is_missed(plan_file: Callable[[str], Path], plan: str) -> None:
    assert check_plans([plan_file(plan.replace("MA/00350012", "MA/00350021"))]) == []


def test_two_files_of_one_version_are_told(tmp_path: Path, plan: str) -> None:
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for file in files:
        file.write_text(plan, encoding="utf-8")

    (fault,) = check_plans(files)

    assert fault.where == f"{files[1]}:2"
    assert str(files[0]) in fault.why
