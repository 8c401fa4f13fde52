"""What ingest says, and how deliveries, held parts and quarantined rows are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from sipetl.cli.holds import by_reason, ranges
from tests.home import ATTENDANCE, Done, Site, attendance, present, students, weekdays

DAYS = weekdays(date(2026, 1, 12), 5)


@pytest.fixture(scope="module")
def held(make_site: Callable[[], Site]) -> Site:
    """Twenty students came, and then a file of five for the same days."""
    site = make_site()
    site.take("attendance_a.csv", attendance(students(20), DAYS, present))
    site.put("attendance_b.csv", attendance(students(5), DAYS, present))
    return site


@pytest.fixture(scope="module")
def told(held: Site) -> Done:
    """What was said of them."""
    return held.run("ingest")


def test_held_file_is_said_with_what_to_do_next(held: Site, told: Done) -> None:
    ((part_id,),) = held.sql("select part_id::text from ops.delivery_part where status = 'held'")
    assert (told.status, told.err) == (4, "")
    assert told.out.startswith("held")
    assert f"sipetl hold show {part_id}" in told.out
    assert "1 delivery." in told.out


def test_held_part_is_found_by_how_its_id_begins_and_by_its_file(held: Site, told: Done) -> None:
    ((part_id,),) = held.sql("select part_id::text from ops.delivery_part where status = 'held'")

    found = [held.run("hold", "show", name, "--json") for name in (part_id, part_id[:30], "attendance_b.csv")]

    assert {json.loads(done.out)["part_id"] for done in found} == {part_id}
    assert held.run("hold", "show", "attendance_c.csv").status == 2


def test_delivery_is_found_by_how_its_id_begins_and_by_its_file(held: Site) -> None:
    ids = dict(held.sql("select file_name, delivery_id::text from ops.delivery"))
    mine = ids["attendance_a.csv"]

    found = [held.run("delivery", "show", name, "--json") for name in (mine, mine[:30], "attendance_a.csv")]
    unknown = held.run("delivery", "show", "atendance_a.csv")

    assert {json.loads(done.out)["delivery_id"] for done in found} == {mine}
    assert (unknown.status, "near: attendance_a.csv" in unknown.err) == (2, True)


def test_how_several_ids_begin_names_none(held: Site, told: Done) -> None:
    ids = [one for (one,) in held.sql("select delivery_id::text from ops.delivery")]
    common = next(ids[0][:n] for n in range(len(ids[0]), 0, -1) if ids[0][:n] == ids[1][:n])

    done = held.run("delivery", "show", common)

    assert (done.status, "2 ids are meant by this" in done.err) == (2, True)


def test_empty_scan_names_the_inboxes(site: Site) -> None:
    for arguments in (["scan"], ["ingest"]):
        done = site.run(*arguments)
        assert done.out.startswith("Nothing new. Files are looked for in:\n")
        assert f"{site.root}/inbox/3501 (district 3501: attendance, roster)" in done.out
        assert f"{site.root}/inbox/9002" in done.out
    assert json.loads(site.run("ingest", "--json").out) == []


def test_of_several_districts_none_is_assumed(site: Site, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "attendance_a.csv"
    path.write_text(attendance(students(2), DAYS, present))

    (told,) = json.loads(site.run("ingest", str(path), "--json").out)

    assert (told["sender"], told["status"]) == ("operator", "rejected")


def test_row_that_breaks_rules_many_times_is_one_line(site: Site) -> None:
    good = attendance(students(5), DAYS, present)
    site.take("attendance_a.csv", good + "".join(f"350177900,X,NOWHERE,someday {n},P\n" for n in range(3)))

    told = site.run("quarantine", "list")
    issues = json.loads(site.run("quarantine", "list", "--json").out)

    assert told.out.count("attendance_a.csv") == 2, "once as file, once as member"
    assert "27-29 (3 rows)" in told.out
    assert {issue["row_number"] for issue in issues} == {27, 28, 29}
    assert len({tuple(issue.items()) for issue in issues}) == len(issues)


def test_rows_with_the_same_reasons_are_one_line_and_others_another() -> None:
    file = {"delivery_id": "d", "sender": "3501", "file_name": "a.csv", "member": "a.csv"}
    broken: list[tuple[int, str, str | None]] = [
        (2, "R1", "x"),
        (2, "R2", None),
        (3, "R1", "x"),
        (3, "R2", None),
        (3, "R2", None),
        (7, "R1", "x"),
    ]
    issues = [{**file, "row_number": n, "rule_id": rule, "column_name": column} for n, rule, column in broken]

    told = [(line["rows"], line["reasons"]) for line in by_reason(issues)]

    assert told == [("2-3 (2 rows)", "R1 x, R2"), ("7", "R1 x")]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([5], "5"),
        ([5, 7], "5, 7"),
        ([5, 6, 7, 9], "5-7, 9 (4 rows)"),
        (list(range(1, 41, 2)), "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 8 more"),
    ],
)
def test_row_numbers_are_told_as_ranges(numbers: list[int], told: str) -> None:
    assert ranges(numbers) == told


def test_of_a_file_of_two_school_years_each_part_has_a_line(site: Site) -> None:
    people, last_year = students(20), weekdays(date(2025, 1, 13), 5)
    site.take("attendance_a.csv", attendance(people, last_year, present))
    this_year = attendance(people, DAYS, present)
    slip = attendance(people[:1], [last_year[0], last_year[-1]], present).removeprefix(ATTENDANCE)
    site.put("attendance_b.csv", this_year + slip)

    done = site.run("ingest")

    assert done.status == 4
    assert "held          3501  attendance_b.csv  100 rows loaded, of 2 parts\n" in done.out
    loaded, held, *_ = done.out.splitlines()[1:]
    assert loaded.strip() == "100 rows of 2025-26: accepted"
    assert held.strip().startswith("2 rows of 2024-25: held, ")
    assert "98 of 100" in held
