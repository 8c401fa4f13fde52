"""Layouts of districts' own extracts: what is recognised, what a file's dialects come to, and what is never taken."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from sipetl.errors import UnrecognizedError
from sipetl.intake import identify
from tests.generate import Fate, Recipe, header_of, ids, numbers, write_rows
from tests.taken import LAYOUTS, SCHOOLS, Take, Taken, assert_fates, taking

FIXTURES = "studentinsights/spec/fixtures"
STAR = "edanalytics_bundles/assessments/STAR/data"
STAR_V1 = "studentinsights/spec/importers/star/star_math_v1.csv"
DIBELS = "edanalytics_bundles/assessments/Dibels_8_Benchmark/data/sample_anonymized_file.csv"
SECTIONS = "oea/contoso_sis_framework/day{}_studentattendance.csv"
ONEROSTER = "oneroster_oat/data/samples/OneRosterv1p1BaseCSV"
FAMILIES = "sqm_dashboards/fixtures/headers_only"
NOT_KNOWN = (
    # One row per standard or skill of a test: no contract has such rows.
    f"{STAR}/SR_Dashboard_Standards_v2_sample_anonymized_file.csv",
    f"{STAR}/SR_SkillArea_v1_sample_anonymized_file.csv",
    # Free text only.
    f"{FIXTURES}/student_voice_survey.csv",
    f"{FIXTURES}/student_voice_survey_v2.csv",
    # A student file that is an increment, where rosters are snapshots; marks of a section, without a school.
    "oea/contoso_sis_framework/day1_students.csv",
    "oea/contoso_sis_framework/day1_studentsectionmark.csv",
    # Registry matters, or parts of a roster that only a join would make whole.
    *(f"{ONEROSTER}/{name}.csv" for name in ("academicSessions", "classes", "courses", "demographics")),
    *(f"{ONEROSTER}/{name}.csv" for name in ("enrollments", "manifest", "orgs")),
)
Rows = Sequence[Mapping[str, str]]
Send = Callable[[str, str, Rows], Taken]


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


@pytest.fixture
def send(take: Take, samples: Path, tmp_path: Path) -> Send:
    """Rows of our own under a sample's header, blank but for the cells given."""

    def sent(sample: str, name: str, rows: Rows) -> Taken:
        header = header_of(samples / sample)
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return take(path)

    return sent


@pytest.mark.samples
@pytest.mark.parametrize("sample", NOT_KNOWN)
def test_extract_of_another_kind_is_refused(samples: Path, tmp_path: Path, sample: str) -> None:
    with pytest.raises(UnrecognizedError):
        identify(samples / sample, Path(sample).name, LAYOUTS, scratch=tmp_path)


STAR_ROW = {
    "StudentIdentifier": "77001",
    "SchoolYear": "2025-2026",
    "SchoolIdentifier": "HEA",
    "AssessmentID": "t1",
    "AssessmentStatus": "Active",
    "ScreeningPeriodWindowName": "Fall",
    "ScaledScore": "512",
    "PercentileRank": "44",
}


@pytest.mark.samples
def test_star_test_of_an_evening_is_of_the_local_day(send: Send) -> None:
    utc, local = "2025-09-11T01:10:00.000Z", "2025-09-10T21:10:00.000Z"
    times = [{"CompletedDate": utc, "CompletedDateLocal": local}, {"CompletedDateLocal": "2025-09-10 21:10:00.000"}]

    got = send(
        f"{STAR}/SR_sample_anonymized_file.csv", "SR_v2.csv", [STAR_ROW | {"AssessmentID": "a"} | t for t in times]
    )

    assert got.rows("select distinct tested_on from t") == [(date(2025, 9, 10),)]


@pytest.mark.samples
def test_star_tests_taken_back_or_in_no_window_are_left_out(send: Send) -> None:
    others = [{"AssessmentStatus": "Deactivated"}, {"ScreeningPeriodWindowName": ""}, {}]

    got = send(f"{STAR}/SR_sample_anonymized_file.csv", "SM_v2.csv", [STAR_ROW | other for other in others])

    assert (got.mapped.skipped, got.rows("select subject, scale_score_x100 from t")) == (2, [("MATH", 51200)])


@pytest.mark.samples
def test_star_file_whose_name_does_not_say_the_subject_is_quarantined_whole(send: Send) -> None:
    got = send(f"{STAR}/SR_sample_anonymized_file.csv", "SEL_v2.csv", [STAR_ROW])

    assert got.mapped.quarantined == 1
    assert got.issues["MAP-NAME", "critical", "subject"] == 1


