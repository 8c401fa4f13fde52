"""The limit: bare DuckDB, with the least that gives the same figures; no hashing, no checks, no ledger."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
from clock import report

INTAKE = """
copy (
    select
        {columns}
        att_code in ('P', 'T', 'D') as present, att_code = 'AE' as excused, att_code = 'T' as tardy
    from read_csv('{source}', header = true, columns = {{
        'student_number': 'varchar', 'student_name': 'varchar', 'school_code': 'varchar',
        'att_date': 'date', 'att_code': 'varchar'
    }})
) to '{target}' (format parquet, compression zstd)
"""
LOOK = """
select
    count(*) as rows, count(distinct student_number) as students, count(*) filter (not present) as absent,
    count(*) filter (excused) as excused, count(*) filter (tardy) as tardy,
    min(att_date)::date::varchar as first, max(att_date)::date::varchar as last
from read_parquet('{target}')
"""
CHRONIC = """
select school, count(*) as students, count(*) filter (10 * absent >= days) as chronic
from (
    select school, id_hash, count(*) as days, count(*) filter (not present) as absent
    from read_parquet({files}, hive_partitioning = false) group by all
)
group by school
"""
CHECKS = """
select
    count(*) filter (student is null),
    count(*) filter (regexp_matches(student, '^[0-9]{{9}}$') is false),
    count(*) filter (length(student) <> 9),
    count(*) filter (school not in {schools}),
    count(*) filter (grade is null),
    count(*) filter (grade not in {grades}),
    count(*) filter (score not between 0 and 600),
    count(*) filter (percentile not between 1 and 99),
    count(*) filter (score > best),
    count(*) filter (tested is not null and try_strptime(tested, '%Y-%m-%d') is null),
    (select coalesce(sum(n), 0) from (select count(*) as n from batch group by student, tested, school having n > 1)),
    (avg(score) not between 250 and 350)::integer
from batch
"""


LEAST, EVERY = "student_number, school_code, att_date,", "*,"


def intake(source: str, target: str, columns: str = LEAST) -> None:
    with duckdb.connect() as con:
        con.execute("set preserve_insertion_order = false")
        query = INTAKE.format(source=source, target=target, columns=columns)
        report(lambda: con.execute(query), lambda _: look(con, target))


def every_column(source: str, target: str) -> None:
    intake(source, target, EVERY)


def look(con: duckdb.DuckDBPyConnection, target: str) -> dict[str, Any]:
    found = con.execute(LOOK.format(target=target))
    names = [column[0] for column in found.description or ()]
    return dict(zip(names, found.fetchall()[0], strict=True))


def metrics(lake: str) -> None:
    with duckdb.connect() as con:
        files = str(sorted(map(str, Path(lake).rglob("*.parquet"))))
        report(
            lambda: con.execute(CHRONIC.format(files=files)).fetchall(),
            lambda rows: {school: [students, chronic] for school, students, chronic in sorted(rows)},
        )


def checks(batch: str, schools: str, grades: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"create table batch as from read_parquet('{batch}')")
        allowed = {"schools": _listed(schools), "grades": _listed(grades)}
        report(
            lambda: con.execute(CHECKS.format(**allowed)).fetchall()[0],
            lambda row: {"failing": [int(n) for n in row]},
        )


def _listed(values: str) -> str:
    return "(" + ", ".join(f"'{value}'" for value in json.loads(values)) + ")"


if __name__ == "__main__":
    {"intake": intake, "every_column": every_column, "metrics": metrics, "checks": checks}[sys.argv[1]](*sys.argv[2:])
