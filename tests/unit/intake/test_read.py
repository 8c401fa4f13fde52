from __future__ import annotations

import datetime
from collections.abc import Callable

import duckdb
import pytest

from sipetl.errors import UnreadableError
from sipetl.intake import Raw
from tests.unit.intake.daily import Intake, layout
from tests.unit.intake.test_identify import workbook

Make = Callable[..., Intake]
HEADER = "Student,School,Day,Code\n"


def rows(con: duckdb.DuckDBPyConnection, raw: Raw, *names: str) -> list[tuple[object, ...]]:
    columns = ", ".join(["row_number", *(raw.columns[name] for name in names)])
    return con.execute(f"select {columns} from {raw.table} order by row_number").fetchall()


def ragged(con: duckdb.DuckDBPyConnection, raw: Raw) -> dict[int, int]:
    return dict(con.execute(f"select row_number, ragged from {raw.table}").fetchall())


def test_only_columns_that_the_layout_reads_are_loaded(intake: Make) -> None:
    room = intake()

    _, raw = room.read("Name,Student,School,Day,Code,Birth\nZebedee Quill,101,12,9/2/2025,P,1/1/2015\n")

    assert set(raw.columns) == {"student", "school", "day", "code"}
    assert "Zebedee" not in str(room.con.execute(f"select * from {raw.table}").fetchall())
    held = room.con.execute("select table_name, column_name from duckdb_columns() where table_name like 'raw%'")
    assert not {c for _, c in held.fetchall()} & {"c0", "c5"}


def test_row_number_counts_records_not_lines(intake: Make) -> None:
    room = intake()

    _, raw = room.read(HEADER + '101,"a\nb",d,P\n102,12,d,P\n')

    assert rows(room.con, raw, "student", "school") == [(2, "101", "a\nb"), (3, "102", "12")]


def test_blank_lines_and_preamble_count_as_in_a_spreadsheet(intake: Make) -> None:
    room = intake()

    _, raw = room.read("Title,,,\n" + HEADER + "101,12,d,P\n\n,,,\n102,12,d,P\n\n\n")

    assert rows(room.con, raw, "student") == [(3, "101"), (6, "102")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", None])
def test_line_ends_and_a_missing_last_one_make_no_difference(intake: Make, ending: str, last: str | None) -> None:
    room = intake()

    _, raw = room.read((HEADER + "101,12,d,P\n102,12,d,").replace("\n", ending) + (ending if last is None else last))

    assert rows(room.con, raw, "student", "code") == [(2, "101", "P"), (3, "102", "")]


def test_mixed_line_ends_are_read(intake: Make) -> None:
    room = intake()

    _, raw = room.read(HEADER + "101,12,d,P\r\n102,12,d,P\n103,12,d,P\r\n")

    assert rows(room.con, raw, "student", "code") == [(2, "101", "P"), (3, "102", "P"), (4, "103", "P")]


def test_ragged_rows_are_kept_and_marked(intake: Make) -> None:
    room = intake()

    _, raw = room.read(HEADER + "101,12,d,P\n102,12\n103,12,d,P,,\n104,12,d,P,extra\n")

    assert ragged(room.con, raw) == {2: 0, 3: 1, 4: 1, 5: 2}
    assert rows(room.con, raw, "student", "code")[1] == (3, "102", "")


def test_backslash_escapes_are_read_where_the_layout_says_so(intake: Make) -> None:
    room = intake(layout(file={"escape": "\\"}))
    aspen = '\'Student\',\'School\',\'Day\',\'Code\'\n"101","a \\"few\\" late","d","P"\n"102","x\\\ny","d","P"\n'

    _, raw = room.read(aspen)

    assert rows(room.con, raw, "student", "school") == [(2, "101", 'a "few" late'), (3, "102", "x\ny")]


def test_stray_quotes_are_read_as_text(intake: Make) -> None:
    room = intake()

    _, raw = room.read(HEADER + '101,6" ruler,d,P\n102,"a "b" c",d,P\n')

    assert [r[1] for r in rows(room.con, raw, "student")] == ["101", "102"]


def test_a_header_that_is_needed_and_stands_twice_is_refused(intake: Make) -> None:
    with pytest.raises(UnreadableError, match="'student' stands more than once"):
        intake().read("Student,School,Day,Code,Student\n101,12,d,P,999\n")


def test_a_header_that_nobody_reads_may_stand_twice(intake: Make) -> None:
    room = intake()

    _, raw = room.read("Student,School,Day,Code,Note,Note\n101,12,d,P,x,y\n")

    assert rows(room.con, raw, "student") == [(2, "101")]


def test_header_without_rows_is_no_error(intake: Make) -> None:
    _, raw = intake().read(HEADER)

    assert raw.rows == 0


def test_wide_file_is_read(intake: Make) -> None:
    room = intake()
    extra = [f"Item {n}" for n in range(1_942)]

    _, raw = room.read(",".join(["Student,School,Day,Code", *extra]) + "\n101,12,d,P" + ",1" * len(extra) + "\n")

    assert rows(room.con, raw, "code") == [(2, "P")]


def test_quote_never_closed_names_the_row_and_nothing_else(intake: Make) -> None:
    with pytest.raises(UnreadableError) as caught:
        intake().read(HEADER + '101,12,d,P\n102,"Zebedee Quill,d,P\n103,12,d,P\n')

    assert "row 3" in str(caught.value)
    assert "Zebedee" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_workbook_cells_become_the_texts_of_a_csv(intake: Make) -> None:
    room = intake(layout(file={"kind": "xlsx"}))
    sheet = [
        ["A title", None, None, None],
        ["Student", "School", "Day", "Code"],
        [101.0, 0.25, datetime.datetime(2025, 9, 2, tzinfo=None), True],  # noqa: DTZ001 - workbooks have no zone
        [None, None, None, None],
        ["102", "12", datetime.datetime(2025, 9, 3, 8, 30), None],  # noqa: DTZ001
    ]

    _, raw = room.read(workbook([list(row) for row in sheet]))

    assert rows(room.con, raw, "student", "school", "day", "code") == [
        (3, "101", "0.25", "2025-09-02", "true"),
        (5, "102", "12", "2025-09-03 08:30:00", ""),
    ]


def test_patient_and_fast_reader_agree(intake: Make) -> None:
    room = intake()
    body = "".join(f'{n},"x, {n}",9/2/2025,{"P" if n % 3 else "A"}\n' for n in range(500))

    _, fast = room.read(HEADER + body)
    _, patient = room.read(HEADER + body + "501,12\n")

    both = [rows(room.con, raw, "student", "school", "day", "code") for raw in (fast, patient)]
    assert both[0] == both[1][:-1]
    assert both[1][-1] == (502, "501", "12", "", "")
