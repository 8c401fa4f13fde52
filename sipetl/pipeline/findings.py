"""What was found in a member, for its letter: by mapping, against the registry, by the feed's rules; and why it is refused."""

from __future__ import annotations

import duckdb

from sipetl.intake import RULES, Layout, Mapped
from sipetl.pipeline.bench import Checked
from sipetl.quality import MAX_ROWS, Finding, Outcome, Severity

BY_NAME = "MAP-NAME"
"""The rule that a file's name does not say what only it can say."""


def map_findings(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> tuple[Finding, ...]:
    """Issues of mapping, counted by rule and column; what the name should have said comes first."""
    rows = con.execute(
        f"""
        select rule_id, severity, column_name, sum(row_count)::bigint, min(row_number, {MAX_ROWS}) from {mapped.issues}
        group by all order by severity, rule_id, column_name
        """
    ).fetchall()
    found = [_finding(layout, *row) for row in rows]
    return tuple(sorted(found, key=lambda f: (f.severity, f.rule_id != BY_NAME)))


def _finding(
    layout: Layout, rule_id: str, severity: str, column: str | None, count: int, numbers: list[int] | None
) -> Finding:
    text, cure = RULES.get(rule_id, (rule_id, ""))
    if rule_id == BY_NAME and layout.file.name_example:
        cure = cure.replace("as its layout expects", f"like {layout.file.name_example}")
    rows = tuple(n for n in numbers or () if n is not None)
    return Finding(rule_id, Severity(severity), column, text, cure, count, rows)


def why_refused(checked: Checked) -> tuple[Outcome, str]:
    """The outcome of a member that is not taken, and the reason, for the sender."""
    if checked.split.held_by:
        rules = ", ".join(checked.split.held_by)
        return Outcome.HELD, f"rule {rules} could not run: a fault on our side"
    if not checked.rows_read:
        return Outcome.REJECTED, "the file has a header and no rows; nothing was changed"
    worst = [f for f in checked.findings if f.severity is Severity.CRITICAL and _refuses(checked, f)]
    return Outcome.REJECTED, _sentence(worst[0]) if worst else "no row could be taken"


def _refuses(checked: Checked, finding: Finding) -> bool:
    """A file rule, or, where no row is left, what every row is quarantined for."""
    return finding.rule_id in checked.split.rejected_by or finding.count == checked.mapped.quarantined


def _sentence(finding: Finding) -> str:
    at = f" ({finding.column})" if finding.column else ""
    return f"{finding.rule_id}{at}: {finding.text} {finding.cure}".strip()
