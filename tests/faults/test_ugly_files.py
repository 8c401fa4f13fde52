"""Files as no manual foresees them: each is told in ledger and letter, stops nothing else, and harms nobody who opens our files."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sipetl.pipeline import DeliveryOutcome, ingest
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import ATTENDANCE, Site, attendance, issues, ledger, present, students, weekdays

DAYS = weekdays(date(2025, 9, 8), 5)
GOOD = attendance(students(20), DAYS, present)
ROWS = 100
LATIN = GOOD.replace("Quillfeather HEA", "Quillfeather Zoé Nuñez")
LIVE = re.compile(r"^\s*[=+\-@]")


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def linked() -> bytes:
    """An archive with a symbolic link to a file of the machine."""
    link = zipfile.ZipInfo("attendance_link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("attendance_x.csv", GOOD)
        archive.writestr(link, "../../../../../../etc/passwd")
    return buffer.getvalue()


def twice() -> bytes:
    """An archive with two different members of one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("attendance_x.csv", GOOD)
        archive.writestr("attendance_x.csv", GOOD.replace(",P", ",T"))
    return buffer.getvalue()


def encrypted() -> bytes:
    """An archive whose member says that it needs a password."""
    plain = bytearray(zipped({"attendance_x.csv": GOOD}))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        plain[plain.index(signature) + at] |= 1
    return bytes(plain)


def spoilt() -> bytes:
    """An archive whose directory is whole and whose packed bytes are not."""
    content = bytearray(zipped({"attendance_x.csv": GOOD}))
    middle = len(content) // 2
    content[middle - 40 : middle] = b"\xff" * 40
    return bytes(content)


def lying() -> bytes:
    """An archive whose member unpacks to more than it says."""
    content = bytearray(zipped({"attendance_x.csv": b"0" * 100_000}))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        where = content.index(signature) + at
        content[where : where + 4] = (100).to_bytes(4, "little")
    return bytes(content)


def sheet(rows: list[list[object]], change: Callable[[Any], None] = lambda _: None) -> bytes:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def table() -> list[list[object]]:
    return [list(line.split(",")) for line in GOOD.splitlines()]


def far(one: Any) -> None:
    """Somebody's finger slipped in the last cell of all."""
    one["XFD1048576"] = "x"


def formulas(one: Any) -> None:
    """Codes computed by a program that keeps no values with its formulas."""
    for row in range(2, 5):
        one[f"E{row}"] = '=IF(1=1,"P","A")'


