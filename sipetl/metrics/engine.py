"""The seam between the catalogue's statements and what adds up the rows: an engine gives back integers only (decision 4).

Statements are written once, in DuckDB's SQL as far as other engines have it too. Used by `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

import duckdb

from sipetl.errors import LakeError
from sipetl.lake import Lake, key_of
from sipetl.metrics.grades import grade_group_sql
from sipetl.settings import EngineName, Settings

Given = Mapping[str, object]
"""Values of a statement's parameters, by name."""

FUNCTIONS: Mapping[str, str] = {
    "slug(name)": "trim(regexp_replace(lower(replace(name, 'İ', 'I')), '[^a-z0-9]+', '_', 'g'), '_')",
    "grade_group(grade)": grade_group_sql("grade"),
    "own_key(id_hash)": key_of("id_hash"),
    "high_needs_of(said, disability, learner, former_el, low_income, district, school_year)": """
        coalesce(said, case
            when bool_or(disability is not null) over (partition by district, school_year)
                and bool_or(learner is not null) over (partition by district, school_year)
                and bool_or(low_income is not null) over (partition by district, school_year)
            then disability or learner or former_el or low_income
        end)
    """,
}
"""What facts call by name: a text as it stands in the names of metrics; the student group of a grade; the key of an id that
no roster links to a student; and whether a row of a roster has high needs: where the roster knows only some of the parts, the
union would be of other students."""


class Engine(Protocol):
    """What adds up the rows."""

    row_bytes: ClassVar[int]
    """Of memory in this process, for each row of the lake that is added up, and for the values that come of it."""

    def fill(self, con: duckdb.DuckDBPyConnection, table: str, query: str, given: Given) -> None:
        """Make a temporary table hold what a query finds.

        Args:
            con: where the table will be; it has what the query reads, as tables or as views of lake tables.
            table: its name.
            query: in DuckDB's SQL.
            given: the parameters that the query names.

        Raises:
            LakeError: the engine could not; without its own words, which may quote rows.
        """


class DuckDB:
    """The rows are added up where everything else is: in this process."""

    row_bytes: ClassVar[int] = 200
    """Measured: 130 while days of attendance are added up (benchmarks/), most of the time less."""

    def fill(self, con: duckdb.DuckDBPyConnection, table: str, query: str, given: Given) -> None:
        """Make a temporary table hold what a query finds."""
        try:
            con.execute(f"create or replace temp table {table} as {query}", given)
        except duckdb.Error as error:
            why = f"DuckDB says {type(error).__name__}"
            raise LakeError("the metrics cannot be computed", where=table, why=why) from None


DUCKDB = DuckDB()


@contextmanager
def open_engine(settings: Settings, scratch: Path) -> Iterator[Callable[[Lake], Engine]]:
    """What makes engines of the configured kind, one for each view of the lake.

    Args:
        settings: which engine, and how much of the machine is its.
        scratch: a private folder for what it cannot hold in memory.

    Raises:
        ConfigError: it is not installed, or does not start.
    """
    if settings.engine is EngineName.DUCKDB:
        yield lambda _: DUCKDB
        return
    from sipetl.metrics.spark import Spark, open_session  # an extra of its own

    with open_session(settings, scratch) as session:
        yield lambda lake: Spark(session, lake)
