"""The survey layouts on 1,000 generated responses under the exact headers of districts' Qualtrics exports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.generate import ROWS, Fate, Recipe, Values, header_of, ids, numbers, write_rows
from tests.taken import Take, assert_fates, taking

HEADERS = "sqm_dashboards/fixtures/headers_only"
SURVEYS = {
    "sample_file_with_duplicate_headers.csv": "student",
    "sample_maynard_raw_student_survey.csv": "student",
    "test_2020-21_student_survey_responses.csv": "student",
    "test_2022-23_butler_student_survey_responses.csv": "student",
    "test_2020-21_teacher_survey_responses.csv": "teacher",
}
ITEM = re.compile(r"^[st]-[a-z]{4}-q\d+$")


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    with taking(tmp_path) as taken:
        yield taken


def survey_recipe(header: Sequence[str], item: str) -> Recipe:
    """Answers under every item; the short form's -1 columns are blank, as they are for a respondent of the long form."""
    answers: dict[str, Values] = {h: ["1", "2", "3", "4", "5", ""] for h in header if ITEM.match(h)}
    short: dict[str, Values] = {h: [""] for h in header if re.search(r"-q\d+-1$", h)}
    front: dict[str, Values] = {
        "ResponseId": ids(500_000),
        "Status": ["IP Address", "0"],
        "Response Type": ["IP Address", "0"],
        "RecordedDate": ["10/3/2022", "10/3/22", "2022-10-03", "2022-10-03 14:22:10"],
        "Duration (in seconds)": numbers(300, 900),
        "Finished": ["TRUE", "1", "FALSE"],
        "School": ["HEA", "35010020"],
        "DESE ID": ["35010010", "35010020"],
        "LASID": numbers(1000, 2000),
        "Grade": ["3", "11", "K", "other"],
        "What grade are you in?": ["3", "11", "K", "other"],
        "Gender": ["1", "2", "4", "99", ""],
        "Race": ["1", "1,4", "2,5", "1,2,3", "77", ""],
    }
    kind = "Status" if "Status" in header else "Response Type"
    where = "DESE ID" if "DESE ID" in header else "School"
    spoil = {
        Fate.QUARANTINED: [("ResponseId", "239.0"), (where, "Nowhere"), (item, "often")],
        Fate.REFUSED: [(item, "888"), (item, "0"), ("Duration (in seconds)", "12")],
        Fate.SKIPPED: [(kind, "Survey Preview"), ("ResponseId", '{"ImportId":"_recordId"}')],
    }
    return Recipe({**front, **answers, **short}, spoil)


@pytest.mark.samples
@pytest.mark.parametrize("sample", SURVEYS)
def test_generated_survey_answers_are_all_there(samples: Path, tmp_path: Path, take: Take, sample: str) -> None:
    population = SURVEYS[sample]
    header = header_of(samples / HEADERS / sample)
    file = write_rows(
        tmp_path / "generated.csv",
        header,
        survey_recipe(header, "s-tint-q1" if population == "student" else "t-prep-q1"),
    )
    items = [place for place, name in enumerate(header) if ITEM.match(name)]
    answers = Counter(row[place] for row in file.good.values() for place in items if row[place])

    got = take(file.path, f"climate_survey_{population}_fall_2023.csv")

    assert_fates(got, file)
    assert dict(got.good("select value::varchar, count(*) from t group by 1")) == answers
    assert got.good('select distinct school_year, survey, "window", population from t') == [
        (2023, f"climate_{population}", "fall", population)
    ]


@pytest.mark.samples
def test_short_form_answers_stand_for_the_same_items(samples: Path, tmp_path: Path, take: Take) -> None:
    header = header_of(samples / HEADERS / "sample_maynard_raw_student_survey.csv")
    recipe = survey_recipe(header, "s-tint-q1")
    values = {**recipe.values, "s-tint-q1": [""], "s-tint-q1-1": ["4"]}
    file = write_rows(tmp_path / "generated.csv", header, Recipe(values))

    got = take(file.path, "climate_survey_student_fall_2023.csv")

    assert got.good("select value, count(*) from t where item = 's-tint-q1' group by 1") == [(4, ROWS)]