def computed() -> bytes:
    """The same formulas as Excel keeps them: each with its value, an empty text among them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(table(), formulas))) as book, zipfile.ZipFile(buffer, "w") as copy:
        for name in book.namelist():
            text = re.sub(
                r'<c (r="E[23]")><f>(.*?)</f><v ?/>', r'<c \1 t="str"><f>\2</f><v>P</v>', book.read(name).decode()
            )
            text = re.sub(r'<c (r="E4")><f>(.*?)</f><v ?/>', r'<c \1 t="str"><f>\2</f><v></v>', text)
            copy.writestr(name, text)
    return buffer.getvalue()


BOMB = 300 * 1024**2
WIDE = "\n".join(
    ",".join([line, *["x" if n else f"c{i}" for i in range(995)]]) for n, line in enumerate(GOOD.splitlines())
)


@dataclass(frozen=True)
class Case:
    """A file, and what is to become of it."""

    name: str
    content: bytes
    status: Outcome
    why: str
    """In the reason, for a file that is refused."""
    taken: int = 0
    waiting: int = 0


REFUSED, UNKNOWN, TAKEN = Outcome.REJECTED, Outcome.UNRECOGNIZED, Outcome.ACCEPTED
CASES = {
    "cut_in_a_row": Case("attendance_x.csv", GOOD.encode()[:-4], TAKEN, "", 99, 1),
    "cut_in_a_quote": Case(
        "attendance_x.csv", GOOD.encode() + b'3501771,"Quillfeather', REFUSED, "quote is never closed"
    ),
    "cut_in_the_header": Case("attendance_x.csv", ATTENDANCE.encode()[:25], UNKNOWN, "no layout fits"),
    "cut_archive": Case("x.zip", zipped({"attendance_x.csv": GOOD})[:-30], REFUSED, "archive is broken"),
    "spoilt_archive": Case("x.zip", spoilt(), REFUSED, "archive is broken"),
    "lying_archive": Case("x.zip", lying(), REFUSED, "archive is broken"),
    "1000_columns": Case("attendance_x.csv", WIDE.encode(), TAKEN, "", ROWS),
    "1000_unknown_columns": Case(
        "x.csv", ",".join(f"c{n}" for n in range(1000)).encode() + b"\n" + b"1," * 999 + b"1\n", UNKNOWN, "no layout"
    ),
    "utf16": Case("attendance_x.csv", LATIN.encode("utf-16"), TAKEN, "", ROWS),
    "utf16_little_without_mark": Case("attendance_x.csv", LATIN.encode("utf-16-le"), TAKEN, "", ROWS),
    "utf16_big_without_mark": Case("attendance_x.csv", LATIN.encode("utf-16-be"), TAKEN, "", ROWS),
    "utf16_cut": Case("attendance_x.csv", LATIN.encode("utf-16")[:-1], REFUSED, "text is broken"),
    "utf8_with_mark": Case("attendance_x.csv", LATIN.encode("utf-8-sig"), TAKEN, "", ROWS),
    "windows_1252": Case("attendance_x.csv", LATIN.encode("cp1252"), TAKEN, "", ROWS),
    "nul_bytes": Case("attendance_x.csv", GOOD.replace(" HEA", "\0 HEA").encode() + b"\0" * 40, TAKEN, "", ROWS),
    "ragged_rows": Case(
        "attendance_x.csv",
        GOOD.replace("HEA,2025-09-08,P", "HEA,2025-09-08,P,more", 2).replace(",2025-09-12,P", "", 3).encode(),
        TAKEN,
        "",
        95,
        5,
    ),
    "open_quotes": Case(
        "attendance_x.csv", GOOD.replace("Quill", '"Quill', 1).encode(), REFUSED, "quote is never closed"
    ),
    "header_twice": Case(
        "attendance_x.csv",
        "\n".join(f"{line},{'att_code' if not n else 'A'}" for n, line in enumerate(GOOD.splitlines())).encode(),
        REFUSED,
        "'att_code' stands more than once",
    ),
    "workbook": Case("attendance_x.xlsx", sheet(table()), TAKEN, "", ROWS),
    "workbook_merged_title": Case(
        "attendance_x.xlsx",
        sheet([["Daily attendance"], [], *table()], lambda s: s.merge_cells("A1:E1")),
        TAKEN,
        "",
        ROWS,
    ),
    "workbook_merged_rows": Case(
        "attendance_x.xlsx", sheet(table(), lambda s: s.merge_cells("C2:C4")), TAKEN, "", 98, 2
    ),
    "workbook_far_cell": Case("attendance_x.xlsx", sheet(table(), far), REFUSED, "last row is 1,048,576"),
    "workbook_formulas": Case("attendance_x.xlsx", sheet(table(), formulas), REFUSED, "formulas without values"),
    "workbook_computed_formulas": Case("attendance_x.xlsx", computed(), TAKEN, "", 99, 1),
    "workbook_cut": Case("attendance_x.xlsx", sheet(table())[:-400], REFUSED, "archive is broken"),
    "bomb": Case("x.zip", zipped({"attendance_x.csv": bytes(BOMB)}), REFUSED, "archive is too large"),
    "bomb_of_many": Case(
        "x.zip",
        zipped({f"{n}.csv": "a" for n in range(1_001)}),
        REFUSED,
        "too many members",
    ),
    "bomb_in_an_archive": Case(
        "x.zip", zipped({"x.zip": zipped({"a.csv": GOOD})}), REFUSED, "archive inside an archive"
    ),
    "bomb_as_workbook": Case(
        "attendance_x.xlsx",
        zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": bytes(BOMB)}),
        REFUSED,
        "archive is too large",
    ),
    "climbing": Case("x.zip", zipped({"../../attendance_x.csv": GOOD}), REFUSED, "leaves the archive"),
    "climbing_absolute": Case("x.zip", zipped({"/tmp/attendance_x.csv": GOOD}), REFUSED, "leaves the archive"),  # noqa: S108
    "link": Case("x.zip", linked(), REFUSED, "a link to another file"),
    "same_names": Case("x.zip", twice(), REFUSED, "have the same name"),
    "password": Case("x.zip", encrypted(), REFUSED, "has a password"),
    "live_name": Case("=cmd|' C calc'!A0.csv", b"Quillfeather,Column\n77001,SPOILT\n", UNKNOWN, "no layout fits"),
    "live_member": Case(
        "x.zip", zipped({"@SUM(1).csv": "Quillfeather,Column\n77001,SPOILT\n"}), UNKNOWN, "no layout"
    ),
    "live_header": Case("x.csv", b"=cmd|' /C calc'!A0,+1,-2,@x\n1,2,3,4\n", UNKNOWN, "no layout fits"),
    "live_cells": Case(
        "attendance_x.csv",
        GOOD.replace("HEA,2025-09-08,P", "=cmd|' /C SPOILT'!A0,2025-09-08,@x", 3).encode(),
        TAKEN,
        "",
        97,
        3,
    ),
}


@dataclass(frozen=True)
class Ran:
    """What `sipetl ingest` did with all of them in one run, and a good file after them."""

    site: Site
    outcomes: Mapping[str, DeliveryOutcome]
    ledgers: Mapping[str, Any]
    """The ledger's word on each as soon as it was taken: the next good file takes the place of the one before."""


