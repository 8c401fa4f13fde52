"""How whole a part is, in counts: which schools, days and students it has. The arrivals ledger judges them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb

from sipetl.intake import PartKey
from sipetl.pipeline.bench import Checked
from sipetl.registry.models import FeedName

DAY_COLUMN = {
    FeedName.ROSTER: "snapshot_on",
    FeedName.STAFF: "snapshot_on",
    FeedName.ATTENDANCE: "attendance_date",
    FeedName.ASSESSMENT: "tested_on",
    FeedName.SURVEY: "responded_on",
    FeedName.OBSERVATION: "observed_on",
    FeedName.DISCIPLINE: "incident_on",
    FeedName.EVIDENCE: "evidence_on",
}
"""The column that says when a row of the feed happened."""
AHEAD = timedelta(days=1)
"""A file may be of tomorrow where its sender's clock is ahead; a day after that has not come."""
STRAYS_PERCENT = 5
"""So few of a file's rows that are of days to come, or of another school year than the rest, are slips of the pen. Our own
choice: a file that truly speaks of several years, or of days ahead, has them in like numbers."""
DECLARED_END = "to"
"""Name group by which a layout reads the last day an extract covers, where its rows cannot say it."""
_PERSON = ("id_hash", "response_hash", "observation_hash", "evidence_hash")


def span_of(
    con: duckdb.DuckDBPyConnection, checked: Checked, key: PartKey, today: date
) -> tuple[date | None, date | None]:
    """First and last day that a part speaks of; the declared end of an extract outranks its last event.

    A few rows of days that have not come (slips of the pen) do not widen it.
    """
    column = DAY_COLUMN.get(checked.feed)
    if column is None:
        return None, None
    starts, ends = con.execute(
        f"select min({column}), {_last(column, today)} from {checked.split.good} where {key.inside}"
    ).fetchall()[0]
    declared = checked.member.groups.get(DECLARED_END)
    if declared and checked.member.layout.scope.kind == "snapshot":
        return date(key.school_year - 1, 7, 1), _day(declared) or ends
    return starts, ends


def _last(column: str, today: date) -> str:
    """SQL of the last day, a few of days that have not come left out."""
    come = f"filter (where {column} <= date '{today + AHEAD}')"
    return f"case when {_has_strays(column, today)} then max({column}) {come} else max({column}) end"


def _has_strays(column: str, today: date) -> str:
    ahead = f"count(*) filter (where {column} > date '{today + AHEAD}')"
    return f"100 * {ahead} < {STRAYS_PERCENT} * count({column})"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def wholeness(con: duckdb.DuckDBPyConnection, checked: Checked, key: PartKey, today: date) -> dict[str, Any]:
    """Counts by school: rows, distinct people (or responses, or observations), and days with their span."""
    columns = {c.name for c in checked.contract.columns}
    if "school" not in columns:
        return {}
    person = next((name for name in _PERSON if name in columns), None)
    day = DAY_COLUMN.get(checked.feed)
    span = "null, null, null"
    if day:
        days = f"count(distinct {day})"
        come = f"{days} filter (where {day} <= date '{today + AHEAD}')"
        n = f"case when {_has_strays(day, today)} then {come} else {days} end"
        span = f"min({day})::varchar, ({_last(day, today)})::varchar, {n}"
    rows = con.execute(
        f"""
        select school, count(*), {f"count(distinct {person})" if person else "null"},
            {span}
        from {checked.split.good} where {key.inside} and school is not null group by school order by school
        """
    ).fetchall()
    found: dict[str, Any] = {"schools": {school: count for school, count, *_ in rows}}
    if _is_event(con, checked, key):
        found["days"] = {school: _extent(checked, key.school_year, b) for school, _, _, _, b, _ in rows}
        return found
    found["students"] = {school: people for school, _, people, *_ in rows if people is not None}
    if day:
        found["days"] = {s: {"from": a, "to": b, "n": n} for s, _, _, a, b, n in rows if n}
    return found


def _is_event(con: duckdb.DuckDBPyConnection, checked: Checked, key: PartKey) -> bool:
    """Whether rows are events: who was there all day has none, so neither people nor days can be counted."""
    if checked.feed is not FeedName.ATTENDANCE:
        return False
    query = f"select count(*) from {checked.split.good} where {key.inside} and grain = 'event'"
    return bool(con.execute(query).fetchall()[0][0])


def _extent(checked: Checked, school_year: int, last_event: str) -> dict[str, Any]:
    """The days that an event extract speaks for: from the year's start to its declared end, else its last event."""
    starts = date(school_year - 1, 7, 1)
    ends = _day(checked.member.groups.get(DECLARED_END, "")) or date.fromisoformat(last_event)
    return {"from": starts.isoformat(), "to": ends.isoformat(), "n": (ends - starts).days + 1}
