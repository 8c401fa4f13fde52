"""Whether a file that is taken once more brings anything: compared before a commit, so that none is made for nothing."""

from __future__ import annotations

import duckdb

from sipetl.intake.contract import load_contract
from sipetl.lake.fold import fold
from sipetl.lake.guard import Part
from sipetl.lake.tables import FOLDED, Lake, column_types, files_of, idents, one_row, open_table, read_files


def brings_nothing(con: duckdb.DuckDBPyConnection, lake: Lake, rows: str, part: Part) -> bool:
    """Whether the rows that the lake still holds of an earlier try are the part's own, each unchanged.

    The caller compares how many rows were taken then and now: rows that a newer file replaced since are in the lake no
    longer, and say nothing. Where nobody's rows stand in their place, that file was retracted: then the part brings them.

    Args:
        con: where the table of good rows is.
        lake: the lake.
        rows: table of good rows.
        part: the new try; `replaces` names the earlier one.
    """
    current = f"select * from ({read_files(part.feed, files_of(open_table(lake, part.feed), part.partition()))})"
    inside = f"{current} where {part.partition()}"
    if part.feed in FOLDED:
        fold(con, part, spans=inside, snapshot=rows, target="folded_again")
        names = idents(name for name in column_types(part.feed) if name != "part_id")
        return not _differ(con, f"select {names} from ({inside})", f"select {names} from folded_again", both=True)
    names = idents(column.name for column in load_contract(part.feed).columns)
    of_earlier = " or ".join(f"part_id = '{earlier}'" for earlier in part.replaces) or "false"
    kept = f"select {names} from ({inside} and ({of_earlier}))"
    own = f"select {names} from {rows} where {part.partition()}"
    others = f"select {names} from ({inside} and not ({of_earlier}))"
    return not _differ(con, kept, own, both=False) and not _leaves_gap(con, part, f"{own} except all {kept}", others)


def _leaves_gap(con: duckdb.DuckDBPyConnection, part: Part, lost: str, others: str) -> bool:
    """Whether some of the rows that are lost have nobody else's in their place: the scope's day and values, or the key."""
    scope = part.scope
    is_keyed = scope.kind == "increment"
    place = load_contract(part.feed).key if is_keyed else [c for c in (scope.column, *scope.by_columns) if c]
    same = " and ".join(f'o."{c}" is not distinct from l."{c}"' for c in place) or "true"
    gap = f"select 1 from ({lost}) l where not exists (select 1 from ({others}) o where {same})"
    return bool(one_row(con, f"select count(*) from ({gap} limit 1)")[0])


def _differ(con: duckdb.DuckDBPyConnection, one: str, other: str, *, both: bool) -> bool:
    """Whether rows of one query are not in the other (or, if both, either way)."""
    missing = f"select * from ({one}) except all select * from ({other})"
    if both:
        missing = f"({missing}) union all (select * from ({other}) except all select * from ({one}))"
    return bool(one_row(con, f"select count(*) from (select 1 from ({missing}) limit 1)")[0])
