"""Rows that waited are loaded once the registry is mended: from landing, once, and without undoing a newer file."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from uuid import UUID

import pytest

from sipetl.errors import ConfigError, LandingError
from sipetl.pipeline.compute import compute
from sipetl.pipeline.replay import Replayed, replay, replay_all, waiting
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.hashing import final_hashes
from tests.home import ATTENDANCE, Site, Student, attendance, ledger, present, roster, students, weekdays

DAYS = weekdays(date(2026, 1, 12), 5)
KNOWN, STRANGE = students(40), [Student(n, "SHS") for n in range(40, 50)]
CODES = attendance(KNOWN + STRANGE, DAYS, present)
NEW_CODE = CODES.replace(",SHS,", ",NEW,")
"""Ten students of fifty come with a school code that the crosswalk does not know."""
ROWS, WAITING = 250, 50
ROSTER = "students_export_2026-01-12.csv"


def mend(site: Site) -> None:
    """The crosswalk learns the code."""
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text() + "3501,NEW,35010020,,\n")


def correct(site: Site) -> None:
    """A newer file says of one student that she was late on Monday."""
    late = attendance(KNOWN, DAYS[:1], lambda s, day: "T" if s.n == 1 else present(s, day))
    assert site.take("attendance_b.csv", late).status is Outcome.ACCEPTED


def again(site: Site, **only: str) -> list[Replayed]:
    with site.open() as home:
        return list(replay_all(home, **only, watch=lambda _: None))


def rows(site: Site) -> list[tuple[int, int]]:
    return [
        (a, b) for a, b in site.lake(FeedName.ATTENDANCE, "select count(*), count(distinct row_number) from rows")
    ]


def listed(site: Site) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(site.run("quarantine", "list", "--json").out)
    return found


@pytest.fixture(scope="module")
def with_quarantine(make_site: Callable[[], Site]) -> Site:
    """A home with an attendance file of which a fifth waits."""
    site = make_site()
    outcome = site.take("attendance_a.csv", NEW_CODE)
    assert ledger(site, outcome) == ("accepted", [("accepted", ROWS - WAITING, WAITING)])
    return site


@pytest.fixture
def waits(with_quarantine: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(with_quarantine)


def test_rows_that_waited_are_loaded_once_the_crosswalk_is_mended(waits: Site) -> None:
    assert len(listed(waits)) == WAITING
    mend(waits)

    done = waits.run("quarantine", "replay", "--json")

    (told,) = json.loads(done.out)
    assert (done.status, told["status"], told["rows_before"], told["rows_now"]) == (0, "accepted", 200, 250)
    assert rows(waits) == [(ROWS, ROWS)]
    assert listed(waits) == []
    assert waits.run("quarantine", "replay").out.startswith("0 deliveries taken again")


def test_the_ledger_keeps_both_readings_and_the_time_the_file_came(waits: Site) -> None:
    query = "select delivery_id, received_at, sha256, source_path from ops.delivery"
    came = waits.sql(query)
    mend(waits)
    again(waits)

    assert waits.sql(query) == came
    found = waits.sql(
        "select status, rows_good, rows_quarantined, part_id, supersedes from ops.delivery_part order by 4"
    )
    (first, second) = found
    assert first[:3] == ("superseded", 200, 50)
    assert second[:3] == ("accepted", 250, 0)
    assert second[4] == first[3]
    assert waits.sql("select count(*) from ops.step where step = 'replay'") == [(1,)]


def test_a_home_that_was_mended_late_ends_like_one_that_was_right_from_the_start(
    waits: Site, make_site: Callable[[], Site]
) -> None:
    right = make_site()
    mend(right)
    mend(waits)
    right.take("attendance_a.csv", NEW_CODE)
    again(waits)

    hashes = []
    for site in (right, waits):
        site.take(ROSTER, roster(KNOWN + STRANGE))
        with site.open() as home:
            compute(home)
            hashes.append(final_hashes(home))

    told = [{name: value for name, value in one.items() if name != "deliveries"} for one in hashes]
    assert told[0] == told[1]
    assert {"attendance", "values"} <= told[0].keys()


def test_nothing_mended_changes_nothing_and_says_so(waits: Site) -> None:
    version = waits.sql("select delta_version, status from ops.delivery_part")

    (done,) = again(waits)

    assert "the same rows as before, so nothing was changed" in done.outcome.reason
    assert (done.rows_before, done.rows_now, done.rows_waiting) == (200, 200, 50)
    assert waits.sql("select delta_version, status from ops.delivery_part") == version
    assert len(listed(waits)) == WAITING
    assert "nothing was changed" in waits.letters(done.outcome)["md"]


def test_a_replayed_delivery_is_still_known_by_its_bytes(waits: Site) -> None:
    mend(waits)
    again(waits)

    outcome = waits.take("attendance_again.csv", NEW_CODE)

    assert outcome.status is Outcome.DUPLICATE


def test_a_correction_that_came_since_is_not_undone(waits: Site) -> None:
    correct(waits)
    mend(waits)

    (done,) = again(waits)

    assert done.outcome.status is Outcome.HELD
    assert "attendance_b.csv is newer" in done.outcome.reason
    assert waits.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 1)]
    assert again(waits)[0].outcome.status is Outcome.HELD
    assert len(json.loads(waits.run("hold", "list", "--json").out)) == 1


def test_a_file_taken_since_and_released_is_not_undone_though_its_time_stamp_is_older(waits: Site) -> None:
    path = waits.root / "by_hand.csv"
    path.write_text(attendance(KNOWN, DAYS[:1], lambda s, day: "T" if s.n == 1 else present(s, day)))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    ((delivery,),) = waits.sql("select delivery_id from ops.delivery")
    waits.ingest(path, district="3501")
    ((part,),) = waits.sql("select part_id from ops.hold")
    assert waits.run("hold", "accept", str(part)).status == 0
    mend(waits)

    done = waits.run("quarantine", "replay", str(delivery))

    assert done.status == 4
    assert "by_hand.csv is newer" in done.out
    assert waits.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 1)]


def test_a_file_that_a_later_one_replaced_is_not_taken_again(waits: Site) -> None:
    waits.take("attendance_b.csv", CODES)
    ((delivery,),) = waits.sql("select delivery_id from ops.delivery where status = 'superseded'")

    done = waits.run("quarantine", "replay", str(delivery))

    assert (done.status, "it is superseded" in done.err) == (2, True)
    assert rows(waits) == [(ROWS, ROWS)]


def test_a_held_replay_that_a_person_accepts_goes_in_and_one_rejected_leaves_what_stood(
    waits: Site, copy_site: Callable[[Site], Site]
) -> None:
    correct(waits)
    mend(waits)
    again(waits)
    other = copy_site(waits)
    ((part,),) = waits.sql("select part_id from ops.delivery_part where status = 'held'")

    waits.run("hold", "accept", str(part), "--reason", "the correction was wrong")
    other.run("hold", "reject", str(part), "--reason", "the correction stands")

    assert rows(waits) == [(ROWS, ROWS)]
    assert waits.sql("select reason from ops.delivery_part where status = 'superseded' order by part_id")[-1][
        0
    ].endswith(": the correction was wrong")
    assert other.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 1)]
    assert other.sql("select status from ops.delivery order by delivery_id") == [("accepted",), ("accepted",)]
    letter = next(other.root.glob("reports/letters/*.md")).parent
    told = [p.read_text() for p in letter.glob("*.md")]
    assert any("the correction stands; what was loaded before stays" in text for text in told)


def test_a_refused_file_is_taken_once_the_cause_is_mended(site: Site) -> None:
    refused = site.take("attendance_a.csv", CODES.replace(",HEA,", ",NEW,").replace(",SHS,", ",NEW,"))
    assert refused.status is Outcome.REJECTED
    mend(site)

    (done,) = again(site)

    assert done.outcome.status is Outcome.ACCEPTED
    assert rows(site) == [(ROWS, ROWS)]


def test_a_refused_file_that_was_sent_again_is_left_alone(site: Site) -> None:
    site.take("attendance_a.csv", CODES.replace("att_code", "remark"))
    site.take("attendance_a.csv", CODES)

    with site.open() as home:
        assert waiting(home) == []


def test_the_terms_of_the_first_time_hold(site: Site) -> None:
    outside = site.root / "outside.csv"
    outside.write_text(NEW_CODE)
    site.ingest(outside, district="3501", embargo_until=date(2026, 3, 1))
    outside.unlink()
    mend(site)

    again(site)

    found = site.sql("select status, rows_good, embargo_until from ops.delivery_part order by part_id")
    assert found == [("superseded", 200, date(2026, 3, 1)), ("accepted", 250, date(2026, 3, 1))]


def test_the_newest_snapshot_is_folded_anew_and_an_older_one_is_left(site: Site) -> None:
    people = KNOWN + STRANGE
    unknown = roster(people).replace(",SHS,", ",NEW,")
    first = site.take("students_export_2025-10-01.csv", unknown)
    second = site.take("students_export_2025-11-03.csv", unknown)
    with site.open() as home:
        assert waiting(home) == [second.delivery_id]
    mend(site)

    site.run("quarantine", "replay", str(first.delivery_id))
    older = site.letters(first)["md"]
    again(site)

    assert "the snapshot of 2025-11-03 is newer, so nothing was changed" in older
    spans = "select school, valid_from, valid_to, count(*) from rows group by all order by all"
    found = site.lake(FeedName.ROSTER, spans)
    assert [(school, count) for school, _, _, count in found] == [("35010010", 40), ("35010020", 10)]
    assert {end for *_, end, _ in found} == {None}
    assert [s for (s,) in site.sql("select status from ops.delivery")] == ["accepted", "accepted"]


def test_rows_that_read_as_another_year_once_the_layout_is_mended_are_not_counted_twice(site: Site) -> None:
    """The file means 1 July to 1 September 2025, and was read as 7 to 9 January."""
    days = ("01/07/2025", "01/08/2025", "01/09/2025")
    content = "".join(f"{s.number},{s.name},{s.school},{day},P\n" for day in days for s in KNOWN)
    outcome = site.take("attendance_a.csv", ATTENDANCE + content)
    years = "select school_year, min(attendance_date), count(*) from rows group by all order by all"
    assert site.lake(FeedName.ATTENDANCE, years) == [(2025, date(2025, 1, 7), 120)]
    write_layout(site, lambda text: text.replace("%m/%d/%Y", "%d/%m/%Y"))

    with site.open() as home:
        replay(home, outcome.delivery_id)

    assert site.lake(FeedName.ATTENDANCE, years) == [(2026, date(2025, 7, 1), 120)]
    found = site.sql("select school_year, status, rows_good from ops.delivery_part order by part_id")
    assert found == [(2025, "superseded", 120), (2026, "accepted", 120), (2025, "accepted", 0)]


def test_rows_that_would_leave_a_part_and_come_nowhere_again_wait_for_a_person(site: Site) -> None:
    days = ("01/07/2025", "01/13/2025", "01/14/2025")
    content = "".join(f"{s.number},{s.name},{s.school},{day},P\n" for day in days for s in KNOWN)
    outcome = site.take("attendance_a.csv", ATTENDANCE + content)
    write_layout(site, lambda text: text.replace("%m/%d/%Y", "%d/%m/%Y"))

    with site.open() as home:
        done = replay(home, outcome.delivery_id)

    assert done is not None
    assert done.outcome.status is Outcome.HELD
    assert site.lake(FeedName.ATTENDANCE, "select school_year, count(*) from rows group by all") == [(2025, 120)]
    parts = [p for (p,) in site.sql("select part_id from ops.delivery_part where status = 'held' order by 1")]
    assert [site.run("hold", "accept", str(part)).status for part in parts] == [0, 0]
    assert site.lake(FeedName.ATTENDANCE, "select school_year, count(*) from rows group by all") == [(2026, 40)]


def write_layout(site: Site, mended: Callable[[str], str]) -> None:
    """The home's own reading of daily attendance, in place of the shipped one."""
    shipped = (files("sipetl.intake") / "layouts" / "sis_daily_attendance.yaml").read_text(encoding="utf-8")
    folder = site.root / "registry" / "layouts"
    folder.mkdir()
    (folder / "sis_daily_attendance.yaml").write_text(mended(shipped), encoding="utf-8")


