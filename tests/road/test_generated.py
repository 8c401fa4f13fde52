"""The layouts on 1,000 generated rows under the exact headers of vendor samples that have fewer than 20 rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.generate import ROWS, Fate, Recipe, header_of, ids, numbers, write_rows
from tests.taken import DISTRICT, Take, assert_fates, taking

MAP_SAMPLE = "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv"
IREADY = "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_{}.csv"
ASPEN_SAMPLE = "studentinsights/spec/fixtures/fake_students_export.csv"
VINTAGES = [
    f"ma_layout_headers_only/{name}"
    for name in (
        "MCAS_2021_270_headers_header.csv",
        "MCAS_250COLS_header.csv",
        "MCAS_267_headers_2022_23_header.csv",
    )
]


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


SCHOOL_CODES = ["HEA", "SHS", "BRN"]
GRADES = ["KF", "01", "07", "10", "12"]
ASPEN = Recipe(
    {
        "local_id": ids(100_000),
        "state_id": ids(1_000_000_000),
        "school_local_id": SCHOOL_CODES,
        "enrollment_status": ["Active", "Withdrawn"],
        "grade": GRADES,
        "free_reduced_lunch": ["Free Lunch", "Reduced Lunch", "Not Eligible", "Not Eligibile", "NULL"],
        "program_assigned": ["Sp Ed", "Reg Ed", "NULL"],
        "limited_english_proficiency": ["Fluent", "Limited", "FLEP-Transitioning", "NULL"],
        "gender": ["F", "M", "N"],
        "race": ["White", "Black", "Asian", "NULL"],
        "hispanic_latino": ["0", "1", "NULL", ""],
    },
    {Fate.QUARANTINED: [("local_id", "239.0"), ("local_id", ""), ("school_local_id", "NOPE"), ("grade", "13")]},
)
MAP = Recipe(
    {
        "TermName": ["Spring 2025-2026"],
        "StudentID": ids(700_000),
        "SchoolName": ["Grand Bend Elementary School", "Grand Bend Middle School"],
        "Course": ["Reading", "Math K-12", "Language Usage"],
        "GrowthMeasureYN": ["TRUE", "FALSE"],
        "TestName": ["Growth: Reading 2-5 MA"],
        "TestID": ids(900_000_000),
        "TestStartDate": ["05/14/2026", "5/4/2026"],
        "TestRITScore": numbers(140, 260),
        "TestPercentile": numbers(1, 99),
        "AchievementQuintile": ["Low", "LoAvg", "Avg", "HiAvg", "High"],
        "FallToSpringMetProjectedGrowth": ["Yes", "Yes*", "No", "No*", "*", ""],
        "FallToWinterMetProjectedGrowth": ["No"],
    },
    {
        Fate.QUARANTINED: [("Course", "Basketry"), ("StudentID", "1.0E+09"), ("SchoolName", "Nowhere")],
        Fate.REFUSED: [("TestRITScore", "999"), ("TestPercentile", "100")],
        Fate.SKIPPED: [("TermName", "Summer 2025-2026"), ("TestName", "Screening: Reading K-2 English")],
    },
)
DIAGNOSTIC = Recipe(
    {
        "Student ID": ids(605_000),
        "Student Grade": ["K", "3", "8", "10"],
        "Academic Year": ["2025-2026"],
        "School": ["School 1"],
        "Sex": ["female", "male", ""],
        "English Language Learner": ["Y", "N", ""],
        "Special Education": ["Y", "N", ""],
        "Start Date": ["1/13/2026", "1/9/2026"],
        "Completion Date": ["1/14/2026"],
        "Norming Window": ["Winter (November 16 - March 1)"],
        "Baseline Diagnostic (Y/N)": ["Y", "N", ""],
        "Most Recent Diagnostic YTD (Y/N)": ["Y", "N"],
        "Overall Scale Score": numbers(300, 700),
        "Overall Relative Placement": ["Early On Grade Level", "2 Grade Levels Below", "Mid or Above Grade Level"],
        "Percentile": numbers(1, 99),
        "Percent Progress to Annual Typical Growth (%)": ["99", "100", "133.0", "0"],
    },
    {
        Fate.QUARANTINED: [
            ("Student ID", "605000.0"),
            ("School", "School 99"),
            ("Norming Window", "Summer"),
        ],
        Fate.REFUSED: [("Overall Scale Score", "9999"), ("Percentile", "0")],
    },
)
MCAS_LEVELS = ["E", "M", "PM", "NM"]
MCAS = Recipe(
    {
        "adminyear": ["2025"],
        "sprp_dis": ["35010000"],
        "sprp_sch": ["35010301", "35010501"],
        "sasid": ids(1_000_000_000),
        "grade": ["03", "05", "08", "10"],
        "gender": ["F", "M", "N"],
        "race": ["W", "B", "H", "A", "M", "N", "P", "?"],
        "highneeds": ["Y", "N"],
        "lowincome": ["Y", "N"],
        "ecodis": ["Y", "N"],
        "EL": ["Y", "N"],
        "FormerEL": ["Y", "N"],
        "IEP": ["Y", "N"],
        "eperf2": ["PM", "ABS", "TRN", "DUP", "INV"],
        "mperf2": [*MCAS_LEVELS, "MED"],
        "sperf2": ["", "NM"],
        "escaleds": numbers(470, 499),
        "mscaleds": numbers(470, 499),
        "sscaleds": numbers(440, 469),
        "esgp": numbers(1, 99),
        "msgp": ["", "50"],
    },
    {
        Fate.QUARANTINED: [
            ("sasid", "1.0E+09"),
            ("sprp_sch", "35019999"),
            ("sprp_dis", "00950000"),
            ("adminyear", "20xx"),
        ],
        Fate.REFUSED: [("mscaleds", "99"), ("esgp", "0")],
    },
)
FEW = {
    ASPEN_SAMPLE: (ASPEN, "aspen_students", "students_export_2026-01-15.csv"),
    MAP_SAMPLE: (MAP, "nwea_map_results", "AssessmentResults_Spring.csv"),
    IREADY.format("ela"): (DIAGNOSTIC, "iready_diagnostic_ela", "diagnostic_results_ela.csv"),
    IREADY.format("math"): (DIAGNOSTIC, "iready_diagnostic_math", "diagnostic_results_math.csv"),
}


@pytest.mark.samples
@pytest.mark.parametrize("sample", FEW)
def test_generated_rows_end_where_they_should(samples: Path, tmp_path: Path, take: Take, sample: str) -> None:
    recipe, layout, name = FEW[sample]
    file = write_rows(tmp_path / "generated.csv", header_of(samples / sample), recipe)

    got = take(file.path, name)

    assert got.member.layout.layout == layout
    assert_fates(got, file)
    assert got.mapped.rows_mapped == len(file.good) + len(file.fates[Fate.REFUSED])


@pytest.mark.samples
def test_generated_students_are_in_the_groups_their_cells_say(samples: Path, tmp_path: Path, take: Take) -> None:
    file = write_rows(tmp_path / "generated.csv", header_of(samples / ASPEN_SAMPLE), ASPEN)
    pairs = Counter(zip(file.column("hispanic_latino"), file.column("race"), strict=True))
    hispanic = sum(n for (flag, _), n in pairs.items() if flag == "1")
    black = sum(n for (flag, race), n in pairs.items() if flag != "1" and race == "Black")

    got = take(file.path, "students_export_2026-01-15.csv")

    races = dict(got.good("select race_ethnicity, count(*) from t group by 1"))
    lunch = dict(got.good("select local_frl, count(*) from t group by 1"))
    active = dict(got.good("select is_active, count(*) from t group by 1"))
    assert (races["hispanic"], races["black"]) == (hispanic, black)
    assert lunch[None] == file.column("free_reduced_lunch").count("NULL"), "unknown is not no"
    assert active[True] == file.column("enrollment_status").count("Active")


@pytest.mark.samples
def test_growth_of_a_spring_test_is_measured_from_the_fall(samples: Path, tmp_path: Path, take: Take) -> None:
    file = write_rows(tmp_path / "generated.csv", header_of(samples / MAP_SAMPLE), MAP)
    cells = Counter(file.column("FallToSpringMetProjectedGrowth"))

    got = take(file.path)

    found = dict(got.good("select met_growth, count(*) from t group by 1"))
    assert found == {
        True: cells["Yes"] + cells["Yes*"],
        False: cells["No"] + cells["No*"],
        None: cells["*"] + cells[""],
    }


@pytest.mark.samples
@pytest.mark.parametrize("subject", ["ela", "math"])
def test_a_baseline_has_neither_met_nor_missed_its_growth(
    samples: Path, tmp_path: Path, take: Take, subject: str
) -> None:
    file = write_rows(tmp_path / "generated.csv", header_of(samples / IREADY.format(subject)), DIAGNOSTIC)
    flags, progress = (
        file.column("Baseline Diagnostic (Y/N)"),
        file.column("Percent Progress to Annual Typical Growth (%)"),
    )
    later = [Decimal(p) >= 100 for flag, p in zip(flags, progress, strict=True) if flag == "N"]

    got = take(file.path)

    found = dict(got.good("select met_growth, count(*) from t group by 1"))
    assert found == {True: sum(later), False: len(later) - sum(later), None: len(flags) - len(later)}


OLD_NAMES = {
    "Student ID": "STUDENT_ID",
    "Sex": "Gender",
    "Baseline Diagnostic (Y/N)": "Diagnostic used to establish Growth Measures (Y/N)",
    "Most Recent Diagnostic YTD (Y/N)": "Most Recent Diagnostic (Y/N)",
    "Enrolled": "Enrolled?",
    "Report Group(s)": "Instructional Group(s)",
}


@pytest.mark.samples
def test_older_iready_headers_give_the_same_rows(samples: Path, tmp_path: Path, take: Take) -> None:
    header = header_of(samples / IREADY.format("ela"))
    old = [OLD_NAMES.get(name, name.replace("Comprehension: ", "Reading Comprehension: ")) for name in header]
    values = {OLD_NAMES.get(name, name): v for name, v in DIAGNOSTIC.values.items()}
    new_file = write_rows(tmp_path / "new.csv", header, Recipe(DIAGNOSTIC.values))
    old_file = write_rows(tmp_path / "old.csv", old, Recipe(values))

    new, before = take(new_file.path), take(old_file.path)

    assert set(old) - set(header), "the headers differ"
    assert before.issues == new.issues == Counter()
    differing = new.con.execute(f"from {new.mapped.table} except all from {before.mapped.table}").fetchall()
    assert (new.mapped.rows_mapped, differing) == (ROWS, [])


@pytest.mark.samples
@pytest.mark.parametrize("sample", VINTAGES)
def test_generated_mcas_rows_of_every_vintage(samples: Path, tmp_path: Path, take: Take, sample: str) -> None:
    header = header_of(samples / sample)
    file = write_rows(tmp_path / "generated.csv", header, MCAS)
    codes = Counter(file.column("eperf2"))

    got = take(file.path, "MCAS2025_spring_official_35010000.csv")

    assert_fates(got, file)
    subjects = dict(got.good("select subject, count(*) from t group by 1"))
    assert subjects == {"ELA": len(file.good), "MATH": len(file.good), "SCI": file.column("sperf2").count("NM")}
    ela = got.good("select count_if(tested), count_if(expected) from t where subject = 'ELA'")
    assert ela == [(codes["PM"], codes["PM"] + codes["ABS"] + codes["INV"])]
    income = file.column("lowincome" if "lowincome" in header else "ecodis").count("Y")
    assert got.good("select count_if(low_income) from t where subject = 'ELA'") == [(income,)]
    assert got.good('select distinct school_year, district, "window", test_id from t') == [
        (2025, DISTRICT, "annual", "spring")
    ]


@pytest.mark.samples
def test_mcas_retest_does_not_replace_the_spring_test(samples: Path, tmp_path: Path, take: Take) -> None:
    file = write_rows(tmp_path / "generated.csv", header_of(samples / VINTAGES[0]), MCAS)

    spring = take(file.path, "Spring2025_MCAS_prelim_noScaledScores_noSGP_35010000.csv")
    retest = take(file.path, "MCAS2025_March_Retest_35010000.csv")

    assert [part.by for part in spring.mapped.parts] == [(("MCAS", "spring"),)]
    assert [part.by for part in retest.mapped.parts] == [(("MCAS", "march_retest"),)]
