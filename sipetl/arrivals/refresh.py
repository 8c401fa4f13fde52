"""The arrivals ledger brought up to a moment: match, judge, write what changed, and say what changed.

Safe to run at any time and twice (decision 6): the verdict depends on the ledger and the moment alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import pyarrow as pa
from sqlalchemy import Connection, text

from sipetl.arrivals.context import Context, local, read_context, students_by_school
from sipetl.arrivals.match import match, read_parts
from sipetl.arrivals.model import DUE_SOON_SCHOOL_DAYS, OVERDUE, Arrival, Verdict, Wholeness, Word
from sipetl.arrivals.shortfall import note_shortfalls
from sipetl.arrivals.stored import Asked, Resting, Stored, earliest_days, read_stored
from sipetl.arrivals.verdict import judge
from sipetl.registry.calendar import school_year_of
from sipetl.warehouse import copy_in, merge
from sipetl.warehouse import tables as t

SHARE = pa.decimal128(6, 4)
MOMENT = pa.timestamp("us", "UTC")
PAIR_SCHEMA = pa.schema([("arrival_id", pa.int64()), ("part_id", pa.string())])


NONE_RESTING = Resting(())
_NEVER = date.max - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """An expected arrival, its verdict, and the verdict that the ledger had."""

    arrival: Arrival
    verdict: Verdict
    before: Verdict | None = None
    parts: frozenset[str] = frozenset()
    """The part that answered first, and those that are current; known only where it was judged anew."""
    is_fresh: bool = True
    """Judged now; else the ledger's verdict, which still stands."""

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it: due soon, overdue, or incomplete."""
        if self.verdict.word is Word.WAIVED:
            return False
        is_due = self.verdict.word in OVERDUE or self.verdict.word is Word.DUE_SOON
        return is_due or self.verdict.wholeness is Wholeness.INCOMPLETE

    @property
    def is_changed(self) -> bool:
        """Whether verdict or wholeness is not what it was; a first verdict is news if somebody should look at it."""
        if self.before is None:
            return self.is_open
        return (self.before.word, self.before.wholeness) != (self.verdict.word, self.verdict.wholeness)


def refresh(connection: Connection, *, now: datetime) -> list[Judged]:
    """Judge the running and the last school year, write what was found, return which verdicts changed.

    Written are `ops.arrival_part`, `ops.verdict`, and `ops.shortfall` with what is to be recomputed because of it. `since` stays while a verdict stays.
    """
    context, judged = judge_all(connection, now=now, resting=NONE_RESTING)
    if judged:
        _write(connection, judged, now)
    note_shortfalls(connection, context, current_years(local(now, context).date()), now=now)
    return [one for one in judged if one.is_changed]


def listing(
    connection: Connection, as_of: datetime, *, only_open: bool = True, district: str | None = None
) -> list[Judged]:
    """List the arrivals of the running and the last school year as they stand at a moment; nothing is written."""
    _, judged = judge_all(connection, now=as_of, district=district, resting=NONE_RESTING if only_open else None)
    return [one for one in judged if one.is_open or not only_open]


def judge_all(
    connection: Connection,
    *,
    now: datetime,
    years: Collection[int] | None = None,
    district: str | None = None,
    resting: Resting | None = None,
) -> tuple[Context, list[Judged]]:
    """Judge the expected arrivals without writing; by default those of the running and the last school year.

    A verdict of the ledger that still stands for certain is taken as it is, or left out if `resting` does not want it.
    """
    context = read_context(connection)
    moment = local(now, context)
    years = years or current_years(moment.date())
    asked = Asked(years, now, _horizon(context, moment.date()), district)
    stored = read_stored(connection, asked, resting or Resting(years))
    fresh = _judge([one for one in stored if not one.rests], connection, context, moment)
    return context, [_kept(one) or fresh[one.arrival.arrival_id] for one in stored]


def current_years(today: date) -> tuple[int, int]:
    """Tell the last and the running school year."""
    running = school_year_of(today)
    return running - 1, running


def _judge(stored: Sequence[Stored], connection: Connection, context: Context, now: datetime) -> dict[int, Judged]:
    arrivals = [one.arrival for one in stored]
    parts = read_parts(connection, earliest_days(arrivals), now=now, zone=context.zone)
    answers = match(arrivals, parts, cycles=context.cycles, days=context.days)
    students = students_by_school(parts)
    judged = {}
    for one in stored:
        arrival, answer = one.arrival, answers[one.arrival.arrival_id]
        enrolled: Mapping[str, int] = students.get((arrival.district, arrival.school_year), {})
        verdict = judge(arrival, answer, now, context.expectations(arrival, enrolled))
        if one.verdict is not None and one.verdict.word is verdict.word:
            verdict = replace(verdict, since=one.verdict.since)
        found = frozenset(str(p.part_id) for p in (answer.first, *answer.current) if p is not None)
        judged[arrival.arrival_id] = Judged(arrival, verdict, one.verdict, found)
    return judged


def _kept(one: Stored) -> Judged | None:
    if not one.rests or one.verdict is None:
        return None
    return Judged(one.arrival, one.verdict, one.verdict, is_fresh=False)


def _horizon(context: Context, today: date) -> datetime:
    """The end of the last day on which, in any district, an arrival may be due soon by now."""
    ahead = (_after_school_days(days, today, DUE_SOON_SCHOOL_DAYS + 1) for days in context.days.values())
    return datetime.combine(max(ahead, default=_NEVER), time(), context.zone)


def _after_school_days(days: Sequence[date], today: date, n: int) -> date:
    """The nth school day from today; after the calendar's end there is none to count, and everything may be soon."""
    index = bisect_right(days, today) + n - 1
    return days[index] if index < len(days) else _NEVER


