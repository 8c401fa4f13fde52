"""Turn a member's text rows into rows of its feed's contract, and account for every one of them.

One SQL statement per member does the mapping (built by `plan` and `compose`, run by `work`); ids are hashed here and nowhere
else. Every row read ends in exactly one place: mapped, quarantined (a critical issue), skipped (the layout says it
is no row of data, or it holds nothing to measure) or repeated (an exact copy of a mapped row). Comes after `read`,
before the checks of `quality`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date

import duckdb

from sipetl.errors import DeliveryError, ScopeError, UnreadableError
from sipetl.intake import compose, lookup, sql
from sipetl.intake.account import Counts, PartKey, add_file_issue, parts_of, settle
from sipetl.intake.compose import texts_sql
from sipetl.intake.contract import load_contract
from sipetl.intake.headers import unknown
from sipetl.intake.headings import Headings, deciding, headings_of, lacking
from sipetl.intake.identify import Member
from sipetl.intake.plan import Cells, Checks, Plan, make_plan
from sipetl.intake.read import NO_ROOM, Raw, no_room
from sipetl.intake.rows import base_sql
from sipetl.intake.work import Work
from sipetl.privacy import Key
from sipetl.registry.models import FeedName

DAY_GROUPS = ("date", "day", "on", "snapshot_on")
"""Names of name groups that the operator's `day` stands in for."""


@dataclass(frozen=True, slots=True)
class MapContext:
    """What mapping needs beside the file: who sent it, the key, and the operator's flags (the last resort).

    The connection must have `map_districts(code, district)`, with 4- and 8-digit codes, and
    `map_crosswalk(district, local_code, organization, valid_from, valid_to)`, local codes and names in lower case
    and without outer space, organization codes among them; `valid_to` is the first day it no longer holds.
    """

    authority: str
    key: Key
    sender_district: str | None
    """None = the sender may send any district (the state, a collaborative)."""
    sender: str = "state"
    """Whose partition published figures go to when the sender is no district (choice 3)."""
    school_year: int | None = None
    district: str | None = None
    day: date | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """A member's rows in contract form.

    `table`: the contract's columns in its order and types, then school_year, district, row_number; a view, so that
    nine million rows do not repeat what is the same in all of them.
    `issues`: row_number (null = the whole file), rule_id, severity, column_name, row_count (rows it stands for).
    """

    table: str
    issues: str
    rows_read: int
    rows_mapped: int
    """Rows of `table`; not rows of the file where the layout is wide to long."""
    quarantined: int
    skipped: int
    repeated: int
    parts: tuple[PartKey, ...]
    """The one with the most rows first: it is what the file is of."""
    headings: Headings = field(default_factory=dict)
    """Contract column -> the file's headings that fill it, as they stand there."""
    lacking: Headings = field(default_factory=dict)
    """Contract column -> headings that the layout would fill it by, and that the file does not have."""
    deciding: Headings = field(default_factory=dict)
    """Heading that the file does not have, and by which the layout tells rows apart -> contract columns it decides."""

    def drop(self, con: duckdb.DuckDBPyConnection) -> None:
        """Drop its tables, and the memory they take."""
        con.execute(f"drop view if exists {self.table}")
        con.execute(f"drop table if exists {self.table}_rows")
        con.execute(f"drop table if exists {self.issues}")


def map_rows(con: duckdb.DuckDBPyConnection, raw: Raw, member: Member, context: MapContext) -> Mapped:
    """Map a member that was read; its raw table is dropped, since ids stand in it as they are.

    Raises:
        UnrecognizedError: the file lacks a header that the contract cannot do without.
        ScopeError: neither content nor sender says whose rows these are.
        UnreadableError: DuckDB cannot map it (its own message is withheld: it may quote a row).
        StoreError: neither memory nor disk has room for it.
    """
    try:
        return _map(con, raw, member, context)
    except DeliveryError as error:
        raise type(error)(error.what, where=error.where or member.name, why=error.why, cure=error.cure) from None
    except NO_ROOM as failure:
        raise no_room(failure) from None
    except duckdb.Error as failure:
        why = f"{type(failure).__name__} in layout {member.layout.layout}"
        raise UnreadableError("the rows cannot be mapped", where=member.name, why=why) from None
    finally:
        raw.drop(con)


