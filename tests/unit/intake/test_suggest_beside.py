"""What a draft takes from columns held against each other, from words inside headers, and from rows far down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sipetl.intake import Suggestion, load_layouts, suggest_layout
from sipetl.intake.suggest.words import is_personal, tokens

Draft = Callable[..., Suggestion]
DAYS = [f"2025-10-{day:02}" for day in range(1, 29)]


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def of(header: str, rows: list[str], name: str = "map_2025.csv") -> Suggestion:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return suggest_layout(path, name, load_layouts(), scratch=scratch)

    return of


def source(found: Suggestion, column: str) -> Any:
    return found.data["columns"].get(column, {}).get("from")


def test_flag_is_read_rather_than_codes_that_say_the_same(draft: Draft) -> None:
    rows = [f"{n},HEA,{DAYS[n % 28]},{'PA'[n % 4 == 0]},{'10'[n % 4 == 0]}" for n in range(60)]

    found = draft("student_id,school_id,attendance_date,attendance_code,presence_yn", rows, "a.csv")

    assert source(found, "present") == "presence_yn"
    assert "it could also be 'attendance_code'" in found.text


def test_codes_are_read_where_the_flag_says_something_else(draft: Draft) -> None:
    rows = [f"{n},HEA,{DAYS[n % 28]},{'PA'[n % 4 == 0]},{'10'[n % 3 == 0]}" for n in range(60)]

    found = draft("student_id,school_id,attendance_date,attendance_code,presence_yn", rows, "a.csv")

    assert source(found, "present") == "attendance_code"


def test_finer_of_two_columns_of_subjects_is_taken(draft: Draft) -> None:
    subjects = ("Language Arts,Reading Plus", "Language Arts,Language Usage", "Mathematics,Algebra Plus")
    rows = [f"{n},HEA,{DAYS[n % 28]},{subjects[n % 3]},{200 + n}" for n in range(60)]

    found = draft("student_id,school_id,test_date,subject,skill,score", rows)

    assert source(found, "subject") == "skill"
    assert found.data["columns"]["subject"]["codes"] == {
        "Language Usage": "LANG",
        r"re:^Algebra\b": "MATH",
        r"re:^Reading\b": "ELA",
    }


def results_twice(flags: str) -> list[str]:
    """Ten students; each takes the test twice, and the flag of the first and the second sitting is as given."""
    return [f"{n // 2},HEA,{DAYS[n]},MATH,{200 + n},{flags[n % 2]}" for n in range(20)]


def test_flag_of_the_one_result_that_counts_is_told_by_its_rows(draft: Draft) -> None:
    header = "student_id,school_id,test_date,subject,score,marker"

    assert source(draft(header, results_twice("NY")), "is_result") == "marker"
    assert source(draft(header, results_twice("YY")), "is_result") is None


def test_local_day_is_taken_rather_than_that_of_greenwich(draft: Draft) -> None:
    rows = [f"{n},HEA,{DAYS[n % 28]}T01:00:00Z,{DAYS[n % 27]}T21:00:00Z,MATH,{200 + n}" for n in range(30)]

    found = draft("student_id,school_id,completed_date,completed_date_local,subject,score", rows)

    assert source(found, "tested_on") == "completed_date_local"


def test_level_of_the_test_is_taken_rather_than_the_districts_and_its_name_rather_than_its_number(
    draft: Draft,
) -> None:
    rows = [f"{n},HEA,{DAYS[n % 28]},MATH,{1 + n % 2},{('Low', 'High')[n % 2]},Met" for n in range(30)]

    header = "student_id,school_id,test_date,subject,benchmark_level,benchmark_category,district_benchmark_category"
    found = draft(header, rows)

    assert source(found, "level") == "benchmark_category"


def test_blank_figure_is_not_applicable_where_no_row_of_a_subject_has_one(draft: Draft) -> None:
    rows = [
        f"3501{n:04},School {n},{('ELA', 'SCI')[n % 2]},{n % 90}.5,{('55', '')[n % 2 or n % 20 == 0]}"
        for n in range(80)
    ]

    found = draft("School Code,School Name,Subject,Percent Met,Growth", rows, "f_2025.csv")

    by_name = {variant["name"]: variant for variant in found.data["long"]}
    assert by_name["growth"]["when"] == {"from": "Growth", "blank": False}
    assert by_name["growth_blank"]["columns"]["suppressed"] == {
        "from": "Subject",
        "codes": {"SCI": "not_applicable"},
        "otherwise": "not_reported",
    }
    assert "percent_met_blank" not in by_name


def wide(levels: tuple[str, str], more: str = "") -> tuple[str, list[str]]:
    cells = [f"{n},HEA,{400 + n},{levels[n % 2]},{410 + n},{levels[n % 2]}" for n in range(30)]
    head = "student_id,school_id,ela_scale_score,ela_performance_level,math_scale_score,math_performance_level"
    return head + more, [row + (",Y,N" if more else "") for row in cells]


def test_levels_of_a_row_per_student_say_who_was_tested(draft: Draft) -> None:
    found = draft(*wide(("M", "ABS")))
    plain = draft(*wide(("M", "E")))

    ela = found.data["long"][0]["columns"]
    assert (ela["tested"]["from"], ela["tested"]["codes"]["ABS"]) == ("ela_performance_level", False)
    assert "ABS" not in ela["expected"]["codes"]
    assert plain.data["columns"]["tested"] == {"value": True}


def test_a_column_that_says_who_was_tested_is_better_than_the_levels(draft: Draft) -> None:
    found = draft(*wide(("M", "ABS"), ",ela_test_status,math_test_status"))

    assert found.data["long"][0]["columns"]["tested"]["from"] == "ela_test_status"
    assert "expected" not in found.data["long"][0]["columns"]


def test_code_with_more_behind_it_is_known_by_what_it_begins_with(draft: Draft) -> None:
    rows = [f"{n},HEA,0{1 + n % 8},{('LEP', 'FLEP-Year 2', 'Fluent')[n % 3]}" for n in range(30)]

    found = draft("student_id,school_id,grade,english_learner_status", rows, "students_2025-10-01.csv")

    assert found.data["columns"]["english_learner"]["codes"][r"re:^FLEP\b"] is False
    assert found.data["columns"]["former_el"]["codes"][r"re:^FLEP\b"] is True


def test_special_education_is_told_by_its_words_where_the_column_of_that_name_says_something_else(
    draft: Draft,
) -> None:
    rows = [f"{n},HEA,0{1 + n % 8},{('Kind Z', '')[n % 2]},{('Sp Ed', 'Reg Ed')[n % 2]}" for n in range(30)]

    found = draft("student_id,school_id,grade,disability,program", rows, "students_2025-10-01.csv")

    assert source(found, "disability") == "program"


def test_words_are_found_that_are_written_together_or_without_vowels() -> None:
    assert tokens("studentid") == tokens("stdnt_id") == ("student", "id")
    assert tokens("DISTRICTCODE") == ("district", "code")
    assert tokens("DistributionChannel")[0] == "distribution"
    assert is_personal("studentfirstname")
    assert not is_personal("schoolname")


def test_lines_to_fill_in_are_named_by_their_number(draft: Draft) -> None:
    rows = [f"{n},HEA,{DAYS[n % 28]},MATH,{200 + n}" for n in range(30)]

    lines = draft("student_id,school_id,test_date,subject,score", rows, "results.csv").text.splitlines()

    at = lines.index("  # assessment: {value: }")
    assert lines[0] == f"# FILL IN and uncomment before it loads: line {at + 1} (assessment)."


def test_rows_far_down_are_looked_at_too(draft: Draft) -> None:
    empty = ",".join([""] * 40)
    rows = [f"{n},HEA,{DAYS[n % 28]},{('ELA', 'SCI')[n > 4000]},{200 + n},{empty}" for n in range(8000)]

    header = "student_id,school_id,test_date,subject,score," + ",".join(f"spare {n}" for n in range(40))
    found = draft(header, rows)

    assert found.data["columns"]["subject"]["codes"] == {"ELA": "ELA", "SCI": "SCI"}


def test_attendance_codes_are_told_by_their_values(draft: Draft) -> None:
    rows = [f"{n},ELM,{DAYS[n % 28]},{'PPAPL'[n % 5]}" for n in range(30)]

    found = draft("student_no,campus,date,mark", rows, "acme_2025-10-01.csv")

    assert found.data["columns"]["present"]["codes"] == {"P": True, "A": False, "L": True}


def test_name_that_the_file_needs_is_told_at_the_top(draft: Draft) -> None:
    rows = [f"{n},HEA,0{1 + n % 8},{'White'},{n % 2}" for n in range(30)]

    found = draft("student_id,school_id,grade,race,hispanic", rows, "students.csv")

    assert "# RENAME the file before it is tried, like students_2026-01-15.csv, or give --day." in found.text
    assert "'hispanic' says Hispanic apart from race" in found.text
    assert "RENAME" not in draft("student_id,school_id,grade,race", rows, "students_2025-10-01.csv").text
