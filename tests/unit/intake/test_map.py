from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sipetl.errors import ScopeError
from sipetl.intake import load_contract
from tests.unit.intake.daily import HEADER, KEY, Intake, columns, layout

Make = Callable[..., Intake]


def test_row_arrives_in_contract_order_and_types(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "101,12,9/2/2025,P,\n")

    described = room.con.execute(f"select column_name, column_type from (describe {mapped.table})").fetchall()
    contract = load_contract(room.layouts[0].feed)
    expected = [(c.name, c.physical_type.upper()) for c in contract.columns]
    assert described == [*expected, ("school_year", "INTEGER"), ("district", "VARCHAR"), ("row_number", "BIGINT")]
    assert room.rows(mapped, "population, school, attendance_date, grain, unit, present, excused") == [
        ("student", "01010012", date(2025, 9, 2), "day", None, True, None)
    ]
    assert room.rows(mapped, "school_year, district, row_number") == [(2026, "0101", 2)]


def test_id_is_hashed_under_its_issuer(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + " 101 ,12,9/2/2025,P,\n")

    assert room.rows(mapped, "id_hash") == [(KEY.hash_ids("MA:0101", "lasid", ["101"])[0],)]


def test_state_id_is_padded_and_hashed_without_the_district(intake: Make) -> None:
    state = {"from": "Student", "id": {"kind": "sasid", "issuer": "{authority}", "pad": 10}}
    room = intake(layout(**columns(id_hash=state)))

    mapped = room.map(HEADER + "1000000,12,9/2/2025,P,\n")

    assert room.rows(mapped, "id_hash") == [(KEY.hash_ids("MA", "sasid", ["0001000000"])[0],)]


@pytest.mark.parametrize("mangled", ["239.0", "1.00E+09", "1e9", "########", "", "NULL"])
def test_mangled_or_empty_id_quarantines_the_row(intake: Make, mangled: str) -> None:
    room = intake()

    mapped = room.map(HEADER + f"{mangled},12,9/2/2025,P,\n101,12,9/2/2025,P,\n")

    assert room.issues(mapped) == {(2, "MAP-ID", "critical", "id_hash")}
    assert room.rows(mapped, "row_number") == [(3,)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("09/02/2025", date(2025, 9, 2)),
        ("9/2/2025", date(2025, 9, 2)),
        ("9/2/25", date(2025, 9, 2)),
        ("2025-09-02", date(2025, 9, 2)),
        (" 2025-09-02 ", date(2025, 9, 2)),
    ],
)
def test_declared_date_forms_are_read(intake: Make, text: str, day: date) -> None:
    room = intake()

    assert room.rows(room.map(HEADER + f"101,12,{text},P,\n"), "attendance_date") == [(day,)]


@pytest.mark.parametrize("text", ["2/30/2025", "2.9.2025", "yesterday", "45902"])
def test_date_that_does_not_cast_quarantines_the_row(intake: Make, text: str) -> None:
    room = intake()

    mapped = room.map(HEADER + f"101,12,{text},P,\n")

    assert (2, "MAP-CAST", "critical", "attendance_date") in room.issues(mapped)
    assert (mapped.rows_mapped, mapped.quarantined) == (0, 1)


def test_four_digit_format_does_not_take_a_two_digit_year(intake: Make) -> None:
    four = {"from": "Day", "parse": ["%m/%d/%Y"]}
    room = intake(layout(**columns(attendance_date=four)))

    assert (2, "MAP-CAST", "critical", "attendance_date") in room.issues(room.map(HEADER + "101,12,9/2/25,P,\n"))


def test_unlisted_code_is_a_warning_where_the_cell_can_be_missed(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "101,12,9/2/2025,p ,Q\n")

    assert room.issues(mapped) == {(2, "MAP-CODE", "warning", "excused")}
    assert room.rows(mapped, "present, excused") == [(True, None)]


