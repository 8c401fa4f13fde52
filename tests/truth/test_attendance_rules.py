"""The truth table of attendance: one line per case, each with the source of its rule; sums written by hand.

S.. are the sources of the domain reference (S31 SIMS attendance, S39 attendance FAQ, S61 chronic absence, S86 "at a
given school", S22 a production warehouse's rules); "policy" is a decision of this project's policy file.
The calendar has school days on every weekday from Monday 2025-09-01; day(1) is that Monday.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sipetl.metrics import compute_feed, load_catalogue
from sipetl.metrics.compute import ensure_inputs
from sipetl.registry.models import FeedName
from tests.truth.truth_page import tell

A, B = "90010005", "90010010"
ORGANIZATIONS = {A: 11, B: 12, "district": 10}
FIRST = date(2025, 9, 1)
AS_OF = date(2026, 6, 30)


def day(number: int) -> date:
    """The number-th weekday from the first day, counted from 1."""
    weeks, rest = divmod(number - 1, 5)
    return FIRST + timedelta(days=7 * weeks + rest)


def key(name: str) -> bytes:
    return name.encode().ljust(32, b".")


Row = dict[str, Any]


def row(who: str, on: int, present: bool | None, school: str = A, grain: str = "day", **more: Any) -> Row:
    return {
        "population": "student", "id_hash": key(who), "school": school, "attendance_date": day(on), "grain": grain,
        "unit": "", "present": present, **more,
    }  # fmt: skip


def days(who: str, first: int, last: int, absent: Iterable[int] = (), school: str = A) -> list[Row]:
    """Day-grain rows of every school day from first to last."""
    missed = set(absent)
    return [row(who, on, on not in missed, school) for on in range(first, last + 1)]


def enrolled(who: str, first: int = 1, left: int | None = None, school: str = A) -> Row:
    """A roster span; `left` is the first day no longer enrolled."""
    return {
        "id_hash": key(who), "school": school, "valid_from": day(first), "valid_to": day(left) if left else None,
        "grade": "05",
    }  # fmt: skip


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    rows: list[Row]
    expected: dict[tuple[str, str], tuple[int, int] | None]
    roster: list[Row] = field(default_factory=list)
    school_days: int = 180
    closed: tuple[int, ...] = ()
    identity: dict[str, int] = field(default_factory=dict)
    as_of: date = AS_OF


CHRONIC, RATE, DAYS = "chronic_absence_rate_pk12", "attendance_rate", "average_days_absent"
ONCE, UNEXCUSED = "chronic_absence_rate_pk12_student", "unexcused_over_9_days"
EVENT = {"grain": "event"}
CASES = [
    Case("18 of 180 is chronic", "S39", days("s", 1, 180, range(1, 19)), {(A, CHRONIC): (1, 1)}),
    Case("17 of 180 is not chronic", "S39", days("s", 1, 180, range(1, 18)), {(A, CHRONIC): (0, 1)}),
    Case("exactly 10 percent is chronic", "S39", days("s", 1, 190, range(1, 20)), {(A, CHRONIC): (1, 1)}, school_days=190),
    Case("18 of 181 is under 10 percent", "S39", days("s", 1, 181, range(1, 19)), {(A, CHRONIC): (0, 1)}, school_days=181),
    Case("2 of 19 is not in it", "S61", days("s", 1, 19, (1, 2)), {(A, CHRONIC): None, (A, DAYS): (200, 1)}),
    Case("2 of 20 is in it", "S61", days("s", 1, 20, (1, 2)), {(A, CHRONIC): (1, 1)}),
    Case("9.995 percent is not rounded up", "S39, integers only", [
        row("s", 1, None, grain="cumulative", days_member_x100=20000, days_absent_x100=1999)
    ], {(A, CHRONIC): (0, 1)}),
    Case("excused absences count", "S39", [
        {**r, "excused": True} for r in days("s", 1, 20, (1, 2))
    ], {(A, CHRONIC): (1, 1), (A, UNEXCUSED): (0, 1)}),
    Case("10 unexcused days are more than 9", "S59", [
        {**r, "excused": False} for r in days("s", 1, 20, range(1, 11))
    ], {(A, UNEXCUSED): (1, 1)}),
    Case("unknown is not unexcused", "policy", days("s", 1, 20, range(1, 11)), {(A, UNEXCUSED): (0, 1)}),
    Case("a mover counts at each school", "S86", days("s", 1, 30, (1, 2, 3)) + days("s", 31, 60, (), B), {
        (A, CHRONIC): (1, 1), (B, CHRONIC): (0, 1), ("district", CHRONIC): (1, 2), ("district", ONCE): (0, 1),
    }),
    Case("a mover with 15 days at each is judged above them only", "S61, S86", days("s", 1, 15, (1, 2, 3)) + days("s", 16, 30, (), B), {
        (A, CHRONIC): None, (B, CHRONIC): None, ("district", CHRONIC): None, ("district", ONCE): (1, 1),
    }),
    Case("a leaver counts with the days until leaving", "S39", [row("s", n, False, **EVENT) for n in (1, 2, 3)]
        + [row("t", 100, False, **EVENT)], {(A, CHRONIC): (1, 2), (A, RATE): (2700 + 9900, 3000 + 10000)},
        roster=[enrolled("s", 1, 31), enrolled("t")]),
    Case("attendance after exit is ignored", "S32", days("s", 1, 40, (31, 32, 33, 34)), {(A, RATE): (3000, 3000)},
        roster=[enrolled("s", 1, 31)]),
    Case("an absence event after exit is ignored", "S32", [row("s", n, False, **EVENT) for n in (1, 40)],
        {(A, RATE): (2900, 3000)}, roster=[enrolled("s", 1, 31)]),
    Case("attendance before entry is ignored", "S32", days("s", 1, 40, (1, 2)), {(A, RATE): (3000, 3000)},
        roster=[enrolled("s", 11)]),
    Case("overlapping enrolments count at both schools, and once above", "S22, S86",
        days("s", 1, 30, (1, 2, 3)) + days("s", 21, 50, (21, 22), B), {
            (A, RATE): (2700, 3000), (B, RATE): (2800, 3000), ("district", RATE): (5500, 6000),
            ("district", ONCE): (0, 1),
        }, roster=[enrolled("s", 1, 31), enrolled("s", 21, 51, B)]),
    Case("two sessions: half a day is present", "S31", [
        row("s", 1, False, grain="section", unit="AM"), row("s", 1, True, grain="section", unit="PM"),
        row("s", 2, False, grain="section", unit="AM"), row("s", 2, False, grain="section", unit="PM"),
    ], {(A, RATE): (100, 200)}),
    Case("sections: absent when more than half of them are", "S31", [
        row("s", 1, n > 4, grain="section", unit=str(n)) for n in range(1, 8)
    ] + [
        row("s", 2, n > 3, grain="section", unit=str(n)) for n in range(1, 8)
    ], {(A, RATE): (100, 200)}),
    Case("a silent school is late, not perfect", "S22", [row("s", 10, False, **EVENT), row("u", 50, False, B, **EVENT)],
        {(A, RATE): (900, 1000), (B, RATE): (4900, 5000)}, roster=[enrolled("s"), enrolled("u", school=B)]),
    Case("a school that sent no event at all has no value", "S22", [row("u", 50, False, B, **EVENT)],
        {(A, RATE): None, (B, RATE): (4900, 5000)}, roster=[enrolled("s"), enrolled("u", school=B)]),
    Case("no event is present", "S22", [row("s", 20, False, **EVENT)], {(A, RATE): (1900 + 2000, 4000)},
        roster=[enrolled("s"), enrolled("t")]),
    Case("local id and state id are one student", "identity", days("local", 1, 20, (1,)) + days("sasid", 20, 40, (30,)),
        {(A, RATE): (3800, 4000), (A, DAYS): (200, 1)}, identity={"local": 5, "sasid": 5}),
    Case("unlinked ids are two students", "identity", days("local", 1, 20, (1,)) + days("sasid", 20, 40, (30,)),
        {(A, DAYS): (200, 2)}),
    Case("a day named twice counts once", "policy", days("s", 1, 20, (1, 2)) + days("s", 1, 20, (1, 2)),
        {(A, RATE): (1800, 2000)}),
    Case("named absent and present, it is present", "policy", days("s", 1, 20, (1, 2)) + days("s", 1, 1),
        {(A, RATE): (1900, 2000)}),
    Case("half of the day absent is present", "S31", [row("s", 1, None, portion_absent_x100=50)], {(A, RATE): (100, 100)}),
    Case("0.6 of the day absent is absent", "S31", [row("s", 1, None, portion_absent_x100=60)], {(A, RATE): (0, 100)}),
    Case("tardy is present", "S31", [row("s", 1, None, tardy=True), row("s", 2, False)], {(A, RATE): (100, 200)}),
    Case("a snow day is not counted", "calendar", days("s", 1, 20, (5, 6)), {(A, RATE): (1800, 1900)}, closed=(6,)),
    Case("a snow day is not enrolment either", "calendar", [row("s", n, False, **EVENT) for n in (5, 6, 20)],
        {(A, RATE): (1700, 1900)}, roster=[enrolled("s")], closed=(6,)),
    Case("days after the cut-off are not looked at", "choice 17", days("s", 1, 60, range(21, 61)), {(A, RATE): (2000, 2000)},
        as_of=day(20)),
    Case("running totals: the latest row", "S32", [
        row("s", 10, None, grain="cumulative", days_member_x100=1000, days_absent_x100=300),
        row("s", 30, None, grain="cumulative", days_member_x100=3000, days_absent_x100=350),
    ], {(A, RATE): (2650, 3000), (A, CHRONIC): (1, 1), (A, UNEXCUSED): None}),
    Case("attendance at a school the roster does not place the student in", "roster", days("s", 1, 20, (), B),
        {(A, RATE): None, (B, RATE): None}, roster=[enrolled("s")]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_attendance_rule(case: Case) -> None:
    con = world(case)

    table = compute_feed(con, FeedName.ATTENDANCE, as_of=case.as_of, catalogue=load_catalogue())

    got = {
        (organization, metric): (numerator, denominator)
        for organization, metric, numerator, denominator in con.execute(
            f"select organization_id, metric, numerator, denominator from {table} "
            "where student_group = 'all' and period_id = 1"
        ).fetchall()
    }
    assert {at: got.get((ORGANIZATIONS[at[0]], at[1])) for at in case.expected} == case.expected
    tell(
        "Our own: truth table of attendance",
        len(case.expected),
        len(case.expected),
        "sums written by hand, each case with the source of its rule",
    )


def world(case: Case) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    ensure_inputs(con)
    con.execute(
        "insert into ref_organization values "
        "(11, '90010005', 'school', '9001', 10, null, 10, 1, 'cal'), (12, '90010010', 'school', '9001', 10, null, 10, 1, 'cal')"
    )
    con.execute("insert into ref_period values (1, 2026, 'year', '2026', date '2025-07-01', date '2026-06-30')")
    numbers = range(1, case.school_days + 1)
    kinds = ["closure" if number in case.closed else "instructional" for number in numbers]
    con.register(
        "days", pa.table({"calendar": ["cal"] * len(kinds), "day": [day(n) for n in numbers], "kind": kinds})
    )
    con.execute("insert into ref_school_day by name select * from days")
    for name, student_key in case.identity.items():
        con.execute("insert into identity values (?, ?)", [key(name), student_key])
    insert(con, "lake_attendance", case.rows)
    insert(con, "lake_roster", case.roster)
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    if rows:
        names = {name: None for values in rows for name in values}
        base = {"school_year": 2026, "district": "9001", "part_id": "p"}
        filled = [{**names, **base, "row_number": n, **values} for n, values in enumerate(rows, start=1)]
        con.register("given", pa.Table.from_pylist(filled))
        con.execute(f"insert into {table} by name select * from given")
