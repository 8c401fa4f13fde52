"""DuckDB and Spark over one lake of many attendance rows: every integer the same, and how long each takes.

    python benchmarks/engines.py --students 56000 --folder somewhere

The lake is kept in the folder, and used again when it is there. A row is a student's day; one student in forty changes
schools in the winter, one in twelve days or so is an absence.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from deltalake import write_deltalake

from sipetl.lake import Lake, attach, attach_identity
from sipetl.lake.tables import arrow_schema, create_table
from sipetl.metrics import LOWER, UPPER, compute_feed, ensure_inputs, load_catalogue
from sipetl.metrics.engine import open_engine
from sipetl.registry.models import FeedName
from sipetl.settings import EngineName, Settings, load_settings

YEAR, AS_OF = 2026, date(2026, 6, 30)
SCHOOLS, OF_A_DISTRICT = 100, 5
DAYS = """
    select d::date as day from range(date '2025-09-01', date '2026-06-30', interval 1 day) as r (d)
    where dayofweek(d) between 1 and 5 limit 180
"""
STUDENTS = f"""
    select
        i, unhex(sha256(i::varchar)) as id_hash, i % {SCHOOLS} as s,
        case when i % 40 = 0 then (i + 1) % {SCHOOLS} end as later,
        date '2026-01-15' as moved_on
    from range($students) as r (i)
"""
CODE = "(9000 + {0} // 5)::varchar || lpad(({0} % 5 * 5 + 5)::varchar, 4, '0')"
ROSTER = f"""
    with student as ({STUDENTS}), spell as (
        select i, id_hash, s, date '2025-08-25' as valid_from, case when later is not null then moved_on end as valid_to
        from student
        union all
        select i, id_hash, later, moved_on, null from student where later is not null
    )
    select
        id_hash, {CODE.format("s")} as school, valid_from, valid_to, lpad((i % 13)::varchar, 2, '0') as grade,
        case i % 4 when 0 then 'asian' when 1 then 'black' when 2 then 'hispanic' else 'white' end as race_ethnicity,
        case i % 2 when 0 then 'F' else 'M' end as gender, i % 9 = 0 as english_learner, i % 17 = 0 as former_el,
        i % 6 = 0 as disability, case when i % 50 <> 0 then i % 3 = 0 end as low_income,
        i as row_number, (9000 + s // 5)::varchar as district
    from spell
"""
ATTENDANCE = f"""
    with student as ({STUDENTS}), day as ({DAYS})
    select
        'student' as population, id_hash, day as attendance_date, 'day' as grain,
        {CODE.format("seat")} as school, hash(i, day) % (8 + i % 9) <> 0 as present,
        case when hash(day, i) % 3 <> 0 then hash(day, i) % 2 = 0 end as excused,
        i * 1000 + dayofyear(day) as row_number, (9000 + seat // 5)::varchar as district
    from (
        select i, id_hash, day, case when later is not null and day >= moved_on then later else s end as seat
        from student cross join day
    )
"""
REFERENCE = f"""
    insert into ref_organization
        select 1000 + s, {CODE.format("s")}, 'school', (9000 + s // 5)::varchar, 100 + s // 5, 10 + s // 50, 100 + s // 5, 1, 'cal'
        from range({SCHOOLS}) as r (s);
    insert into ref_school_day select 'cal', day, 'instructional' from ({DAYS});
    insert into ref_period values (1, {YEAR}, 'year', '{YEAR}', date '2025-07-01', date '2026-06-30');
    insert into ref_period
        select 2 + m, {YEAR}, 'month', strftime(start, '%Y-%m'), start, last_day(start)
        from (select m, (date '2025-09-01' + to_months(m::integer))::date as start from range(10) as r (m));
    insert into ref_period
        select 20 + c, {YEAR}, 'cycle', 'C' || c, date '2025-07-01', date '2025-10-31' + (60 * c)::integer from range(4) as r (c);
"""


def make(lake: Lake, students: int) -> int:
    """Fill the lake; returns its attendance rows."""
    con = duckdb.connect()
    for feed, query in ((FeedName.ROSTER, ROSTER), (FeedName.ATTENDANCE, ATTENDANCE)):
        create_table(lake, feed)
        schema = arrow_schema(feed)
        con.execute(f"create or replace temp table made as {query}", {"students": students})
        there = set(con.table("made").columns)
        listed = ", ".join(
            f'"{n}"' if n in there else f'null as "{n}"' for n in schema.names if n not in ("school_year", "part_id")
        )
        for (district,) in con.execute("select distinct district from made order by 1").fetchall():
            rows = con.sql(f"select {listed} from made where district = '{district}'").to_arrow_table()
            full = rows.append_column("school_year", [[YEAR] * rows.num_rows]).append_column(
                "part_id", [["part"] * rows.num_rows]
            )
            write_deltalake(lake.table_url(feed), full.select(schema.names).cast(schema), mode="append")
    return int(con.execute("select count(*) from made").fetchall()[0][0])


def compute(lake: Lake, settings: Settings, scratch: Path) -> tuple[str, int]:
    """The hash of all integers, and how many rows of them; tells how long they took."""
    con = duckdb.connect(
        config={"memory_limit": settings.memory, "threads": settings.threads, "temp_directory": str(scratch)}
    )
    for feed in FeedName:
        attach(con, lake, feed, years={YEAR})
    attach_identity(con, lake)
    ensure_inputs(con)
    con.execute(REFERENCE)
    lines: list[str] = []
    begun = time.perf_counter()
    with open_engine(settings, scratch) as engine_of:
        print(f"  {settings.engine} started in {time.perf_counter() - begun:.1f} s", flush=True)
        for levels in (LOWER, UPPER):
            begun = time.perf_counter()
            table = compute_feed(
                con,
                FeedName.ATTENDANCE,
                as_of=AS_OF,
                catalogue=load_catalogue(),
                levels=levels,
                engine=engine_of(lake),
            )
            print(f"  {'+'.join(levels)}: {time.perf_counter() - begun:.1f} s", flush=True)
            lines += [line for (line,) in con.execute(f"select t::varchar from {table} as t").fetchall()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest(), len(lines)


def main() -> int:
    """Make the lake, compute with both engines, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=56_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engines", nargs="+", type=EngineName, default=list(EngineName))
    given = parser.parse_args()
    lake = Lake(str(given.folder.absolute() / f"lake-{given.students}"))
    if not Path(lake.root).exists():
        print(f"{make(lake, given.students)} attendance rows")
    found = {}
    for engine in given.engines:
        with TemporaryDirectory() as scratch:
            found[engine] = compute(lake, load_settings(engine=engine), Path(scratch))
        print(f"{engine}: {found[engine][1]} values, sha256 {found[engine][0]}")
    return 0 if len(set(found.values())) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
