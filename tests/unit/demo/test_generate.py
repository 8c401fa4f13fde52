"""The generated home: the same bytes for the same seed, a registry that holds, defects where they are said to be."""

from __future__ import annotations

import ast
import csv
import hashlib
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import sipetl.demo
from sipetl.demo import Script, generate
from sipetl.demo.spec import make_districts
from sipetl.plans.load import check_plan
from sipetl.registry.load import check_registry, load_registry


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small, tmp_path):
    for name, seed in (("again", 5), ("other", 8)):
        generate(tmp_path / name, students=150, seed=seed)

    assert digest(tmp_path / "again") == digest(small.home)
    assert digest(tmp_path / "other") != digest(small.home)


def test_the_registry_and_the_plans_hold(made):
    folder = made.home / "registry"

    assert check_registry(folder) == []
    assert [fault for path in load_registry(folder).plan_files for fault in check_plan(path)] == []
    assert len(load_registry(folder).plan_files) == 3


def test_every_window_of_a_feed_is_named_once_per_year(made):
    for feed in load_registry(made.home / "registry").feeds:
        codes = [(window.school_year, window.code) for window in feed.windows]
        assert len(codes) == len(set(codes)), (feed.district, feed.feed)


def test_the_demo_imports_only_registry_models_and_errors():
    folder = Path(sipetl.demo.__file__).parent
    imported = {
        node.module
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sipetl.")
    }

    outside = {name for name in imported if not name.startswith("sipetl.demo")}
    assert outside == {"sipetl.registry.models"}


def test_day_grain_has_a_row_per_enrolled_student_and_school_day(made):
    week = rows(made.file("attendance_2025-09-15_2025-09-19.csv"))[:-3]  # the last three are planted
    roster = rows(
        made.file("students_export_2025-09-08.csv").parent.parent / "9002" / "students_export_2025-09-08.csv"
    )
    active = [row for row in roster if row["enrollment_status"] == "Active"]

    assert len(week) == 5 * len(active)
    assert {row["student_number"] for row in week} == {row["local_id"] for row in active}
    assert {row["att_code"] for row in week} <= {"P", "T", "D", "A", "AE"}


def test_an_event_export_has_no_row_for_a_day_present(made):
    events = rows(made.file("attendance_export_2025-06-12.csv"))

    flags = ("absence", "tardy", "dismissed")
    assert all(any(row[flag] == "1" for flag in flags) for row in events)
    assert len({(row["local_id"], row["event_date"]) for row in events}) == len(events)


def test_the_files_carry_the_headers_of_their_vendors(made, samples):
    samples_of = {
        "students_export_2025-09-08.csv": "studentinsights/spec/fixtures/fake_students_export.csv",
        "AssessmentResults_fall_2026.csv": "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv",
        "diagnostic_results_ela_2026_fall.csv": "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_ela.csv",
        "diagnostic_results_math_2026_fall.csv": "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_math.csv",
    }
    for name, sample in samples_of.items():
        assert list(rows(made.file(name))[0]) == list(rows(samples / sample)[0]), name


test_the_files_carry_the_headers_of_their_vendors = pytest.mark.samples(
    test_the_files_carry_the_headers_of_their_vendors
)


@pytest.mark.samples
def test_the_mcas_file_has_the_columns_of_its_vintage_with_the_years_moved(made, samples):
    header = (samples / "ma_layout_headers_only" / "MCAS_250COLS_header.csv").read_text().strip().split(",")
    moved = [
        name.replace("2023", "2024").replace("2022", "2023") if name[-4:] in ("2022", "2023") else name
        for name in header
    ]
    moved = [name.replace("2021", "2022") for name in moved]

    assert list(rows(made.file("MCAS2025_spring_official_35010000.csv"))[0]) == moved


def test_planted_rows_are_where_they_are_said_to_be(made):
    planted = {each.kind: each for each in made.script.planted}
    typo = made.file("students_export_2025-10-06.csv").read_text(encoding="utf-8")
    ids = [row["local_id"] for row in rows(made.file("attendance_export_2025-10-10.csv"))]
    first, second = (
        rows(made.file(f"attendance_{days}.csv")) for days in ("2025-10-06_2025-10-10", "20251006_20251010")
    )
    changed = [a for a, b in zip(first, second, strict=True) if a != b]

    assert typo.count("Not Eligibile") == planted["code_typo"].rows == 5
    assert sum(each.endswith(".0") for each in ids) == planted["id_as_number"].rows == 3
    assert len(changed) == planted["correction"].rows > 0
    assert {row["att_code"] for row in changed} == {"A"}


