"""Good rows into the lake: guard, commit, accept; or hold for a person (decisions 7 and 8).

    intent row -> locks -> is this part in the Delta log already? -> Delta commit -> accept row

A command killed anywhere on this way leaves an intent, which the next command settles from the Delta log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
from sqlalchemy import insert, select
from uuid_utils.compat import uuid7

from sipetl.intake import PartKey
from sipetl.lake import FOLDED, Impact, Part, Scope, commit, impact
from sipetl.pipeline.accept import accept_part, close_hold, same_part
from sipetl.pipeline.bench import Checked, Taking
from sipetl.pipeline.findings import why_refused
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import fill
from sipetl.pipeline.overtaken import overtaken_by
from sipetl.pipeline.wholeness import span_of, wholeness
from sipetl.quality import Outcome, PartOutcome
from sipetl.warehouse import advisory_locks, ledger
from sipetl.warehouse import tables as t


@dataclass(frozen=True)
class Candidate:
    """A part on its way: what the lake needs, what the ledger keeps, what the letter says."""

    part: Part
    row: ledger.PartRow
    outcome: PartOutcome


def bring(taking: Taking, checked: Checked) -> list[PartOutcome]:
    """Write the findings, then take each part of a checked member as far as it goes."""
    _write_findings(taking, checked)
    split = checked.split
    if split.rejected_by or split.held_by or not checked.mapped.parts:
        return [_refused(checked)]
    candidates = [_candidate(taking, checked, key, index == 0) for index, key in enumerate(checked.mapped.parts)]
    with advisory_locks(taking.bench.home.warehouse.etl, {c.part.lock for c in candidates}):
        outcomes, going = _guard(taking, checked, candidates)
        if going:
            _commit(taking, checked, going)
    return outcomes + [c.outcome for c in going]


def _refused(checked: Checked) -> PartOutcome:
    outcome, why = why_refused(checked)
    quarantined = checked.mapped.quarantined
    rejected = checked.rows_read - quarantined
    return checked.outcome(outcome, rows_quarantined=quarantined, rows_rejected=rejected, reason=why)


def _candidate(taking: Taking, checked: Checked, key: PartKey, is_first: bool) -> Candidate:
    """A part and its rows; rows that never got a district are told with the first part."""
    con, layout = taking.bench.con, checked.member.layout
    good = con.execute(f"select count(*) from {checked.split.good} where {key.inside}").fetchall()[0][0]
    bad = con.execute(
        f"select count(distinct q.row_number) from {checked.split.quarantined} q"
        f" join {checked.mapped.table} m using (row_number) where {key.inside}"
    ).fetchall()[0][0] + (checked.mapped.quarantined if is_first else 0)
    starts, ends = span_of(con, checked, key)
    part_id = uuid7()
    row = ledger.PartRow(
        part_id=part_id,
        delivery_id=taking.delivery.delivery_id,
        member=checked.member.name,
        feed=checked.feed,
        district=key.district,
        school_year=key.school_year,
        layout=layout.layout,
        layout_version=layout.version,
        scope_kind=layout.scope.kind,
        scope_from=starts,
        scope_to=ends,
        scope_by=_by(layout.scope.by, key) or None,
        rows_good=good,
        rows_quarantined=bad,
        content_sha256=taking.delivery.sha256,
        status="intent",
        embargo_until=taking.flags.embargo_until,
        wholeness=wholeness(con, checked, key),
    )
    outcome = checked.outcome(
        Outcome.QUARANTINED if bad else Outcome.ACCEPTED,
        district=key.district,
        school_year=key.school_year,
        rows_good=good,
        rows_quarantined=bad,
    )
    return Candidate(
        Part(str(part_id), checked.feed, key.district, key.school_year, _scope(checked, key, ends)), row, outcome
    )


def _scope(checked: Checked, key: PartKey, ends: date | None) -> Scope:
    scope = checked.member.layout.scope
    if checked.feed in FOLDED:
        return Scope("snapshot", ends=ends)
    return Scope(scope.kind, scope.column, key.scope_from, key.scope_to, scope.by, key.by)


def _by(columns: Sequence[str], key: PartKey) -> dict[str, list[str]]:
    return {
        column: sorted({str(values[index]) for values in key.by if values[index] is not None})
        for index, column in enumerate(columns)
    }


def _guard(
    taking: Taking, checked: Checked, candidates: Sequence[Candidate]
) -> tuple[list[PartOutcome], list[Candidate]]:
    """Leave out what is done already, what is older than what is there, and what a person must look at."""
    home, stopped, going = taking.bench.home, list[PartOutcome](), list[Candidate]()
    for candidate in candidates:
        earlier = _earlier(home, candidate.row)
        if earlier and earlier.stands:
            stopped.append(earlier.told(candidate.outcome))
        elif newer := _newer_snapshot(home, candidate):
            stopped.append(_stop(home, candidate, Outcome.SUPERSEDED, f"the snapshot of {newer} is newer"))
        elif not earlier and (successor := overtaken_by(home, taking.delivery, candidate.row)):
            stopped.append(_stop(home, candidate, Outcome.HELD, f"{successor} is newer, and was taken before"))
        elif not earlier and (reason := _hold_reason(taking, checked, candidate)):
            found, why = reason
            stopped.append(_stop(home, candidate, Outcome.HELD, why, found))
        else:
            going.append(candidate)
    return stopped, going


@dataclass(frozen=True)
class _Earlier:
    """What an earlier try at a part came to."""

    status: str
    reason: str | None
    decision: str | None

    @property
    def stands(self) -> bool:
        """Nothing is to be done again, unless a person released the part."""
        return self.decision != "accept"

    def told(self, outcome: PartOutcome) -> PartOutcome:
        """The outcome once more, for the letter."""
        if self.status == "accepted":
            return outcome
        return replace(outcome, outcome=Outcome(self.status), reason=self.reason or "", rows_good=0)


def _earlier(home: OpenHome, row: ledger.PartRow) -> _Earlier | None:
    """What an earlier try at this delivery came to: the ledger's last word on the part, a released hold if no other."""
    part, hold = t.ops.delivery_part, t.ops.hold
    tries = (
        select(part.c.status, part.c.reason, hold.c.decision)
        .outerjoin(hold, hold.c.part_id == part.c.part_id)
        .where(same_part(row))
        .order_by(hold.c.decision.is_not_distinct_from("accept"), part.c.status, part.c.part_id.desc())
    )
    with home.warehouse.begin() as connection:
        found = connection.execute(tries).first()
    return _Earlier(*found) if found else None


