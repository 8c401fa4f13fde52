"""The answer key: its own consistency, the files counted by other means, and what the state has published."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from sipetl.demo.tally import COUNTS, KEYS, NOT_ADDITIVE

ENROLMENTS = """
    select local_id, school_local_id as school, min(day) as first_seen, max(day) as last_seen
    from (
        select *, regexp_extract(filename, '(\\d{4}-\\d{2}-\\d{2})\\.csv$', 1)::date as day
        from read_csv(?, all_varchar = true, filename = true)
    )
    where day <> date '2025-12-01' group by all
"""
"""Roster snapshots without the truncated one."""


@pytest.fixture
def key(made):
    con = duckdb.connect()
    con.register("key", made.key)
    yield con
    con.close()


def test_each_value_stands_once(made):
    rows = made.key.group_by(KEYS).aggregate([("n", "count")])

    assert len(rows) == len(made.key)


@pytest.mark.parametrize(("level", "above"), [("school", "district"), ("district", "state"), ("region", "state")])
def test_additive_metrics_add_up(key, level, above):
    sums = """
        select metric, student_group, period_kind, period_code, school_year,
            case ? when 'district' then left(organization, 4) else '' end as place, sum(numerator),
            case when regexp_matches(any_value(metric), ?) then 1 else sum(denominator) end, sum(n)
        from key where level = ? and not list_contains(?, metric) group by all
    """
    counts = f"^({'|'.join(COUNTS)})"
    down, up = (key.execute(sums, [above, counts, each, list(NOT_ADDITIVE)]).fetchall() for each in (level, above))

    assert len(up) > 1000
    assert sorted(down) == sorted(up)


def test_students_counted_once_are_no_more_than_students_per_school(key):
    counts = key.execute("""
        select max(n) filter (metric = 'chronic_absence_rate_pk12'), max(n) filter (metric like '%pk12_student')
        from key where level = 'state' and student_group = 'all' and period_code = '2026'
    """).fetchone()

    assert counts[1] < counts[0]


def test_a_share_is_never_more_than_its_whole(key):
    bad = key.execute(
        """
        select distinct metric from key
        where (numerator > denominator or n > denominator) and not regexp_matches(metric, ?)
            and metric not like '%mean%' and metric not like 'average%' and metric not like '%response_rate%'
        """,
        [f"^({'|'.join(COUNTS)})"],
    ).fetchall()

    assert bad == []


def test_a_count_has_denominator_one_at_every_level(key):
    counts = key.execute(
        "select distinct level, denominator from key where regexp_matches(metric, ?) order by all",
        [f"^({'|'.join(COUNTS)})"],
    ).fetchall()

    assert counts == [("district", 1), ("region", 1), ("school", 1), ("state", 1)]


def test_chronic_absence_of_the_event_district_equals_the_files(made, key):
    """Counted from rosters, the last export and the calendar, with none of the generator's arrays."""
    calendar = duckdb.connect()
    exports = (made.home / ".arriving").glob("*/3501/students_export_*.csv")
    files = [str(path) for path in exports if path.name > "students_export_2025-08"]
    calendar.execute(f"create table seen as {ENROLMENTS}", [files])
    days = "select unnest(?) as day"
    calendar.execute(f"create table school_day as {days}", [school_days_2026()])
    calendar.execute(
        """create table absent as select distinct local_id, school_local_id as school, event_date::date as day
           from read_csv(?, all_varchar = true) where absence = '1'""",
        [str(made.file("attendance_export_2026-03-20.csv"))],
    )
    counted = calendar.execute("""
        with snapshot as (select distinct last_seen as day from seen union select distinct first_seen from seen),
        span as (
            select local_id, school,
                case when first_seen = (select min(day) from snapshot) then date '2025-07-01' else first_seen end as f,
                coalesce((select min(day) from snapshot s where s.day > last_seen), date '2026-07-01') as t
            from seen
        ),
        days as (
            select s.local_id, s.school, count(*) as enrolled, count(a.day) as absent
            from span s join school_day d on d.day >= s.f and d.day < s.t and d.day <= date '2026-03-20'
            left join absent a on a.local_id = s.local_id and a.school = s.school and a.day = d.day
            group by all
        )
        select count(*) filter (enrolled >= 20 and 10 * absent >= enrolled), count(*) filter (enrolled >= 20)
        from days
    """).fetchone()
    calendar.close()

    said = key.execute("""
        select numerator, denominator from key where organization = '35010000' and period_code = '2026'
            and metric = 'chronic_absence_rate_pk12' and student_group = 'all'
    """).fetchone()
    assert counted == said


def school_days_2026() -> list[object]:
    """District 3501's school days up to March, written out by hand from its calendar: weekdays less closures."""
    closed = {
        *(f"2025-{day}" for day in ("08-29", "09-01", "10-13", "11-11", "11-27", "11-28")),
        *(f"2025-12-{day}" for day in range(24, 32)),
        *("2026-01-01", "2026-01-02", "2026-01-19"),
        *(f"2026-02-{day}" for day in range(16, 21)),
    }
    days = np.arange("2025-08-27", "2026-03-21", dtype="M8[D]")
    return [day for day in days[np.is_busday(days)].astype(object) if day.isoformat() not in closed]


def test_schools_spread_as_the_state_publishes(key):
    """massachusetts.md 4.7, 2024-25: chronic absence 5.2 / 10.1 / 15.7 / 24.1 / 46.9 % at percentiles 5 .. 95."""
    rates = key.execute("""
        select 100.0 * numerator / denominator from key
        where level = 'school' and student_group = 'all' and period_kind = 'year' and school_year = 2025
            and metric = 'chronic_absence_rate_pk12'
    """).fetchnumpy()
    shares = np.sort(next(iter(rates.values())))

    assert 5 < shares[0] < 16
    assert 10 < np.median(shares) < 28
    assert 30 < shares[-1] < 55


def test_schools_with_a_plan_improve(key):
    rates = key.execute("""
        select organization, school_year, 1.0 * numerator / denominator from key
        where organization in ('35010005', '35010320', '90020005') and student_group = 'all'
            and period_kind = 'year' and metric = 'chronic_absence_rate_pk12' order by all
    """).fetchall()

    assert all(before[2] > after[2] + 0.03 for before, after in zip(rates[::2], rates[1::2], strict=True))


def test_groups_leave_out_who_is_unknown(key):
    sums = key.execute("""
        select sum(n) filter (student_group = 'all'),
            sum(n) filter (student_group in ('female', 'male', 'nonbinary'))
        from key where level = 'state' and metric = 'attendance_rate' and period_code = '2026'
    """).fetchone()

    assert 0.96 * sums[0] < sums[1] < sums[0]


def test_the_school_whose_results_did_not_come_has_none(key):
    winter = key.execute("""
        select metric, numerator from key where organization = '35010005' and period_code = '2026-winter'
            and student_group = 'all' and metric like 'map%' order by all
    """).fetchall()

    assert winter == [], "late is not zero percent"
