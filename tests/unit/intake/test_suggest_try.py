"""`layout suggest` and `layout test` as a person calls them, where there is no home; and the nearest layout's text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sipetl.errors import UnrecognizedError
from sipetl.intake import identify, load_layouts
from tests.home import command
from tests.unit.intake.test_suggest import results

DAILY = "student_number,student_name,school_code,att_date,att_code\n"
GOOD = DAILY + "1001,Secretname,HEA,2025-10-01,P\n1002,Secretname,HEA,2025-10-01,A\n"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"SIPETL_HOME": str(tmp_path / "none")}


def put(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_draft_is_written_and_maps_its_file(tmp_path: Path, home: dict[str, str]) -> None:
    file = put(tmp_path, "star_2025-10-03.csv", results())
    draft = str(tmp_path / "draft.yaml")

    suggested = command("layout", "suggest", file, "--out", draft, **home)
    tried = command("layout", "test", draft, file, "--json", **home)

    told = json.loads(tried.out)
    assert suggested.status == 0, suggested.err
    # The draft takes the window from the month, and July belongs to none.
    july = sum(1 for number in range(200) if 1 + number % 9 == 7)
    assert (told["rows_read"], told["rows_mapped"], told["quarantined"]) == (200, 200 - july, july)
    assert tried.status == 4
    assert told["headers_unknown"] == told["headers_missing"] == told["required_missing"] == []


def test_draft_is_never_written_over_a_file(tmp_path: Path, home: dict[str, str]) -> None:
    file = put(tmp_path, "star.csv", results())

    done = command("layout", "suggest", file, "--out", file, **home)

    assert (done.status, Path(file).read_text(encoding="utf-8")) == (2, results())


def test_suggestion_for_machines_names_columns_and_confidence(tmp_path: Path, home: dict[str, str]) -> None:
    done = command("layout", "suggest", put(tmp_path, "star.csv", results()), "--json", **home)

    told = json.loads(done.out)
    by_column = {one["column"]: one for one in told["columns"]}
    assert (told["feed"], told["loads"]) == ("assessment", True)
    assert by_column["percentile"]["from"] == "Percentile"
    assert by_column["percentile"]["confidence"] == 1.0


def test_good_file_is_tried_without_a_store(tmp_path: Path, home: dict[str, str]) -> None:
    done = command("layout", "test", "sis_daily_attendance", put(tmp_path, "a.csv", GOOD), "--json", **home)

    told = json.loads(done.out)
    assert (done.status, told["rows_mapped"], told["issues"]) == (0, 2, [])
    assert [row["present"] for row in told["sample"]] == [True, False]
    assert all(len(row["id_hash"]) == len("01234567...") for row in told["sample"])
    assert "Secretname" not in done.out + done.err
    assert not (tmp_path / "none").exists()


def test_bad_row_is_told_by_rule_column_and_number(tmp_path: Path, home: dict[str, str]) -> None:
    file = put(tmp_path, "a.csv", GOOD + "1003,Secretname,HEA,soon,P\n")

    done = command("layout", "test", "sis_daily_attendance", file, "--json", **home)

    told = json.loads(done.out)
    found = {(one["rule"], one["column"], tuple(one["row_numbers"])) for one in told["issues"]}
    assert (done.status, told["rows_mapped"], told["quarantined"]) == (4, 2, 1)
    assert ("MAP-CAST", "attendance_date", (4,)) in found
    assert "soon" not in done.out + done.err


def test_sample_shows_codes_and_hides_what_is_about_a_person(tmp_path: Path, home: dict[str, str]) -> None:
    file = put(tmp_path, "star_2025-10-03.csv", results())
    draft = str(tmp_path / "draft.yaml")
    command("layout", "suggest", file, "--out", draft, **home)

    told = json.loads(command("layout", "test", draft, file, "--json", **home).out)

    first = told["sample"][0]
    assert (first["grade"], first["subject"], first["race_ethnicity"]) == ("03", "MATH", "white")
    assert (first["scale_score_x100"], first["test_id"]) == ("(number)", "(text)")


def test_file_that_lacks_a_required_header_exits_with_four(tmp_path: Path, home: dict[str, str]) -> None:
    file = put(tmp_path, "a.csv", GOOD.replace("att_code", "attendance_code"))

    done = command("layout", "test", "sis_daily_attendance", file, **home)

    assert done.status == 4
    assert "no header 'att_code'" in done.err


def test_unknown_layout_is_a_wrong_call(tmp_path: Path, home: dict[str, str]) -> None:
    done = command("layout", "test", "nothing_such", put(tmp_path, "a.csv", GOOD), **home)

    assert (done.status, "no such layout" in done.err) == (2, True)


def test_nearest_layout_is_told_with_what_is_missing_renamed_and_new(tmp_path: Path) -> None:
    text = (
        GOOD.replace("att_code", "attcodes")
        .replace("student_name", "enrollment_status,Zebedee Quill")
        .replace("Secretname", "Secretname,1")
    )
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UnrecognizedError) as refused:
        identify(path, "a.csv", load_layouts(), scratch=tmp_path)

    assert "nearest layout is sis_daily_attendance v1, but the file has no header 'att_code'" in str(refused.value)
    assert "perhaps renamed: 'att_code' to 'attcodes'" in str(refused.value)
    assert "headers that it does not know: 'enrollment_status', 1 that are not named here" in str(refused.value)
    assert "Secretname" not in str(refused.value)
    assert "Zebedee" not in str(refused.value)
