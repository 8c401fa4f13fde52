"""Hold before destroy: what would a part remove or change, before it does (decision 8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import duckdb

from sipetl.intake.contract import Contract, load_contract
from sipetl.lake.tables import FOLDED, Lake, files_of, idents, one_row, open_table, quoted, read_files
from sipetl.registry.models import FeedName


@dataclass(frozen=True, slots=True)
class Scope:
    """What a part replaces in its partition."""

    kind: str
    """snapshot, window or increment."""
    column: str | None = None
    starts: date | None = None
    ends: date | None = None
    by_columns: tuple[str, ...] = ()
    by_values: tuple[tuple[object, ...], ...] = ()
    """Columns that narrow the scope, and the combinations of their values that the content holds."""

    def condition(self) -> str:
        """SQL condition, true for rows in scope and false for all others (never null)."""
        terms = []
        if self.by_columns:
            combinations = [" and ".join(map(_is, self.by_columns, values)) for values in self.by_values]
            terms.append(f"({' or '.join(combinations) or 'false'})")
        if self.column and self.starts and self.ends:
            terms.append(f"coalesce({self.column} between date '{self.starts}' and date '{self.ends}', false)")
        return " and ".join(terms) or "true"


def _is(column: str, value: object) -> str:
    literal = "null" if value is None else quoted(str(value))
    return f'"{column}" is not distinct from {literal}'


@dataclass(frozen=True, slots=True)
class Part:
    """A part about to be committed: the rows of one district and school year in a table of good rows."""

    part_id: str
    feed: FeedName
    district: str
    school_year: int
    scope: Scope
    replaces: tuple[str, ...] = ()
    """Parts whose rows go wherever they are: the same file, taken once more, may read otherwise now."""

    def partition(self) -> str:
        """SQL condition on the partition."""
        return f"school_year = {self.school_year} and district = {quoted(self.district)}"

    def outgoing(self) -> str:
        """SQL condition on the rows now in the partition that this part takes the place of (never null)."""
        if not self.replaces:
            return self.scope.condition()
        return f"({self.scope.condition()} or part_id in ({', '.join(map(quoted, self.replaces))}))"

    @property
    def lock(self) -> str:
        """Name of the lock that a commit of this part holds."""
        return f"lake:{self.feed}:{self.school_year}:{self.district}"


@dataclass(frozen=True, slots=True)
class Impact:
    """What a part would do to the rows that are there."""

    rows_before: int
    rows_after: int
    rows_removed: int
    rows_changed: int
    """Rows in which something else stands now; a column that had been empty in every row and is filled changes none."""

    def exceeds(self, contract: Contract) -> str | None:
        """Why a person must look, in one sentence; None when the contract's limits hold."""
        if not self.rows_before:
            return None
        for word, rows, limit in (
            ("remove", self.rows_removed, contract.custom("removeLimitPercent")),
            ("change", self.rows_changed, contract.custom("changeLimitPercent")),
        ):
            if 100 * rows > limit * self.rows_before:
                return f"it would {word} {rows} of {self.rows_before} rows; the limit is {limit} %"
        return None


def impact(con: duckdb.DuckDBPyConnection, lake: Lake, table: str, part: Part) -> Impact:
    """Compare a part's rows with the rows now in its scope, by the contract's key; where none are, nothing is compared."""
    if not one_row(con, f"select count(*) from ({_before(lake, part)})")[0]:
        (brought,) = one_row(con, f"select count(*) from {table} where {part.partition()}")
        return Impact(rows_before=0, rows_after=brought, rows_removed=0, rows_changed=0)
    found = _impact(con, lake, table, part)
    if not found.rows_changed:
        return found
    empty = empty_before(con, lake, part)
    return _impact(con, lake, table, part, empty) if empty else found


def _impact(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: str, part: Part, empty: Collection[str] = ()
) -> Impact:
    query = f"""
        {side_by_side(lake, table, part, empty=empty)}
        select count(*) filter (was), count(*) filter (is_),
               count(*) filter (was and not is_ and goes), count(*) filter (was and is_ and differs)
        from j
    """
    return Impact(*one_row(con, query))


def empty_before(con: duckdb.DuckDBPyConnection, lake: Lake, part: Part) -> frozenset[str]:
    """Columns without a value in any of the rows that are there: a file that fills them destroys nothing.

    None, where no row is there.
    """
    _, others = compared(part.feed)
    counts = ", ".join(f'count("{c}")' for c in others)
    rows, *values = one_row(con, f"select count(*), {counts} from ({_before(lake, part)})")
    return frozenset(c for c, n in zip(others, values, strict=True) if rows and not n)


def _before(lake: Lake, part: Part) -> str:
    """Query for the rows that are there now, of those that the part speaks for."""
    files = files_of(open_table(lake, part.feed), pruning(part))
    live = "valid_to is null" if part.feed in FOLDED else part.outgoing()
    return f"select * from ({read_files(part.feed, files)}) where {part.partition()} and {live}"


def side_by_side(lake: Lake, table: str, part: Part, more: str = "", *, empty: Collection[str] = ()) -> str:
    """CTEs that end in `j`: each key with a row before (`was`) or after (`is_`), and whether the rows differ.

    Args:
        lake: the lake.
        table: good rows.
        part: whose rows of them.
        more: further columns, from `o` (before) and `n` (after), each with a comma in front.
        empty: columns that were empty in every row before: filled, they make no row differ.
    """
    key, others = compared(part.feed)
    same = " and ".join(f'o."{c}" is not distinct from n."{c}"' for c in key)
    differs = " or ".join(f'o."{c}" is distinct from n."{c}"' for c in others if c not in empty) or "false"
    goes = "true"
    if part.scope.kind == "increment":
        goes = f"o.part_id in ({', '.join(map(quoted, part.replaces))})" if part.replaces else "false"
    return f"""
        with o as ({_before(lake, part)}),
        n as (select * from {table} where {part.partition()}
              qualify row_number() over (partition by {idents(key)} order by row_number) = 1),
        j as (select o.part_id is not null as was, n.row_number is not null as is_, {differs} as differs,
                     {goes} as goes{more}
              from o full join n on {same})
    """


def pruning(part: Part) -> str:
    """Predicate that lists the files a part may touch: its partition, and in a window only its days."""
    terms = [part.partition()]
    scope = part.scope
    if scope.column and scope.starts and scope.ends and not part.replaces:
        terms.append(f"{scope.column} >= '{scope.starts}' and {scope.column} <= '{scope.ends}'")
    return " and ".join(terms)


def compared(feed: FeedName) -> tuple[tuple[str, ...], list[str]]:
    """The key and the other columns; of a folded feed without its snapshot day."""
    contract = load_contract(feed)
    ignored = {"snapshot_on"} if feed in FOLDED else set()
    return contract.key, [c.name for c in contract.columns if c.name not in {*contract.key, *ignored}]
