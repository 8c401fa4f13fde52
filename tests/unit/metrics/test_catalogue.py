from __future__ import annotations

from pathlib import Path

import pytest

from sipetl.errors import RegistryError
from sipetl.metrics import Interval, Source, check_catalogue, load_catalogue
from sipetl.registry.models import FeedName

GOOD = """
feed: attendance
family: attendance
defaults: {unit: student_school, direction: lower_is_better, path: hold, display_unit: percent, periods: [year], source: test}
metrics:
  - metric: one
    title: One
    numerator: days_absent_x100
    denominator: days_enrolled_x100
"""
REQUIRED = [
    "attendance_rate",
    "average_days_absent",
    "absent_10_or_more_days",
    "chronic_absence_rate_pk12",
    "chronic_absence_rate_1_8",
    "chronic_absence_rate_9_12",
    "severe_chronic_absence_rate",
    "unexcused_over_9_days",
    "chronic_absence_rate_pk12_student",
    "staff_attendance_rate",
    "staff_chronic_absence_rate",
    "mcas_meeting_exceeding_ela",
    "mcas_meeting_exceeding_math",
    "mcas_meeting_exceeding_sci",
    "mcas_exceeding_ela",
    "mcas_meeting_math",
    "mcas_partially_meeting_sci",
    "mcas_not_meeting_ela",
    "mcas_mean_scaled_score_math",
    "mcas_mean_sgp_ela",
    "mcas_mean_sgp_math",
    "mcas_participation_sci",
    "map_mean_rit_ela",
    "map_met_growth_math",
    "map_participation_ela",
    "iready_mean_scale_score_ela",
    "iready_on_grade_level_math",
    "iready_met_growth_ela",
    "iready_participation_math",
    "survey_response_rate_student",
    "survey_response_rate_teacher",
    "observation_at_or_above_3",
    "observation_count",
    "classrooms_observed",
]


def write(folder: Path, text: str) -> Path:
    (folder / "metrics.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("name", REQUIRED)
def test_catalogue_has_metric(name: str) -> None:
    assert name in {metric.metric for metric in load_catalogue().metrics()}


def test_shipped_names_are_unique() -> None:
    names = [metric.metric for metric in load_catalogue().metrics()]

    assert len(names) == len(set(names))


def test_list_template_makes_one_metric_per_value() -> None:
    metric = load_catalogue().get("mcas_partially_meeting_math")

    assert metric is not None
    assert metric.bound == {"level": "PM", "subject": "MATH"}
    assert metric.title == "MCAS math: partially meeting expectations"


def test_data_template_makes_one_metric_per_value_found() -> None:
    found = load_catalogue().with_found({Source.EVIDENCE: ("family_contact", "agenda_review")})

    assert [m.metric for m in found.metrics(FeedName.EVIDENCE)] == [
        "staff_with_evidence_family_contact", "staff_with_evidence_agenda_review",
        "evidence_count_family_contact", "evidence_count_agenda_review",
    ]  # fmt: skip


def test_unseen_value_of_a_data_template_has_a_name_all_the_same() -> None:
    metric = load_catalogue().get("survey_favorable_safety_teacher")

    assert metric is not None
    assert metric.bound == {"topic": "safety"}
    assert load_catalogue().get("survey_favourite_safety") is None


def test_defaults_fill_what_an_entry_leaves_out(tmp_path: Path) -> None:
    (metric,) = load_catalogue(write(tmp_path, GOOD)).metrics()

    assert (metric.feed, metric.unit, metric.interval) == (FeedName.ATTENDANCE, "student_school", Interval.NONE)


def test_definition_hash_changes_with_the_definition(tmp_path: Path) -> None:
    (metric,) = load_catalogue(write(tmp_path, GOOD)).metrics()
    changed = metric.model_copy(update={"numerator": "days_enrolled_x100"})

    assert metric.definition_sha256 != changed.definition_sha256
    assert len(metric.definition_sha256) == 64


def test_only_student_and_published_metrics_do_not_add_up() -> None:
    units = {m.unit for m in load_catalogue().entries if not m.is_additive}

    assert units == {"student", "published"}


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("numerator: days_absent_x100", "numerator: days_away", 8, "no column"),
        ("denominator: days_enrolled_x100", "denominator: sum(days_enrolled_x100)", 9, "may not be used"),
        ("    title: One\n", "    title: One\n    unit: classroom\n", 8, "no facts of unit"),
        ("    title: One\n", "    title: One\n    color: red\n", 8, "not known"),
        ("metric: one", "metric: One Two", 6, "metric"),
    ],
)
def test_fault_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    folder = write(tmp_path, GOOD.replace(old, new))

    with pytest.raises(RegistryError, match=said) as caught:
        load_catalogue(folder)

    assert caught.value.where == f"{folder / 'metrics.yaml'}:{line}"


def test_name_twice_is_refused(tmp_path: Path) -> None:
    second = "  - {metric: one, title: Two, numerator: days_absent_x100}\n"

    with pytest.raises(RegistryError, match="twice"):
        load_catalogue(write(tmp_path, GOOD + second))


def test_all_faults_of_all_files_are_told(tmp_path: Path) -> None:
    wrong = GOOD.replace("days_absent_x100", "days_away").replace("days_enrolled_x100", "sum(days_enrolled_x100)")
    folder = write(
        tmp_path, f"{wrong}  - {{metric: one, title: Two, unit: classroom, numerator: days_absent_x100}}\n"
    )
    (folder / "more.yaml").write_text(GOOD.replace("title", "tilte").replace("metric: one", "metric: One Two"))

    told = [(fault.where, fault.what) for fault in check_catalogue(folder)]

    said = ["no column 'days_away'", "may not be used", "is here twice", "no facts of unit"]
    said += ["metrics[0].metric", "'title' is missing", "'tilte' is not known"]
    assert len(told) == len(said)
    assert all(words in what for words, (_, what) in zip(said, told, strict=True)), told
    assert [where.removeprefix(f"{folder}/") for where, _ in told] == [
        *("metrics.yaml:8", "metrics.yaml:9", "metrics.yaml:10", "metrics.yaml:10"),
        *("more.yaml:6", "more.yaml:6", "more.yaml:7"),
    ]


def test_the_catalogue_has_no_fault() -> None:
    assert check_catalogue() == []