def _write(connection: Connection, judged: Iterable[Judged], now: datetime) -> None:
    judged = list(judged)
    ids = pa.table({"arrival_id": pa.array([one.arrival.arrival_id for one in judged], pa.int64())})
    connection.execute(text("create temporary table stage_judged (arrival_id bigint primary key) on commit drop"))
    copy_in(connection, "stage_judged", ids)
    within = "exists (select from stage_judged j where j.arrival_id = t.arrival_id)"
    merge(connection, t.ops.arrival_part, _pairs(judged), within=within)
    merge(connection, t.ops.verdict, _verdicts(judged, now), within=within)
    connection.execute(text("drop table stage_judged"))


def _pairs(judged: Iterable[Judged]) -> pa.Table:
    pairs = [(one.arrival.arrival_id, part) for one in judged for part in one.parts]
    return pa.table([[a for a, _ in pairs], [p for _, p in pairs]], PAIR_SCHEMA)


def _verdicts(judged: Sequence[Judged], now: datetime) -> pa.Table:
    verdicts = [one.verdict for one in judged]
    return pa.table(
        {
            "arrival_id": pa.array([v.arrival_id for v in verdicts], pa.int64()),
            "as_of": pa.array([now] * len(verdicts), MOMENT),
            "verdict": pa.array([v.word.value for v in verdicts], pa.string()),
            "wholeness": pa.array([v.wholeness.value if v.wholeness else None for v in verdicts], pa.string()),
            "lacks": pa.array([v.lacks for v in verdicts], pa.string()),
            "schools_share": pa.array([v.schools_share for v in verdicts], SHARE),
            "days_share": pa.array([v.days_share for v in verdicts], SHARE),
            "students_share": pa.array([v.students_share for v in verdicts], SHARE),
            "since": pa.array([v.since for v in verdicts], MOMENT),
            "short_schools": pa.array([_array(v.short) for v in verdicts], pa.string()),
        }
    )


def _array(codes: Collection[str]) -> str | None:
    """Codes as PostgreSQL writes an array of them; none = null."""
    return f"{{{','.join(sorted(codes))}}}" if codes else None
