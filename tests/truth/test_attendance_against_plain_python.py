"""Attendance once more, by a loop over students and days, on random enrolments and absences: the same integers."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sipetl.metrics import compute_feed, load_catalogue
from sipetl.metrics.compute import ensure_inputs
from sipetl.registry.models import FeedName

SCHOOLS = {"90010005": 11, "90010010": 12}
FIRST, LAST, AS_OF = date(2025, 9, 2), date(2026, 1, 30), date(2026, 1, 16)
PERIODS = [
    (1, "year", date(2025, 7, 1), date(2026, 6, 30)),
    (2, "month", date(2025, 10, 1), date(2025, 10, 31)),
    (3, "month", date(2026, 1, 1), date(2026, 1, 31)),
    (4, "cycle", date(2025, 7, 1), date(2025, 11, 12)),
]
GENDERS = {"F": "female", "M": "male"}
Row = dict[str, Any]


def weekdays() -> list[date]:
    every = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return [day for day in every if day.weekday() < 5 and day not in (date(2025, 10, 13), date(2025, 11, 11))]


def world(seed: int) -> tuple[list[Row], list[Row]]:
    """Roster spans and absence events of 60 students, some of whom move, leave, or are absent when not enrolled."""
    draw, days = random.Random(seed), weekdays()  # noqa: S311 - not for secrets
    roster, events = [], []
    for number in range(60):
        who, change = hashlib.sha256(bytes([number])).digest(), draw.choice(days)
        first, second = draw.sample(list(SCHOOLS), 2)
        spans = [(first, FIRST, None)]
        if number % 3 == 0:
            spans = [(first, FIRST, change), (second, change, None)]
        elif number % 5 == 0:
            spans = [(first, FIRST, change)]
        gender = draw.choice([*GENDERS, None])
        for school, start, end in spans:
            roster.append({"id_hash": who, "school": school, "valid_from": start, "valid_to": end, "gender": gender})
        rate = draw.choice([0.02, 0.1, 0.25])
        missed = [day for day in days if draw.random() < rate]
        events += [{"id_hash": who, "school": draw.choice([first, second]), "attendance_date": day} for day in missed]
    return roster, events


def plain(roster: list[Row], events: list[Row]) -> dict[tuple[int, int, str], Counter[str]]:
    """The integers, by (organization, period, group)."""
    days, found = weekdays(), {}
    absent = {(e["id_hash"], e["school"], e["attendance_date"]) for e in events}
    submitted = {s: max(e["attendance_date"] for e in events if e["school"] == s and e["attendance_date"] <= AS_OF)
                 for s in SCHOOLS}  # fmt: skip
    for period, _, _, ends in PERIODS:
        for span in roster:
            school, last = span["school"], min(ends, AS_OF, submitted[span["school"]])
            enrolled = [
                day for day in days
                if day <= last and span["valid_from"] <= day and (span["valid_to"] is None or day < span["valid_to"])
            ]  # fmt: skip
            if not enrolled:
                continue
            missed = sum((span["id_hash"], school, day) in absent for day in enrolled)
            counts = Counter(days=len(enrolled), missed=missed, students=1, squares=missed**2)
            if len(enrolled) >= 20:
                counts.update(twenty=1, chronic=int(10 * missed >= len(enrolled)))
            for group in {"all", GENDERS.get(span["gender"])} - {None}:
                for organization in (SCHOOLS[school], 10):
                    found.setdefault((organization, period, group), Counter()).update(counts)
    return found


def computed(roster: list[Row], events: list[Row]) -> dict[tuple[int, int, str], dict[str, tuple[int, ...]]]:
    con = duckdb.connect()
    ensure_inputs(con)
    for code, key in SCHOOLS.items():
        con.execute(
            f"insert into ref_organization values ({key}, '{code}', 'school', '9001', 10, null, 10, 1, 'cal')"
        )
    for period, kind, starts, ends in PERIODS:
        con.execute("insert into ref_period values (?, 2026, ?, ?, ?, ?)", [period, kind, str(period), starts, ends])
    given = {
        "ref_school_day": [{"calendar": "cal", "day": day, "kind": "instructional"} for day in weekdays()],
        "lake_roster": [{**row, "grade": "09"} for row in roster],
        "lake_attendance": [{**row, "population": "student", "grain": "event", "present": False} for row in events],
    }
    for table, rows in given.items():
        lake = {"school_year": 2026, "district": "9001", "part_id": "p"} if table.startswith("lake") else {}
        con.register("given", pa.Table.from_pylist([{**row, **lake} for row in rows]))
        con.execute(f"insert into {table} by name select * from given")
    table = compute_feed(con, FeedName.ATTENDANCE, as_of=AS_OF, catalogue=load_catalogue())
    answer: dict[tuple[int, int, str], dict[str, tuple[int, ...]]] = {}
    for organization, period, group, metric, *sums in con.execute(
        f"select organization_id, period_id, student_group, metric, numerator, denominator, sum_xx from {table}"
    ).fetchall():
        answer.setdefault((organization, period, group), {})[metric] = tuple(map(int, sums))
    return answer


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_integers_are_those_of_a_plain_loop(seed: int) -> None:
    roster, events = world(seed)

    got, wanted = computed(roster, events), plain(roster, events)

    assert {at for at in got if at[2] != "grade_09"} == set(wanted)
    for at, counts in wanted.items():
        days, missed, students = counts["days"], counts["missed"], counts["students"]
        assert got[at]["attendance_rate"][:2] == (100 * (days - missed), 100 * days)
        assert got[at]["average_days_absent"] == (100 * missed, students, 10_000 * counts["squares"])
        chronic = got[at].get("chronic_absence_rate_pk12", (0, 0))[:2]
        assert chronic == (counts["chronic"], counts["twenty"])
