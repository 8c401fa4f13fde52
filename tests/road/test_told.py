"""What a person is told, so that the next step is hers: causes in plain words, and nothing that silently does nothing."""

from __future__ import annotations

import io
import os
import time
import zipfile
from datetime import date

from sipetl.pipeline.compute import compute
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.home import ATTENDANCE, ROSTER, Site, attendance, present, roster, students, weekdays

DAYS = weekdays(date(2026, 1, 12), 5)


def test_a_roster_whose_name_lacks_the_day_is_told_how_to_name_it(site: Site) -> None:
    outcome = site.take("students_export.csv", roster(students(5)))

    assert outcome.status is Outcome.REJECTED
    assert "MAP-NAME (snapshot_on)" in outcome.reason
    assert "students_export_2026-01-15.csv" in outcome.reason
    assert "--day" in outcome.reason
    assert {f.rule_id for part in outcome.parts for f in part.findings} <= {"MAP-NAME", "MAP-NO-YEAR"}


def test_the_same_file_is_tried_again_with_the_flag_that_it_lacked(site: Site) -> None:
    path = site.put("students_export.csv", roster(students(5)))
    site.ingest()

    (again,) = site.ingest(path, day=date(2026, 1, 15))

    assert again.status is Outcome.ACCEPTED


def test_a_refused_file_is_tried_again_by_name_once_the_crosswalk_is_mended(site: Site) -> None:
    path = site.put("attendance_a.csv", attendance(students(5), DAYS, present).replace("HEA", "NEW"))
    (refused,) = site.ingest()
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text() + "3501,NEW,35010010,,\n")

    by_scan = site.ingest()
    (by_name,) = site.ingest(path)

    assert refused.status is Outcome.REJECTED
    assert "MAP-SCHOOL (school_code)" in refused.reason
    assert by_scan == []
    assert by_name.status is Outcome.ACCEPTED


def test_a_refused_file_that_was_overtaken_waits_for_a_person(site: Site) -> None:
    people = students(5)
    old = site.put("attendance_a.csv", attendance(people, DAYS, present).replace("HEA", "NEW"))
    new = site.put("attendance_b.csv", attendance(people, DAYS, lambda *_: "P"))
    site.ingest()
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text() + "3501,NEW,35010010,,\n")

    again = site.ingest(old, new)

    assert [o.status for o in again] == [Outcome.HELD]
    assert "attendance_b.csv is newer" in again[0].reason
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows where not present") == [(0,)]


def test_an_archive_of_which_a_part_was_refused_does_not_undo_a_correction(site: Site) -> None:
    people = students(20)
    whole = zipped({"attendance_a.csv": attendance(people, DAYS, present), "notes.csv": "a,b\n1,2\n"})
    archive = site.put("everything.zip", whole)
    site.put("attendance_b.csv", attendance(people, DAYS, lambda s, day: present(s, day) if s.n else "P"))
    corrected = [o.status for o in site.ingest()]

    (again,) = site.ingest(archive)

    assert corrected == [Outcome.UNRECOGNIZED, Outcome.ACCEPTED]
    assert {p.outcome for p in again.parts} == {Outcome.HELD, Outcome.UNRECOGNIZED}
    absent = sum(present(s, day) == "A" for s in people[1:] for day in DAYS)
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows where not present") == [(absent,)]


def zipped(members: dict[str, str]) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_file_that_was_taken_is_not_taken_again_by_name(site: Site) -> None:
    path = site.put("attendance_a.csv", attendance(students(5), DAYS, present))
    site.ingest()

    done = site.run("ingest", str(path))

    assert (done.status, "Taken before" in done.out) == (0, True)


def test_a_district_that_nobody_knows_is_refused_before_anything_is_landed(site: Site) -> None:
    path = site.put("attendance_a.csv", ATTENDANCE)

    done = site.run("ingest", str(path), "--district", "9999")

    assert done.status == 2
    assert "9999" in done.err
    assert site.sql("select count(*) from ops.delivery") == [(0,)]


