"""A file larger than the memory we may use is taken all the same: what does not fit is spilled to scratch."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from sipetl.registry.models import FeedName
from tests.home import ATTENDANCE, Site

MEMORY_MB = 100
"""Below, two threads' buffers of DuckDB's parser have no room: the command says so."""
STUDENTS, DAYS, FIRST = 20_000, 150, date(2025, 9, 1)


def write_year(path: Path) -> None:
    """Everybody is there but every tenth student, who misses every second day; on all days of the week."""
    names = ATTENDANCE.strip().split(",")
    cells = (
        "'350177' || lpad(s::varchar, 5, '0')",
        "'Quillfeather HEA ' || lpad(s::varchar, 12, '0')",
        "'HEA'",
        f"date '{FIRST}' + d::integer",
        "case when s % 10 = 0 and d % 2 = 0 then 'A' else 'P' end",
    )
    listed = ", ".join(f"{cell} as {name}" for cell, name in zip(cells, names, strict=True))
    with duckdb.connect() as con:
        con.execute(
            f"copy (select {listed} from range({DAYS}) as d(d), range({STUDENTS}) as s(s)) to '{path}' (format csv, header)"
        )


def test_a_file_larger_than_the_memory_is_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPETL_MEMORY", f"{MEMORY_MB}MB")
    year = site.put("att-2025-09-01.csv", "")
    write_year(year)
    assert year.stat().st_size > 1.5 * MEMORY_MB * 1_000_000

    done = site.start("-m", "sipetl", "ingest", str(year))
    out, err = done.communicate(timeout=300)

    assert done.returncode == 0, err
    assert site.sql("select status from ops.delivery") == [("accepted",)], out
    assert site.lake(FeedName.ATTENDANCE, "select count(*), count(distinct id_hash) from rows") == [
        (STUDENTS * DAYS, STUDENTS)
    ]
    absent = site.lake(FeedName.ATTENDANCE, "select count(*) from rows where not present")
    assert absent == [(STUDENTS // 10 * DAYS // 2,)]
