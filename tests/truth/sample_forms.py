"""More files of `test_samples`: forms of districts' own, made under a sample's header or, where there is no sample, ours.

What must come of each is counted here from its cells.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.generate import Fate, Recipe, Values, header_of, ids, numbers, write_rows
from tests.home import ATTENDANCE, roster, students
from tests.truth.sample_home import ITEM_BANK, LOCAL, Sample, good_cells, made_sample, rows_of, topic_of

HEA = LOCAL["3501"]["HEA"]
SCHOOLS = list(LOCAL["3501"])[:3]
SURVEY = "sqm_dashboards/fixtures/headers_only/sample_maynard_raw_student_survey.csv"
FRONT: Mapping[str, Values] = {
    "ResponseId": ids(500_000),
    "Status": ["IP Address"],
    "RecordedDate": ["1/20/26", "2026-01-21 14:22:10"],
    "Duration (in seconds)": numbers(300, 900),
    "Finished": ["TRUE"],
    "School": SCHOOLS,
    "LASID": [""],
    "What grade are you in?": ["3", "11"],
    "Gender": ["1", "2", ""],
    "Race": ["1", "1,4", ""],
}
STAFF = Recipe(
    {
        "Staff ID": ids(5_000),
        "School Code": SCHOOLS,
        "Role": ["Teacher", "Principal", "Coach", "Custodian"],
        "Subject": ["Mathematics", ""],
        "FTE": ["1.0", "0.5"],
        "Start Date": ["2020-08-25"],
        "End Date": [""],
    },
    {Fate.QUARANTINED: [("School Code", "NOPE")], Fate.REFUSED: [("FTE", "20")]},
)
EVIDENCE = Recipe(
    {
        "Entry ID": ids(1),
        "School Code": SCHOOLS,
        "Date": ["2026-01-12", "1/13/2026"],
        "Evidence": ["coaching_feedback", "agenda_review"],
        "Staff ID": numbers(5_000, 5_999),
        "Artifact": ["document", "interview"],
        "Meets Expectation (Y/N)": ["Y", "N"],
    },
    {Fate.QUARANTINED: [("Date", "")], Fate.REFUSED: [("Evidence", "Talked to the coach")]},
)


def daily() -> Iterator[Sample]:
    """A week of attendance, a row per student and day; no vendor's sample has this grain."""
    people = students(30, "BRN")
    yield Sample(
        "students_export_2026-01-05.csv", roster(people).encode(), "9002", "roster", "aspen_students", 30, 30
    )
    week = [f"2026-01-{day:02d}" for day in range(5, 10)]
    code = ["P", "P", "P", "A", "P", "T", "D", "AE", "P"]
    cells = [(p, day, code[(p.n + at) % len(code)]) for p in people for at, day in enumerate(week)]
    lines = [f"{p.number},{p.name},BRN,{day},{mark}\n" for p, day, mark in cells]
    lines += ["77,Nobody,BRN,2026-13-45,P\n", "78,Nobody,XYZ,2026-01-05,P\n", ",Nobody,BRN,2026-01-05,P\n"]
    absent = sum(mark in ("A", "AE") for *_, mark in cells)
    rate = (100 * (150 - absent), 100 * 150)
    yield Sample(
        "attendance_2026-01-05_2026-01-09.csv",
        (ATTENDANCE + "".join(lines)).encode(),
        "9002",
        "attendance",
        "sis_daily_attendance",
        rows=153,
        taken=150,
        quarantined=3,
        values={("90020010", "2026", "attendance_rate"): rate, ("90020010", "2026-01", "attendance_rate"): rate},
    )