def _newer_snapshot(home: OpenHome, candidate: Candidate) -> date | None:
    if candidate.part.feed not in FOLDED or candidate.row.scope_to is None:
        return None
    with home.warehouse.begin() as connection:
        row = candidate.row
        newest = ledger.newest_snapshot(connection, row.feed, row.district, row.school_year)
    return newest if newest and newest > candidate.row.scope_to else None


def _hold_reason(taking: Taking, checked: Checked, candidate: Candidate) -> tuple[Impact, str] | None:
    found = impact(taking.bench.con, taking.bench.home.lake, checked.split.good, candidate.part)
    why = found.exceeds(checked.contract)
    return (found, why) if why else None


def _stop(
    home: OpenHome, candidate: Candidate, outcome: Outcome, why: str, found: Impact | None = None
) -> PartOutcome:
    with home.warehouse.begin() as connection:
        close_hold(connection, candidate.row)
        ledger.add_parts(connection, [replace(candidate.row, status=outcome.value, reason=why)])
        if found:
            connection.execute(
                insert(t.ops.hold),
                {
                    "part_id": candidate.row.part_id,
                    "rows_before": found.rows_before,
                    "rows_after": found.rows_after,
                    "rows_removed": found.rows_removed,
                    "rows_changed": found.rows_changed,
                },
            )
    return replace(candidate.outcome, outcome=outcome, reason=why, rows_good=0)


def _commit(taking: Taking, checked: Checked, going: Sequence[Candidate]) -> None:
    home, bench = taking.bench.home, taking.bench
    with home.warehouse.begin() as connection:
        taking.write_steps(connection)
        ledger.add_parts(connection, [c.row for c in going])
    with taking.step("commit") as counts:
        version = commit(bench.con, home.lake, checked.split.good, [c.part for c in going], bench.scratch)
        counts |= {"parts": len(going), "rows": sum(c.row.rows_good for c in going)}
    for candidate in going:
        accept_part(home, bench.con, candidate.row, version)


def _write_findings(taking: Taking, checked: Checked) -> None:
    con, mapped = taking.bench.con, checked.mapped
    rules = {e.rule_id: (e.severity.value, e.kwargs.get("column")) for e in checked.suite.expectations}
    con.execute("create or replace temp table rule_of (rule_id varchar, severity varchar, column_name varchar)")
    fill(con, "rule_of", [(rule, severity, column) for rule, (severity, column) in rules.items()])
    issues: pa.Table = con.sql(
        f"""
        select rule_id, severity, column_name, row_number from {mapped.issues}
        union all
        select f.rule_id, r.severity, r.column_name, f.row_number from {checked.failing} f join rule_of r using (rule_id)
        order by severity, row_number nulls first, rule_id limit {ledger.MOST_ISSUES}
        """
    ).to_arrow_table()
    rows = [
        {"rule_id": f.rule_id, "severity": f.severity.value, "column_name": f.column, "rows": f.count or 0}
        for f in checked.findings
    ]
    with taking.bench.home.warehouse.begin() as connection:
        ledger.add_issues(connection, taking.delivery.delivery_id, checked.member.name, issues)
        ledger.add_findings(connection, taking.delivery.delivery_id, checked.member.name, rows)
