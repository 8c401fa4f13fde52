"""What was loaded wrongly is taken back: exactly its rows go, and all that follows is as if it had never come."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sipetl.errors import ConfigError
from sipetl.pipeline import DeliveryOutcome
from sipetl.pipeline.exchange import restatements_of
from sipetl.pipeline.retract import look, retract
from sipetl.pipeline.review import release_cycle, run_round
from sipetl.quality import Outcome
from sipetl.registry.models import FeedName
from tests.hashing import final_hashes
from tests.home import ATTENDANCE, ROSTER, Site, Student, attendance, present, roster, students, weekdays

PEOPLE = students(30) + [Student(n, "SHS") for n in range(30, 40)]
DAYS = weekdays(date(2026, 1, 12), 10)
WEEK, NEXT = DAYS[:5], DAYS[5:]
COUNT = "select count(*), count(distinct part_id) from rows"
SPANS = """
    select id_hash, school, grade, entry_date, exit_date, valid_from, valid_to, snapshot_on from rows order by all
"""


def tardy(student: Student, day: date) -> str:
    return "T" if student.n == 1 else present(student, day)


def absent(_: Student, __: date) -> str:
    return "A"


def take_back(site: Site, outcome: DeliveryOutcome, reason: str | None = None) -> DeliveryOutcome:
    with site.open() as home:
        return retract(home, outcome.delivery_id, by="somebody", reason=reason)


def bring(site: Site) -> dict[str, str]:
    """A day's round, and the hash of what is there then; the ledger of deliveries tells of what was retracted."""
    with site.open() as home:
        run_round(home)
        return {name: value for name, value in final_hashes(home).items() if name != "deliveries"}


def verdicts(site: Site, days: Sequence[date]) -> set[str]:
    found = site.sql(
        "select v.verdict from ops.arrival a join ops.verdict v using (arrival_id)"
        " where a.district = '3501' and a.feed = 'attendance' and a.opens_on = any(:days)",
        days=list(days),
    )
    return {word for (word,) in found}


@pytest.fixture(scope="module")
def one_week(make_site: Callable[[], Site]) -> Site:
    """A home with a roster and a week of attendance, brought up to date."""
    site = make_site()
    site.take("students_export_2025-10-01.csv", roster(PEOPLE))
    site.take("attendance_a.csv", attendance(PEOPLE, WEEK, present))
    bring(site)
    return site


@pytest.fixture
def week(one_week: Site, copy_site: Callable[[Site], Site]) -> Site:
    return copy_site(one_week)


def test_after_it_all_is_as_if_it_had_never_come(week: Site) -> None:
    before = bring(week)
    outcome = week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))
    assert bring(week) != before
    assert not verdicts(week, NEXT) & {"late", "not_due", "due_soon"}

    done = take_back(week, outcome, "the wrong district's")

    assert (done.status, done.reason) == (Outcome.RETRACTED, "retracted by somebody: the wrong district's")
    assert week.lake(FeedName.ATTENDANCE, COUNT) == [(200, 1)]
    assert bring(week) == before
    assert verdicts(week, WEEK) == {"on_time"}
    assert verdicts(week, NEXT) <= {"late", "not_due", "due_soon"}


def test_the_only_file_of_a_feed_leaves_no_row_and_no_value(week: Site) -> None:
    with week.open() as home:
        ((delivery,),) = week.sql("select delivery_id from ops.delivery where file_name = 'attendance_a.csv'")
        retract(home, delivery, by="somebody")

    bring(week)

    assert week.lake(FeedName.ATTENDANCE, COUNT) == [(0, 0)]
    assert week.sql("select count(*) from metric.value where metric like 'attendance%'") == [(0,)]


def test_the_ledger_says_who_when_and_why_and_the_raw_file_stays(week: Site) -> None:
    outcome = week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))

    take_back(week, outcome, "the wrong district's")

    ((status, reason, landed),) = week.sql(
        "select status, reason, landed_path from ops.delivery where delivery_id = :d", d=outcome.delivery_id
    )
    assert (status, reason) == ("retracted", "retracted by somebody: the wrong district's")
    assert Path(landed).is_file()
    parts = week.sql(
        "select scope_kind, status, reason, rows_good, published_at is null from ops.delivery_part"
        " where delivery_id = :d order by part_id",
        d=outcome.delivery_id,
    )
    assert parts == [
        ("window", "retracted", reason, 200, False),
        ("retraction", "retracted", reason, 0, False),
    ]
    assert week.sql("select count(*) from ops.step where step = 'retract'") == [(1,)]
    letters = week.letters(outcome)
    assert "taken back by the receiving office" in letters["md"]
    assert "the wrong district's" in letters["html"].replace("&#39;", "'")