def _map(con: duckdb.DuckDBPyConnection, raw: Raw, member: Member, context: MapContext) -> Mapped:
    cells = Cells(raw.columns, _groups(member, context), has_controls=raw.has_controls)
    plan = make_plan(member.layout, load_contract(member.layout.feed), cells)
    checks = Checks()
    base = base_sql(plan, raw.table)
    place = _place(con, plan, base, context)
    work = Work(con, plan, base, place, lookup.Hasher(context.key, context.authority))
    table = f"mapped_{uuid.uuid4().hex[:12]}"
    con.execute(f"create temp table {table}_rows as {work.rows_sql(checks, raw.rows)}")
    work.drop()
    issues, counts = settle(con, f"{table}_rows", raw, plan, checks)
    con.execute(f"create temp view {table} as {compose.view_sql(plan, f'{table}_rows', place)}")
    _tell_columns(con, issues, plan, member, raw.rows)
    parts = sorted(parts_of(con, table, member.layout), key=lambda part: -part.rows)
    return Mapped(
        table=table,
        issues=issues,
        rows_read=raw.rows,
        rows_mapped=counts.rows_mapped,
        quarantined=counts.quarantined,
        skipped=counts.skipped,
        repeated=counts.repeated,
        parts=tuple(parts) or _empty_part(con, plan, place, counts),
        headings=headings_of(member),
        lacking=lacking(member.layout, plan.absent),
        deciding=deciding(plan),
    )


def _groups(member: Member, context: MapContext) -> dict[str, str]:
    """Named groups of the file's name and title; where it has none, the operator's flags."""
    flags: dict[str, str] = {}
    if context.window is not None:
        flags["window"] = context.window
    if context.day is not None:
        flags |= dict.fromkeys(DAY_GROUPS, context.day.isoformat())
    return flags | dict(member.groups)


def _place(con: duckdb.DuckDBPyConnection, plan: Plan, base: str, context: MapContext) -> compose.Place:
    district = context.sender_district or context.district
    if plan.layout.feed is FeedName.PUBLISHED_RESULTS:
        district = district or context.sender
    table = None
    if plan.layout.district is not None:
        table = lookup.district_table(con, texts_sql(plan, base, only=()))
    elif district is None:
        raise ScopeError(
            "whose rows these are cannot be told",
            why="the sender may send any district, and the layout names no district column",
            cure="give it: --district CODE",
        )
    return compose.Place(context.sender_district, district, table, context.school_year)


def _tell_columns(con: duckdb.DuckDBPyConnection, issues: str, plan: Plan, member: Member, rows: int) -> None:
    for header in unknown(member.headers, plan.layout):
        add_file_issue(con, issues, "MAP-UNKNOWN-COLUMN", header, rows)
    for column in dict.fromkeys([*(column for column, _ in plan.absent), *deciding(plan)]):
        add_file_issue(con, issues, "MAP-MISSING-COLUMN", column, rows)


def _empty_part(
    con: duckdb.DuckDBPyConnection, plan: Plan, place: compose.Place, counts: Counts
) -> tuple[PartKey, ...]:
    """A file without a single row still says "nothing" about a district and year, where its name tells the year."""
    if place.district is None or counts.quarantined:
        return ()
    column = plan.layout.school_year
    stated = sql.literal(None)
    if column is not None and (cell := plan.cells.find(column.source)) and cell.startswith("'"):
        stated = cell
    year = con.execute(
        f"select coalesce({sql.school_year(stated, column)}, {compose.stated_by_name(plan, place)})"
    ).fetchone()
    return (PartKey(place.district, year[0], 0, None, None),) if year and year[0] else ()
