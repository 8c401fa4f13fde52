from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sipetl.errors import RegistryError
from sipetl.registry.yamlfile import check_model, load_model, read_document


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Room(Strict):
    code: str
    seats: int = 0
    opened: date | None = None
    open_from: str = Field("", alias="from")


class Round(Strict):
    kind: Literal["round"]
    width: Decimal


class Square(Strict):
    kind: Literal["square"]
    side: Decimal


class House(Strict):
    name: str
    rooms: tuple[Room, ...] = ()
    by_floor: dict[str, Room] = {}
    table: Annotated[Round | Square, Field(discriminator="kind")] | None = None

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        codes = [room.code for room in self.rooms]
        if len(codes) != len(set(codes)):
            at = ("rooms", len(codes) - 1, "code")
            raise PydanticCustomError("twice", "the code is used twice", {"at": at, "cure": "rename it"})
        return self


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str) -> Path:
        path = tmp_path / "house.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def faults(path: Path) -> list[tuple[int, str]]:
    return [(int(error.where.rpartition(":")[2]), str(error)) for error in check_model(path, House)]


def test_a_good_file_becomes_a_model_with_exact_decimals(write):
    path = write("name: A\nrooms:\n- {code: K, opened: 2025-09-02, from: east}\ntable: {kind: round, width: 31.4}\n")

    house = load_model(path, House)

    assert house.rooms == (Room.model_validate({"code": "K", "opened": date(2025, 9, 2), "from": "east"}),)
    assert house.table is not None
    assert house.table.width == Decimal("31.4")  # type: ignore[union-attr]
    assert check_model(path, House) == []


def test_all_faults_are_collected_in_the_order_of_their_lines(write):
    path = write("rooms:\n- code: K\n  seats: many\n- code: 12\n  colour: red\n")

    lines = [line for line, _ in faults(path)]

    assert lines == [1, 3, 4, 5]


def test_load_raises_the_first_fault_with_file_and_line(write):
    path = write("name: A\nrooms:\n- code: K\n  seats: many\n")

    with pytest.raises(RegistryError) as caught:
        load_model(path, House)

    assert caught.value.where == f"{path}:4"
    assert caught.value.what.startswith("rooms[0].seats: ")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: A\nrooms:\n- {code: K, seat: 3}\n", 3, "did you mean 'seats'?"),
        ("name: A\nrooms:\n- {code: K, form: x}\n", 3, "did you mean 'from'?"),
        ("name: A\nby_floor:\n  first:\n    code: K\n    seets: 1\n", 5, "did you mean 'seats'?"),
        ("name: A\ntable:\n  kind: round\n  widht: 1\n  width: 2\n", 4, "did you mean 'width'?"),
        ("name: A\nrooms:\n- code: K\n  qqq: 1\n", 4, "known here: code, from, opened, seats"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(write, text, line, said):
    [(found_line, message)] = faults(write(text))

    assert found_line == line
    assert said in message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: A\nname: B\n", 2, "the key 'name' is here twice; first on line 1"),
        ("name: A\nrooms:\n\t- code: K\n", 3, "indent with spaces"),
        ("name: A\nrooms: [\n", 3, "not valid YAML"),
        ("name: A\n b: 2\n", 2, "not valid YAML"),
        ("name: 12\n", 1, "put it in quotes"),
        ("rooms:\n- code: K\n", 1, "the key 'name' is missing"),
        ("name: A\nrooms:\n- seats: 2\n", 3, "the key 'code' is missing"),
        ("name: A\nrooms:\n- code: K\n  opened: 2025-13-45\n", 4, "month must be in 1..12"),
        ("name: A\nrooms:\n- code: K\n  opened: soon\n", 4, "YYYY-MM-DD"),
        ("name: !mine A\n", 1, "a tag of one's own"),
        ("name: &a A\nrooms: &r [*r]\n", 2, "an anchor holds itself"),
        ("name: A\nby_floor:\n  one: &k {code: K}\n  two:\n    <<: *k\n", 5, "merge keys"),
        ("? [a]\n: 1\n", 1, "a key must be a single word"),
        ("", 1, "valid dictionary"),
        ("--- {name: A}\n--- {name: B}\n", 2, "not valid YAML"),
    ],
)
def test_a_fault_names_its_line(write, text, line, said):
    found_line, message = faults(write(text))[0]

    assert found_line == line
    assert said in message


def test_a_rule_of_the_model_can_point_inside_and_name_its_cure(write):
    path = write("name: A\nrooms:\n- code: K\n- seats: 1\n  code: K\n")

    [(line, message)] = faults(path)

    assert line == 5
    assert message.endswith("rooms[1].code: the code is used twice; rename it.")


def test_an_anchor_may_be_used_twice(write):
    path = write("name: A\nby_floor:\n  one: &k {code: K}\n  two: *k\n")

    assert load_model(path, House).by_floor["two"].code == "K"


def test_a_file_that_is_absent_or_not_utf8_is_a_fault(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: é".encode("latin-1"))

    absent_error = check_model(tmp_path / "absent.yaml", House)[0]
    latin_error = check_model(latin, House)[0]

    assert absent_error.why == "No such file or directory"
    assert latin_error.cure == "save it as UTF-8"


def test_a_document_knows_the_line_of_keys_items_and_absent_places(write):
    document = read_document(write("name: A\nrooms:\n- code: K\n- code: L\n  seats: 2\n"))

    assert document.line_of(("name",)) == 1
    assert document.line_of(("rooms", 1)) == 4
    assert document.line_of(("rooms", 1, "seats")) == 5
    assert document.line_of(("rooms", 0, "seats")) == 3
    assert document.where(("nowhere",)) == f"{document.path}:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-15 storm day", "2026-01-15 storm day"),
        ("2026-01-15", date(2026, 1, 15)),
        ("", None),
        ("~", None),
        ("no", "no"),
        ("0035", 35),
        (".5", 0.5),
        ("1_000", "1_000"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {text}\n")

    assert read_document(path).data == {"a": value}


def test_a_tag_that_does_not_fit_is_a_fault_with_its_line(write):
    [(line, message)] = faults(write("name: A\nrooms: !!bool maybe\n"))[:1]

    assert (line, "its tag" in message) == (2, True)
