"""What mapping found, in sentences for the letter."""

from __future__ import annotations

import duckdb

from sipetl.intake import RULES, Mapped
from sipetl.quality import Finding, Severity

MOST_ROWS = 20
"""Row numbers named in a letter."""


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
    text, cure = RULES.get(rule_id, (rule_id, ""))
    rows = tuple(n for n in numbers or () if n is not None)
    return Finding(rule_id, Severity(severity), column, text, cure, count, rows)
