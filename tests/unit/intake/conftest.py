"""A connection with two small districts' registry, and the intake room over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from sipetl.intake import Layout
from tests.unit.intake.daily import Intake, layout


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("create temp table map_districts (code varchar, district varchar)")
        con.execute("insert into map_districts values ('0101', '0101'), ('01010000', '0101'), ('0202', '0202')")
        con.execute("""
            create temp table map_crosswalk (
                district varchar, local_code varchar, organization varchar, valid_from date, valid_to date
            )
        """)
        con.execute("""
            insert into map_crosswalk values
                ('0101', '12', '01010012', null, null),
                ('0101', 'oak school', '01010012', null, null),
                ('0101', '01010012', '01010012', null, null),
                ('0101', 'moved', '01010030', null, '2025-10-01'),
                ('0101', 'moved', '01010031', '2025-10-01', null),
                ('0101', 'closed', '01010040', null, '2025-07-01'),
                ('0202', '12', '02020012', null, null)
        """)
        yield con


@pytest.fixture
def intake(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., Intake]:
    """Make the room: with the daily layout, or with others."""

    def make(*layouts: Layout) -> Intake:
        return Intake(con, tmp_path, layouts or (layout(),))

    return make
