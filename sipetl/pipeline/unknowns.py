"""What a file speaks of that the registry does not know: it is taken, and would then silently come to nothing.

Warnings for the letter: the cure is always on the receiving side, but for ids that no roster has.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import duckdb
from sqlalchemy import select

from sipetl.intake import Mapped, Member, load_contract
from sipetl.lake import attach
from sipetl.metrics import load_catalogue, load_facts
from sipetl.pipeline.doubts import strays
from sipetl.pipeline.findings import shares
from sipetl.pipeline.home import OpenHome
from sipetl.quality import MAX_ROWS, Finding, Severity
from sipetl.registry.models import FeedName
from sipetl.warehouse import tables as t

MOST_NAMES = 10
"""Survey items named in a letter: our own choice, what reads easily."""
_NOT_ABOUT_STUDENTS = (FeedName.ROSTER, FeedName.STAFF)
_OURS = "Nothing for the sender to do: the receiving office {}."


def unknown_to_registry(
    home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped
) -> tuple[Finding, ...]:
    """Tell of school years without a calendar, students on no roster, items and organizations that nobody listed.

    Also that nothing is computed from the feed yet.
    """
    found = [_years(home, mapped), _students(home, con, member, mapped), _no_figure(member.layout.feed)]
    if member.layout.feed is FeedName.SURVEY:
        found.append(_items(home, con, member, mapped))
    if member.layout.feed is FeedName.PUBLISHED_RESULTS:
        found.append(_organizations(home, con, mapped))
    return tuple(finding for finding in found if finding)


def _years(home: OpenHome, mapped: Mapped) -> Finding | None:
    known = _known(home, select(t.ref.period.c.school_year).distinct())
    doubted = strays(mapped)
    lacking = sorted({part.school_year for part in mapped.parts} - {year for (year,) in known} - doubted)
    if not lacking:
        return None
    text = f"No calendar covers school year {', '.join(map(str, lacking))}, so nothing is computed from these rows."
    rows = sum(part.rows for part in mapped.parts if part.school_year in lacking)
    return _warning(
        "REG-YEAR",
        "school_year",
        text,
        _OURS.format("adds the year to calendars.yaml, then runs sipetl compute"),
        rows,
    )


def _no_figure(feed: FeedName) -> Finding | None:
    """A feed that no metric of the catalogue looks at, nor needs beside its own."""
    if feed in _computed():
        return None
    text = f"No figure is computed from {feed} yet; its rows are kept in the lake."
    return Finding("REG-NO-FIGURE", Severity.INFO, None, text, "Nothing to do.")


@cache
def _computed() -> frozenset[str]:
    """Feeds that metrics are computed from."""
    feeds = {metric.feed for metric in load_catalogue().entries}
    return frozenset(name for feed in feeds for name in (feed.value, *load_facts(feed).inputs))


def _students(home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped) -> Finding | None:
    """Students whom no roster of their district and year knows, where there is one."""
    columns = {column.name for column in load_contract(member.layout.feed).columns}
    if member.layout.feed in _NOT_ABOUT_STUDENTS or "id_hash" not in columns or not mapped.parts:
        return None
    about = "id_hash is not null" + (" and population = 'student'" if "population" in columns else "")
    named, unknown = _on_no_roster(home, con, mapped, about)
    if not unknown:
        return None
    rows = f"select row_number from {mapped.table} where {about} and (id_hash, district, school_year) in (from unknown_student)"
    count, first = con.execute(
        f"select count(*), min(row_number, {MAX_ROWS}) from (select distinct row_number from ({rows}))"
    ).fetchall()[0]
    events = f"select count(*) from {mapped.table} where grain = 'event'" if "grain" in columns else "select 0"
    counts = _what_counts(member.layout.feed, are_events=bool(con.execute(events).fetchall()[0][0]))
    who = f"{unknown:,} of {named:,} {'student is' if named == 1 else 'students are'}"
    text = f"{who} on no roster of the year ({count:,} {'row' if count == 1 else 'rows'}). {counts}"
    own = shares(con, mapped, rows)
    return Finding("REG-STUDENT", Severity.WARNING, "id_hash", text, _NEWCOMERS, count, tuple(first), shares=own)


_NEWCOMERS = (
    "Nothing to do for students who are new: the next roster names them. Else see that this file and the roster carry the "
    "same ids, with their leading zeros."
)


def _what_counts(feed: FeedName, *, are_events: bool) -> str:
    """What becomes of the rows of somebody on no roster."""
    linked = "as soon as a roster has these ids, they are linked"
    if feed not in _computed():
        return f"The rows are kept; {linked}."
    if are_events:
        return f"The rows are kept, and count for nothing: only a roster tells who was there on the other days; {linked}."
    return f"The rows are kept and count in the school's figures, but in no student group that only a roster tells; {linked}."


def _on_no_roster(home: OpenHome, con: duckdb.DuckDBPyConnection, mapped: Mapped, about: str) -> tuple[int, int]:
    """Make `unknown_student (id_hash, district, school_year)`; how many students are named, and how many unknown."""
    years, districts = {part.school_year for part in mapped.parts}, {part.district for part in mapped.parts}
    roster = attach(con, home.lake, FeedName.ROSTER, years=years, districts=districts)
    con.execute(f"""
        create or replace temp table named_student as
        select distinct id_hash, district, school_year from {mapped.table}
        where {about} and (district, school_year) in (select (district, school_year) from {roster})
    """)
    con.execute(f"""
        create or replace temp table unknown_student as
        from named_student where (id_hash, district, school_year) not in (
            select (id_hash, district, school_year) from {roster} where id_hash is not null
            union all
            select (state_id_hash, district, school_year) from {roster} where state_id_hash is not null
        )
    """)
    counts = "select (select count(distinct id_hash) from named_student), (select count(distinct id_hash) from unknown_student)"
    named, unknown = con.execute(counts).fetchall()[0]
    return named, unknown


def _items(home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped) -> Finding | None:
    item = t.ref.survey_item
    known = {(survey, code) for survey, code in _known(home, select(item.c.survey, item.c.item))}
    asked = con.execute(f"select survey, item, count(*) from {mapped.table} group by all order by all").fetchall()
    lacking = {code: rows for survey, code, rows in asked if (survey, code) not in known}
    if not lacking:
        return None
    # Items that come from headers are the survey's own; in a cell, anything may stand.
    names = f" ({', '.join(sorted(lacking)[:MOST_NAMES])})" if member.layout.melt else ""
    text = f"{len(lacking)} items{names} are not in the item bank, so their answers count for no topic."
    return _warning("REG-ITEM", "item", text, _OURS.format("adds them to survey_items.csv"), sum(lacking.values()))


def _organizations(home: OpenHome, con: duckdb.DuckDBPyConnection, mapped: Mapped) -> Finding | None:
    known = {code for (code,) in _known(home, select(t.ref.organization.c.code))}
    named = con.execute(f"select organization, count(*) from {mapped.table} group by all").fetchall()
    lacking = [rows for code, rows in named if code not in known]
    if not lacking:
        return None
    text = f"{len(lacking)} of {len(named)} organizations are not in the registry, so their figures are not shown."
    return _warning(
        "REG-ORG", "organization", text, _OURS.format("adds those that matter to organizations.yaml"), sum(lacking)
    )


def _known(home: OpenHome, query: Any) -> Iterable[Any]:
    with home.warehouse.begin() as connection:
        return connection.execute(query).all()


def _warning(rule_id: str, column: str, text: str, cure: str, rows: int) -> Finding:
    return Finding(rule_id, Severity.WARNING, column, text, cure, rows)
