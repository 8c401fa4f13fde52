from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from sipetl.errors import DeliveryError
from sipetl.intake import PartKey, map_rows, read
from tests.unit.intake.daily import CONTEXT, HEADER, Intake, columns, layout

Make = Callable[..., Intake]
DISTRICTED = {"district": {"from": "District"}}
WITH_DISTRICT = "District,Student,School,Day,Code,Excused\n"


def test_parts_are_found_in_the_content_the_largest_first(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "1,12,6/1/2025,P,\n1,12,9/2/2025,P,\n2,12,9/5/2025,P,\n")

    assert mapped.parts == (
        PartKey("0101", 2026, 2, date(2025, 9, 2), date(2025, 9, 5), (("day",),)),
        PartKey("0101", 2025, 1, date(2025, 6, 1), date(2025, 6, 1), (("day",),)),
    )


def test_header_without_rows_is_an_empty_part_where_the_year_is_known(intake: Make) -> None:
    room = intake()

    assert room.map(HEADER).parts == ()
    assert room.map(HEADER, school_year=2026).parts == (PartKey("0101", 2026, 0, None, None),)


def test_every_row_ends_in_exactly_one_place(intake: Make) -> None:
    room = intake(layout(rows_drop=[{"from": "Student", "one_of": ["Total"]}]))
    kinds = ["{n},12,9/2/2025,P,", "{n}.0,12,9/2/2025,P,", "{n},99,9/2/2025,P,", "Total,,,,", "7,12,9/2/2025,P,",
             "{n},12,9/2/2025,Z,", "{n},12,9/2/2025,P,,x", "{n},12"]  # fmt: skip
    data = HEADER + "".join(kinds[n % len(kinds)].format(n=1000 + n) + "\n" for n in range(800))

    mapped = room.map(data)

    assert mapped.rows_read == 800
    assert (mapped.rows_mapped, mapped.quarantined, mapped.skipped, mapped.repeated) == (201, 400, 100, 99)
    kept = {n for (n,) in room.rows(mapped, "row_number")}
    critical = {r for r, _, severity, _ in room.issues(mapped) if severity == "critical"}
    assert not kept & critical


def test_rows_that_a_faulty_crosswalk_would_double_are_not_doubled(intake: Make) -> None:
    room = intake()
    room.con.execute("insert into map_crosswalk values ('0101', '12', '01010012', '2020-07-01', null)")

    mapped = room.map(HEADER + "1,12,9/2/2025,P,\n")

    assert mapped.rows_mapped == 1


def test_lost_rows_are_refused(intake: Make) -> None:
    room = intake()
    member, raw = room.read(HEADER + "1,12,9/2/2025,P,\n2,12,9/2/2025,P,\n")
    room.con.execute(f"delete from {raw.table}_rows where rowid = 0")

    with pytest.raises(DeliveryError, match="lost or doubled"):
        map_rows(room.con, raw, member, CONTEXT)


def test_raw_texts_and_lookups_are_gone_after_mapping(intake: Make) -> None:
    room = intake(layout(**DISTRICTED))

    mapped = room.map(WITH_DISTRICT + "0101,1,12,9/2/2025,P,\n")

    left = {n for (n,) in room.con.execute("select table_name from duckdb_tables()").fetchall()}
    assert left == {"map_districts", "map_crosswalk", f"{mapped.table}_rows", mapped.issues}
    mapped.drop(room.con)
    assert room.con.execute("select count(*) from duckdb_tables()").fetchall() == [(2,)]


CANARY = ("Zebedee Quillfeather", "zq-77123.0", "77123888", "02/29/2016")


@pytest.mark.parametrize(
    "row",
    [
        '"{0}",{3},{2},12,9/2/2025,P,\n',
        '"{0}",{3},{1},{0},{3},{0},{0}\n',
        '"{0}",{3},{2},12,{2},{2},{2},{0}\n',
        '"{0}",{3}\n',
        '"{0},{3},{2},12,9/2/2025,P,\n',
    ],
)
def test_planted_student_is_nowhere_but_in_the_file(intake: Make, row: str) -> None:
    room = intake()
    seen = ""
    try:
        member, raw = room.read("Name,Birth," + HEADER + "A,B,1,12,9/2/2025,P,\n" + row.format(*CANARY))
        mapped = map_rows(room.con, raw, member, CONTEXT)
        seen += str(room.con.execute(f"select * from {mapped.table}").fetchall())
        seen += str(room.con.execute(f"select * from {mapped.issues}").fetchall()) + repr(mapped)
    except DeliveryError as error:
        seen += f"{error} {error!r} {error.__cause__!r}"
        assert error.__suppress_context__ or error.__context__ is None

    assert not [planted for planted in CANARY if planted in seen]


def test_fault_inside_duckdb_does_not_quote_the_row(intake: Make, con: duckdb.DuckDBPyConnection) -> None:
    room = intake(layout(**columns(present={"from": "Code", "extract": r"^(?=P)(P)"})))
    member = room.member(HEADER + f"{CANARY[2]},12,9/2/2025,P,\n")
    raw = read(con, member)

    with pytest.raises(DeliveryError) as caught:
        map_rows(con, raw, member, CONTEXT)

    assert CANARY[2] not in str(caught.value)
    assert "daily" in str(caught.value)
