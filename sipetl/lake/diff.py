"""What a part would do to the rows that are there, in counts: for the person who decides on it (decision 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from sipetl.lake.guard import Part, compared, empty_before, side_by_side
from sipetl.lake.tables import Lake

KINDS = ("before", "after", "added", "removed", "changed")
_COUNTS = """
    count(*) filter (was) as before, count(*) filter (is_) as after, count(*) filter (is_ and not was) as added,
    count(*) filter (was and not is_ and goes) as removed, count(*) filter (was and is_ and differs) as changed
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows before, after, added, removed and changed: as a whole, by school, by day or window; and by column."""

    whole: Mapping[str, int]
    by_school: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    by_time: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    by_column: Mapping[str, int] = field(default_factory=dict)
    """Columns that change, and in how many rows; never from what to what."""
    fills: Mapping[str, int] = field(default_factory=dict)
    """Columns that were empty in every row before, and in how many rows there is something now: no row counts as changed
    for it."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is filled, in words."""
        return tuple(
            f"fills {column} in {rows:,} {'row' if rows == 1 else 'rows'}" for column, rows in self.fills.items()
        )


def difference(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: str, part: Part, *, time: str | None = None
) -> Difference:
    """Compare as `impact` does, and tell where.

    Args:
        con: where the table of good rows is.
        lake: the lake.
        table: good rows.
        part: the part that waits.
        time: the feed's column of days or windows; a folded feed, which is one day's, has none.
    """
    key, others = compared(part.feed)
    named = {*key, *others}
    more = "".join(
        f', coalesce(n."{column}", o."{column}")::varchar as by_{alias}'
        for alias, column in (("school", "school"), ("time", time))
        if column in named
    )
    more += "".join(f', o."{c}" is distinct from n."{c}" as d{i}' for i, c in enumerate(others))
    empty = empty_before(con, lake, part)
    query = side_by_side(lake, table, part, more, empty=empty)
    con.execute(f"create or replace temp table held_diff as {query} select * from j")
    try:
        by_column = _by_column(con, others)
        return Difference(
            whole=dict(zip(KINDS, con.execute(f"select {_COUNTS} from held_diff").fetchall()[0], strict=True)),
            by_school=_by(con, "by_school") if "school" in named else {},
            by_time=_by(con, "by_time") if time in named else {},
            by_column={name: n for name, n in by_column.items() if name not in empty},
            fills={name: n for name, n in by_column.items() if name in empty},
        )
    finally:
        con.execute("drop table held_diff")


def _by(con: duckdb.DuckDBPyConnection, column: str) -> dict[str, dict[str, int]]:
    """Only where something differs: a year has too many days to read."""
    rows = con.execute(f"""
        select {column}, {_COUNTS} from held_diff group by {column}
        having added + removed + changed > 0 order by {column} nulls last
    """).fetchall()
    return {name or "(none)": dict(zip(KINDS, counts, strict=True)) for name, *counts in rows}


def _by_column(con: duckdb.DuckDBPyConnection, columns: list[str]) -> dict[str, int]:
    counts = ", ".join(f"count(*) filter (was and is_ and d{i})" for i in range(len(columns)))
    found = con.execute(f"select {counts or 'null'} from held_diff").fetchall()[0]
    told = {name: n for name, n in zip(columns, found, strict=False) if n}
    return dict(sorted(told.items(), key=lambda item: (-item[1], item[0])))