@pytest.fixture(scope="module")
def ran(make_site: Callable[[], Site]) -> Ran:
    site = make_site()
    for number, (case, one) in enumerate(CASES.items()):
        site.put(f"{number:02}-{case}/{one.name}", one.content)
    site.put("attendance_good.csv", GOOD.replace("2025-09", "2025-10"))
    told: list[tuple[DeliveryOutcome, Any]] = []
    with site.open() as home:
        ingest(home, watch=lambda outcome: told.append((outcome, ledger(site, outcome))))
    names = (*CASES, "good")
    assert len(told) == len(names)
    outcomes, ledgers = zip(*told, strict=True)
    return Ran(site, dict(zip(names, outcomes, strict=True)), dict(zip(names, ledgers, strict=True)))


@pytest.mark.parametrize("case", CASES)
def test_an_ugly_file_is_told_and_what_is_good_of_it_is_taken(ran: Ran, case: str) -> None:
    one, outcome = CASES[case], ran.outcomes[case]

    assert outcome.status is one.status
    assert one.why in outcome.reason
    assert [(p.rows_good, p.rows_quarantined) for p in outcome.parts] == [(one.taken, one.waiting)]
    parts = [("accepted", one.taken, one.waiting)] if one.taken else []
    assert ran.ledgers[case] == (one.status.value, parts)
    letter = ran.site.letters(outcome)["md"]
    assert "Quillfeather" not in letter
    assert "SPOILT" not in letter


@pytest.mark.parametrize("case", [case for case, one in CASES.items() if one.status is not TAKEN])
def test_a_refusal_says_what_to_do(ran: Ran, case: str) -> None:
    outcome = ran.outcomes[case]

    told = json.loads(ran.site.letters(outcome)["json"])
    (part,) = told["parts"]
    assert re.search(r"send|save|ask|pack|mend", f"{part['next_step']} {part['reason']}", re.IGNORECASE)


def test_nothing_else_is_stopped(ran: Ran) -> None:
    outcome = ran.outcomes["good"]

    assert (outcome.status, outcome.parts[0].rows_good) == (Outcome.ACCEPTED, ROWS)
    october = "select count(*) from rows where month(attendance_date) = 10"
    assert ran.site.lake(FeedName.ATTENDANCE, october) == [(ROWS,)]


def test_nothing_left_the_scratch_folder(ran: Ran) -> None:
    root = ran.site.root
    found = [*root.rglob("attendance_x*"), *root.parent.glob("attendance_x*")]
    names = {path.name for path in found if "inbox" not in path.parts}

    assert names == set()
    assert list((ran.site.root / "scratch").glob("*")) == []


def test_rows_that_wait_are_named(ran: Ran) -> None:
    assert ("MAP-RAGGED", 2) not in issues(ran.site, ran.outcomes["1000_columns"])
    ragged = {row for rule, row in issues(ran.site, ran.outcomes["ragged_rows"]) if rule == "MAP-RAGGED"}
    assert len(ragged) == 5
    assert {row for _, row in issues(ran.site, ran.outcomes["workbook_merged_rows"])} == {3, 4}


def test_letters_and_reports_have_no_cell_that_a_spreadsheet_would_run(ran: Ran) -> None:
    done = ran.site.run("report")
    assert done.status == 0, done.err
    pages = list((ran.site.root / "reports").rglob("*.html"))
    assert len(pages) > len(CASES)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        cells = re.findall(
            r"<(?:td|th|dd|dt|p|h1|h2|h3|strong|li|caption)\b[^>]*>((?:<(?:strong|time|span|code)[^>]*>)*[^<]*)", text
        )
        plain = [re.sub(r"<[^>]*>", "", cell).replace("&#39;", "'") for cell in cells]
        live = [cell for cell in plain if LIVE.match(cell) and not re.fullmatch(r"\s*[-+]?[\d.,]*\s*\S{0,12}", cell)]
        assert live == [], page.name
    for letter in (ran.site.root / "reports" / "letters").glob("*.md"):
        cells = re.split(r"\n|(?<!\\)\|", letter.read_text(encoding="utf-8"))
        assert [c for c in cells if re.match(r"^[=+@]", c.strip())] == []


