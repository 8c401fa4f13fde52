"""Numbers and statuses as people read them, and why some are not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sipetl.cli.why import Reasons, next_result
from sipetl.disclosure import load_policy
from sipetl.readiness import Readiness
from sipetl.registry.models import Cycle
from tests.home import Site, attendance, students, weekdays

DAYS = [
    day
    for day in weekdays(date(2025, 8, 27), 58)
    if day not in (date(2025, 9, 1), date(2025, 10, 13), date(2025, 11, 11))
]
"""School days up to the cycle's last: weekdays but for Labor Day, Indigenous Peoples' Day and Veterans Day."""


@pytest.fixture(scope="module")
def judged(make_site: Callable[[], Site]) -> Site:
    """Three students in September, one of whom never came; computed at the end of January."""
    site = make_site()
    days = weekdays(date(2025, 9, 2), 20)
    site.put("attendance_a.csv", attendance(students(3), days, lambda s, _: "P" if s.n else "A"))
    for arguments in (["ingest"], ["compute"]):
        assert site.run(*arguments).status == 0
    return site


def rows(site: Site, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(site.run(*arguments, "--json").out)
    return found


VALUES = ("metrics", "values", "--metric", "attendance_rate", "--organization", "35010010", "--period", "2026")


def test_value_is_rounded_for_people_and_exact_for_machines(judged: Site) -> None:
    told = judged.run(*VALUES).out
    (exact,) = rows(judged, *VALUES)

    assert "66.7" in told
    assert "66.66" not in told
    assert exact["value"].startswith("66.666666666666")


def test_plan_status_tells_its_data_day_and_rounds(judged: Site) -> None:
    told = judged.run("plan", "status", "--cycle", "c1")
    exact = {row["code"]: row for row in rows(judged, "plan", "status")}

    assert told.status == 0
    assert "cycle C1, data up to 2025-11-14" in told.out
    assert "000000" not in told.out
    assert exact["B1"]["data_as_of"] == "2025-11-14"
    assert exact["B1"]["target"] == "95.000000000000000000"


def test_plan_status_tells_how_few_are_too_few(judged: Site) -> None:
    by_code = {row["code"]: row for row in rows(judged, "plan", "status")}

    assert by_code["M1"]["status"] == "insufficient_n"
    assert by_code["M1"]["why"] == "only 3 counted, at least 6 are needed"


def test_plan_status_counts_the_school_days_that_are_missing(make_site: Callable[[], Site]) -> None:
    """As readiness counts them: the last day, 14 November, is due after the cycle's data, and not among them."""
    site = make_site()
    site.run("compute")

    (benchmark, goal) = rows(site, "plan", "status")
    (ready,) = [
        row
        for row in json.loads(site.run("readiness", "C1", "--json").out)["rows"]
        if (row["school"], row["feed"]) == ("35010010", "attendance")
    ]
    told = " ".join(site.run("plan", "status").out.split())

    assert {benchmark["status"], goal["status"]} == {"no_data"}
    missing = benchmark["missing_arrival"]
    assert (missing["district"], missing["feed"], missing["verdict"]) == ("3501", "attendance", "missing")
    assert missing["owner"] == "Data office"
    assert benchmark["why"] == f"attendance: {ready['missing']} (Data office)"
    days = len(DAYS) - 1
    assert ready["missing"] == f"{days} of {days} school days are not here, {days} of them overdue, from 2025-08-27"
    assert f"attendance: {days} of {days}" in told


def test_a_report_counts_the_school_days_that_are_missing(make_site: Callable[[], Site]) -> None:
    site = make_site()
    site.run("compute")

    page = Path(site.run("report", "school", "35010010").out.strip()).read_text(encoding="utf-8")

    assert f"Missing: {len(DAYS)} school days of attendance, from 2025-08-27." in page


def test_plan_status_says_that_it_is_current_or_as_released(judged: Site, copy_site: Callable[[Site], Site]) -> None:
    site = copy_site(judged)
    before, before_exact = site.run("plan", "status").out, rows(site, "plan", "status")
    assert site.run("release", "C1", "--yes", "--anyway").status == 0

    after, after_exact = site.run("plan", "status").out, rows(site, "plan", "status")

    assert before.splitlines()[0] == "Benchmarks and MAGs at cycle C1, data up to 2025-11-14: current, not released"
    assert after.splitlines()[0].endswith(
        ": as released on 2026-01-30 (edition 1); restatements: sipetl restatements C1"
    )
    assert {row["edition"] for row in before_exact} == {None}
    assert {(row["edition"], row["released_at"][:4]) for row in after_exact} == {(1, "2026")}


