"""MAP, i-Ready and the student survey from the files, with pandas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from tests.truth.plain import (
    GENDERS,
    WINDOWS,
    Home,
    Period,
    Span,
    add_up,
    grade_group,
    members,
    read_csv,
    school_year,
)

MAP_SUBJECT = {"Reading": "ela", "Math K-12": "math"}
ON_GRADE = ("Early On Grade Level", "Mid or Above Grade Level")
MAP_GROWTH = {"fall": "FallToFall", "winter": "FallToWinter", "spring": "FallToSpring"}
RESPONDENT_RACES = {
    "American Indian or Alaska Native": "american_indian",
    "Asian": "asian",
    "Black or African American": "black",
    "Hispanic or Latino": "hispanic",
    "Multiracial": "multi_race",
    "Native Hawaiian or Pacific Islander": "pacific_islander",
    "White": "white",
}
QUICKEST = 100
"""Seconds below which nobody has read the student survey (expectations/survey.json, read and not imported)."""
ALIKE = 5
"""As many answers that are all the same are a straight line (policies/survey_responses.yaml, read and not imported)."""
OF_RESPONDENT = {*RESPONDENT_RACES.values(), *GENDERS.values()}
Unit = tuple[str, frozenset[str], dict[str, tuple[int, int, int]]]


def results(home: Home) -> list[dict[str, Any]]:
    """Every MAP and i-Ready metric x group x school x period."""
    rows = []
    for district, year in home.days:
        spans = home.spans(district, year)
        for tests in (_map_tests(home, district, year), _iready_tests(home, district, year)):
            for _, of_subject in tests.groupby(["test", "subject"]):
                for period, shown in _shown(home, year, of_subject):
                    rows += add_up(period, _results_of(period, shown, spans))
    return rows


def _map_tests(home: Home, district: str, year: int) -> pd.DataFrame:
    """Tests that NWEA marks to be counted; each file is a window."""
    found = []
    for path in home.files(district, f"AssessmentResults_*_{year}.csv"):
        file = read_csv(path)
        file = file[file["GrowthMeasureYN"] == "TRUE"]
        window = path.stem.split("_")[1]
        met = file[f"{MAP_GROWTH[window]}MetProjectedGrowth"].map({"Yes": 1, "No": 0})
        found.append(
            pd.DataFrame(
                {
                    "test": "map",
                    "subject": file["Course"].map(MAP_SUBJECT),
                    "window": window,
                    "student": file["StudentID"],
                    "school": file["SchoolName"].map(lambda name: home.schools[district, name]),
                    "day": pd.to_datetime(file["TestStartDate"], format="%m/%d/%Y").dt.date,
                    "score": file["TestRITScore"].astype(int),
                    "met": met,
                    "on_grade": pd.NA,
                }
            )
        )
    return _one_each(found)


def _iready_tests(home: Home, district: str, year: int) -> pd.DataFrame:
    """The last file of each subject: it holds the year to date."""
    found = []
    for subject in ("ela", "math"):
        for path in home.files(district, f"diagnostic_results_{subject}_{year}*.csv")[-1:]:
            file = read_csv(path)
            progress = pd.to_numeric(file["Percent Progress to Annual Typical Growth (%)"])
            found.append(
                pd.DataFrame(
                    {
                        "test": "iready",
                        "subject": subject,
                        "window": file["Norming Window"].str.split().str[0].str.lower(),
                        "student": file["Student ID"],
                        "school": file["School"].map(lambda name: home.schools[district, name]),
                        "day": pd.to_datetime(file["Completion Date"], format="%m/%d/%Y").dt.date,
                        "score": file["Overall Scale Score"].astype(int),
                        "met": (progress >= 100).astype(int).where(file["Baseline Diagnostic (Y/N)"] == "N"),
                        "on_grade": file["Overall Relative Placement"].isin(ON_GRADE).astype(int),
                    }
                )
            )
    return _one_each(found)


def _one_each(found: list[pd.DataFrame]) -> pd.DataFrame:
    """The latest test of each student, test, subject and window; of one day the highest."""
    if not found:
        return pd.DataFrame(
            columns=["test", "subject", "window", "student", "school", "day", "score", "met", "on_grade"]
        )
    tests = pd.concat(found, ignore_index=True).sort_values(["day", "score"])
    return tests.drop_duplicates(["test", "subject", "window", "student"], keep="last")


def _shown(home: Home, year: int, rows: pd.DataFrame) -> Iterator[tuple[Period, pd.DataFrame]]:
    """What each period shows: a window its own rows, year and cycle those of the latest window by their end."""
    for period in home.windows(year):
        yield period, rows[rows["window"] == period.code.split("-")[1]]
    for period in home.periods(year):
        so_far = rows[rows["day"] <= period.ends]
        if period.kind != "month" and len(so_far):
            latest = max(so_far["window"], key=WINDOWS.index)
            yield period, so_far[so_far["window"] == latest]


def _results_of(period: Period, tests: pd.DataFrame, spans: list[Span]) -> Iterator[Unit]:
    known, tested, grades = members(spans, period), set(tests["student"]), set()
    schools = set(tests["school"])
    for row in tests.itertuples():
        span, is_enrolled = known[row.student, row.school]
        grades.add(span.grade)
        yield row.school, span.groups, _of_test(row, is_enrolled)
    for (student, school), (span, is_enrolled) in known.items():
        if is_enrolled and student not in tested and school in schools and span.grade in grades:
            row = next(tests.itertuples())
            yield school, span.groups, {f"{row.test}_participation_{row.subject}": (0, 1, 1)}


def _of_test(row: Any, is_enrolled: bool) -> dict[str, tuple[int, int, int]]:
    test, subject = row.test, row.subject
    mean = "map_mean_rit" if test == "map" else "iready_mean_scale_score"
    found = {f"{mean}_{subject}": (100 * row.score, 1, 1)}
    if is_enrolled:
        found[f"{test}_participation_{subject}"] = (1, 1, 1)
    if not pd.isna(row.met):
        found[f"{test}_met_growth_{subject}"] = (int(row.met), 1, 1)
    if test == "iready":
        found[f"iready_on_grade_level_{subject}"] = (row.on_grade, 1, 1)
    return found


def survey(home: Home) -> list[dict[str, Any]]:
    """Percent favourable of the student survey's topics, x group x school x period."""
    rows = []
    for district, year in home.days:
        found = [
            read_csv(path).assign(window=path.stem.split("_")[-2])
            for path in home.files(district, f"climate_survey_student_*_{year}.csv")
        ]
        if not found:
            continue
        answers = pd.concat([_counted(home, file) for file in found], ignore_index=True)
        answers = answers.assign(day=answers["RecordedDate"].map(date.fromisoformat))
        assert set(answers["day"].map(school_year)) == {year}
        spans = home.spans(district, year)
        for period, shown in _shown(home, year, answers):
            rows += add_up(period, _answers_of(home, district, (period, shown), spans))
    return rows


