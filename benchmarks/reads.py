"""`python -m benchmarks.reads`: how long a BI tool waits for one school's page at millions of values; prints it.

The values are made up in the warehouse itself: what they are does not matter to a reader's index.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import Connection, text

from benchmarks import data
from sipetl.pipeline import open_home
from sipetl.settings import load_settings
from sipetl.warehouse import embedded

STATE = data.Size(students=2_500, days=1, districts=400)
"""2,000 schools."""
PAGES, SEED = 500, 20260701
FILL = """
insert into metric.value (
    organization_id, period_id, metric, student_group, metric_version, school_year, as_of, numerator, denominator,
    sum_xx, sum_xy, sum_yy, n, value, data_status, input_id
)
select
    o.organization_id, p.period_id, m.metric, 'g' || g, m.version, p.school_year, p.ends_on, 10, 100, 0, 0, 0, 100, 10,
    'final', '00000000-0000-0000-0000-000000000000'
from ref.organization o, ref.period p, ref.metric m, generate_series(1, :groups) as g
where o.level = 'school'
"""
ROLE = """
create role bi_tool;
grant usage on schema pub, own to bi_tool;
grant select on all tables in schema pub, own to bi_tool;
insert into ops.reader_grant (role_name, district) values ('bi_tool', '*');
"""
QUESTIONS = {
    "own: a school's values of a metric": (
        "select * from own.metric_value where organization_code = %s and metric = %s"
    ),
    "own: a school's whole page": "select * from own.metric_value where organization_code = %s and metric >= left(%s, 0)",
}


def main() -> None:
    """Fill a warehouse, and ask as a reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=3, help="student groups; each is some 1.6 million values")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        try:
            data.make_home(home, STATE)
            _measure(home, given.groups)
        finally:
            embedded.remove(home / "warehouse")


def _measure(home: Path, groups: int) -> None:
    with open_home(load_settings(home=home, as_of=data.AFTER)) as opened:
        with opened.warehouse.begin() as connection:
            metrics, codes = _fill(connection, groups)
        with embedded.use(home / "warehouse") as lease:
            _ask(lease.url("superuser", "sipetl").replace("+psycopg", ""), codes, metrics)


def _fill(connection: Connection, groups: int) -> tuple[list[str], list[str]]:
    connection.execute(text(FILL), {"groups": groups})
    metrics = connection.execute(text("select distinct metric from metric.value")).scalars().all()
    codes = connection.execute(
        text("select distinct o.code from metric.value v join ref.organization o using (organization_id)")
    )
    return list(metrics), list(codes.scalars())


def _ask(url: str, codes: list[str], metrics: list[str]) -> None:
    chosen = random.Random(SEED)  # noqa: S311 (which pages are asked for)
    with psycopg.connect(url, autocommit=True) as reader:
        reader.execute(ROLE)
        (values,) = reader.execute("select count(*) from metric.value").fetchone() or (0,)
        _say(f"{values:,} values")
        reader.execute("set role bi_tool")
        for title, question in QUESTIONS.items():
            seconds, rows = [], 0
            for _ in range(PAGES):
                begun = time.perf_counter()
                found = reader.execute(question, (chosen.choice(codes), chosen.choice(metrics))).fetchall()
                seconds.append(time.perf_counter() - begun)
                rows += len(found)
            p95 = statistics.quantiles(seconds, n=20)[-1]
            half = statistics.median(seconds)
            _say(f"{title}: median {half * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms, {rows / PAGES:.0f} rows")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