def test_of_a_file_that_may_still_be_written_only_the_wait_is_told(site: Site) -> None:
    path = site.put("attendance_a.csv", attendance(students(5), DAYS, present))
    os.utime(path, (time.time(), time.time()))

    done = site.run("ingest")

    assert done.out == ""
    assert "1 new file changed less than 30 s ago, and may still be written: run this again in " in done.err
    seconds = int(done.err.rpartition(" in ")[2].removesuffix(" s.\n"))
    assert 20 < seconds <= 30


def test_a_year_without_a_calendar_is_told(site: Site) -> None:
    outcome = site.take("attendance_a.csv", attendance(students(5), weekdays(date(2023, 1, 9), 5), present))

    (finding,) = [f for part in outcome.parts for f in part.findings if f.rule_id == "REG-YEAR"]
    assert outcome.status is Outcome.ACCEPTED
    assert "2023" in finding.text
    assert finding.count == 25


def test_items_that_are_not_in_the_bank_are_told(site: Site) -> None:
    header = "StartDate,EndDate,RecordedDate,ResponseId,Duration (in seconds),DistributionChannel,s-tint-q1,s-peff-q1,Grade,DESE ID\n"
    answers = "".join(f"2026-01-12,2026-01-12,2026-01-12,R_{n},300,anonymous,3,4,4,35010010\n" for n in range(12))

    path = site.root / "climate_survey_student_winter_2026.csv"
    path.write_text(header + answers)

    (outcome,) = site.ingest(path, district="3501")

    found = [f for part in outcome.parts for f in part.findings if f.rule_id == "REG-ITEM"]
    assert len(found) == 1, outcome
    assert "2 items (s-peff-q1, s-tint-q1)" in found[0].text
    assert found[0].count == 24


def test_a_file_of_a_feed_that_is_not_expected_is_named(site: Site) -> None:
    outcome = site.take("staff_list_2026-01-15.csv", "Staff ID,School Code,Role,FTE\n1,HEA,teacher,1\n")

    assert outcome.status is Outcome.UNRECOGNIZED
    assert "reads as staff_list (feed staff), which is not expected here" in outcome.reason


def test_rows_that_the_layout_leaves_out_are_counted_in_the_letter(site: Site) -> None:
    lines = attendance(students(5), DAYS, present)
    outcome = site.take("attendance_a.csv", lines + lines.splitlines()[1] + "\n")

    letter = site.letters(outcome)["md"]
    assert "| read | 26 |" in letter
    assert "| accepted | 25 |" in letter
    assert "| exact repeats of another row | 1 |" in letter


def test_nothing_is_wrong_where_the_last_calendar_has_ended(site: Site) -> None:
    site.today = date(2031, 3, 3)

    done = site.run("compute")

    assert (done.status, done.err.count("calendar")) == (0, 0)


def test_a_roster_that_is_a_header_alone_says_so(site: Site) -> None:
    outcome = site.take("students_export_2026-01-15.csv", ROSTER)

    assert outcome.reason == "the file has a header and no rows; nothing was changed"


def test_absences_of_strangers_are_told_and_do_not_read_as_everybody_present(site: Site) -> None:
    """Ids that lost a leading zero match nobody; the days without a row would all read as present."""
    site.put("students_export_2025-09-02.csv", roster(students(30)))
    events = "".join(f"9{n:05d},HEA,2025-10-0{day},1,0\n" for n in range(20) for day in (6, 7))
    site.put("attendance_export_2025-10-31.csv", "local_id,school_local_id,event_date,absence,tardy\n" + events)

    outcome = site.ingest()[-1]
    with site.open() as home:
        compute(home)

    (finding,) = [f for part in outcome.parts for f in part.findings if f.rule_id == "REG-STUDENT"]
    assert "20 of 20 students" in finding.text
    assert site.sql("select count(*) from metric.value where metric = 'attendance_rate' and denominator > 0") == [
        (0,)
    ]