def test_the_same_bytes_may_be_read_otherwise_afterwards(site: Site) -> None:
    """The file means 1 July to 1 September, and was read as 7 to 9 January."""
    shipped = (files("sipetl.intake") / "layouts" / "sis_daily_attendance.yaml").read_text(encoding="utf-8")
    other = shipped.replace("sis_daily_attendance", "day_first").replace("%m/%d/%Y", "%d/%m/%Y")
    (site.root / "registry" / "layouts").mkdir()
    (site.root / "registry" / "layouts" / "day_first.yaml").write_text(other, encoding="utf-8")
    days = ("01/07/2025", "01/08/2025", "01/09/2025")
    rows = "".join(f"{s.number},{s.name},{s.school},{day},P\n" for day in days for s in PEOPLE)
    path = site.put("days.csv", ATTENDANCE + rows)
    (wrong,) = site.ingest(path, layout="sis_daily_attendance")
    years = "select school_year, min(attendance_date), count(*) from rows group by all order by all"
    assert site.ingest(path, layout="day_first") == [], "taken before"

    take_back(site, wrong)
    scanned = site.ingest()
    (right,) = site.ingest(path, layout="day_first")

    assert scanned == [], "a scan never takes it by itself"
    assert right.status is Outcome.ACCEPTED
    assert site.lake(FeedName.ATTENDANCE, years) == [(2026, date(2025, 7, 1), 120)]
    assert site.ingest(path, layout="day_first") == []


def test_what_it_had_replaced_is_offered_and_comes_back_only_when_asked(week: Site) -> None:
    """A correction of two days, which a newer file of another day does not touch."""
    wrong = week.take("attendance_b.csv", attendance(PEOPLE, WEEK[:2], tardy))
    week.take("attendance_c.csv", attendance(PEOPLE, WEEK[4:], tardy))

    done = week.run("delivery", "retract", "attendance_b.csv", "--yes")

    assert (done.status, done.err) == (0, "")
    assert "It had replaced 80 rows of attendance_a.csv" in done.out
    assert f"sipetl delivery retract {wrong.delivery_id} --restore" in done.out
    by_file = "select attendance_date, count(*), count(*) filter (tardy) from rows group by all order by all"
    stays = [(day, 40, 0) for day in WEEK[2:4]] + [(WEEK[4], 40, 1)]
    assert week.lake(FeedName.ATTENDANCE, by_file) == stays


def test_what_it_had_replaced_comes_back_when_asked(week: Site) -> None:
    week.take("attendance_b.csv", attendance(PEOPLE, WEEK[:2], tardy))

    done = week.run("delivery", "retract", "attendance_b.csv", "--yes", "--restore", "--json")
    again = week.run("delivery", "retract", "attendance_b.csv", "--yes", "--restore", "--json")

    told = json.loads(done.out)
    assert (done.status, told["status"]) == (0, "retracted")
    assert [(one["file_name"], one["rows"]) for one in told["replaced"]] == [("attendance_a.csv", 80)]
    assert [(one["file"], one["status"]) for one in told["restored"]] == [("attendance_a.csv", "accepted")]
    assert week.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 0)]
    assert json.loads(again.out)["replaced"] == json.loads(again.out)["restored"] == []


def test_a_file_that_was_replaced_as_a_whole_comes_back_too(week: Site) -> None:
    week.take("attendance_b.csv", attendance(PEOPLE, WEEK, tardy))
    assert ("superseded",) in week.sql("select status from ops.delivery where file_name = 'attendance_a.csv'")
    week.run("delivery", "retract", "attendance_b.csv", "--yes")

    week.run("delivery", "retract", "attendance_b.csv", "--yes", "--restore")

    assert week.lake(FeedName.ATTENDANCE, "select count(*), count(*) filter (tardy) from rows") == [(200, 0)]
    assert week.sql("select status from ops.delivery where file_name = 'attendance_a.csv'") == [("accepted",)]


def test_a_file_that_landing_lost_is_told_and_not_offered(week: Site) -> None:
    week.take("attendance_b.csv", attendance(PEOPLE, WEEK, tardy))
    week.sql("update ops.delivery set landed_path = 'gone' where file_name = 'attendance_a.csv' returning 1")

    done = week.run("delivery", "retract", "attendance_b.csv", "--yes", "--restore")

    assert done.status == 0
    assert "landing has its file no longer" in done.out
    assert week.lake(FeedName.ATTENDANCE, COUNT) == [(0, 0)]


