"""Looks at a cycle's readiness before its data is due: each once, and missed ones are caught up."""

from __future__ import annotations

import json
from datetime import date

from sipetl.pipeline.prepare import prepare
from tests.home import Site

STEPS = {10: date(2025, 11, 6), 5: date(2025, 11, 14), 2: date(2025, 11, 19), 0: date(2025, 11, 21)}
"""School days before 2025-11-21 without a break but Veterans Day, which the calendars leave out as a holiday of MA."""


def looked(site: Site, day: date) -> list[tuple[str, int]]:
    return [(look["district"], look["school_days"]) for look in prepare(site.settings.on(day))]


def test_each_look_is_taken_once_on_its_day(site: Site) -> None:
    assert looked(site, date(2025, 11, 5)) == []
    for n, day in STEPS.items():
        assert looked(site, day) == [("3501", n), ("9002", n)]
        assert looked(site, day) == []


def test_missed_looks_are_caught_up_in_one(site: Site) -> None:
    assert looked(site, date(2025, 11, 20)) == [("3501", 2), ("9002", 2)]

    folder = site.root / "reports" / "readiness" / "C1"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{district}-{n}.json" for district in ("3501", "9002") for n in (10, 2, 5)
    ]


def test_a_look_says_what_is_missing_and_what_it_blocks(site: Site) -> None:
    prepare(site.settings.on(STEPS[0]))

    told = json.loads((site.root / "reports" / "readiness" / "C1" / "3501-0.json").read_text("utf-8"))

    blocked = {(row["school"], row["feed"]): row for row in told["rows"] if row["blocks"]}
    assert set(blocked) == {("35010010", "attendance")}
    assert [goal["code"] for goal in blocked["35010010", "attendance"]["blocks"]] == ["B1", "M1"]
    assert {row["district"] for row in told["rows"]} == {"3501"}


def test_a_cycle_that_was_reviewed_is_looked_at_no_more(site: Site) -> None:
    assert looked(site, date(2025, 12, 3)) == []


def test_a_look_is_kept_for_all_homes_of_a_warehouse(site: Site) -> None:
    prepare(site.settings.on(STEPS[10]))
    for file in (site.root / "reports" / "readiness" / "C1").iterdir():
        file.unlink()

    assert looked(site, STEPS[10]) == []
    kept = site.sql("select district, school_days, found ->> 'state', told_at from ops.countdown order by district")
    assert kept == [("3501", 10, "blocked", None), ("9002", 10, "not_needed", None)]
