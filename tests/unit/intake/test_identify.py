from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from sipetl.errors import RegistryError, UnreadableError, UnrecognizedError
from sipetl.intake import identify, load_contract
from sipetl.intake.layouts import check_layout
from tests.unit.intake.daily import DAILY, Intake, layout

Make = Callable[..., Intake]
PLAIN = "Student,School,Day,Code\n101,12,9/2/2025,P\n"


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def workbook(rows: list[list[object]], title: str = "Data") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(intake: Make, delimiter: str) -> None:
    member = intake().member(PLAIN.replace(",", delimiter))

    assert member.delimiter == delimiter
    assert member.headers == ("Student", "School", "Day", "Code")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encoding_is_found_and_read_as_utf8(intake: Make, encoding: str, found: str) -> None:
    text = "Student,School,Day,Code\n101,Ñuñez\u2019s,9/2/2025,P\n"

    member = intake().member(text.encode(encoding))

    assert member.encoding == found
    assert member.path.read_text(encoding="utf-8-sig") == text


def test_plain_utf8_is_not_copied(intake: Make, tmp_path: Path) -> None:
    assert intake().member(PLAIN).path == tmp_path / "file.csv"


def test_nul_bytes_are_dropped_in_a_copy(intake: Make, tmp_path: Path) -> None:
    member = intake().member(PLAIN.replace("101", "1\x0001"))

    assert member.path.parent == tmp_path / "scratch"
    assert member.path.read_text() == PLAIN


def test_header_in_single_quotes_is_found(intake: Make) -> None:
    member = intake().member("'Student','School','Day','Code'\n\"101\",\"12\",\"9/2/2025\",\"P\"\n")

    assert member.headers == ("Student", "School", "Day", "Code")


def test_headers_are_compared_loosely(intake: Make) -> None:
    member = intake().member("\ufeff STUDENT ,school,DAY, code\n101,12,9/2/2025,P\n")

    assert member.layout.layout == "daily"


def test_header_is_found_below_a_preamble(intake: Make) -> None:
    titled = layout(file={"title_pattern": r"Attendance (?P<school_year>\d{4}-\d{2})"})

    member = intake(titled).member("Attendance 2025-26,,,\n\n" + PLAIN)

    assert member.header_row == 2
    assert member.groups == {"school_year": "2025-26"}


def test_renamed_header_of_another_vintage_is_found(intake: Make) -> None:
    renamed = layout(renames={"Pupil No": "Student"})

    assert intake(renamed).member(PLAIN.replace("Student", "pupil  no")).layout.layout == "daily"


def test_most_specific_layout_wins_then_the_newest(intake: Make) -> None:
    narrow = layout(layout="narrow", recognise={"headers": ["Student", "Day"]}, columns={}, version=9)
    old, new = layout(version=1), layout(version=2)

    member = intake(narrow, old, new).member(PLAIN)

    assert (member.layout.layout, member.layout.version) == ("daily", 2)


def test_excluded_header_rules_a_layout_out(intake: Make) -> None:
    picky = layout(recognise={"headers": ["Student", "Day"], "without": ["Code"]})

    with pytest.raises(UnrecognizedError, match="a header that this layout excludes"):
        intake(picky).member(PLAIN)


def test_equal_headers_are_told_apart_by_the_file_name(intake: Make) -> None:
    ela = layout(layout="ela", file={"name_pattern": r"^SR(?P<window>_fall)?\.csv$"})
    math = layout(layout="math", file={"name_pattern": r"^SM\.csv$"})

    assert intake(ela, math).member(PLAIN, "SM.csv").layout.layout == "math"
    assert intake(math, ela).member(PLAIN, "SR.csv").layout.layout == "ela"


def test_unknown_file_names_the_nearest_layout_and_nothing_of_the_file(intake: Make) -> None:
    with pytest.raises(UnrecognizedError) as caught:
        intake().member("Student,School,Zebedee Quill,Code\nZebedee Quill,1,2,3\n")

    assert "daily v1" in str(caught.value)
    assert "'Day'" in str(caught.value)
    assert "Zebedee" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty file"),
        (b"\xef\xbb\xbf\r\n \n", "empty file"),
        (bytes(range(256)) * 64, "not text"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "workbook"),
        (b"PK\x03\x04 broken", "archive is broken"),
        (zipped({}), "empty file"),
    ],
)
def test_what_is_no_table_is_unreadable(intake: Make, data: bytes, what: str) -> None:
    with pytest.raises(UnreadableError, match=what):
        intake().member(data)


def test_members_of_a_zip_are_recognised_each(intake: Make, tmp_path: Path) -> None:
    members = {"day1.csv": PLAIN, "sub/": "", "sub/day2.csv": PLAIN, "readme.txt": "Read me first\n"}
    noise = {"__MACOSX/day1.csv": "junk", "sub/.DS_Store": "junk", "inner.zip": "junk"}
    (tmp_path / "all.zip").write_bytes(zipped(members | noise))

    found = identify(tmp_path / "all.zip", "all.zip", (layout(),), scratch=tmp_path)

    assert [m.name for m in found] == ["day1.csv", "sub/day2.csv"]
    assert [r.name for r in found.refused] == ["readme.txt", "inner.zip"], "what is not taken is told"
    assert isinstance(found.refused[0].error, UnrecognizedError)


@pytest.mark.parametrize("name", ["../escape.csv", "a/../../escape.csv", "/etc/escape.csv", "C:\\escape.csv"])
def test_member_that_climbs_out_is_refused(intake: Make, tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, PLAIN)

    with pytest.raises(UnreadableError, match="leaves the archive"):
        intake().member(buffer.getvalue(), "x.zip")
    assert not list(tmp_path.rglob("escape.csv"))


def test_archive_that_unpacks_too_large_is_refused(intake: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipetl.intake.unpack.MAX_BYTES", 20)

    with pytest.raises(UnreadableError, match="too large"):
        intake().member(zipped({"a.csv": PLAIN}), "x.zip")


def test_workbook_is_known_by_content_and_its_sheet_by_layout(intake: Make) -> None:
    data = workbook([["A title"], [], ["Student", "School", "Day", "Code"], [101, "12", "9/2/2025", "P"]], "Data")

    first = intake(layout(file={"kind": "xlsx"})).member(data, "really_a_workbook.csv")

    assert (first.kind, first.sheet, first.header_row) == ("xlsx", "Data", 2)
    with pytest.raises(UnrecognizedError):
        intake(layout(file={"kind": "xlsx", "sheet": "^Other$"})).member(data)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"columns": DAILY["columns"] | {"nonsense": {"value": 1}}}, "no column of the contract"),
        ({"columns": {k: v for k, v in DAILY["columns"].items() if k != "school"}}, "required column 'school'"),
        ({"scope": {"kind": "window", "column": "nonsense"}}, "no column of the contract"),
    ],
)
def test_layout_that_does_not_serve_its_contract_is_refused(change: dict[str, object], what: str) -> None:
    with pytest.raises(RegistryError, match=what):
        check_layout(layout(**change), load_contract(layout().feed), where="daily.yaml")