def test_unlisted_code_of_a_required_column_quarantines_the_row(intake: Make) -> None:
    coded = {"from": "School", "codes": {"twelve": "01010012"}}
    room = intake(layout(**columns(school=coded)))

    mapped = room.map(HEADER + "101,twelve,9/2/2025,P,\n101,13,9/2/2025,P,\n")

    assert room.issues(mapped) == {(3, "MAP-CODE", "critical", "school")}


def test_otherwise_takes_unlisted_codes_and_leaves_blanks(intake: Make) -> None:
    loose = {"from": "Code", "codes": {"A": False}, "otherwise": True}
    room = intake(layout(**columns(present=loose)))

    mapped = room.map(HEADER + "101,12,9/2/2025,zz,\n101,12,9/3/2025,,\n101,12,9/4/2025,a,\n")

    assert room.rows(mapped, "present") == [(True,), (None,), (False,)]
    assert room.issues(mapped) == set()


def test_extract_that_does_not_match_is_an_issue(intake: Make) -> None:
    cut = {"from": "Code", "extract": r"^(\w+) ", "codes": {"here": True}}
    room = intake(layout(**columns(present=cut)))

    mapped = room.map(HEADER + "101,12,9/2/2025,Here (all day),\n102,12,9/2/2025,?,\n")

    assert room.rows(mapped, "present") == [(True,), (None,)]
    assert room.issues(mapped) == {(3, "MAP-CODE", "warning", "present")}


@pytest.mark.parametrize("text", ["12", "Oak School", " OAK SCHOOL ", "01010012", "1010012"])
def test_school_is_found_by_code_name_or_own_code(intake: Make, text: str) -> None:
    room = intake()

    assert room.rows(room.map(HEADER + f"101,{text},9/2/2025,P,\n"), "school") == [("01010012",)]


@pytest.mark.parametrize("text", ["99", "closed", "02020012"])
def test_school_that_is_not_the_districts_on_that_day_quarantines_the_row(intake: Make, text: str) -> None:
    room = intake()

    mapped = room.map(HEADER + f"101,{text},9/2/2025,P,\n")

    assert room.issues(mapped) == {(2, "MAP-SCHOOL", "critical", "school")}


def test_crosswalk_is_the_one_of_the_rows_date(intake: Make) -> None:
    room = intake()

    mapped = room.map(HEADER + "101,moved,9/30/2025,P,\n101,moved,10/1/2025,P,\n")

    assert room.rows(mapped, "school") == [("01010030",), ("01010031",)]


DISTRICTED = {"district": {"from": "District"}}
WITH_DISTRICT = "District,Student,School,Day,Code,Excused\n"


def test_row_of_another_district_is_quarantined(intake: Make) -> None:
    room = intake(layout(**DISTRICTED))

    mapped = room.map(WITH_DISTRICT + "0101,1,12,9/2/2025,P,\n0202,2,12,9/2/2025,P,\n9999,3,12,9/2/2025,P,\n")

    assert room.issues(mapped) == {(r, "MAP-DISTRICT", "critical", "district") for r in (3, 4)}
    assert room.rows(mapped, "district, school") == [("0101", "01010012")]


def test_state_may_send_any_district_and_its_codes_may_lack_zeros(intake: Make) -> None:
    room = intake(layout(**DISTRICTED))

    mapped = room.map(
        WITH_DISTRICT
        + "101,1,12,9/2/2025,P,\n1010000,2,12,9/2/2025,P,\n202,1,12,9/2/2025,P,\n9999,3,12,9/2/2025,P,\n",
        sender_district=None,
    )

    assert room.rows(mapped, "district, school") == [("0101", "01010012")] * 2 + [("0202", "02020012")]
    assert room.rows(mapped, "id_hash")[2] == (KEY.hash_ids("MA:0202", "lasid", ["1"])[0],)
    assert room.issues(mapped) == {(5, "MAP-DISTRICT", "critical", "district")}


def test_district_that_nothing_tells_is_a_scope_error(intake: Make) -> None:
    with pytest.raises(ScopeError):
        intake().map(HEADER + "101,12,9/2/2025,P,\n", sender_district=None)
