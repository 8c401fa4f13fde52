"""Every sample is recognised by its layout and by no other, from its content alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sipetl.errors import UnrecognizedError
from sipetl.intake import identify
from sipetl.intake.headers import Fit, fit
from tests.taken import LAYOUTS, Take, taking

IREADY = "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_{}.csv"
HEADERS = "sqm_dashboards/fixtures/headers_only"
STATE = "ma_layout_headers_only"
ASPEN = "studentinsights/spec/fixtures"
STAR = "studentinsights/spec/importers/star"
KNOWN = {
    "nwea_map_training/Fall2013AssessmentResults.csv": "nwea_map_results",
    "nwea_map_training/Fall2013StudentsBySchool.csv": "nwea_map_roster",
    "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv": "nwea_map_results",
    IREADY.format("ela"): "iready_diagnostic_ela",
    IREADY.format("math"): "iready_diagnostic_math",
    "studentinsights/spec/fixtures/fake_students_export.csv": "aspen_students",
    "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx": "dese_nextgen_mcas",
    "co_chronic/2018-2019_ChronicAbsenteeism.xlsx": "co_chronic_2019",
    "co_chronic/2021-2022_ChronicAbsenteeism.xlsx": "co_chronic_2022",
    "cps_chicago/Chicago_Public_Schools_-_School_Progress_Reports_SY1617.csv": "cps_progress_report",
    "dese_2014_challenge/2011_HSSCI_perf_by_subject.csv": "dese_hs_science",
    "dese_2014_challenge/2013HSSCI_school.csv": "dese_hs_science",
    "dese_2014_challenge/enrollment_by_selected_populations_state_district_school_1995_2014.csv": "dese_selected_populations",
    "dese_2014_challenge/indicator_report_state_district_school_2003_2012.csv": "dese_indicators",
    "dese_2014_challenge/student_indicator_report_state_distirct_school_2013.csv": "dese_indicators",
    "dese_profiles_xlsx/schand_gradrates.xlsx": "dese_graduation",
    "dese_profiles_xlsx/schand_mobilityrates.xlsx": "dese_mobility",
    "dese_profiles_xlsx/sfarooqi_enrollmentbyracegender.xlsx": "dese_enrollment_race_gender",
    "dese_profiles_xlsx/techtogether_dropout.xlsx": "dese_dropout",
    "kaggle_ma_public_schools_2017/MA_Public_Schools_2017.csv": "ma_public_schools_2017",
    "nyc_school_survey_2011/math_test_results.csv": "nyc_test_results",
    "sqm_dashboards/dese/2C_1_attendance.csv": "dese_school_attendance",
    f"{STATE}/MCAS_2021_270_headers_header.csv": "mcas_student",
    f"{STATE}/MCAS_250COLS_header.csv": "mcas_student",
    f"{STATE}/MCAS_267_headers_2022_23_header.csv": "mcas_student",
    f"{HEADERS}/prepped_2022_23_student_survey_responses.csv": "qualtrics_survey_student",
    f"{HEADERS}/sample_file_with_duplicate_headers.csv": "qualtrics_survey_student",
    f"{HEADERS}/sample_maynard_raw_student_survey.csv": "qualtrics_survey_student",
    f"{HEADERS}/secondary_test_2020-21_student_survey_responses.csv": "qualtrics_survey_student",
    f"{HEADERS}/test_2020-21_student_survey_responses.csv": "qualtrics_survey_student",
    f"{HEADERS}/test_2022-23_butler_student_survey_responses.csv": "qualtrics_survey_student",
    f"{HEADERS}/prepped_2022_23_teacher_survey_responses.csv": "qualtrics_survey_teacher",
    f"{HEADERS}/test_2020-21_teacher_survey_responses.csv": "qualtrics_survey_teacher",
    f"{STAR}/star_math_v1.csv": "star_results_v1",
    f"{STAR}/star_reading_v1.csv": "star_results_v1",
    "edanalytics_bundles/assessments/STAR/data/SR_sample_anonymized_file.csv": "star_results",
    "edanalytics_bundles/assessments/Dibels_8_Benchmark/data/sample_anonymized_file.csv": "dibels8_benchmark",
    f"{ASPEN}/attendance_dump.csv": "aspen_attendance_table",
    f"{ASPEN}/fake_x2_assessments.csv": "aspen_assessments",
    f"{ASPEN}/student_voice_survey_2020.csv": "student_voice_form",
    "oea/contoso_sis_framework/day1_studentattendance.csv": "oea_section_attendance",
    "oea/contoso_sis_framework/day2_studentattendance.csv": "oea_section_attendance",
    "oneroster_oat/data/samples/OneRosterv1p1BaseCSV/users.csv": "oneroster_users",
    f"{HEADERS}/sample_maynard_raw_parent_survey.csv": "qualtrics_survey_family",
    f"{HEADERS}/test_2020-21_parent_survey_responses.csv": "qualtrics_survey_family",
}


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


@pytest.mark.samples
@pytest.mark.parametrize("sample", KNOWN)
def test_sample_is_recognised_by_its_layout_alone(samples: Path, tmp_path: Path, sample: str) -> None:
    (member,) = identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)

    fits = [layout.layout for layout in LAYOUTS if isinstance(fit(layout, [member.headers]), Fit)]

    assert fits == [KNOWN[sample]]


@pytest.mark.samples
def test_every_other_sample_is_recognised_by_none(samples: Path, tmp_path: Path) -> None:
    tables = [path for path in samples.rglob("*.*") if path.suffix in (".csv", ".xlsx")]
    others = [path for path in tables if path.relative_to(samples).as_posix() not in KNOWN]

    assert len(others) > 20
    for path in others:
        with pytest.raises(UnrecognizedError):
            identify(path, path.name, LAYOUTS, scratch=tmp_path)


@pytest.mark.samples
def test_survey_without_a_school_column_is_refused_with_the_reason(samples: Path, take: Take) -> None:
    sample = samples / HEADERS / "prepped_2022_23_student_survey_responses.csv"

    with pytest.raises(UnrecognizedError, match="'DESE ID' or 'School'"):
        take(sample, "climate_survey_student_fall_2023.csv")
