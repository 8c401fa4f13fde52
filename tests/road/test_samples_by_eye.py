"""The layouts on files that nobody of the team wrote.

Expected values are published figures, counts made by another tool on the sample, or recomputed here in plain Python.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from sipetl.quality import Outcome
from tests.taken import Take, taking


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


def half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1), ROUND_HALF_UP)


# ---- NWEA MAP, Fall 2013 (training district): 2,347 tests, 684 students

MAP_2013 = "nwea_map_training/Fall2013AssessmentResults.csv"
MAP_ROSTER = "nwea_map_training/Fall2013StudentsBySchool.csv"
SUBJECTS = {"Mathematics": "MATH", "Reading": "ELA", "Language Usage": "LANG", "Science - General Science": "SCI"}


@pytest.mark.samples
def test_map_2013_is_taken_whole(samples: Path, take: Take) -> None:
    got = take(samples / MAP_2013)

    assert got.member.layout.layout == "nwea_map_results"
    assert (got.mapped.rows_read, got.mapped.rows_mapped) == (2347, 2347)
    assert got.whole()
    assert {rule for rule, _, _ in got.issues} == {"MAP-MISSING-COLUMN"}, "quintile and growth came later"
    assert got.gate.outcome is Outcome.ACCEPTED
    assert got.rows('select distinct school_year, "window" from t') == [(2014, "fall")]


@pytest.mark.samples
def test_map_2013_has_one_result_per_student_and_subject(samples: Path, take: Take) -> None:
    got = take(samples / MAP_2013)

    flagged = dict(got.rows("select is_result, count(*) from t group by 1"))
    most = got.one(
        "select max(n) from (select count(*) n from (select * from t where is_result) group by id_hash, subject)"
    )

    assert flagged == {True: 2186, False: 161}
    assert most == 1


@pytest.mark.samples
def test_map_2013_scores_add_up_to_the_files_own(samples: Path, take: Take) -> None:
    with (samples / MAP_2013).open(newline="") as file:
        scores: dict[str, list[Decimal]] = defaultdict(list)
        for row in csv.DictReader(file):
            scores[SUBJECTS[row["MeasurementScale"]]].append(Decimal(row["TestRITScore"]))
    expected = {subject: (len(all_), int(sum(all_) * 100)) for subject, all_ in scores.items()}

    got = take(samples / MAP_2013)

    found = got.rows("select subject, count(*), sum(scale_score_x100)::bigint from t group by 1")
    assert {subject: (n, total) for subject, n, total in found} == expected


@pytest.mark.samples
def test_map_roster_names_every_tested_student_at_their_school(samples: Path, take: Take) -> None:
    results, roster = take(samples / MAP_2013), take(samples / MAP_ROSTER)

    assert roster.member.layout.layout == "nwea_map_roster"
    assert (roster.mapped.rows_mapped, roster.whole(), roster.issues) == (684, True, Counter())
    unmatched = results.con.execute(
        f"select count(*) from {results.mapped.table} a anti join {roster.mapped.table} r using (id_hash, school)"
    ).fetchone()
    assert unmatched == (0,)


@pytest.mark.samples
def test_map_roster_grades_and_groups(samples: Path, take: Take) -> None:
    got = take(samples / MAP_ROSTER)

    grades = dict(got.rows("select grade, count(*) from t group by 1"))
    races = dict(got.rows("select race_ethnicity, count(*) from t group by 1"))

    assert (grades["KF"], grades["01"], grades["10"]) == (20, 16, 37), "NWEA's 13 is kindergarten"
    assert races == {"white": 413, "hispanic": 197, "black": 43, "american_indian": 19, "asian": 12}
    assert got.rows("select distinct snapshot_on, school_year from t") == [(date(2013, 10, 1), 2014)]


# ---- small vendor samples: every value is checked by hand


@pytest.mark.samples
def test_map_growth_sample_leaves_out_the_screening_test(samples: Path, take: Take) -> None:
    got = take(samples / "edanalytics_bundles/assessments/MAP_Growth/data/sample_anonymized_file.csv")

    assert got.member.layout.layout == "nwea_map_results"
    assert (got.mapped.rows_read, got.mapped.rows_mapped, got.mapped.skipped, got.whole()) == (7, 6, 1, True)
    found = got.rows("select distinct subject, scale_score_x100, level, percentile, met_growth, school_year from t")
    assert sorted(found) == [("MATH", 23300, "LoAvg", 32, None, 2022), ("SCI", 20800, "Avg", 57, None, 2022)]


IREADY = "edanalytics_bundles/assessments/i-Ready/data/sample_anonymized_file_{}.csv"


@pytest.mark.samples
@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            "ela",
            [
                ("fall", 57200, "ONE_BELOW", 47, None),
                ("spring", 46800, "TWO_BELOW", 17, True),
                ("spring", 57500, "ONE_BELOW", 38, False),
                ("winter", 42400, "TWO_BELOW", 10, None),
                ("winter", 59300, "ONE_BELOW", 55, True),
            ],
        ),
        (
            "math",
            [
                ("fall", 49600, "EARLY_ON", 74, None),
                ("spring", 43200, "ONE_BELOW", 27, True),
                ("spring", 50700, "EARLY_ON", 67, False),
                ("winter", 40400, "TWO_BELOW", 14, None),
                ("winter", 48800, "ONE_BELOW", 53, False),
            ],
        ),
    ],
)
def test_iready_sample_as_read_by_eye(
    samples: Path, take: Take, subject: str, expected: list[tuple[Any, ...]]
) -> None:
    got = take(samples / IREADY.format(subject))

    assert got.member.layout.layout == f"iready_diagnostic_{subject}"
    assert (got.mapped.rows_mapped, got.whole(), got.issues) == (5, True, Counter())
    assert got.gate.outcome is Outcome.ACCEPTED
    columns = '"window", scale_score_x100, level, percentile, met_growth'
    assert got.rows(f'select {columns} from t order by "window", scale_score_x100') == expected
    assert got.rows("select distinct grade, gender, school_year from t order by 1") == [
        ("03", "F", 2026),
        ("06", "M", 2026),
    ]


@pytest.mark.samples
def test_aspen_students_as_read_by_eye(samples: Path, take: Take) -> None:
    sample = samples / "studentinsights/spec/fixtures/fake_students_export.csv"

    got = take(sample, "students_export_2026-01-15.csv")

    assert got.member.layout.layout == "aspen_students"
    assert (got.mapped.rows_mapped, got.whole(), got.issues) == (5, True, Counter())
    columns = "school, grade, race_ethnicity, english_learner, former_el, disability, low_income, local_frl"
    assert got.rows(f"select {columns} from t order by row_number") == [
        ("35010010", "07", "black", False, False, True, None, False),
        ("35010020", "10", "asian", False, True, False, None, True),
        *[("35010030", "07", "hispanic", False, True, False, None, True)] * 3,
    ]
    assert got.rows("select distinct snapshot_on, is_active, gender from t") == [(date(2026, 1, 15), True, "F")]


# ---- published figures: every one recomputes

NEXTGEN = "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx"
SHARES = ("meeting_exceeding", "exceeding", "meeting", "partially_meeting", "not_meeting")


@pytest.mark.samples
def test_state_mcas_workbook_gives_every_figure_of_every_row(samples: Path, take: Take) -> None:
    got = take(samples / NEXTGEN, sender=None)

    assert got.member.layout.layout == "dese_nextgen_mcas"
    assert (got.mapped.rows_read, got.mapped.rows_mapped, got.whole()) == (1056, 1056 * 8, True)
    assert got.issues == Counter()
    assert got.gate.outcome is Outcome.ACCEPTED
    figures = dict(got.rows("select metric, count(*) from t group by 1"))
    assert figures == dict.fromkeys(
        [*(f"{share}_share" for share in SHARES), "mean_scaled_score", "participation_rate", "mean_sgp"], 1056
    )


@pytest.mark.samples
def test_state_mcas_shares_recompute_half_up_from_their_counts(samples: Path, take: Take) -> None:
    got = take(samples / NEXTGEN, sender=None)

    rows = got.rows("select numerator, denominator, value from t where metric like '%_share'")

    assert len(rows) == 1056 * len(SHARES)
    wrong = [r for r in rows if half_up(Decimal(r[0]) * 100 / Decimal(r[1])) != r[2]]
    assert wrong == []


@pytest.mark.samples
def test_state_row_is_a_total_and_never_one_of_its_parts(samples: Path, take: Take) -> None:
    got = take(samples / NEXTGEN, sender=None)

    columns = "organization, level, subject, numerator, denominator, value"
    state = got.rows(
        f"select {columns} from t where is_total and metric = 'meeting_exceeding_share' order by subject"
    )
    assert state == [
        ("00000000", "state", "ELA", 167837, 396861, Decimal(42)),
        ("00000000", "state", "MATH", 161150, 396955, Decimal(41)),
        ("00000000", "state", "SCI", 55025, 133498, Decimal(41)),
    ]
    assert got.one("select count(distinct organization) from t where level = 'district'") == 352
    assert got.one("select bool_and(length(organization) = 8) from t")


@pytest.mark.samples
def test_blank_growth_percentile_says_why(samples: Path, take: Take) -> None:
    got = take(samples / NEXTGEN, sender=None)

    found = got.rows(
        "select suppressed, count(*), count(value) from t where metric = 'mean_sgp' group by 1 order by 1"
    )

    assert found == [("not_applicable", 350, 0), ("suppressed", 2, 0), (None, 704, 704)]


@pytest.mark.samples
def test_grade_10_workbook_does_not_replace_grades_3_to_8(samples: Path, take: Take) -> None:
    low = take(samples / NEXTGEN, "NextGenMCAS_gr3-8.xlsx", sender=None)
    high = take(samples / NEXTGEN, "NextGenMCAS_gr10.xlsx", sender=None)

    (one,), (other,) = low.mapped.parts, high.mapped.parts
    assert {grade for _, grade in one.by} == {"all"}
    assert {grade for _, grade in other.by} == {"10"}


COLORADO = "co_chronic/2018-2019_ChronicAbsenteeism.xlsx"


@pytest.mark.samples
def test_colorado_rates_recompute_from_their_counts(samples: Path, take: Take) -> None:
    got = take(samples / COLORADO, sender=None)

    rows = got.rows("select numerator, denominator, value from t")

    assert got.member.layout.layout == "co_chronic_2019"
    assert (got.mapped.rows_mapped, got.mapped.parts[0].school_year, got.whole()) == (185, 2019, True)
    # The workbook holds 17 digits, the contract six decimals: the last may be rounded twice.
    wrong = [r for r in rows if abs(Decimal(r[0]) * 100 / Decimal(r[1]) - r[2]) > Decimal("0.000001")]
    assert wrong == []


@pytest.mark.samples
def test_colorado_total_equals_its_districts_and_is_marked(samples: Path, take: Take) -> None:
    got = take(samples / COLORADO, sender=None)

    found = got.rows(
        "select is_total, count(*), sum(numerator)::int, sum(denominator)::int from t group by 1 order by 1"
    )

    assert found == [(False, 184, 197392, 877308), (True, 1, 197392, 877308)]
    assert got.rows("select organization_name from t where organization = '0010'") == [("MAPLETON 1",)]


@pytest.mark.samples
def test_published_rate_above_100_percent_is_kept_with_a_warning(samples: Path, take: Take) -> None:
    got = take(samples / COLORADO, sender=None)

    assert got.rows("select numerator, denominator, value from t where organization = '9170'") == [
        (2798, 2475, Decimal("113.050505"))
    ]
    assert got.gate.outcome is Outcome.ACCEPTED
    above = got.con.execute(f"select count(*) from {got.mapped.table}__failing").fetchone()
    assert len(got.warned) == 2, "the share above 100, and the count on top above the one below"
    assert above == (2,)
