"""Which rows of a file are rows of data, and the melting of item columns into rows: the first stage of the SQL.

Pure; continues `plan`, and `compose` builds on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sipetl.errors import UnrecognizedError
from sipetl.intake import sql
from sipetl.intake.layout import Layout, Melt, Rows, group_names
from sipetl.intake.plan import Cells, Plan


@dataclass(frozen=True, slots=True)
class Where:
    """Row conditions of a member over the raw table, never null."""

    keep: str
    whole: str = "ragged < 2"


def row_conditions(plan: Plan) -> Where:
    """Which rows are data: not blank in all columns that are read, kept by `rows_keep`, not dropped by `rows_drop`.

    Raises:
        UnrecognizedError: the file has no header for a condition.
    """
    layout = plan.layout
    for rows in layout.rows_keep:
        if plan.cells.find(rows.source) is None:
            names = " or ".join(repr(name) for name in rows.source)
            why = f"layout {layout.layout} tells rows of data by it"
            raise UnrecognizedError(f"the file has no header {names}", why=why)
    kept = [condition(rows, plan.cells, layout) for rows in layout.rows_keep]
    dropped = [f"not {condition(rows, plan.cells, layout)}" for rows in layout.rows_drop]
    used = sorted(set(plan.cells.columns.values()))
    filled = " or ".join(f"{name} <> ''" for name in used)
    return Where(" and ".join([f"({filled or 'true'})", *kept, *dropped]))


def condition(rows: Rows, cells: Cells, layout: Layout) -> str:
    """A row condition over the file's columns; a column that is not there is blank in every row."""
    cell = cells.find(rows.source)
    if cell is None:
        if rows.blank is None:
            return "false"
        return "true" if rows.blank else "false"
    return sql.condition(rows, cell, layout.null)


def base_sql(plan: Plan, raw_table: str) -> str:
    """The rows of data; a melted layout has one row per item answered."""
    where = row_conditions(plan)
    rows = f"select * from {raw_table} where {where.whole} and ({where.keep})"
    melt = plan.layout.melt
    if melt is None:
        return rows
    items = _items(plan, melt)
    tokens = (*plan.layout.null, *(plan.layout.columns[melt.cell].null if melt.cell in plan.layout.columns else ()))
    cells = [
        f"coalesce({', '.join(sql.blank_to_null(cell, tokens) for cell in found)}, null) as i{number}"
        for number, found in enumerate(items.values())
    ]
    kept = sorted(set(plan.cells.columns.values()) - {c for found in items.values() for c in found})
    names = [f"i{number}" for number in range(len(items))]
    groups = []
    for place, group in enumerate(group_names(melt.headers)):
        cases = " ".join(f"when 'i{n}' then {sql.literal(key[place])}" for n, key in enumerate(items))
        groups.append(f"case melt_key {cases} end as melt_{group}")
    return f"""
        select * exclude (melt_key), {", ".join(groups)}
        from (
            unpivot (select {", ".join(["row_number", "ragged", *kept, *cells])} from ({rows}))
            on {", ".join(names)} into name melt_key value melt_cell
        )
    """


def _items(plan: Plan, melt: Melt) -> dict[tuple[str | None, ...], list[str]]:
    """Values of the header's groups (lower case) -> the file's columns that hold them."""
    items: dict[tuple[str | None, ...], list[str]] = {}
    for header, column in plan.cells.columns.items():
        match = re.search(melt.headers, header, re.IGNORECASE)
        if match:
            key = tuple(v.lower() if v else None for v in (match[g] for g in group_names(melt.headers)))
            items.setdefault(key, []).append(column)
    if not items:
        raise UnrecognizedError("the file has no item columns", why=f"layout {plan.layout.layout} needs them")
    return items
