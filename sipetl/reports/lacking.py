"""What a status could not be judged without, in a few words: one window, or so many school days."""

from __future__ import annotations

from sqlalchemy import RowMapping, func, select
from sqlalchemy.sql.selectable import LateralFromClause

from sipetl.arrivals import OVERDUE
from sipetl.warehouse import tables as t


def missing_days() -> LateralFromClause:
    """Beside an arrival of a school day: how many days of its feed are late or missing up to the cycle's last, and the first."""
    one, cycle, other, verdict = t.ops.arrival, t.ref.cycle, t.ops.arrival.alias("other"), t.ops.verdict
    return (
        select(func.count().label("days"), func.min(other.c.opens_on).label("first_day"))
        .join(verdict, verdict.c.arrival_id == other.c.arrival_id)
        .where(
            one.c.opens_on == one.c.closes_on,
            other.c.opens_on == other.c.closes_on,
            other.c.opens_on <= cycle.c.data_as_of,
            *(other.c[name] == one.c[name] for name in ("district", "feed", "school_year")),
            verdict.c.verdict.in_([word.value for word in OVERDUE]),
        )
        .correlate(one, cycle)
        .lateral()
    )


def missing_words(row: RowMapping) -> str:
    """What a status could not be judged without; of several school days their number."""
    if not row["missing_feed"]:
        return ""
    feed = row["missing_feed"].replace("_", " ")
    if row["days"] > 1:
        return f"{row['days']} school days of {feed}, from {row['first_day']}"
    return f"{feed} {row['window_code']}"
