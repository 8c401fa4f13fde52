"""Good rows into the lake: guard, commit, accept; or hold for a person (decisions 7 and 8).

    intent row -> locks -> is this part in the Delta log already? -> Delta commit -> accept row

A command killed anywhere on this way leaves an intent, which the next command settles from the Delta log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from sipetl.errors import DeliveryError
from sipetl.intake import PartKey
from sipetl.lake import FOLDED, Part, Scope, brings_nothing, commit, impact
from sipetl.pipeline.accept import accept_part, close_hold
from sipetl.pipeline.anew import Before, earlier_try, parts_before, taken_since
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
    before: Before | None = None
    """The part that stood when its delivery was taken again from landing."""

    @property
    def takes_out(self) -> bool:
        """Nothing is brought: the file reads otherwise now, and what it had brought here goes."""
        return self.before is not None and not self.row.rows_good


def bring(taking: Taking, checked: Checked) -> list[PartOutcome]:
    """Write the findings, then take each part of a checked member as far as it goes."""
    _write_findings(taking, checked)
    split = checked.split
    if split.rejected_by or split.held_by or not checked.mapped.parts:
        return [_refused(checked)]
    candidates = candidates_of(taking, checked)
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


def candidates_of(taking: Taking, checked: Checked) -> list[Candidate]:
    """The parts of a checked member.

    One that stood when the delivery was taken again, and of which the member has no row now, goes with the others, with
    no rows: what it has in the lake would else be counted twice.

    Raises:
        DeliveryError: the member reads as another feed than before, or a snapshot as nobody's.
    """
    before = parts_before(taking, checked)
    found = [_candidate(taking, checked, key, index == 0) for index, key in enumerate(checked.mapped.parts)]
    named = [replace(c, before=before.pop((c.row.district, c.row.school_year), None)) for c in found]
    taken = [replace(c, part=replace(c.part, replaces=(str(c.before.part_id),))) if c.before else c for c in named]
    return taken + [_emptied(taking, checked, one) for one in before.values()]


def _emptied(taking: Taking, checked: Checked, before: Before) -> Candidate:
    """A part that takes out what an earlier reading of the same file put in."""
    if checked.feed in FOLDED:
        raise DeliveryError(
            f"the file names nobody of district {before.district} now, and did when it was loaded",
            where=checked.member.name,
            cure="mend the registry, so that it does; what was loaded stays",
        )
    key = PartKey(before.district, before.school_year, 0, None, None)
    one = _candidate(taking, checked, key, is_first=False)
    scope = Scope(one.row.scope_kind, by_columns=("part_id",), by_values=((str(before.part_id),),))
    row = replace(one.row, scope_from=before.scope_from, scope_to=before.scope_to)
    part = replace(one.part, scope=scope, replaces=(str(before.part_id),))
    return replace(one, part=part, row=row, before=before)


def _candidate(taking: Taking, checked: Checked, key: PartKey, is_first: bool) -> Candidate:
    """A part and its rows; rows that never got a district are told with the first part."""
    con, layout = taking.bench.con, checked.member.layout
    good = con.execute(f"select count(*) from {checked.split.good} where {key.inside}").fetchall()[0][0]
    bad = con.execute(
        f"select count(distinct q.row_number) from {checked.split.quarantined} q"
        f" join {checked.mapped.table} m using (row_number) where {key.inside}"
    ).fetchall()[0][0] + (checked.mapped.quarantined if is_first else 0)
    today = taking.bench.home.now().date()
    starts, ends = span_of(con, checked, key, today)
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
        wholeness=wholeness(con, checked, key, today),
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
    asks: list[Candidate] = []
    for candidate in candidates:
        earlier = earlier_try(home, candidate.row, taking.asked.replayed)
        if earlier and earlier.stands:
            if candidate.before and earlier.decision == "reject":
                stopped.append(_keep(home, candidate, f"{earlier.reason}; what was loaded before stays"))
            else:
                stopped.append(earlier.told(candidate.outcome))
        elif why := _needless(taking, checked, candidate):
            stopped.append(_keep(home, candidate, why))
        elif newer := _newer_snapshot(home, candidate):
            stopped.append(_stop(home, candidate, Outcome.SUPERSEDED, f"the snapshot of {newer} is newer"))
        else:
            (going if earlier else asks).append(candidate)
    reasons = _hold_reasons(taking, checked, asks, have_moved=_have_moved(checked, candidates))
    for candidate, reason in zip(asks, reasons, strict=True):
        if reason:
            stopped.append(_hold(taking, checked, candidate, reason))
        else:
            going.append(candidate)
    return stopped, going


def _have_moved(checked: Checked, candidates: Sequence[Candidate]) -> bool:
    """Whether rows that are taken out of one part come again in others, but for as few as may be removed without a look."""
    before = sum(c.before.rows_good for c in candidates if c.before)
    lost = before - sum(c.row.rows_good for c in candidates)
    return bool(100 * lost <= checked.contract.custom("removeLimitPercent") * before)


def _needless(taking: Taking, checked: Checked, candidate: Candidate) -> str | None:
    """Why a part that stands already need not be taken again; None when it brings something, or is new."""
    home, before = taking.bench.home, candidate.before
    if not before:
        return None
    if newer := _newer_snapshot(home, candidate):
        return f"taken again: the snapshot of {newer} is newer, so nothing was changed"
    is_same = before.rows_good == candidate.row.rows_good
    if is_same and brings_nothing(taking.bench.con, home.lake, checked.split.good, candidate.part):
        return "taken again: the same rows as before, so nothing was changed"
    return None


def _keep(home: OpenHome, candidate: Candidate, why: str) -> PartOutcome:
    """The part that stands stays; how many rows wait may have changed all the same."""
    assert candidate.before  # noqa: S101 - only such a candidate is needless
    with home.warehouse.begin() as connection:
        waiting = {"rows_quarantined": candidate.row.rows_quarantined}
        ledger.mark_part(connection, candidate.before.part_id, **waiting)
        close_hold(connection, candidate.row)
    return replace(candidate.outcome, rows_good=candidate.before.rows_good, reason=why)


def _newer_snapshot(home: OpenHome, candidate: Candidate) -> date | None:
    if candidate.part.feed not in FOLDED or candidate.row.scope_to is None:
        return None
    with home.warehouse.begin() as connection:
        row = candidate.row
        newest = ledger.newest_snapshot(connection, row.feed, row.district, row.school_year)
    return newest if newest and newest > candidate.row.scope_to else None


def _hold_reasons(
    taking: Taking, checked: Checked, candidates: Sequence[Candidate], *, have_moved: bool
) -> list[str | None]:
    """Why a person must look at each; where rows move from one part to another, all wait or none does."""
    reasons = [
        None if have_moved and candidate.takes_out else _hold_reason(taking, checked, candidate)
        for candidate in candidates
    ]
    if any(reasons) and any(candidate.takes_out for candidate in candidates):
        return [reason or "rows move between this part and another one, which waits" for reason in reasons]
    return reasons


def _hold_reason(taking: Taking, checked: Checked, candidate: Candidate) -> str | None:
    home, row, before = taking.bench.home, candidate.row, candidate.before
    if successor := overtaken_by(home, taking.delivery, row) or taken_since(home, row, before):
        return f"{successor} is newer, and was taken before"
    found = impact(taking.bench.con, home.lake, checked.split.good, candidate.part)
    return found.exceeds(checked.contract)


def _hold(taking: Taking, checked: Checked, candidate: Candidate, why: str) -> PartOutcome:
    """Let a part wait for a person, who sees what it would do."""
    found = impact(taking.bench.con, taking.bench.home.lake, checked.split.good, candidate.part)
    counts = {name: getattr(found, name) for name in ("rows_before", "rows_after", "rows_removed", "rows_changed")}
    return _stop(taking.bench.home, candidate, Outcome.HELD, why, counts)


def _stop(
    home: OpenHome, candidate: Candidate, outcome: Outcome, why: str, counts: Mapping[str, int] | None = None
) -> PartOutcome:
    with home.warehouse.begin() as connection:
        close_hold(connection, candidate.row)
        ledger.add_parts(connection, [replace(candidate.row, status=outcome.value, reason=why)])
        if counts:
            connection.execute(insert(t.ops.hold), {"part_id": candidate.row.part_id, **counts})
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