def test_all_parts_of_an_archive_are_judged_each(site: Site) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("attendance_x.csv", NEW_CODE)
        file.writestr(ROSTER, roster(KNOWN))
        file.writestr("notes.csv", "a,b\n1,2\n")
    site.take("everything.zip", archive.getvalue())
    mend(site)

    (done,) = again(site)

    assert done.outcome.status is Outcome.UNRECOGNIZED
    assert {(p.member, p.rows_good) for p in done.outcome.parts} == {
        ("attendance_x.csv", ROWS),
        (ROSTER, 40),
        ("notes.csv", 0),
    }
    assert site.sql("select count(*) from ops.delivery_part where feed = 'roster'") == [(1,)]


def test_only_a_district_or_a_feed_is_taken_again(waits: Site) -> None:
    mend(waits)

    assert again(waits, district="9002") == []
    assert again(waits, feed="roster") == []
    assert len(again(waits, district="3501", feed="attendance")) == 1


def test_a_file_that_landing_lost_does_not_stop_the_others(waits: Site) -> None:
    waits.take("attendance_b.csv", attendance(KNOWN, DAYS, present).replace("2026-01-12", "2026-02-30"))
    waits.take("attendance_c.csv", NEW_CODE.replace("2026-01", "2025-10"))
    waits.sql("update ops.delivery set landed_path = 'gone' where file_name = 'attendance_a.csv' returning 1")
    mend(waits)

    done = waits.run("quarantine", "replay")

    assert (done.status, "landing has the file no longer" in done.err) == (3, True)
    assert waits.lake(FeedName.ATTENDANCE, "select count(*) from rows where month(attendance_date) = 10") == [(ROWS,)]