def _counted(home: Home, file: pd.DataFrame) -> pd.DataFrame:
    """The responses of a window that took their time, answered a quarter of what their grade was asked, and vary."""
    answers = file[[item for item in home.items if item in file.columns]].replace("", pd.NA)
    slow = pd.to_numeric(file["Duration (in seconds)"]) >= QUICKEST
    asked = answers[slow].notna().groupby(file["What grade are you in?"]).any().sum(axis=1)
    answered = answers.notna().sum(axis=1)
    enough = answered * 4 >= file["What grade are you in?"].map(asked)
    alike = (answers.nunique(axis=1) == 1) & (answered >= ALIKE)
    return file[slow & enough & ~alike]


def _answers_of(home: Home, district: str, of: tuple[Period, pd.DataFrame], spans: list[Span]) -> Iterator[Unit]:
    period, shown = of
    known = members(spans, period)
    for _, row in shown.iterrows():
        school = home.schools[district, row["School"]]
        span, _ = known[row["LASID"], school]
        yield school, _groups(row, span), _topics(home, row)


def _groups(row: pd.Series, span: Span) -> frozenset[str]:
    """The respondent's own words, and the roster for what the survey does not ask."""
    own = {RESPONDENT_RACES.get(row["Race"]), GENDERS.get(row["Gender"]), grade_group(row["What grade are you in?"])}
    of_roster = {group for group in span.groups if group not in OF_RESPONDENT and not group.startswith("grade_")}
    return frozenset((own - {None}) | of_roster)


def _topics(home: Home, row: pd.Series) -> dict[str, tuple[int, int, int]]:
    sums: dict[str, list[int]] = {}
    for item, (topic, is_reversed, highest, favorable_from) in home.items.items():
        if item in row.index and row[item]:
            answer = highest + 1 - int(row[item]) if is_reversed else int(row[item])
            into = sums.setdefault(topic, [0, 0])
            into[0] += answer >= favorable_from
            into[1] += 1
    return {f"survey_favorable_{topic}": (favorable, answered, 1) for topic, (favorable, answered) in sums.items()}
