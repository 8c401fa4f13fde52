"""What was found in a member, for its letter: by mapping, against the registry, by the feed's rules; and why it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import duckdb

from sipetl.intake import RULES, Layout, Mapped, load_contract
from sipetl.pipeline.bench import Checked
from sipetl.pipeline.missing import what_is_missing
from sipetl.quality import MAX_ROWS, Finding, Outcome, Severity, Suite

BY_NAME = "MAP-NAME"
"""The rule that a file's name does not say what only it can say."""
LACKS_COLUMN = "MAP-MISSING-COLUMN"
"""The rule that a file lacks a column which its layout may do without."""
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def map_findings(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> tuple[Finding, ...]:
    """Issues of mapping, counted by rule and column; what the name should have said comes first."""
    rows = con.execute(
        f"""
        select rule_id, severity, column_name, sum(row_count)::bigint, min(row_number, {MAX_ROWS}) from {mapped.issues}
        group by all order by severity, rule_id, column_name
        """
    ).fetchall()
    found = [_finding(layout, *row) for row in rows]
    found = [what_is_missing(con, mapped, layout, f) if f.rule_id == LACKS_COLUMN else f for f in found]
    named = [_with_headings(finding, mapped) for finding in found]
    return tuple(sorted(_once(named), key=lambda f: (f.severity, f.rule_id != BY_NAME)))


def _finding(
    layout: Layout, rule_id: str, severity: str, column: str | None, count: int, numbers: list[int] | None
) -> Finding:
    text, cure = RULES.get(rule_id, (rule_id, ""))
    if rule_id == BY_NAME:
        if column:
            text = text.replace("say this", f"say it ({load_contract(layout.feed).column(column).description})")
        if layout.file.name_example:
            cure = cure.replace("as its layout expects", f"like {layout.file.name_example}")
    rows = tuple(n for n in numbers or () if n is not None)
    return Finding(rule_id, Severity(severity), column, text, cure, count, rows)


def as_sent(findings: Iterable[Finding], suite: Suite, mapped: Mapped) -> tuple[Finding, ...]:
    """Findings in the words of the sender's file, by its headings; what stops rows comes first.

    Args:
        findings: of mapping, of the registry and of the rules.
        suite: says which columns a rule about several looks at.
        mapped: knows the file's headings.
    """
    columns = {rule.rule_id: _columns(rule.kwargs) for rule in suite.expectations}
    named = [_with_headings(finding, mapped, columns.get(finding.rule_id, ())) for finding in findings]
    return tuple(sorted(named, key=lambda finding: _RANK[finding.severity]))


def _columns(kwargs: object) -> tuple[str, ...]:
    """The columns that a rule about several compares."""
    given = kwargs if isinstance(kwargs, dict) else {}
    return tuple(given.get("column_list") or (given[name] for name in ("column_A", "column_B") if name in given))


def _with_headings(finding: Finding, mapped: Mapped, columns: Iterable[str] = ()) -> Finding:
    if finding.headings:
        return finding
    wanted = (finding.column,) if finding.column else tuple(columns)
    headings = dict.fromkeys(heading for name in wanted for heading in mapped.headings.get(name, ()))
    return replace(finding, headings=tuple(headings))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of those that say the same of the same heading: two contract columns may come from it."""
    found: dict[object, Finding] = {}
    for finding in findings:
        by = finding.headings or finding.column
        found.setdefault((finding.rule_id, finding.severity, by, finding.count, finding.rows), finding)
    return list(found.values())


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
    at = f" ({finding.where})" if finding.where else ""
    return f"{finding.rule_id}{at}: {finding.text} {finding.cure}".strip()
