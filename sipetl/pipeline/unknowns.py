"""What a file speaks of that the registry does not know: it is taken, and would then silently come to nothing.

Warnings for the letter: the cure is always on the receiving side, but for ids that no roster has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
from sqlalchemy import select

from sipetl.intake import Mapped, Member, load_contract
from sipetl.lake import attach
from sipetl.pipeline.doubts import strays
from sipetl.pipeline.home import OpenHome
from sipetl.quality import Finding, Severity
from sipetl.registry.models import FeedName
from sipetl.warehouse import tables as t

MOST_NAMES = 10
"""Survey items named in a letter: our own choice, what reads easily."""
FEW = 10
"""Less than one student in so many may be unknown without a word: some are new since the last roster. Our own choice and
no rule of anybody's; a letter that warns of every newcomer is not read. All of them are counted in the metrics' coverage."""
_NOT_ABOUT_STUDENTS = (FeedName.ROSTER, FeedName.STAFF)
_OURS = "Nothing for the sender to do: the receiving office {}."


def unknown_to_registry(
    home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped
) -> tuple[Finding, ...]:
    """School years without a calendar, survey items that are not in the item bank, organizations nobody listed."""
    found = [_years(home, mapped), _students(home, con, member, mapped)]
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


def _students(home: OpenHome, con: duckdb.DuckDBPyConnection, member: Member, mapped: Mapped) -> Finding | None:
    """Students whom no roster of the year knows, where there is one; some are always new, many are another system's ids."""
    columns = {column.name for column in load_contract(member.layout.feed).columns}
    if member.layout.feed in _NOT_ABOUT_STUDENTS or "id_hash" not in columns or not mapped.parts:
        return None
    years, districts = {part.school_year for part in mapped.parts}, {part.district for part in mapped.parts}
    roster = attach(con, home.lake, FeedName.ROSTER, years=years, districts=districts)
    students = "population = 'student'" if "population" in columns else "true"
    known = f"select id_hash from {roster} union select state_id_hash from {roster} where state_id_hash is not null"
    named, unknown = con.execute(f"""
        select count(*), count(*) filter (where id_hash not in ({known}))
        from (select distinct id_hash from {mapped.table} where id_hash is not null and {students})
        where exists (select 1 from {roster})
    """).fetchall()[0]
    if unknown * FEW < named or not unknown:
        return None
    text = (
        f"{unknown} of {named} students are on no roster of the year, so their rows count for no group of a school."
    )
    cure = "See that this file and the roster carry the same ids, with their leading zeros."
    return _warning("REG-STUDENT", "id_hash", text, cure, unknown)


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