@pytest.mark.samples
def test_window_of_an_older_star_test_is_its_months(send: Send) -> None:
    months = {8: "fall", 11: "fall", 12: "winter", 3: "winter", 4: "spring", 6: "spring"}
    days = [f"{month:02d}/05/2026 09:18:27" for month in (*months, 7)]

    got = send(
        STAR_V1, "SR.csv", [{"StudentLocalID": "7", "SchoolLocalID": "HEA", "AssessmentDate": d} for d in days]
    )

    assert dict(got.rows('select month(tested_on), "window" from t')) == months
    assert got.mapped.skipped == 1


DIBELS_ROW = {
    "School Year": "2025-2026",
    "Primary School ID": "HEA",
    "Assessment Edition": "DIBELS 8th Edition",
    "Benchmark Period": "MOY",
    "Enrollment Grade": "K",
    "Composite Score": "300",
    "Composite Level": "At or Above Benchmark",
    "Composite - National Norm Percentile": "55",
    "Client Date": "2026-01-20",
    "Student Primary ID": "77001",
}


@pytest.mark.samples
def test_dibels_rows_of_other_editions_and_without_a_day_are_left_out(send: Send) -> None:
    others = [{"Assessment Edition": "Lectura"}, {"Client Date": ""}, {}]

    got = send(DIBELS, "benchmark.csv", [DIBELS_ROW | other for other in others])

    assert got.mapped.skipped == 2
    assert got.rows('select "window", level, percentile from t') == [("winter", "AT_OR_ABOVE", 55)]


@pytest.mark.samples
def test_dibels_test_that_was_broken_off_has_no_percentile(send: Send) -> None:
    broken = {"Composite - National Norm Percentile": "Discontinue", "Composite Level": "Tested Out"}

    got = send(DIBELS, "benchmark.csv", [DIBELS_ROW | broken])

    assert got.rows("select percentile, level from t") == [(None, None)]
    assert not got.issues


TABLE_ROW = {"'ATT_STD_OID'": "std1", "'ATT_SKL_OID'": "HEA", "'ATT_DATE'": "2025-10-01", "'ATT_TARDY_IND'": "0"}


@pytest.mark.samples
def test_half_days_of_aspens_table_outrank_its_flag_and_zeros_do_not(send: Send) -> None:
    rows = [
        TABLE_ROW | {"'ATT_STD_OID'": who, "'ATT_ABSENT_IND'": "1", "'ATT_PORTION_ABSENT'": portion}
        for who, portion in (("whole", "1.0000"), ("half", "0.5000"), ("zero", "0.0000"), ("none", "NULL"))
    ]

    got = send(f"{FIXTURES}/attendance_dump.csv", "attendance_dump_2026-01-15.csv", rows)

    assert got.rows("select present, portion_absent_x100 from t order by row_number") == [
        (False, 100),
        (False, 50),
        (False, None),
        (False, None),
    ]


ASPEN_RESULT = {"'local_id'": "100", "'school_local_id'": "HEA", "'assessment_scale_score'": "239.0"}


@pytest.mark.samples
def test_aspens_results_are_the_same_in_bedfords_dialect(send: Send) -> None:
    somerville = {
        "'assessment_date'": "2014-05-01",
        "'assessment_subject'": "Mathematics",
        "'assessment_test'": "MCAS",
        "'assessment_name'": "MCAS 2014 Mathematics",
    }
    bedford = somerville | {"'assessment_date'": "5/1/2014", "'assessment_subject'": "Math", "'local_id'": "101"}

    got = send(f"{FIXTURES}/fake_x2_assessments.csv", "a.csv", [ASPEN_RESULT | somerville, ASPEN_RESULT | bedford])

    kept = "assessment, subject, test_id, tested_on, scale_score_x100"
    assert got.rows(f"select {kept}, count(*) from t group by all") == [
        ("MCAS", "MATH", "MCAS 2014 Mathematics", date(2014, 5, 1), 23900, 2)
    ]


@pytest.mark.samples
def test_aspens_map_result_takes_window_and_subject_from_date_and_title(send: Send) -> None:
    tests = [
        ("2025-09-20", "MAP: Math 6+ Common Core"),
        ("1/9/2026", "MAP: Reading 2-5"),
        ("2026-07-02", "MAP: Math 2-5"),
    ]
    rows = [ASPEN_RESULT | {"'assessment_date'": day, "'assessment_test'": title} for day, title in tests]

    got = send(f"{FIXTURES}/fake_x2_assessments.csv", "a.csv", rows)

    assert got.rows('select subject, "window" from t order by row_number') == [("MATH", "fall"), ("ELA", "winter")]
    assert got.issues["MAP-CODE", "critical", "window"] == 1


SECTION_ROW = {
    "student_id": "st1",
    "school_year": "2026",
    "school_id": "HEA",
    "all_day": "No",
    "Period": "1",
    "section_id": "sec1",
    "PresenceFlag": "1",
    "attendance_type": "ClassSectionAttendance",
}


