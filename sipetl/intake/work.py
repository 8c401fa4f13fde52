"""Run a plan over the rows of a member: make the tables that its statement looks up in, and join the statement.

Rows of a large file mostly differ in nothing but whose they are: nine million rows of a year's attendance have ninety
thousand different combinations of school, day and code. Such a file is mapped in two halves, each distinct combination
of cells once and each id once, and the rows are joined from them. Used by `map`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb

from sipetl.intake import compose, lookup, sql
from sipetl.intake.compose import texts_sql
from sipetl.intake.plan import Checks, Field, Plan

ALIKE_FROM = 50_000
"""Rows of a file from which its combinations are counted: below, planning two halves costs more than it saves."""
SAMPLE = 100_000
ALIKE_PERCENT = 10
"""Combinations in a hundred of the first rows: where there are more, most rows are worked out one by one anyway."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the steps of one member share."""

    con: duckdb.DuckDBPyConnection
    plan: Plan
    base: str
    """Query for the rows of data."""
    place: compose.Place
    hasher: lookup.Hasher
    made: list[str] = field(default_factory=list)
    """Tables of distinct texts, ids among them: dropped as soon as they were joined."""

    def drop(self) -> None:
        for table in (*self.made, self.place.district_table):
            if table is not None:
                self.con.execute(f"drop table {table}")

    def rows_sql(self, checks: Checks, rows: int) -> str:
        """The mapped rows of a file of so many rows, the tables they join made."""
        halves = _halves(self.plan)
        if rows < ALIKE_FROM or self.place.district_table is not None or not halves or not self._are_alike(halves[0]):
            return compose.row_sql(self.plan, self._values(), checks, self.place)
        shared, own = (replace(self, plan=half, base=self._distinct_cells(half)) for half in halves)
        mapped = (
            self._make(shared, compose.row_sql(shared.plan, shared._values(), checks, self.place)),
            self._make(own, compose.cells_sql(own.plan, own._values(), checks)),
        )
        return _joined_sql(self.plan, self.base, halves, mapped)

    def _are_alike(self, shared: Plan) -> bool:
        """Have the first rows few different combinations of shared cells?"""
        cells = ", ".join(shared.columns_read)
        found = self.con.execute(
            f"select count(*), count(distinct ({cells})) from (select {cells} from ({self.base}) limit {SAMPLE})"
        ).fetchall()
        ((rows, combinations),) = found
        return bool(100 * combinations <= ALIKE_PERCENT * rows)

    def _distinct_cells(self, half: Plan) -> str:
        """Query for the distinct cells that a half reads, numbered."""
        table, cells = f"map_cells_{uuid.uuid4().hex[:12]}", ", ".join(half.columns_read)
        self.con.execute(
            f"create temp table {table} as "
            f"select row_number() over () as row_number, * from (select distinct {cells} from ({self.base}))"
        )
        self.made.append(table)
        return f"select * from {table}"

    def _make(self, half: Work, rows: str) -> str:
        """A table of a half: the cells it reads, and what they come to."""
        table = f"map_half_{uuid.uuid4().hex[:12]}"
        self.con.execute(f"create temp table {table} as select * from ({half.base}) join ({rows}) using (row_number)")
        self.made.append(table)
        return table

    def _values(self) -> str:
        tables = self._lookups()
        placed = compose.placed_sql(self.plan, texts_sql(self.plan, self.base), self.place)
        return compose.values_sql(self.plan, placed, tables)

    def _lookups(self) -> dict[str, str]:
        """Tables to look up in, by way; fields that are looked up alike share one."""
        uses: dict[_Use, list[Field]] = defaultdict(list)
        for one in self.plan.fields:
            if one.is_looked_up:
                uses[_use(one)].append(one)
        tables = [(fields, self._table(fields[0], self._distinct(fields[0]))) for fields in uses.values()]
        self.made.extend(table for _, table in tables)
        return {one.key: table for fields, table in tables for one in fields}

    def _distinct(self, one: Field) -> str:
        """A table of the distinct `(district, text)`.

        Nulls are dropped in a second step: as a condition, DuckDB would push it down through every text step.
        """
        table = f"map_wanted_{uuid.uuid4().hex[:12]}"
        texts = texts_sql(self.plan, self.base, only=[one])
        joined, district = self.place.district_sql()
        wanted = f"select distinct {district} as district, {one.text} as text from ({texts}) t {joined}"
        self.con.execute(f"create temp table {table} as {wanted}")
        self.con.execute(f"delete from {table} where district is null or text is null")
        self.made.append(table)
        return table

    def _table(self, one: Field, wanted: str) -> str:
        if one.column.id is not None:
            return self.hasher.table(self.con, wanted, one.column.id)
        if one.column.crosswalk == "school":
            return lookup.school_table(self.con, wanted)
        return lookup.organization_table(self.con, wanted)


_Use = tuple[object, ...]


def _use(one: Field) -> _Use:
    """Fields that are looked up alike share a table."""
    column = one.column
    return (one.cell, column.null, column.extract, tuple(column.codes.items()), column.id, column.crosswalk)


def _halves(plan: Plan) -> tuple[Plan, Plan] | None:
    """What rows share, and whose they are; None where a row of the file is no row of the contract, or has no id."""
    own = [one.name for one in plan.fields if one.column.id is not None and one.column.source]
    if not plan.is_row_for_row or not own:
        return None
    others = [c.name for c in plan.contract.columns if c.name not in own]
    halves = plan.part(others), replace(plan.part(own), years=())
    return halves if all(half.columns_read for half in halves) else None


def _joined_sql(plan: Plan, base: str, halves: Sequence[Plan], tables: Sequence[str]) -> str:
    """The rows as `row_sql` makes them, joined from the tables of the two halves."""
    columns = [
        f"{alias}.{sql.ident(c.name)}"
        for c in plan.contract.columns
        if c.name not in plan.constants
        for alias, half in zip("so", halves, strict=True)
        if c in half.contract.columns
    ]
    joins = [
        f"join {table} {alias} on "
        + " and ".join(f"{alias}.{c} is not distinct from r.{c}" for c in half.columns_read)
        for alias, half, table in zip("so", halves, tables, strict=True)
    ]
    return (
        f"select {', '.join(columns)}, s.school_year, r.row_number, s.problems + o.problems as problems "
        f"from ({base}) r {' '.join(joins)}"
    )
