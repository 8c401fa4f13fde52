"""Bad files: each ends in a clear outcome, with a letter that says what to do, and nothing else stops."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest

from sipetl.pipeline import DeliveryOutcome
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import (
    ATTENDANCE,
    Site,
    assert_told,
    attendance,
    issues,
    ledger,
    present,
    roster,
    students,
    weekdays,
)

DAYS = weekdays(date(2025, 9, 8), 5)
GOOD = attendance(students(20), DAYS, present)
ROWS = 100
BINARY = bytes((7 * n + n // 5) % 256 for n in range(4096))
UNKNOWN = "Quillfeather,Column\n77001,SPOILT\n"
BAD = {
    "empty": ("attendance_x.csv", b"", Outcome.REJECTED, "empty file"),
    "blank": ("attendance_x.csv", b"\n \n", Outcome.REJECTED, "empty file"),
    "header_only": ("attendance_x.csv", ATTENDANCE.encode(), Outcome.REJECTED, "no rows"),
    "header_only_roster": ("students_export_2025-10-01.csv", roster([]).encode(), Outcome.REJECTED, "no rows"),
    "unknown_layout": ("what_is_this.csv", UNKNOWN.encode(), Outcome.UNRECOGNIZED, "no layout fits"),
    "missing_column": (
        "attendance_x.csv",
        GOOD.replace("att_code", "remark").encode(),
        Outcome.UNRECOGNIZED,
        "no header 'att_code'",
    ),
    "binary_junk": ("attendance_x.csv", BINARY, Outcome.REJECTED, "not text"),
    "pdf": ("attendance_x.csv", b"%PDF-1.7\n77001", Outcome.REJECTED, "PDF"),
    "broken_zip": ("attendance_x.zip", b"PK\x03\x04 77001", Outcome.REJECTED, "archive is broken"),
    "open_quote": (
        "attendance_x.csv",
        (GOOD + '3501771,"Quillfeather,HEA,2025-09-08,P\n' * 3).encode(),
        Outcome.REJECTED,
        "quote is never closed",
    ),
}


Taken = tuple[Site, dict[str, DeliveryOutcome]]


@pytest.fixture(scope="module")
def taken(make_site: Callable[[], Site]) -> Taken:
    """A home that took all the bad files and a good one after them, in one run; it is only read."""
    site = make_site()
    for case, (name, content, *_) in BAD.items():
        site.put(name.replace("_x.", f"_{case}."), content)
    site.put("attendance_good.csv", GOOD)
    outcomes = site.ingest()
    assert len(outcomes) == len(BAD) + 1
    return site, dict(zip((*BAD, "good"), outcomes, strict=True))


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_taken_is_told(taken: Taken, case: str) -> None:
    _, content, expected, why = BAD[case]
    site, outcomes = taken

    assert_told(site, outcomes[case], expected, content)
    assert why in outcomes[case].reason
    assert ledger(site, outcomes[case])[1] == []


def test_a_good_file_is_taken_after_any_number_of_bad_ones(taken: Taken) -> None:
    site, outcomes = taken

    assert_told(site, outcomes["good"], Outcome.ACCEPTED, GOOD)
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(ROWS,)]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found(site: Site, delimiter: str) -> None:
    outcome = site.take("attendance_x.csv", GOOD.replace(",", delimiter))

    assert ledger(site, outcome) == ("accepted", [("accepted", ROWS, 0)])


def test_a_delimiter_that_nobody_knows_is_unrecognized(site: Site) -> None:
    content = GOOD.replace(",", "^")

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.UNRECOGNIZED, content)
    assert "fewer than half" in outcome.reason


def test_spoilt_cells_wait_with_their_row_numbers(site: Site) -> None:
    lines = GOOD.splitlines()
    lines[3] = lines[3].replace("2025-09-08", "SPOILT-13-77")
    lines[5] = lines[5][:-1] + "SPOILT"
    lines[7] = lines[7].replace("HEA,2025", "SPOILT,2025")
    lines[9] = "239.0," + lines[9].split(",", 1)[1]
    content = "\n".join(lines) + "\n"

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.ACCEPTED, content)
    assert ledger(site, outcome) == ("accepted", [("accepted", ROWS - 4, 4)])
    assert issues(site, outcome) >= {("MAP-CAST", 4), ("MAP-CODE", 6), ("MAP-SCHOOL", 8), ("MAP-ID", 10)}
    assert "send the whole file again" in site.letters(outcome)["md"]


def test_a_few_rows_of_another_district_are_quarantined(site: Site) -> None:
    content = GOOD + attendance(students(2, "BRN"), DAYS[:1], present).removeprefix(ATTENDANCE)

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.ACCEPTED, content)
    assert ledger(site, outcome) == ("accepted", [("accepted", ROWS, 2)])
    assert {row for _, row in issues(site, outcome)} == {ROWS + 2, ROWS + 3}
    assert site.lake(FeedName.ATTENDANCE, "select distinct district from rows") == [("3501",)]


def test_a_file_of_another_district_is_rejected(site: Site) -> None:
    content = attendance(students(20, "BRN"), DAYS, present)

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.REJECTED, content)
    assert {row for _, row in issues(site, outcome)} >= set(range(2, ROWS + 2))
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(0,)]


def test_the_school_year_is_that_of_the_rows(site: Site) -> None:
    before = attendance(students(20), weekdays(date(2025, 6, 9), 3), present)
    content = GOOD + before.removeprefix(ATTENDANCE)

    outcome = site.take("attendance_2025-09-08_2025-09-12.csv", content)

    assert {(p.school_year, p.rows_good) for p in outcome.parts} == {(2025, 60), (2026, ROWS)}
    found = site.lake(FeedName.ATTENDANCE, "select school_year, count(*) from rows group by all order by all")
    assert found == [(2025, 60), (2026, ROWS)]


def test_a_year_beyond_all_calendars_is_quarantined(site: Site) -> None:
    content = GOOD.replace("2025-09-08", "1925-09-08")

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.ACCEPTED, content)
    assert ledger(site, outcome) == ("accepted", [("accepted", 80, 20)])


def test_the_same_file_twice_is_a_duplicate(site: Site) -> None:
    site.take("attendance_x.csv", GOOD)

    again = site.take("attendance_y.csv", GOOD)

    assert_told(site, again, Outcome.DUPLICATE, GOOD)
    assert ledger(site, again)[1] == []
    assert site.sql("select count(*) from ops.delivery_part") == [(1,)]


def test_a_file_that_comes_back_after_another_is_taken_anew(site: Site) -> None:
    other = GOOD.replace("HEA,2025-09-08,A", "HEA,2025-09-08,T").replace("HEA,2025-09-09,A", "HEA,2025-09-09,T")
    first = site.take("attendance_a.csv", GOOD)
    second = site.take("attendance_b.csv", other)

    third = site.take("attendance_a.csv", GOOD)

    assert [ledger(site, o)[0] for o in (first, second, third)] == ["superseded", "superseded", "accepted"]
    assert site.lake(FeedName.ATTENDANCE, "select count(*) filter (tardy), count(*) from rows") == [(0, ROWS)]


def test_a_file_of_which_a_part_was_corrected_is_taken_anew(site: Site) -> None:
    site.take("attendance_a.csv", GOOD)
    one_day = attendance(students(20), DAYS[:1], lambda s, _: "T" if s.n == 0 else "P")
    site.take("attendance_b.csv", one_day)

    third = site.take("attendance_a.csv", GOOD)

    assert_told(site, third, Outcome.ACCEPTED, GOOD)
    assert site.lake(FeedName.ATTENDANCE, "select count(*) filter (tardy), count(*) from rows") == [(0, ROWS)]


def test_a_zip_with_a_good_and_an_unknown_member_is_taken_in_part(site: Site) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("attendance_x.csv", GOOD)
        file.writestr("notes.csv", UNKNOWN)

    outcome = site.take("everything.zip", archive.getvalue())

    assert_told(site, outcome, Outcome.UNRECOGNIZED, GOOD + UNKNOWN)
    assert {(p.member, p.outcome) for p in outcome.parts} == {
        ("attendance_x.csv", Outcome.ACCEPTED),
        ("notes.csv", Outcome.UNRECOGNIZED),
    }
    assert ledger(site, outcome)[1] == [("accepted", ROWS, 0)]
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(ROWS,)]


def test_a_file_of_a_feed_that_nobody_expects_here_is_unrecognized(site: Site) -> None:
    content = "Entry ID,School Code,Date,Evidence\nSPOILT77,HEA,2025-09-08,coaching\n"

    outcome = site.take("evidence_log_2025-09-01_2025-09-30.csv", content)

    assert_told(site, outcome, Outcome.UNRECOGNIZED, content)


def test_every_row_is_wrong(site: Site) -> None:
    content = GOOD.replace("2025-", "SPOILT-")

    outcome = site.take("attendance_x.csv", content)

    assert_told(site, outcome, Outcome.REJECTED, content)
    assert ledger(site, outcome)[1] == []
    assert len(issues(site, outcome)) >= ROWS


def test_one_inbox_that_is_away_does_not_stop_the_others(site: Site) -> None:
    feeds = site.root / "registry" / "feeds.yaml"
    feeds.write_text(feeds.read_text().replace("inbox/3501", "away/inbox/3501"))
    site.put("attendance_x.csv", attendance(students(20, "BRN"), DAYS, present), "9002")

    done = site.run("ingest")

    assert done.status == 3
    assert "cannot be reached" in " ".join(done.err.split())
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(ROWS,)]
