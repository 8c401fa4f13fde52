"""What real files have and clean ones lack, planted on purpose and noted with what should come of each.

Rows are added, not changed, so that a refused row takes nothing away: the answer key stays what the latent state
says. Where a defect does take something away (a school, a month), the key leaves that out.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from sipetl.demo.attendance_files import (
    STYLES,
    cells_of,
    daily_name,
    write_daily,
    write_daily_cells,
)
from sipetl.demo.dates import WindowDates
from sipetl.demo.rosters import on_roster, roster_name, write_roster
from sipetl.demo.script import Outbox, Planted
from sipetl.demo.staff import WALK_HEADER, header_only
from sipetl.demo.surveys import FEW, Responses, careless
from sipetl.demo.table import append_rows
from sipetl.demo.world import ABSENT, PRESENT, District, Year

SMALL = 10_000
"""Students of a district below which all defects are planted and whole years go at day grain."""
TYPO = ("Not Eligible", "Not Eligibile")
"""The vendor's own typo (massachusetts.md 8.1)."""
MISSING_SCHOOL = 0
"""The school of the first district whose winter MAP results do not come: the first school with a plan."""
MISSING_LOG = Planted("missing", "9002/evidence_log_2025-12-01_2025-12-31.csv", 0, "missing")
TRUNCATED_ON = date(2025, 12, 1)
WRONG_DATE_WEEK, DUPLICATE_WEEK, CORRECTED_WEEK, TWICE_WEEK = (
    date(2025, 9, 15),
    date(2025, 9, 22),
    date(2025, 10, 6),
    date(2025, 11, 3),
)
WRONGLY_ABSENT = 20


def in_roster(district: District, path: Path, day: date, outbox: Outbox) -> None:
    """A typo in a code, in some rows of the first district's October roster."""
    if district.spec.number != 0 or day != date(2025, 10, 6):
        return
    text = path.read_text(encoding="utf-8").replace(*TYPO, 5)
    path.write_text(text, encoding="utf-8", newline="")
    outbox.plant("code_typo", path, rows=5, expected="accepted")


