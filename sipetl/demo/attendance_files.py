"""Attendance as vendors send it: Aspen's year-to-date events, or a row per student and school day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sipetl.demo.dates import LAST_SUBMITTED, index_of
from sipetl.demo.rosters import full_names, local_ids
from sipetl.demo.table import days_text, joined, pick, write_lines
from sipetl.demo.world import ABSENT, ATTENDANCE_CODES, DISMISSED, EXCUSED, PRESENT, TARDY, District, Year

DAILY_HEADER = "student_number,student_name,school_code,att_date,att_code"
EVENT_HEADER = '"local_id","school_local_id","event_date","absence","tardy","dismissed","excused","reason","comment"'
EVENT_CELLS = {
    TARDY: '"0","1","0","0","NULL","NULL"',
    DISMISSED: '"0","0","1","0","NULL","NULL"',
    ABSENT: '"1","0","0","0","NULL","NULL"',
    EXCUSED: '"1","0","0","1","Illness","NULL"',
}
"""absence, tardy, dismissed, excused, reason, comment of an event."""
STYLES = ("%Y-%m-%d", "%m/%d/%Y")
"""Date formats of the districts, in turn."""


def enrolment_cells(district: District, year: Year, *, events: bool) -> pa.Array:
    """The part of a line that an enrolment decides: student, name, school."""
    ids = local_ids(district, year.person)
    schools = pick([school.local for school in district.spec.schools], year.school)
    if events:
        return joined('"', ids, '","', schools, '",')
    return joined(ids, ',"', full_names(district, year.person), '",', schools, ",")


def day_cells(days: npt.NDArray[np.datetime64], style: str, codes: Sequence[str]) -> pa.Array:
    """The part that a day and its state decide, for every pair: index day * number of codes + code."""
    stamped = days_text(days, style).to_pylist()
    return pa.array([f"{day},{code}\n" for day in stamped for code in codes], pa.string())


def cells_of(year: Year, first: int, end: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Enrolment and day of every enrolled day in first..end (exclusive), by day and then enrolment."""
    days = np.arange(first, end)
    inside = (year.entry[None, :] <= days[:, None]) & (year.exit[None, :] > days[:, None])
    at, enrolment = np.nonzero(inside)
    return enrolment, at + first


def write_daily(district: District, year: Year, span: tuple[int, int], path: Path) -> Path:
    """A row per enrolled student and school day of a span of day indexes (end exclusive)."""
    enrolment, day = cells_of(year, *span)
    return write_daily_cells(district, year, path, (enrolment, day, year.state[year.person[enrolment], day]))


def write_daily_cells(
    district: District,
    year: Year,
    path: Path,
    cells: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]],
) -> Path:
    """Rows for given enrolments, days and states."""
    enrolment, day, state = cells
    style = STYLES[district.spec.number % len(STYLES)]
    suffix = day_cells(year.days, style, ATTENDANCE_CODES)
    parts = [
        (enrolment_cells(district, year, events=False), enrolment),
        (suffix, day * len(ATTENDANCE_CODES) + state),
    ]
    return write_lines(path, DAILY_HEADER, parts)


def write_events(district: District, year: Year, end: int, path: Path) -> Path:
    """All events of the year up to a day index (exclusive), by day."""
    enrolment, day = cells_of(year, 0, end)
    state = year.state[year.person[enrolment], day]
    kept = state != PRESENT
    style = STYLES[0] if district.spec.number == 0 else STYLES[1]
    codes = [EVENT_CELLS.get(code, "") for code in range(len(ATTENDANCE_CODES))]
    quoted = pa.array([f'"{cell}' for cell in day_cells(year.days, style, codes).to_pylist()])
    suffix = pa.array([cell.replace(",", '",', 1) for cell in quoted.to_pylist()])
    parts = [
        (enrolment_cells(district, year, events=True), enrolment[kept]),
        (suffix, day[kept] * len(codes) + state[kept]),
    ]
    return write_lines(path, EVENT_HEADER, parts)


def submitted_to(year: Year) -> int:
    """Index of the first school day that attendance files do not cover."""
    return min(index_of(year.days, LAST_SUBMITTED) + 1, year.days.size)


def event_name(to: date) -> str:
    """Name of an Aspen export: its day is the last one covered."""
    return f"attendance_export_{to:%Y-%m-%d}.csv"


def daily_name(first: date, last: date, *, compact: bool = False) -> str:
    """Name of a window file; a resent window is told apart by its compact dates."""
    style = "%Y%m%d" if compact else "%Y-%m-%d"
    return f"attendance_{first.strftime(style)}_{last.strftime(style)}.csv"