def survey(samples: Path, scratch: Path) -> Sample:
    """Answers under a district's Qualtrics header, judged by the sample's item bank."""
    bank = {row["Survey Item ID"]: row for row in rows_of(samples / ITEM_BANK)}
    header = header_of(samples / SURVEY)
    items = [name for name in header if re.fullmatch(r"s-[a-z]{4}-q\d+", name)]
    spoil = {
        Fate.QUARANTINED: [("ResponseId", "239.0"), ("School", "Nowhere")],
        Fate.REFUSED: [(items[0], "888")],
        Fate.SKIPPED: [("Status", "Survey Preview")],
    }
    short = {name: [""] for name in header if name.endswith("-1")}
    recipe = Recipe({**FRONT, **short, **{item: ["1", "2", "3", "4", "5", ""] for item in items}}, spoil)
    made = write_rows(scratch / "survey.csv", header, recipe)
    sums: dict[str, list[bool]] = defaultdict(list)
    for cells in good_cells(made, *items):
        for item, cell in zip(items, cells, strict=True):
            if cell:
                good = ("1", "2") if bank[item]["Reverse Scored"] else ("4", "5")
                sums[topic_of(bank[item])].append(cell in good)
    return made_sample(
        made,
        "climate_survey_student_winter_2026.csv",
        "survey qualtrics_survey_student",
        sum(map(len, sums.values())),
        {
            ("35010000", "2026-winter", f"survey_favorable_{topic}"): (sum(answers), len(answers))
            for topic, answers in sums.items()
        },
    )


def walks(scratch: Path) -> Sample:
    """A learning-walk form: no sample, our own header."""
    recipe = Recipe(
        {
            "Walk ID": ids(1),
            "School": SCHOOLS,
            "Date": ["2026-01-12", "1/13/2026"],
            "Observer ID": numbers(5_000, 5_010),
            "Room": numbers(100, 140),
            "Grade": ["K", "3", "6-8"],
            "Subject": ["ELA", "MATH"],
            "Rubric": ["IPG"],
            "Rubric Version": ["2"],
            "Indicator": ["1A", "1B"],
            "Rating": ["1", "2", "3", "4"],
        },
        {Fate.QUARANTINED: [("Rating", "good")], Fate.REFUSED: [("Rating", "5")]},
    )
    header = "Walk ID,School,Date,Observer ID,Room,Grade,Subject,Rubric,Rubric Version,Indicator,Rating,Comments"
    made = write_rows(scratch / "walks.csv", header.split(","), recipe)
    ratings = made.column("Rating")
    high = sum(rating in ("3", "4") for rating in ratings)
    return made_sample(
        made,
        "learning_walks_2026-01-01_2026-01-31.csv",
        "observation learning_walk",
        len(ratings),
        {
            ("35010000", "2026", "observation_at_or_above_3"): (high, len(ratings)),
            ("35010000", "2026-01", "observation_at_or_above_3"): (high, len(ratings)),
        },
    )


def adults(scratch: Path) -> Iterator[Sample]:
    """A staff list and a log of evidence about them: no samples, our own headers."""
    header = "Staff ID,Last Name,First Name,School Code,Role,Subject,FTE,Start Date,End Date"
    people = write_rows(scratch / "staff.csv", header.split(","), STAFF)
    yield made_sample(people, "staff_list_2026-01-15.csv", "staff staff_list", len(people.good), {})
    header = "Entry ID,School Code,Date,Evidence,Staff ID,Artifact,Meets Expectation (Y/N),Notes"
    entries = write_rows(scratch / "evidence.csv", header.split(","), EVIDENCE)
    names = ("School Code", "Evidence", "Meets Expectation (Y/N)", "Staff ID")
    shown = [who for *what, who in good_cells(entries, *names) if what == ["HEA", "coaching_feedback", "Y"]]
    roles = good_cells(people, "School Code", "Role", "Staff ID")
    teachers = {who for school, role, who in roles if (school, role) == ("HEA", "Teacher")}
    yield made_sample(
        entries,
        "evidence_log_2026-01-01_2026-01-31.csv",
        "evidence evidence_log",
        len(entries.good),
        {
            (HEA, "2026", "staff_with_evidence_coaching_feedback"): (len(teachers & set(shown)), len(teachers)),
            (HEA, "2026-01", "evidence_count_coaching_feedback"): (len(shown), 1),
        },
    )
