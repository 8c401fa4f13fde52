"""Account for every row that was mapped: issues, repeats, counts that must add up, and the parts found.

Works on the table that `map` made, in place. No value of a row is copied anywhere: an issue is a row number, a
rule and a column.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date

import duckdb

from sipetl.errors import DeliveryError
from sipetl.intake import sql
from sipetl.intake.layout import Layout
from sipetl.intake.plan import CRITICAL, WARNING, Checks, Plan
from sipetl.intake.read import Raw
from sipetl.intake.rows import Where, row_conditions
from sipetl.repeats import keep_repeated


@dataclass(frozen=True, slots=True)
class PartKey:
    """The rows of one district and school year; `by` holds the values found of the scope's `by` columns."""

    district: str
    school_year: int
    rows: int
    scope_from: date | None
    scope_to: date | None
    by: tuple[tuple[object, ...], ...] = ()

    @property
    def inside(self) -> str:
        """SQL condition on mapped rows."""
        return f"school_year = {self.school_year} and district = {sql.quoted(self.district)}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the file by where they ended (`rows_mapped`: rows of the contract made from the mapped ones)."""

    rows_mapped: int
    quarantined: int
    skipped: int
    repeated: int


def settle(con: duckdb.DuckDBPyConnection, table: str, raw: Raw, plan: Plan, checks: Checks) -> tuple[str, Counts]:
    """Take critical rows and repeats out of the table, write the issues, and count.

    Returns:
        The issues table's name, and the counts.

    Raises:
        DeliveryError: rows were lost or doubled on the way.
    """
    where = row_conditions(plan)
    rows = "*" if plan.is_row_for_row else "distinct row_number"
    made = _count(con, f"select count({rows}) from {table}")
    unwhole = _count(con, f"select count(*) from {raw.table} where not ({where.whole})")
    unkept = _count(con, f"select count(*) from {raw.table} where {where.whole} and not ({where.keep})")
    skipped = raw.rows - unwhole - made
    issues = _write_issues(con, table, raw, where, checks)
    quarantined = _count(con, f"select count(distinct row_number) from {issues} where severity = '{CRITICAL}'")
    _drop_critical(con, table, issues)
    sound = _count(con, f"select count({rows}) from {table}")
    copies = _drop_repeats(con, table, issues)
    kept = _count(con, f"select count({rows}) from {table}") if copies else sound
    adds_up = kept + (sound - kept) + quarantined + skipped == raw.rows
    if not adds_up or skipped < unkept or (plan.is_row_for_row and skipped != unkept):
        why = "the counts do not add up, which is a fault of sipetl"
        raise DeliveryError("rows were lost or doubled while mapping", why=why)
    return issues, Counts(_count(con, f"select count(*) from {table}"), quarantined, skipped, sound - kept)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _write_issues(con: duckdb.DuckDBPyConnection, table: str, raw: Raw, where: Where, checks: Checks) -> str:
    issues = f"issues_{uuid.uuid4().hex[:12]}"
    con.execute(f"""
        create temp table {issues} as
        select
            row_number,
            'MAP-RAGGED' as rule_id,
            case when {where.whole} then '{WARNING}' else '{CRITICAL}' end as severity,
            null::varchar as column_name,
            1::bigint as row_count
        from {raw.table}
        where ragged > 0 and (not ({where.whole}) or ({where.keep}))
    """)
    listed = ", ".join(
        f"({1 << bit}, {sql.quoted(c.rule_id)}, {sql.quoted(c.severity)}, {sql.quoted(c.column)})"
        for c, bit in checks.bits.items()
    )
    con.execute(f"""
        insert into {issues}
        select distinct r.row_number, c.rule_id, c.severity, c.column_name, 1
        from {table} r
        join (values {listed}) c (bit, rule_id, severity, column_name) on r.problems & c.bit <> 0
        where r.problems <> 0
    """)
    return issues


def add_file_issue(con: duckdb.DuckDBPyConnection, issues: str, rule_id: str, column: str | None, rows: int) -> None:
    """Add a warning about the whole file."""
    con.execute(f"insert into {issues} values (null, ?, '{WARNING}', ?, ?)", [rule_id, column, rows])


def _drop_critical(con: duckdb.DuckDBPyConnection, table: str, issues: str) -> None:
    con.execute(f"""
        delete from {table}
        where row_number in (select row_number from {issues} where severity = '{CRITICAL}')
    """)
    con.execute(f"alter table {table} drop column problems")


def _drop_repeats(con: duckdb.DuckDBPyConnection, table: str, issues: str) -> int:
    """Drop exact copies, keeping the first; how many. Hashes first: nearly every file has none."""
    described = con.execute(f"select column_name from (describe {table})").fetchall()
    columns = ", ".join(sql.ident(name) for (name,) in described if name != "row_number")
    rows, twice = _count(con, f"select count(*) from {table}"), f"{table}_twice"
    found = keep_repeated(con, f"select hash({columns}) as h from {table}", rows, twice)
    copies = found and _count(
        con,
        f"""
        delete from {table} where rowid in (
            select id from (
                select rowid as id, row_number() over (partition by {columns} order by row_number) as place
                from {table} where hash({columns}) in (from {twice})
            ) where place > 1
        )
        """,
    )
    con.execute(f"drop table {twice}")
    if copies:
        add_file_issue(con, issues, "MAP-REPEAT", None, copies)
    return copies


def parts_of(con: duckdb.DuckDBPyConnection, table: str, layout: Layout) -> tuple[PartKey, ...]:
    """The districts and school years found, with their span of days and the values of the `by` columns."""
    day = sql.ident(layout.scope.column) if layout.scope.column else "null::date"
    spans = con.execute(f"""
        select district, school_year, count(*), min({day}), max({day}) from {table} group by all order by all
    """).fetchall()
    found: dict[tuple[str, int], list[tuple[object, ...]]] = defaultdict(list)
    if layout.scope.by:
        by = ", ".join(sql.ident(name) for name in layout.scope.by)
        for district, year, *values in con.execute(
            f"select distinct district, school_year, {by} from {table} order by all"
        ).fetchall():
            found[district, year].append(tuple(values))
    return tuple(PartKey(d, y, n, a, b, tuple(found[d, y])) for d, y, n, a, b in spans)