@pytest.mark.samples
def test_section_attendance_with_the_month_first_or_of_whole_days_is_quarantined(send: Send) -> None:
    rows = [{"attendance_date": "13/9/2025"}, {"attendance_date": "9/13/2025"}]
    rows += [{"attendance_date": "1/9/2025", "all_day": "Yes"}]

    got = send(SECTIONS.format(1), "attendance.csv", [SECTION_ROW | row for row in rows])

    assert got.rows("select attendance_date, grain, unit, present from t") == [
        (date(2025, 9, 13), "section", "sec1", True)
    ]
    assert {rule for rule, severity, _ in got.issues if severity == "critical"} == {"MAP-CAST", "MAP-CODE"}
    assert got.mapped.quarantined == 2


@pytest.mark.samples
def test_form_of_a_student_who_answered_twice_is_refused_twice(send: Send, samples: Path) -> None:
    number = header_of(samples / FIXTURES / "student_voice_survey_2020.csv")[1]
    answer = {"Timestamp": "10/5/2020 6:28:23", number: "77001", "Do you have reliable internet?": "Yes"}
    other = answer | {"Timestamp": "10/6/2020 6:28:23", "Do you have reliable internet?": "No"}

    name = "student_voice_SHS_fall.csv"
    got = send(f"{FIXTURES}/student_voice_survey_2020.csv", name, [answer, other, answer | {number: "77002"}])

    assert got.gate.rows_quarantined == 2
    assert got.good("select item, value, school, school_year from t") == [
        ("reliable_internet", 1, SCHOOLS["SHS"], 2021)
    ]


@pytest.mark.samples
@pytest.mark.parametrize(
    ("sample", "name", "recipe"),
    [
        (
            f"{STAR}/SR_sample_anonymized_file.csv",
            "SR_v2.csv",
            Recipe(
                {
                    **{name: [text] for name, text in STAR_ROW.items()},
                    "StudentIdentifier": ids(40_000),
                    "AssessmentID": ids(900_000),
                    "CompletedDateLocal": ["2025-09-10T08:52:19.151Z", "2025-09-10T08:52:19Z"],
                    "CompletedDate": [""],
                    "Grade": ["K", "3", "08"],
                    "ScaledScore": numbers(0, 1400),
                    "RenaissanceBenchmarkCategoryName": ["On Watch", "Intervention", ""],
                    "PercentileRank": numbers(1, 99),
                    "CurrentSGP": ["", "50"],
                },
                {
                    Fate.SKIPPED: [("ScreeningPeriodWindowName", ""), ("AssessmentStatus", "Deactivated")],
                    Fate.QUARANTINED: [("StudentIdentifier", "4.0E+04"), ("ScreeningPeriodWindowName", "Summer")],
                    Fate.REFUSED: [("PercentileRank", "0")],
                },
            ),
        ),
        (
            DIBELS,
            "dibels8_BM_2025-2026.csv",
            Recipe(
                {
                    **{name: [text] for name, text in DIBELS_ROW.items()},
                    "Student Primary ID": ids(40_000),
                    "Enrollment Grade": ["PK", "K", "1", "02"],
                    "Benchmark Period": ["BOY", "MOY", "EOY"],
                    "Composite Level": ["Above Benchmark", "Well Below Benchmark", ""],
                    "Composite Score": numbers(200, 500),
                    "Composite - National Norm Percentile": numbers(1, 99),
                },
                {
                    Fate.SKIPPED: [("Client Date", ""), ("Assessment Edition", "TRC")],
                    Fate.QUARANTINED: [("Student Primary ID", "4.0E+04"), ("Benchmark Period", "PM 3")],
                },
            ),
        ),
        (
            f"{FIXTURES}/attendance_dump.csv",
            "attendance_dump_2026-01-15.csv",
            Recipe(
                {
                    "'ATT_STD_OID'": ids(40_000),
                    "'ATT_SKL_OID'": ["HEA", "BRN"],
                    "'ATT_DATE'": ["2025-10-01", "12/1/2025"],
                    "'ATT_ABSENT_IND'": ["0", "1"],
                    "'ATT_TARDY_IND'": ["0", "1"],
                    "'ATT_EXCUSED_IND'": ["0", "1"],
                    "'ATT_PORTION_ABSENT'": ["0.0000", "0.5000", "1.0000"],
                },
                {
                    Fate.QUARANTINED: [("'ATT_DATE'", "NULL"), ("'ATT_SKL_OID'", "NOPE")],
                    Fate.REFUSED: [("'ATT_ABSENT_IND'", "NULL"), ("'ATT_PORTION_ABSENT'", "2.0000")],
                },
            ),
        ),
    ],
    ids=["star", "dibels", "aspen_table"],
)
def test_thousand_rows_end_where_they_must_and_nothing_private_is_taken(
    samples: Path, tmp_path: Path, take: Take, sample: str, name: str, recipe: Recipe
) -> None:
    made = write_rows(tmp_path / name, header_of(samples / sample), recipe)

    assert_fates(take(made.path), made)
