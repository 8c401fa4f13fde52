"""The pipeline's integers are those of the demo's answer key, which knows nothing of the files."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sipetl.quality import Outcome
from sipetl.registry.groups import load_groups
from tests.truth.lived import Lived, differences
from tests.truth.truth_page import tell

pytestmark = pytest.mark.slow

ATTENDANCE = [
    "absent_10_or_more_days",
    "attendance_rate",
    "attendance_rate_in_month",
    "average_days_absent",
    "chronic_absence_rate_1_8",
    "chronic_absence_rate_9_12",
    "chronic_absence_rate_pk12",
    "chronic_absence_rate_pk12_student",
    "severe_chronic_absence_rate",
    "unexcused_over_9_days",
]
INTERIM = [
    f"{name}_{subject}"
    for name in [
        "iready_mean_scale_score",
        "iready_met_growth",
        "iready_on_grade_level",
        "iready_participation",
        "map_mean_rit",
        "map_met_growth",
        "map_participation",
    ]
    for subject in ("ela", "math")
]
MCAS = [
    f"mcas_{name}_{subject}"
    for name in [
        "exceeding",
        "meeting",
        "partially_meeting",
        "not_meeting",
        "meeting_exceeding",
        "mean_scaled_score",
        "participation",
        "mean_sgp",
    ]
    for subject in ("ela", "math", "sci")
    if (name, subject) != ("mean_sgp", "sci")
]
SURVEY = [
    *(f"survey_favorable_{topic}" for topic in ("academic_press", "belonging", "emotional_safety", "teacher_trust")),
    *(
        f"survey_favorable_{topic}_teacher"
        for topic in ("instructional_leadership", "preparation", "professional_community", "support")
    ),
    "survey_response_rate_student",
    "survey_response_rate_teacher",
    *(
        f"survey_set_aside_{reason}_{population}"
        for reason in ("straight_lining", "too_few_answers")
        for population in ("student", "teacher")
    ),
]
ADULTS = [
    "classrooms_observed",
    "observation_count",
    "observation_at_or_above_3",
    *(f"observation_at_or_above_3_ic{n}" for n in range(1, 5)),
    *(f"evidence_count_{kind}" for kind in ("agenda_review", "coaching_feedback", "family_contact")),
    *(f"staff_with_evidence_{kind}" for kind in ("coaching_feedback", "family_contact")),
]
METRICS = [*ATTENDANCE, *INTERIM, *MCAS, *SURVEY, *ADULTS]
LEVELS = ["district", "region", "school", "state"]


@pytest.fixture(scope="module")
def key(lived: Lived) -> pd.DataFrame:
    return pq.read_table(lived.answers / "values.parquet").to_pandas()


@pytest.mark.parametrize("metric", METRICS)
def test_metric_has_exactly_the_integers_of_the_key(lived: Lived, key: pd.DataFrame, metric: str) -> None:
    expected, found = key[key["metric"] == metric], lived.values[lived.values["metric"] == metric]

    assert len(expected) > 0
    assert differences(expected, found) == []
    tell(
        "Our own: answer key of the demo's world",
        len(expected),
        len(expected),
        "numerator, denominator and n of every metric, organization, period and group",
    )


def test_key_and_warehouse_have_the_same_metrics_at_every_level(lived: Lived, key: pd.DataFrame) -> None:
    assert sorted(METRICS) == sorted(key["metric"].unique())
    assert sorted(METRICS) == sorted(lived.values["metric"].unique())
    assert sorted(key["level"].unique()) == LEVELS


def test_groups_are_those_of_the_reference_table(lived: Lived) -> None:
    assert set(lived.values["student_group"]) <= {group.student_group for group in load_groups()}


def test_files_end_as_planted(lived: Lived) -> None:
    of_interest = {Outcome.HELD, Outcome.REJECTED, Outcome.UNRECOGNIZED, Outcome.DUPLICATE}
    planted = {p.file.split("/")[-1]: p.expected for p in lived.script.planted if p.expected in of_interest}

    found = {o.file_name: o.status.value for o in lived.outcomes if o.status in of_interest}

    assert found == planted


def test_school_whose_winter_results_did_not_come_has_no_winter(lived: Lived) -> None:
    values = lived.values
    winter = values[
        (values["organization"] == "35010005")
        & (values["period_code"] == "2026-winter")
        & values["metric"].str.startswith("map_")
    ]

    assert len(winter) == 0, "it is late: neither zero percent nor the fall once more"
