"""What was found in a member, for its letter: by mapping, against the registry, by the feed's rules; and why it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import duckdb

from sipetl.intake import RULES, Layout, Mapped, load_contract
from sipetl.pipeline.bench import Checked
from sipetl.pipeline.missing import what_is_missing
from sipetl.quality import MAX_ROWS, OF_PARTS, Finding, Outcome, Severity, Share, Suite

BY_NAME = "MAP-NAME"
"""The rule that a file's name does not say what only it can say."""
LACKS_COLUMN = "MAP-MISSING-COLUMN"
"""The rule that a file lacks a column which its layout may do without."""
UNKNOWN_COLUMN = "MAP-UNKNOWN-COLUMN"
"""The rule that a file has a column which its layout neither reads nor drops."""
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def map_findings(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> tuple[Finding, ...]:
    """Issues of mapping, counted by rule and column; what the name should have said comes first."""
    rows = con.execute(
        f"""
        select rule_id, severity, column_name, sum(row_count)::bigint, min(row_number, {MAX_ROWS}) from {mapped.issues}
        group by all order by severity, rule_id, column_name
        """
    ).fetchall()
    found = [_shared(con, mapped, _finding(layout, *row)) for row in rows]
    found = [what_is_missing(con, mapped, layout, f) if f.rule_id == LACKS_COLUMN else f for f in found]
    found = [*_renamed(found), *_parts(con, mapped, layout)]
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


def _shared(con: duckdb.DuckDBPyConnection, mapped: Mapped, finding: Finding) -> Finding:
    """By part: rows that were mapped are of theirs, all others of the first, which is the one with the most rows."""
    if not finding.rows:
        return finding
    rows = f"select row_number from {mapped.issues} where rule_id = ? and severity = ? and column_name is not distinct from ?"
    return replace(finding, shares=shares(con, mapped, rows, [finding.rule_id, finding.severity, finding.column]))


def shares(
    con: duckdb.DuckDBPyConnection, mapped: Mapped, rows: str, given: Sequence[object] = ()
) -> tuple[Share, ...]:
    """How rows of the file are divided among its parts; nothing where it has one.

    Args:
        con: of the mapped tables.
        mapped: the file.
        rows: SQL of a column `row_number`.
        given: what the SQL asks for.
    """
    if len(mapped.parts) < 2:
        return ()
    main = mapped.parts[0]
    found = con.execute(
        f"""
        select district, school_year, count(*), min(row_number, {MAX_ROWS})
        from (
            select distinct
                f.row_number,
                coalesce(m.district, ?) as district,
                coalesce(m.school_year, ?) as school_year
            from ({rows}) f left join {mapped.table} m using (row_number)
        )
        group by all order by all
        """,
        [main.district, main.school_year, *given],
    ).fetchall()
    return tuple(Share(district, year, count, tuple(first)) for district, year, count, first in found)


def _parts(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout) -> list[Finding]:
    """That the file has several parts, with the rows of each; a wide row may be of two."""
    if len(mapped.parts) < 2:
        return []
    own = tuple(Share(part.district, part.school_year, part.rows) for part in mapped.parts)
    whole = mapped.rows_mapped
    if layout.long or layout.melt:
        counted = (
            f"select district, school_year, count(distinct row_number) from {mapped.table} group by all order by all"
        )
        own = tuple(Share(*row) for row in con.execute(counted).fetchall())
        whole = con.execute(f"select count(distinct row_number) from {mapped.table}").fetchall()[0][0]
    # Rows that never got as far are counted with the first part, as quarantined ones.
    own = tuple(replace(s, count=(s.count or 0) + mapped.quarantined) if _is_first(s, mapped) else s for s in own)
    whole += mapped.quarantined
    several = "districts" if len({one.district for one in own}) > 1 else "school years"
    text = f"The file has rows of several {several}: {len(own)} parts, each checked and loaded by itself."
    least = "Nothing to do, unless a part has rows that should be in another: look at their dates."
    return [Finding(OF_PARTS, Severity.INFO, None, text, least, whole, shares=own)]


def _is_first(share: Share, mapped: Mapped) -> bool:
    return (share.district, share.school_year) == (mapped.parts[0].district, mapped.parts[0].school_year)


def _renamed(found: Sequence[Finding]) -> list[Finding]:
    """A heading that nobody knows may be that of a column which is missed."""
    missed = dict.fromkeys(heading for f in found if f.rule_id == LACKS_COLUMN for heading in f.headings)
    if not missed:
        return list(found)
    cure = f"If it is what the file lacks ({', '.join(missed)}), give it that heading again; else there is nothing to do."
    return [replace(f, cure=cure) if f.rule_id == UNKNOWN_COLUMN else f for f in found]


def as_sent(findings: Iterable[Finding], suite: Suite, mapped: Mapped) -> tuple[Finding, ...]:
    """Findings in the words of the sender's file, by its headings; what stops rows comes first.

    Args:
        findings: of mapping, of the registry and of the rules.
        suite: says which columns a rule about several looks at.
        mapped: knows the file's headings.
    """
    columns = {rule.rule_id: _columns(rule.kwargs) for rule in suite.expectations}
    named = [
        _divided(_with_headings(finding, mapped, columns.get(finding.rule_id, ())), mapped) for finding in findings
    ]
    return tuple(sorted(named, key=lambda finding: _RANK[finding.severity]))


def _divided(finding: Finding, mapped: Mapped) -> Finding:
    """What cannot be told by part is told with the first; a file of one part has nothing to divide."""
    if len(mapped.parts) < 2:
        return replace(finding, shares=())
    main = mapped.parts[0]
    first = Share(main.district, main.school_year, finding.count, finding.rows)
    return replace(finding, shares=finding.shares or (first,))


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
