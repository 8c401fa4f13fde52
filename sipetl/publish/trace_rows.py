"""From a number to the rows of its files: how many, on which day or in which window, and between which row numbers.

The last step of a trace. Rows are counted in the lake, which keeps each row's part and its number in the file; no value of a
row is read out, and what a person did (was absent) is only told as a total over enough people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, text

from sipetl.errors import LakeError
from sipetl.lake import Lake, attach
from sipetl.metrics import ensure_inputs, load_catalogue
from sipetl.publish.trace import Trace, TracedPart
from sipetl.publish.trace_query import BY_DAY, Question, rows_query
from sipetl.registry.models import FeedName


@dataclass(frozen=True, slots=True)
class RowsOfPart:
    """Rows of one part, of one kind, on one day or in one window."""

    part_id: str
    file_name: str
    member: str
    feed: str
    kind: str
    slot: str
    """A day; of an enrolment its first; of tests and surveys the window."""
    rows: int
    first_row: int
    """Row numbers in the file as it was received, its heading being row 1."""
    last_row: int


@dataclass(frozen=True, slots=True)
class AbsenceTotal:
    """All listed rows of attendance of one grain; both counts are None where they are of too few people."""

    grain: str
    rows: int
    absent: int | None
    present: int | None


@dataclass(frozen=True, slots=True)
class TracedRows:
    """The rows behind a number. Every field is plain."""

    rows: tuple[RowsOfPart, ...]
    absences: tuple[AbsenceTotal, ...]
    notes: tuple[str, ...]
    """What a reader who counts must know."""


def trace_rows(
    connection: Connection, con: duckdb.DuckDBPyConnection, lake: Lake, found: Trace, *, minimum_n: int
) -> TracedRows:
    """Count the rows of the number's organization and period in each part behind it; parts without any are left out.

    Args:
        connection: the warehouse.
        con: a fresh engine.
        lake: the lake; for a number of a release, it is read as it was then.
        found: the number.
        minimum_n: fewest people of whom absences are told.

    Raises:
        LakeError: the lake cannot be read, or not any more as it was at the release.
    """
    question = _question(connection, found)
    views = _attach(connection, con, lake, found)
    _reference(connection, con, found)
    ensure_inputs(con)
    rows: list[RowsOfPart] = []
    absences: list[AbsenceTotal] = []
    notes = list(_notes(question))
    try:
        for feed, view in views.items():
            parts = [part for part in found.parts if part.feed == feed]
            query = rows_query(question, feed, view, [part.part_id for part in parts])
            con.execute(f"create or replace temp table chosen as {query}")
            rows += _listed(con, found, parts)
            if feed is FeedName.ATTENDANCE:
                absences += _absences(con, minimum_n)
                notes += _attendance_notes(con)
    except duckdb.Error as error:  # its text may quote rows
        raise LakeError(
            "the rows cannot be read", where=lake.url, why=f"DuckDB says {type(error).__name__}"
        ) from None
    return TracedRows(tuple(rows), tuple(absences), tuple(notes))


def _question(connection: Connection, found: Trace) -> Question:
    query = text(
        "select o.level, p.starts_on from ref.organization o, ref.period p"
        " where o.code = :organization and o.authority = (select authority from ref.home)"
        " and p.kind = :kind and p.code = :period and p.school_year = :year"
    )
    given = {"organization": found.organization, "kind": found.period_kind}
    row = connection.execute(query, given | {"period": found.period, "year": found.school_year}).one()
    metric = load_catalogue().get(found.metric)
    is_within = found.period_kind == "month" and metric is not None and metric.basis == "within"
    return Question(found, metric, row.level, row.starts_on if is_within else None)


def _reference(connection: Connection, con: duckdb.DuckDBPyConnection, found: Trace) -> None:
    """School days by district, the ends of windows, and the item bank, as tables of the engine."""
    given = {"year": found.school_year, "districts": sorted({part.district for part in found.parts})}
    open_days = (
        "select o.district, d.day from ref.organization o join ref.school_day d using (calendar) where"
        " o.level = 'district' and o.district = any(:districts) and d.kind in ('instructional', 'early_release')"
    )
    window_ends = "select split_part(code, '-', 2), max(ends_on) from ref.period where kind = 'window' and school_year = :year group by 1"
    items = "select survey, item, topic, scale_max from ref.survey_item"
    for name, query, columns in (
        ("open_day", open_days, {"district": pa.string(), "day": pa.date32()}),
        ("window_end", window_ends, {"window_code": pa.string(), "ends_on": pa.date32()}),
        ("ref_survey_item", items, {"survey": pa.string(), "item": pa.string(), "topic": pa.string(), "scale_max": pa.int64()}),
    ):  # fmt: skip
        read = connection.execute(
            text(query), {key: value for key, value in given.items() if f":{key}" in query}
        ).all()
        arrays = [pa.array([row[n] for row in read], kind) for n, kind in enumerate(columns.values())]
        con.register("given", pa.table(arrays, names=list(columns)))
        con.execute(f"create temp table {name} as from given")
        con.unregister("given")


def _attach(connection: Connection, con: duckdb.DuckDBPyConnection, lake: Lake, found: Trace) -> dict[FeedName, str]:
    """Views of the partitions that the parts are in, by feed; of a release in the versions that it was made with."""
    query = text(
        "select feed, delta_version from ops.release_lake join ops.release using (cycle, edition) where cycle = :cycle"
    )
    versions = {row.feed: row.delta_version for row in connection.execute(query, {"cycle": found.cycle})}
    views = {}
    for feed in sorted({FeedName(part.feed) for part in found.parts}):
        parts = [part for part in found.parts if part.feed == feed]
        years, districts = {part.school_year for part in parts}, {part.district for part in parts}
        views[feed] = attach(con, lake, feed, years=years, districts=districts, version=versions.get(feed))
    return views


def _notes(question: Question) -> Iterator[str]:
    found = question.found
    if found.student_group != "all":
        yield f"The rows are of all students: who is in the group {found.student_group}, the roster says."
    if found.period_kind == "month" and question.starts_on is None:
        yield "The number is of the year to date: its rows begin with the school year."


def _listed(con: duckdb.DuckDBPyConnection, found: Trace, parts: Sequence[TracedPart]) -> Iterator[RowsOfPart]:
    files = {one.delivery_id: one.file_name for one in found.deliveries}
    of = {part.part_id: part for part in parts}
    order = {part.part_id: n for n, part in enumerate(parts)}
    query = (
        "select part_id, kind, slot, count(*), min(row_number), max(row_number) from chosen where is_open"
        " group by part_id, kind, slot order by slot, kind"
    )
    for part_id, kind, slot, *numbers in sorted(con.execute(query).fetchall(), key=lambda row: order[row[0]]):
        part = of[part_id]
        yield RowsOfPart(part_id, files[part.delivery_id], part.member, part.feed, kind or "", slot or "", *numbers)


def _absences(con: duckdb.DuckDBPyConnection, minimum_n: int) -> Iterator[AbsenceTotal]:
    query = (
        "select kind, count(*), count_if(absent), count_if(not absent), count(distinct person) from chosen"
        f" where is_open and kind in {BY_DAY} group by kind order by kind"
    )
    for grain, rows, absent, present, people in con.execute(query).fetchall():
        is_told = people >= minimum_n
        yield AbsenceTotal(grain, rows, absent if is_told else None, present if is_told else None)


def _attendance_notes(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    (closed, events), *_ = con.execute(
        "select count_if(not is_open), count_if(kind = 'event') from chosen"
    ).fetchall()
    if closed:
        yield f"{closed:,} rows are of days that are no school days by the calendar: they count for nothing, and are not listed."
    if events:
        yield "Of kind event are absences and late arrivals alone: without a row, a student enrolled that day was present."