def test_careless_responses_are_in_the_file_and_set_aside_in_the_key(made):
    planted = {each.kind: each for each in made.script.planted}
    answers = [
        [answer for name, answer in row.items() if name.startswith("s-")]
        for row in rows(made.file("climate_survey_student_winter_2026.csv"))
    ]
    alike = [each for each in answers if len(set(each)) == 1]
    few = [each for each in answers if sum(map(bool, each)) * 4 < len(each)]

    key = {
        row["metric"]: (row["numerator"], row["denominator"])
        for row in made.key.to_pylist()
        if (row["level"], row["period_code"], row["student_group"]) == ("state", "2026-winter", "all")
    }
    for reason, found in (("straight_lining", alike), ("too_few_answers", few)):
        assert len(found) == planted[reason].rows > 0
        assert key[f"survey_set_aside_{reason}_student"] == (len(found), len(answers))
    assert key["survey_response_rate_student"][0] == len(answers) - len(alike) - len(few)


def test_the_truncated_roster_is_half_of_the_next_days(made):
    half, whole = (rows(made.file(f"students_export_2025-12-0{day}.csv")) for day in (1, 2))

    assert 0.45 < len(half) / len(whole) < 0.55


def test_the_winter_map_file_lacks_one_school(made):
    fall, winter = (
        {row["SchoolName"] for row in rows(made.file(f"AssessmentResults_{window}_2026.csv"))}
        for window in ("fall", "winter")
    )

    assert fall - winter == {"Cedar K-8 School"}


def test_canaries_are_in_the_files_and_in_no_registry_file(made):
    texts = [path.read_text(encoding="utf-8") for path in (made.home / "registry").rglob("*") if path.is_file()]
    for canary in made.script.canaries:
        roster = made.home / ".arriving" / "2025-09-08" / canary.district / "students_export_2025-09-08.csv"
        content = roster.read_text(encoding="utf-8")
        assert all(text in content for text in (canary.first, canary.last, canary.local_id, canary.born))
        assert not any(secret in text for text in texts for secret in canary.texts)


def test_a_large_demo_is_at_day_grain_everywhere_and_has_more_schools():
    specs = make_districts(1_000_000, 5, 3)

    assert sum(spec.students for spec in specs) == 1_000_000
    assert all(spec.day_grain and spec.weekly for spec in specs)
    codes = [school.code for spec in specs for school in spec.schools]
    assert len(codes) == len(set(codes)) == pytest.approx(2000, rel=0.01)
    assert {len(code) for code in codes} == {8}


def test_days_are_delivered_and_can_be_read_back_from_the_inbox(own):
    first, second = [each for each in own.days if each.files][:2]

    own.deliver(first.day)
    arrived = own.deliver(second.day)
    again = Script.from_inbox(own.home)

    assert {path.relative_to(own.home / "inbox") for path in arrived} == set(second.files)
    changed = datetime.fromtimestamp(arrived[0].stat().st_mtime, ZoneInfo("America/New_York"))
    assert (changed.date(), changed.hour) == (second.day, 6)
    assert again == own
    assert again.deliver(second.day) == arrived


def test_a_demo_can_be_told_again_from_its_inbox(own):
    day = next(each.day for each in own.days if each.files)
    arrived = own.deliver(day)
    stamps = [path.stat().st_mtime for path in arrived]

    Script.from_inbox(own.home).recall()

    assert not any(path.exists() for path in arrived)
    assert Script.from_inbox(own.home) == own
    assert [path.stat().st_mtime for path in own.deliver(day)] == stamps


def test_no_file_arrives_after_the_last_day(made):
    assert made.script.days[-1].day == date(2026, 3, 27)
    assert made.script.days[0].day == date(2025, 8, 20)
    assert 100 < sum(len(day.files) for day in made.script.days) < 250