def test_listings_for_machines_are_json_whatever_a_file_is_called(ran: Ran) -> None:
    done = ran.site.run("deliveries", "--json")

    names = {row["file_name"] for row in json.loads(done.out)}
    assert "=cmd|' C calc'!A0.csv" in names


def test_a_command_on_ugly_files_ends_without_a_traceback(site: Site) -> None:
    for case in ("spoilt_archive", "workbook_far_cell", "cut_in_a_quote", "live_name", "bomb_in_an_archive"):
        site.put(f"{case}/{CASES[case].name}", CASES[case].content)

    done = site.run("ingest")

    assert done.status == 4
    assert "Traceback" not in done.out + done.err
    assert "defect" not in done.err
    assert "5 deliveries" in done.out


def workbook_of_results(samples: Path, change: Callable[[list[list[Any]]], list[list[Any]]]) -> bytes:
    """The state's workbook of published results, changed."""
    book = openpyxl.load_workbook(samples / "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx")
    first = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in first.rows]
    return sheet(change(rows), lambda one: setattr(one, "title", first.title))


@pytest.mark.samples
def test_another_test_under_the_same_title_does_not_overwrite_the_first(samples: Path, site: Site) -> None:
    """Grade 10 comes under the title of grades 3 to 8, and in a file of the same name: a person must look."""
    first = site.root / "NextGenMCAS.xlsx"
    first.write_bytes(workbook_of_results(samples, lambda rows: rows))
    (taken,) = site.ingest(first)
    assert taken.status is Outcome.ACCEPTED
    before = site.lake(FeedName.PUBLISHED_RESULTS, "select count(*), sum(value) from rows")

    def other_test(rows: list[list[Any]]) -> list[list[Any]]:
        """Each district has the figures of the one after it."""
        names, figures = [row[:3] for row in rows], [row[3:] for row in rows]
        return rows[:2] + [name + figure for name, figure in zip(names[2:], figures[5:] + figures[2:5], strict=True)]

    second = site.root / "again" / "NextGenMCAS.xlsx"
    second.parent.mkdir()
    second.write_bytes(workbook_of_results(samples, other_test))
    (other,) = site.ingest(second)

    assert other.status is Outcome.HELD
    assert "would change" in other.reason
    assert site.lake(FeedName.PUBLISHED_RESULTS, "select count(*), sum(value) from rows") == before


@pytest.mark.samples
def test_a_grade_that_the_name_tells_goes_beside_the_others(samples: Path, site: Site) -> None:
    content = (samples / "dese_profiles_xlsx/nsmader_NextGenMCAS.xlsx").read_bytes()
    for name in ("NextGenMCAS_gr3-8.xlsx", "NextGenMCAS_gr10.xlsx"):
        (site.root / name).write_bytes(content)
        (outcome,) = site.ingest(site.root / name)
        assert outcome.status is Outcome.ACCEPTED

    found = site.lake(FeedName.PUBLISHED_RESULTS, "select grade, count(*) from rows group by all order by all")
    assert found == [("10", 8448), ("all", 8448)]


def test_a_bomb_unpacks_to_nothing(site: Site) -> None:
    assert len(CASES["bomb"].content) < 400_000
    outcome = site.take("x.zip", CASES["bomb"].content)

    assert outcome.status is Outcome.REJECTED
    assert list((site.root / "scratch").rglob("member_*")) == []


def test_a_folder_is_taken_whole_the_oldest_first_but_for_hidden_and_half_written_files(site: Site) -> None:
    folder = site.root / "from_a_stick"
    files: dict[str, str | bytes] = {
        "b/attendance_late.csv": attendance(students(20), DAYS, lambda s, day: "T" if s.n == 1 else present(s, day)),
        "c/attendance_first.csv": GOOD,
        "a.zip": zipped({"attendance_x.csv": GOOD.replace("2025-09", "2025-10")}),
        ".hidden/attendance_x.csv": GOOD,
        ".attendance_x.csv": GOOD,
        "attendance_x.csv.part": GOOD,
        "~lock.tmp": "x",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        moment = 1_700_000_000 + (60 if "late" in name else 0)
        os.utime(path, (moment, moment))

    done = site.run("ingest", str(folder), "--district", "3501", "--json")

    told = json.loads(done.out)
    assert [(Path(one["file"]).name, one["status"]) for one in told] == [
        ("a.zip", "accepted"),
        ("attendance_first.csv", "accepted"),
        ("attendance_late.csv", "accepted"),
    ]
    assert site.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 5)]
    assert "Taken before" in site.run("ingest", str(folder), "--district", "3501").out


def test_a_folder_without_a_file_is_told(site: Site) -> None:
    (site.root / "nothing").mkdir()

    done = site.run("ingest", str(site.root / "nothing"))

    assert (done.status, "no file in this folder" in done.err) == (2, True)
