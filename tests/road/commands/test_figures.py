"""Numbers and statuses as people read them, and why some are not there."""

from __future__ import annotations

import json
from collections.abc import Callable
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


def test_plan_status_names_the_arrival_that_is_missing(make_site: Callable[[], Site]) -> None:
    site = make_site()
    site.run("compute")

    (benchmark, goal) = rows(site, "plan", "status")
    told = " ".join(site.run("plan", "status").out.split())

    assert {benchmark["status"], goal["status"]} == {"no_data"}
    missing = benchmark["missing_arrival"]
    assert (missing["district"], missing["feed"], missing["verdict"]) == ("3501", "attendance", "missing")
    assert missing["owner"] == "Data office"
    assert benchmark["why"].startswith(f"attendance {missing['window_code']} of 3501 is missing (due ")
    assert "Data office" in told


def test_what_came_without_all_is_told_by_what_it_lacks() -> None:
    cycle = Cycle(
        cycle="C1",
        school_year=2026,
        data_as_of=date(2025, 11, 14),
        data_due=date(2025, 11, 21),
        review_date=date(2025, 12, 2),
    )
    due = datetime(2025, 10, 10, 22, tzinfo=UTC)
    reasons = Reasons(Readiness(cycle, due, ()), load_policy("dese"), ZoneInfo("America/New_York"))
    arrival = {"district": "3501", "feed": "assessment", "window_code": "fall", "due_at": due, "owner": "Data office"}

    told = reasons.of({"status": "incomplete", "verdict": "on_time", "lacks": "nothing of Spruce High", **arrival})

    assert told == "assessment fall of 3501 came without all: nothing of Spruce High (due 2025-10-10, Data office)"
    assert reasons.of({"status": "met", **arrival}) == ""


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
