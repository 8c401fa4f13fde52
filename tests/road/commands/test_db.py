"""The way into the embedded warehouse for people and BI tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sipetl.warehouse import embedded
from tests.home import Done, command, write_home

VALUES = """
    insert into metric.value (organization_id, period_id, metric, student_group, metric_version, school_year, as_of,
        numerator, denominator, sum_xx, sum_xy, sum_yy, n, data_status, input_id)
    select organization_id, (select period_id from ref.period where code = '2026'), 'attendance_rate', 'all', 1, 2026,
        '2026-01-30', 1, 1, 1, 1, 1, 1, 'final', gen_random_uuid()
    from ref.organization where level = 'school'
"""


@pytest.fixture(scope="module")
def root(make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """A home with an embedded warehouse of its own, and two districts."""
    folder = write_home(make_quick("embedded-home"))
    yield folder
    embedded.remove(folder / "warehouse")


def run(root: Path, *arguments: str) -> Done:
    return command("--home", str(root), "--as-of", "2026-01-30", *arguments)


def test_login_made_for_a_district_reads_its_own_rows_alone(root: Path) -> None:
    first = run(root, "db", "roles", "3501", "--apply")
    second = run(root, "db", "roles", "3501", "--apply")

    assert (first.status, second.status) == (0, 0), first.err
    with embedded.use(root / "warehouse") as lease:
        with psycopg.connect(lease.url("superuser").replace("+psycopg", "")) as administrator:
            administrator.execute(VALUES)
        url = second.out.strip()
        assert url.startswith("postgresql://bi_d3501:")
        with psycopg.connect(url, autocommit=True) as reader:
            assert reader.execute("select distinct district from own.metric_value").fetchall() == [("3501",)]
            assert reader.execute("select count(*) from pub.metric_value").fetchall() == [(0,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("select 1 from metric.value")
        old_port_or_password = first.out.strip()
        assert old_port_or_password != url
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"{old_port_or_password.rsplit(':', 1)[0]}:{lease.port}/sipetl")


def test_url_says_whether_the_server_stays_up(root: Path) -> None:
    down = run(root, "db", "url")
    with embedded.use(root / "warehouse"):
        up = run(root, "db", "url")

    assert down.out.startswith("postgresql://sipetl_reader:")
    assert "sipetl db serve" in down.err
    assert (up.status, "psql" in up.err, "down" in up.err) == (0, True, False)


def test_sql_for_an_administrator_is_still_printed(root: Path) -> None:
    done = run(root, "db", "roles", "9002")

    assert (done.status, done.err) == (0, "")
    assert "create role bi_d9002" in done.out.replace('"', "")
