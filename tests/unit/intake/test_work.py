"""Large files are mapped in two halves, what rows share and whose they are, and come to the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from sipetl.intake import work
from tests.unit.intake.daily import HEADER, Intake, columns, layout

Make = Callable[..., Intake]
CODED_ID = columns(id_hash={"from": "Student", "id": {"kind": "lasid"}, "extract": "^(?:S-)?([0-9.]+)$"})


def ugly() -> str:
    """Every cell good, blank, unknown, in two forms, or not readable, in each combination; some rows twice or ragged."""
    students = ("1", "S-1", "S-2", " 3 ", "4.0", "", "Smith")
    schools = ("12", "Oak School", "moved", "99", "")
    days = ("9/2/2025", "2025-09-02", "10/1/25", "2/30/2025", "6/1/2025", "", "1/1/1899")
    codes = ("P", "a", "", "Z")
    rows = [",".join((*cells, "Y")) for cells in product(students, schools, days, codes)]
    return HEADER + "\n".join([*rows, *rows[::7], "1,12,9/2/2025,P,N,x", "1,12", ",,,,"]) + "\n"


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements by which rows were joined from two halves, of files however small."""
    made: list[str] = []
    join = work._joined_sql
    monkeypatch.setattr(work, "ALIKE_FROM", 0)
    monkeypatch.setattr(work, "_joined_sql", lambda *halves: made.append(join(*halves)) or made[-1])
    return made


@pytest.mark.parametrize("rules", [{}, CODED_ID, {"rows_drop": [{"from": "Student", "matches": "^Sm"}]}])
def test_two_halves_come_to_what_rows_one_by_one_come_to(
    intake: Make, monkeypatch: pytest.MonkeyPatch, joined: list[str], rules: dict[str, object]
) -> None:
    room = intake(layout(**rules))

    one_by_one = room.map(ugly())
    assert not joined, "there are too many combinations for it"
    monkeypatch.setattr(work, "ALIKE_PERCENT", 100)
    in_halves = room.map(ugly())

    assert len(joined) == 1
    for name in ("rows_read", "rows_mapped", "quarantined", "skipped", "repeated", "parts"):
        assert getattr(in_halves, name) == getattr(one_by_one, name), name
    assert room.rows(in_halves, "*") == room.rows(one_by_one, "*")
    assert room.issues(in_halves) == room.issues(one_by_one)
    assert one_by_one.rows_mapped
    assert len({rule for _, rule, *_ in room.issues(one_by_one)}) > 5


def test_rows_that_say_much_the_same_are_joined_from_halves(intake: Make, joined: list[str]) -> None:
    room = intake()

    mapped = room.map(HEADER + "".join(f"{n},12,9/2/2025,{'PA'[n % 2]},\n" for n in range(1, 501)))

    assert len(joined) == 1
    assert mapped.rows_mapped == 500
    assert [present for (present,) in room.rows(mapped, "present")] == [False, True] * 250
    assert len(set(room.rows(mapped, "id_hash"))) == 500


def test_rows_of_many_districts_are_worked_one_by_one(intake: Make, joined: list[str]) -> None:
    room = intake(layout(district={"from": "District"}))

    rows = "".join(f"{('0101', '0202')[n % 2]},{n},12,9/2/2025,P,\n" for n in range(1, 101))
    mapped = room.map("District," + HEADER + rows, sender_district=None)

    assert not joined
    assert set(room.rows(mapped, "district, school")) == {("0101", "01010012"), ("0202", "02020012")}