def test_what_a_newer_file_replaced_of_it_stays_replaced(week: Site) -> None:
    wrong = week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))
    week.take("attendance_c.csv", attendance(PEOPLE, NEXT[:1], tardy))

    take_back(week, wrong)

    days = "select attendance_date, count(*) from rows where attendance_date >= '2026-01-19' group by all"
    assert week.lake(FeedName.ATTENDANCE, days) == [(NEXT[0], 40)]


def test_it_is_shown_first_by_school_and_day_and_asked(week: Site) -> None:
    week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))

    asked = week.run("delivery", "retract", "attendance_b.csv")

    assert asked.status == 1
    assert "attendance of district 3501, school year 2026" in asked.out
    assert all(word in asked.out for word in ("35010010", "35010020", "2026-01-19", "removed"))
    assert "77" not in asked.out.replace("0077", "")
    assert week.lake(FeedName.ATTENDANCE, COUNT) == [(400, 2)]

    told = json.loads(week.run("delivery", "retract", "attendance_b.csv", "--yes", "--json").out)

    (part,) = told["parts"]
    assert {day: n["removed"] for day, n in part["by_time"].items()} == {str(day): 40 for day in NEXT}
    assert {code: n["removed"] for code, n in part["by_school"].items()} == {"35010010": 150, "35010020": 50}


def test_done_twice_is_done_once(week: Site) -> None:
    outcome = week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))
    take_back(week, outcome, "first")
    ((version,),) = week.sql("select max(delta_version) from ops.delivery_part where feed = 'attendance'")

    done = week.run("delivery", "retract", "attendance_b.csv", "--reason", "second")

    assert (done.status, "was taken back before: retracted by somebody: first" in done.out) == (0, True)
    assert week.sql("select max(delta_version), count(*) from ops.delivery_part where feed = 'attendance'") == [
        (version, 3)
    ]


def test_what_is_not_loaded_cannot_be_retracted(week: Site) -> None:
    held = week.take("attendance_b.csv", attendance(PEOPLE[:5], WEEK, present))
    twin = week.take("attendance_c.csv", attendance(PEOPLE, WEEK, present))
    assert (held.status, twin.status) == (Outcome.HELD, Outcome.DUPLICATE)

    with week.open() as home:
        for outcome, why in ((held, "hold reject"), (twin, "it is duplicate")):
            with pytest.raises(ConfigError, match=why):
                retract(home, outcome.delivery_id, by="somebody")
            with pytest.raises(ConfigError, match=why):
                look(home, outcome.delivery_id)
        with pytest.raises(ConfigError, match="no such delivery"):
            look(home, UUID(int=7))


def test_a_retracted_delivery_is_listed_and_not_replayed(week: Site) -> None:
    outcome = week.take("attendance_b.csv", attendance(PEOPLE, NEXT, present))
    take_back(week, outcome)

    listed = json.loads(week.run("deliveries", "--status", "retracted", "--json").out)
    replayed = week.run("quarantine", "replay", "attendance_b.csv")

    assert [one["file_name"] for one in listed] == ["attendance_b.csv"]
    assert (replayed.status, "it is retracted" in replayed.err) == (2, True)


def test_a_released_number_becomes_a_restatement_that_names_the_delivery(make_site: Callable[[], Site]) -> None:
    days = weekdays(date(2025, 9, 8), 30)
    site = replace(make_site(), today=date(2025, 12, 2))
    site.take("students_export_2025-09-02.csv", roster(PEOPLE))
    site.take("attendance_a.csv", attendance(PEOPLE, days[:20], present))
    wrong = site.take("attendance_b.csv", attendance(PEOPLE, days[20:], absent))
    with site.open() as home:
        run_round(home)
        release_cycle(home, "C1")
    frozen = site.sql("select count(*), sum(numerator) from ops.release_value")

    take_back(site, wrong)
    with site.open() as home:
        run_round(home)
        found = restatements_of(home, "C1")

    assert site.sql("select count(*), sum(numerator) from ops.release_value") == frozen
    causes = {cause for row in found for cause in row.causes if row.metric == "attendance_rate"}
    assert {(c.kind, c.was, c.now) for c in causes} == {("delivery", "attendance_b.csv", None)}