def truncated_roster(district: District, outbox: Outbox) -> None:
    """Half of the first district's students, the day before the whole roster."""
    if district.spec.number != 0:
        return
    year = district.years[2026]
    rows = on_roster(year, TRUNCATED_ON)
    path = outbox.place(TRUNCATED_ON, district.spec.district, roster_name(TRUNCATED_ON))
    write_roster(district, year, path, rows[: rows.size // 2], TRUNCATED_ON)
    outbox.plant("truncated", path, rows=int(rows.size - rows.size // 2), expected="held")


def in_events(district: District, path: Path, friday: date, outbox: Outbox) -> None:
    """Ids that went through a spreadsheet, and a school nobody knows."""
    number = district.spec.number
    if number == 0 and friday == date(2025, 10, 10):
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.replace('",', '.0",', 1) for line in lines[1:4]]
        append_rows(path, rows)
        outbox.plant("id_as_number", path, rows=len(rows), expected="quarantined")
    if number == 2 and friday == date(2025, 10, 3):
        lines = path.read_text(encoding="utf-8").splitlines()
        school = f'"{district.spec.schools[0].local}"', f'"{district.spec.schools[-1].local}"'
        rows = [line.replace(school[0], '"XXX"').replace(school[1], '"XXX"') for line in lines[1:3]]
        append_rows(path, rows)
        outbox.plant("unknown_school", path, rows=len(rows), expected="quarantined")


def in_week(district: District, year: Year, path: Path, span: tuple[int, int], outbox: Outbox) -> None:
    """Defects of the second district's week files."""
    monday = year.days[span[0]].astype(object)
    if district.spec.number != 1:
        return
    lines = path.read_text(encoding="utf-8").splitlines()[1:] if monday in (WRONG_DATE_WEEK, DUPLICATE_WEEK) else []
    if monday == WRONG_DATE_WEEK:
        stamp = monday.strftime(STYLES[1])
        append_rows(path, [line.replace(stamp, monday.strftime("%d-%b-%y")) for line in lines[:3]])
        outbox.plant("wrong_date", path, rows=3, expected="quarantined")
    elif monday == DUPLICATE_WEEK:
        append_rows(path, lines[:10])
        outbox.plant("duplicate_rows", path, rows=10, expected="accepted")
    elif monday == CORRECTED_WEEK:
        _corrected(district, year, path, span, outbox)
    elif monday == TWICE_WEEK:
        last = year.days[span[1] - 1].astype(object)
        again = outbox.place(
            last + timedelta(days=10), district.spec.district, daily_name(monday, last, compact=True)
        )
        shutil.copyfile(path, again)
        outbox.plant("same_file_twice", again, rows=0, expected="duplicate")


def _corrected(district: District, year: Year, path: Path, span: tuple[int, int], outbox: Outbox) -> None:
    """The first version says that some who were present were absent; the right one comes two weeks later."""
    enrolment, day = cells_of(year, *span)
    state = year.state[year.person[enrolment], day].copy()
    wrong = np.flatnonzero(state == PRESENT)[:: max(1, state.size // WRONGLY_ABSENT)][:WRONGLY_ABSENT]
    state[wrong] = ABSENT
    write_daily_cells(district, year, path, (enrolment, day, state))
    outbox.plant("to_be_corrected", path, rows=int(wrong.size), expected="superseded")
    first, last = (year.days[at].astype(object) for at in (span[0], span[1] - 1))
    again = outbox.place(date(2025, 10, 20), district.spec.district, daily_name(first, last, compact=True))
    write_daily(district, year, span, again)
    outbox.plant("correction", again, rows=int(wrong.size), expected="accepted")


def missing_school(district: District, window: WindowDates, path: Path, outbox: Outbox) -> int | None:
    """The school to leave out of a MAP file, if any."""
    if district.spec.number != 0 or (window.school_year, window.code) != (2026, "winter"):
        return None
    outbox.plant("school_missing", path, rows=0, expected="incomplete")
    return MISSING_SCHOOL


def never_comes(district: District, first: date) -> bool:
    """The second district's December evidence log."""
    return district.spec.number == 1 and first == date(2025, 12, 1)


def in_mcas(district: District, path: Path, outbox: Outbox) -> None:
    """A row of a district that the registry does not know, in the first district's file."""
    if district.spec.number != 0:
        return
    line = path.read_text(encoding="utf-8").splitlines()[1]
    code = district.spec.code
    append_rows(path, [line.replace(code, "99990000", 1).replace(district.spec.district, "9999", 1)])
    outbox.plant("wrong_district", path, rows=1, expected="quarantined")


def in_survey(responses: Responses, path: Path, outbox: Outbox) -> None:
    """Careless responses: some too quick to be taken at all, others that only their answers give away."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    if (responses.population, responses.window.code, responses.window.school_year) == ("student", "fall", 2026):
        quick = [
            _second(line, ("40", "12", "0", f"R_careless{at}"), _alike(responses))
            for at, line in enumerate(lines[:5])
        ]
        append_rows(path, quick)
        outbox.plant("careless_responses", path, rows=len(quick), expected="quarantined")
    for reason, who in careless(responses).items():
        answers, done = (_alike(responses), "100") if reason == "straight_lining" else (_few(responses), "15")
        finished = str(int(done == "100"))
        rows = [_second(lines[at], (done, "400", finished, f"R_{reason}{at}"), answers) for at in who]
        if rows:
            append_rows(path, rows)
            outbox.plant(reason, path, rows=len(rows), expected="accepted")


def _second(line: str, told: tuple[str, str, str, str], answers: list[str]) -> str:
    """A line once more: its progress, seconds, end and id are others, and its answers."""
    cells = line.split(",")
    cells[4], cells[5], cells[6], cells[8] = told
    cells[-len(answers) :] = answers
    return ",".join(cells)


def _alike(responses: Responses) -> list[str]:
    return ["4"] * len(responses.items)


def _few(responses: Responses) -> list[str]:
    return ["4"] * FEW + [""] * (len(responses.items) - FEW)


def second_try(district: District, cycle: str) -> date | None:
    """The day the third district's walks for the first cycle come, after a file with nothing in it."""
    return date(2025, 11, 21) if district.spec.number == 2 and cycle == "C1" else None


def odd_files(district: District, outbox: Outbox) -> None:
    """A file of no known layout, and one with a header only."""
    if district.spec.number != 2:
        return
    menu = outbox.place(date(2025, 11, 10), district.spec.district, "cafeteria_menu_2025-11.csv")
    menu.write_text("Day,Dish,Price\nMonday,Soup,2.50\n", encoding="utf-8")
    outbox.plant("unknown_layout", menu, rows=1, expected="unrecognized")
    empty = outbox.place(date(2025, 11, 17), district.spec.district, "learning_walks_2025-09-01_2025-11-14.csv")
    header_only(empty, WALK_HEADER)
    outbox.plant("header_only", empty, rows=0, expected="rejected")


def came(district: District, window: WindowDates) -> int | None:
    """The school whose results of a window did not come: the answer key leaves it out."""
    if district.spec.number == 0 and (window.school_year, window.code) == (2026, "winter"):
        return MISSING_SCHOOL
    return None