def test_what_cannot_be_taken_again_is_told(waits: Site) -> None:
    with waits.open() as home:
        with pytest.raises(ConfigError, match="there is none with this id"):
            replay(home, UUID(int=7))
        ((delivery, landed),) = waits.sql("select delivery_id, landed_path from ops.delivery")
        waits.sql("update ops.delivery set landed_path = landed_path || 'x' returning 1")
        with pytest.raises(LandingError, match="no longer"):
            replay(home, delivery)
        assert waits.sql("select status from ops.delivery") == [("accepted",)]
    assert landed


@pytest.mark.parametrize(
    ("point", "moment"), [("identify", "before"), ("delta_commit", "after"), ("letter", "before")]
)
def test_a_killed_replay_is_gone_on_with_by_the_next_command(waits: Site, point: str, moment: str) -> None:
    mend(waits)
    code = (
        "import sys; sys.argv = ['sipetl', 'quarantine', 'replay']\n"
        f"from tests.faults.round import die_at; from sipetl.cli import main; die_at({point!r}, {moment!r}); main()"
    )
    process = waits.start("-c", code)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL

    waits.ingest()

    assert rows(waits) == [(ROWS, ROWS)]
    found = waits.sql("select status, rows_good from ops.delivery_part order by part_id")
    assert found == [("superseded", 200), ("accepted", 250)]
    assert waits.sql("select status from ops.delivery") == [("accepted",)]