def snapshot(day: str) -> tuple[str, str]:
    """Who is enrolled on a day of five: some leave, one returns, one is in another grade, one is the second's only.

    The third file is another year's: it names a quarter of them, and ten that are nobody's.
    """
    n = ("2025-09-01", "2025-10-01", "2025-11-03", "2025-12-01", "2026-01-12").index(day)
    gone = {1: {3}, 2: set(range(30)), 3: {3, 5}, 4: {5, 7}}.get(n, set())
    people = [s for s in PEOPLE if s.n not in gone]
    people += [Student(50, "SHS")] if n == 1 else []
    people += [Student(s, "SHS") for s in range(60, 70)] if n == 2 else []
    content = roster(people)
    if n >= 3:
        moved = roster([Student(9)]).removeprefix(ROSTER)
        content = content.replace(moved, moved.replace(",03,", ",04,"))
    return f"students_export_{day}.csv", content


SNAPSHOTS = ("2025-09-01", "2025-10-01", "2025-11-03", "2025-12-01", "2026-01-12")


def enrolled(site: Site) -> list[tuple[Any, ...]]:
    return site.lake(FeedName.ROSTER, SPANS)


def folded(site: Site, days: Sequence[str]) -> dict[str, DeliveryOutcome]:
    """Take snapshots; a person lets each through that would change too much."""
    found = {}
    for day in days:
        found[day] = site.take(*snapshot(day))
        if found[day].status is Outcome.HELD:
            assert site.run("hold", "accept", found[day].file_name).status == 0
    return found


@pytest.fixture(scope="module")
def year(make_site: Callable[[], Site]) -> tuple[Site, dict[str, DeliveryOutcome]]:
    site = make_site()
    taken = folded(site, SNAPSHOTS)
    site.take("attendance_a.csv", attendance(PEOPLE, WEEK, present))
    return site, taken


@pytest.mark.parametrize("gone", [(0,), (2,), (4,), (2, 1), (1, 3, 4)], ids=str)
def test_a_year_without_a_snapshot_is_folded_as_if_it_had_never_come(
    year: tuple[Site, dict[str, DeliveryOutcome]],
    gone: tuple[int, ...],
    make_site: Callable[[], Site],
    copy_site: Callable[[Site], Site],
) -> None:
    site, plain = copy_site(year[0]), make_site()
    folded(plain, [day for n, day in enumerate(SNAPSHOTS) if n not in gone])
    plain.take("attendance_a.csv", attendance(PEOPLE, WEEK, present))
    assert enrolled(site) != enrolled(plain)

    for n in gone:
        take_back(site, year[1][SNAPSHOTS[n]])

    assert enrolled(site) == enrolled(plain)
    hashes, expected = bring(site), bring(plain)
    assert {name: hashes[name] for name in ("identity", "values", "statuses")} == {
        name: expected[name] for name in ("identity", "values", "statuses")
    }
    known = {str(part) for (part,) in site.sql("select part_id from ops.delivery_part where status = 'accepted'")}
    assert {part for (part,) in site.lake(FeedName.ROSTER, "select distinct part_id from rows")} <= known


def test_a_snapshot_that_is_shown_first_counts_who_is_enrolled(
    year: tuple[Site, dict[str, DeliveryOutcome]], copy_site: Callable[[Site], Site]
) -> None:
    site = copy_site(year[0])
    with site.open() as home:
        last, third = (look(home, year[1][SNAPSHOTS[n]].delivery_id) for n in (4, 2))

    kinds = ("before", "after", "added", "removed", "changed")
    found = [tuple(one.parts[0].would.whole[kind] for kind in kinds) for one in (last, third)]
    assert found == [(38, 38, 1, 1, 0), (38, 38, 0, 0, 0)]


def test_a_corrected_snapshot_is_taken_back_with_what_it_corrected_and_the_first_comes_when_asked(site: Site) -> None:
    site.take("students_export_2025-10-01.csv", roster(PEOPLE))
    site.take("students_export_2025-11-03.csv", roster(PEOPLE[:-1]))
    before = enrolled(site)
    path = site.root / "inbox" / "3501" / "b"
    path.mkdir()
    (path / "students_export_2025-11-03.csv").write_text(roster([*PEOPLE[1:], Student(50)]))
    (wrong,) = site.ingest(path / "students_export_2025-11-03.csv")
    assert wrong.status is Outcome.ACCEPTED
    assert enrolled(site) != before

    done = site.run("delivery", "retract", str(wrong.delivery_id), "--yes")
    assert "It had replaced" in done.out
    assert {row[-1] for row in enrolled(site)} == {date(2025, 10, 1)}
    assert {row[-2] for row in enrolled(site)} == {None}
    site.run("delivery", "retract", str(wrong.delivery_id), "--yes", "--restore")

    assert enrolled(site) == before
