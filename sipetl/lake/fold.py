"""Snapshots become spans: who was enrolled (or employed) where, from which day to which (choice 5).

A snapshot says what is so on its day. Folding it into the spans there are: an unchanged row goes on; a changed
one closes the old span and opens a new one; a row that the snapshot no longer names is closed, never removed,
so no enrolment day is lost. A corrected snapshot of the same day first undoes the one before it.
"""

from __future__ import annotations

import duckdb

from sipetl.intake.contract import load_contract
from sipetl.lake.guard import Part
from sipetl.lake.tables import column_types, idents
from sipetl.registry.models import FeedName

_STARTS = {FeedName.ROSTER: "entry_date", FeedName.STAFF: "start_date"}
ENDS = {FeedName.ROSTER: "exit_date", FeedName.STAFF: "end_date"}
"""The column of a row's own last day."""
_UNCOMPARED = {"snapshot_on", "part_id", "row_number", "valid_from", "valid_to"}


def fold(con: duckdb.DuckDBPyConnection, part: Part, *, spans: str, snapshot: str, target: str) -> None:
    """Fold the rows of `snapshot` into the rows of `spans`; the partition's new state goes to table `target`.

    A row opens on the snapshot's day; where its own first day lies after the snapshot before, on that day; in the
    first snapshot of a year, on its own first day or July 1, whichever is later. It closes on its own last day, or on
    the day of the first snapshot that does not show it.

    Args:
        con: where the tables are.
        part: whose partition it is; its scope's `ends` is the snapshot's day.
        spans: query or table of the partition's rows now (lake columns).
        snapshot: table of the part's good rows (contract columns, row_number).
        target: name of the table to make.
    """
    names = idents(column_types(part.feed))
    con.execute(f"create or replace temp table {target} as {_ctes(part, spans, snapshot)} {_union(names)}")


def _ctes(part: Part, spans: str, snapshot: str) -> str:
    contract = load_contract(part.feed)
    day, year_start = f"date '{part.scope.ends}'", f"date '{part.school_year - 1}-07-01'"
    starts, ends, key = _STARTS[part.feed], ENDS[part.feed], idents(contract.key)
    same_key = _equal(contract.key)
    same = _equal([c for c in column_types(part.feed) if c not in _UNCOMPARED])
    active = "coalesce(is_active, true)" if part.feed is FeedName.ROSTER else "true"
    return f"""
        with was as (
            select * replace (case when valid_to = {day} then null else valid_to end as valid_to)
            from ({spans}) where snapshot_on <> {day}
        ),
        before as (select max(snapshot_on) as last_day from was),
        given as (select * from {snapshot} where {part.partition()}),
        shown as (
            select * from given where {active} and ({ends} is null or {ends} > {day})
            qualify row_number() over (partition by {key} order by row_number desc) = 1
        ),
        goes_on as (select s.* from was s where s.valid_to is null and exists (select 1 from shown n where {same})),
        left_on as (select {key}, max({ends}) as left_day from given where {ends} <= {day} group by all),
        closed as (
            select s.* replace (coalesce(x.left_day, {day}) as valid_to) from was s left join left_on x using ({key})
            where s.valid_to is null and not exists (select 1 from shown n where {same})
        ),
        opened as (
            select n.* exclude (school_year, district), '{part.part_id}' as part_id, null::date as valid_to,
                case
                    when exists (select 1 from was s where s.valid_to is null and {same_key}) then {day}
                    when last_day is null then greatest({year_start}, n.{starts})
                    when n.{starts} > last_day then n.{starts}
                    else {day}
                end as valid_from
            from shown n, before where not exists (select 1 from was s where s.valid_to is null and {same})
        )
    """


def _union(names: str) -> str:
    return f"""
        select {names} from was where valid_to is not null
        union all select {names} from goes_on
        union all select {names} from closed where valid_to > valid_from
        union all select {names} from opened
    """


def _equal(columns: list[str] | tuple[str, ...]) -> str:
    return " and ".join(f's."{c}" is not distinct from n."{c}"' for c in columns)