@pytest.mark.parametrize("name", ["attendance_a.csv", "everything.zip"])
def test_a_replay_that_is_refused_leaves_the_delivery_accepted_and_says_why(site: Site, name: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("attendance_x.csv", NEW_CODE)
    outcome = site.take(name, NEW_CODE if name.endswith("csv") else archive.getvalue())
    write_layout(site, lambda text: text.replace("att_code", "remark"))

    done = site.run("quarantine", "replay", str(outcome.delivery_id), "--json")

    (told,) = json.loads(done.out)
    assert (done.status, told["status"], told["rows_now"]) == (4, "accepted", 200)
    ((status, reason),) = site.sql("select status, reason from ops.delivery")
    assert status == "accepted"
    assert reason.startswith("taken again and refused: ")
    assert reason.endswith("; what was loaded from it before stays")
    assert ledger(site, outcome) == ("accepted", [("accepted", 200, 50)])
    letter = site.letters(outcome)
    assert "What was loaded from this part before stays." in letter["md"]
    assert "Nothing was loaded" not in letter["md"]
    (part,) = json.loads(letter["json"])["parts"]
    assert (part["outcome"], part["feed"], part["rows_good"]) == ("quarantined", "attendance", 200)
    with site.open() as home:
        assert waiting(home) == [outcome.delivery_id], "its rows wait still"


def test_rows_that_a_stricter_rule_refuses_now_leave_the_lake(site: Site) -> None:
    """What a mended rule no longer lets through is not left behind from the first reading."""
    extra = students(41)[40:]
    outcome = site.take(
        "attendance_a.csv", CODES + attendance(extra, [date(2026, 1, 20)], present).removeprefix(ATTENDANCE)
    )
    assert outcome.parts[0].rows_good == ROWS + 1
    crosswalk = site.root / "registry" / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text().replace("3501,HEA,35010010,,", "3501,HEA,35010010,,2026-01-19"))

    with site.open() as home:
        done = replay(home, outcome.delivery_id)

    assert done is not None
    assert (done.rows_before, done.rows_now, done.rows_waiting) == (251, 250, 1)
    assert rows(site) == [(ROWS, ROWS)]
