"""What mapping found, in sentences for the letter. Each rule of `map` has its text here, once."""

from __future__ import annotations

import duckdb

from sipetl.intake import Mapped
from sipetl.quality import Finding, Severity

MOST_ROWS = 20
"""Row numbers named in a letter."""

TEXTS: dict[str, tuple[str, str]] = {
    "MAP-CAST": (
        "The text is not a number or date of the kind this column has.",
        "Mend the cell and send the file again.",
    ),
    "MAP-CODE": ("The code is not one that this layout knows.", "Mend the code, or tell us what it means."),
    "MAP-DISTRICT": ("The row belongs to another district.", "Send only your own district's rows."),
    "MAP-ENUM": ("The value is not one of the allowed ones.", "Mend the cell and send the file again."),
    "MAP-ID": (
        "The identifier is empty or was turned into a number by a spreadsheet.",
        "Export identifiers as text.",
    ),
    "MAP-MISSING-COLUMN": (
        "The file lacks a column that this layout usually has.",
        "Check the export's column list.",
    ),
    "MAP-NULL": ("A value that every row must have is missing.", "Fill the cell and send the file again."),
    "MAP-RAGGED": ("The row has another number of cells than the header.", "Check quotes and separators in the row."),
    "MAP-REPEAT": ("The row repeats another row exactly; it was taken once.", ""),
    "MAP-SCHOOL": ("The school is not in the crosswalk on the row's day.", "Mend the code, or have it added."),
    "MAP-UNKNOWN-COLUMN": (
        "The file has a column that this layout does not know.",
        "Nothing to do unless it matters.",
    ),
    "MAP-YEAR": (
        "The row's date and the school year of the file disagree; the date was believed.",
        "Check the year.",
    ),
}


def map_findings(con: duckdb.DuckDBPyConnection, mapped: Mapped) -> tuple[Finding, ...]:
    """Issues of mapping, counted by rule and column."""
    rows = con.execute(
        f"""
        select rule_id, severity, column_name, sum(row_count)::bigint, min(row_number, {MOST_ROWS}) from {mapped.issues}
        group by all order by severity, rule_id, column_name
        """
    ).fetchall()
    return tuple(_finding(*row) for row in rows)


def _finding(rule_id: str, severity: str, column: str | None, count: int, numbers: list[int] | None) -> Finding:
    text, cure = TEXTS.get(rule_id, (rule_id, ""))
    rows = tuple(n for n in numbers or () if n is not None)
    return Finding(rule_id, Severity(severity), column, text, cure, count, rows)
