"""Split a checked batch: good rows go on, quarantined rows wait, a broken file is rejected.

The gate is severity, not GX's `success`: only critical rules decide, warnings are recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import duckdb

from sipetl.errors import StoreError
from sipetl.quality.results import RuleResult, SuiteResult
from sipetl.quality.sql import ROW_NUMBER, quote, text
from sipetl.quality.suite import Severity


class Outcome(StrEnum):
    """What became of one part of a delivery."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    """Accepted, but for some rows."""
    REJECTED = "rejected"
    HELD = "held"
    DUPLICATE = "duplicate"
    UNRECOGNIZED = "unrecognized"
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Split:
    """A batch after the gate.

    `good` names a view with the batch's columns, `quarantined` a temporary table (row_number bigint,
    rule_id varchar; a row once per rule it broke). Of a rejected or held file both are empty.
    `rejected_by` are the rules that refuse the file, `held_by` the critical rules that could not run:
    a fault on our side that a person must look at, so nothing is loaded and nobody is blamed.
    """

    outcome: Outcome
    good: str
    quarantined: str
    rows_read: int
    rows_good: int
    rows_quarantined: int
    rows_rejected: int
    rejected_by: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


def split(con: duckdb.DuckDBPyConnection, table: str, result: SuiteResult) -> Split:
    """Apply the gate to a batch that `run_suite` has just checked on this connection.

    Raises:
        StoreError: DuckDB could not write the split.
    """
    critical = [rule for rule in result.rules if rule.severity is Severity.CRITICAL]
    rejected_by = tuple(rule.rule_id for rule in critical if not rule.error and _rejects(rule))
    held_by = tuple(rule.rule_id for rule in critical if rule.error)
    stopped = bool(rejected_by or held_by)
    by_row = [] if stopped else [rule.rule_id for rule in critical if rule.level == "row"]
    try:
        quarantined, rows = _quarantine(con, table, result, by_row)
        kept = f"{ROW_NUMBER} not in (select {ROW_NUMBER} from {quote(quarantined)})" if rows else "true"
        good = _good(con, table, "false" if stopped else kept)
    except duckdb.Error as error:
        raise StoreError("the batch could not be split", why=f"DuckDB: {type(error).__name__}") from None
    return Split(
        outcome=_outcome(rejected_by, held_by, rows),
        good=good,
        quarantined=quarantined,
        rows_read=result.rows,
        rows_good=0 if stopped else result.rows - rows,
        rows_quarantined=rows,
        rows_rejected=result.rows if rejected_by else 0,
        rejected_by=rejected_by,
        held_by=held_by,
    )


def _rejects(rule: RuleResult) -> bool:
    """Say whether a failure refuses the file: a file rule, or more failing rows than `mostly` allows."""
    return not rule.success and (rule.level == "file" or rule.mostly < 1)


def _outcome(rejected_by: tuple[str, ...], held_by: tuple[str, ...], quarantined: int) -> Outcome:
    if rejected_by:
        return Outcome.REJECTED
    if held_by:
        return Outcome.HELD
    return Outcome.QUARANTINED if quarantined else Outcome.ACCEPTED


def _quarantine(
    con: duckdb.DuckDBPyConnection, table: str, result: SuiteResult, rule_ids: list[str]
) -> tuple[str, int]:
    name = f"{table}__quarantined"
    ids = ", ".join(text(rule_id) for rule_id in rule_ids)
    con.execute(
        f"create or replace temp table {quote(name)} as from {quote(result.failing)} "
        f"where {f'rule_id in ({ids})' if ids else 'false'}"
    )
    row = con.execute(f"select count(distinct {ROW_NUMBER}) from {quote(name)}").fetchone()
    return name, int(row[0]) if row else 0


def _good(con: duckdb.DuckDBPyConnection, table: str, where: str) -> str:
    """Make the view of good rows: the batch itself, less the quarantined rows."""
    name = f"{table}__good"
    con.execute(f"create or replace temp view {quote(name)} as from {quote(table)} where {where}")
    return name