def test_plan_status_says_what_is_waived_and_by_whom(site: Site) -> None:
    site.run("waive", "3501", "attendance", "2026", "--reason", "the server burnt")
    site.run("compute")

    (benchmark, _) = rows(site, "plan", "status")

    assert benchmark["status"] == "no_data"
    days = len(DAYS)
    told = f"{days} of {days} school days of attendance are waived: the server burnt (by "
    assert benchmark["why"].startswith(told)


def test_a_waived_window_is_told_where_it_is_the_one_that_is_measured() -> None:
    arrival = {"district": "3501", "feed": "survey", "is_daily": False, "waived_reason": None, "waived_by": None}
    fall = arrival | {
        "window_code": "fall",
        "is_waived": True,
        "waived_reason": "no items yet",
        "waived_by": "Data office",
    }
    winter = arrival | {"window_code": "winter", "is_waived": False}
    row = {"plan": "P", "code": "B1", "metric": "survey_favorable_belonging", "status": "no_data", "feed": None}
    row |= {"of_district": "3501", "of_feed": "survey", "of_window": None, "occurrences_total": None}

    waived = "survey fall is waived: no items yet (by Data office)"
    assert reasons([fall]).of(row) == waived
    assert reasons([fall, winter]).of(row) == "there is no value of its last measurement"
    assert reasons([fall, winter]).of(row | {"of_window": "fall"}) == waived
    assert reasons([fall | {"district": None}]).of(row) == waived


def reasons(ledger: Sequence[Mapping[str, Any]] = ()) -> Reasons:
    """What is known of a cycle of which readiness says nothing."""
    cycle = Cycle(
        cycle="C1",
        school_year=2026,
        data_as_of=date(2025, 11, 14),
        data_due=date(2025, 11, 21),
        review_date=date(2025, 12, 2),
    )
    ready = Readiness(cycle, datetime(2025, 11, 21, tzinfo=UTC), ())
    return Reasons(ready, load_policy("dese"), ZoneInfo("America/New_York"), ledger)


def test_what_came_without_all_is_told_by_what_it_lacks() -> None:
    due = datetime(2025, 10, 10, 22, tzinfo=UTC)
    arrival = {"district": "3501", "feed": "assessment", "window_code": "fall", "due_at": due, "owner": "Data office"}
    arrival |= {"is_daily": False, "school": "35010010"}

    told = reasons().of({"status": "incomplete", "verdict": "on_time", "lacks": "nothing of Spruce High", **arrival})

    assert told == "assessment fall of 3501 came without all: nothing of Spruce High (due 2025-10-10, Data office)"
    assert reasons().of({"status": "met", **arrival}) == ""


def test_a_source_with_a_calendar_of_its_own_says_when() -> None:
    assert next_result("mcas_meeting_exceeding_ela", date(2026, 3, 13)) == date(2026, 9, 22)
    assert next_result("mcas_meeting_exceeding_ela", date(2025, 11, 14)) == date(2026, 9, 22)
    assert next_result("attendance_rate", date(2026, 3, 13)) is None


def test_metrics_that_the_data_brought_are_listed(site: Site) -> None:
    copied = """
        insert into ref.metric select 'survey_favorable_tides', version, title, 'survey', family, unit, direction, path,
            display_unit, decimals, source, definition_sha256
        from ref.metric where metric = 'attendance_rate' returning metric
    """
    assert site.sql(copied) == [("survey_favorable_tides",)]

    listed = [row["metric"] for row in rows(site, "metrics", "list")]

    assert "survey_favorable_tides" in listed
    assert listed.count("attendance_rate") == 1


def test_report_is_for_this_account_alone(site: Site, tmp_path: Path) -> None:
    folder = site.root / "reports"
    folder.mkdir(mode=0o755)
    (folder / "home.html").touch(mode=0o644)

    done = site.run("report")
    elsewhere = site.run("report", "--out", str(tmp_path / "page.html"))

    assert (done.status, done.out.strip()) == (0, str(folder / "home.html"))
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "home.html")] == [0o700, 0o600]
    assert elsewhere.status == 0
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600


def test_report_makes_no_folder_that_was_mistyped(site: Site, tmp_path: Path) -> None:
    done = site.run("report", "--out", str(tmp_path / "reprots" / "page.html"))

    assert done.status == 2
    assert "there is no such folder" in done.err
    assert not (tmp_path / "reprots").exists()
