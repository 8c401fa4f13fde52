"""A layout is data: whatever text stands in it, no file is read, none is written, and nothing else becomes SQL."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sipetl.errors import SipetlError
from sipetl.intake import Layout
from tests.unit.intake.daily import DAILY, HEADER, Intake

SECRET = "Quillfeather"
ATTACKS = {
    "copy": "'; copy (select 1) to '{written}'; --",
    "read": "'||(select content from read_text('{secret}'))||'",
    "attach": "\"; attach '{written}' as other; --",
    "escape": "\\'; copy (select 1) to '{written}'; /*",
    "template": "{{district}}'||(select content from read_text('{secret}'))||'",
}
FULL: dict[str, Any] = DAILY | {
    "file": {"kind": "csv", "delimiter": ",", "escape": '"', "name_pattern": "(?P<code>f)ile", "beside": ["note*.csv"]},
    "renames": {"Pupil": "Student"},
    "header_patterns": {"Excused": "^Exc"},
    "null": ["", "NULL"],
    "rows_keep": [{"from": "Day", "blank": False}],
    "rows_drop": [{"from": "Student", "matches": "^Total"}, {"from": "Code", "one_of": ["X"]}],
    "district": {"value": "0101"},
    "columns": DAILY["columns"]
    | {
        "id_hash": {"from": "Student", "extract": "^([0-9]+)$", "id": {"kind": "lasid", "issuer": "{authority}:{district}"}},
        "present": {"from": "Code", "codes": {"P": True, "re:^A": False}, "null": ["-"], "blank": None},
        "unit": {"from": "Code", "codes": {"P": "am"}, "otherwise": "pm", "blank": "none"},
        "portion_absent_x100": {"from": "Excused", "number": "plain", "scale": 100},
        "tardy": {"from": "Excused", "at_least": "1"},
    },
}  # fmt: skip
ROWS = HEADER + "101,12,09/02/2025,P,Y\n102,12,09/02/2025,A,N\nTotal,12,09/02/2025,X,\n"
Path_ = tuple[str | int, ...]


def texts(part: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Where a text stands in a layout: a value, or (with a last step `key:`) a key."""
    if isinstance(part, str):
        yield at
    elif isinstance(part, dict):
        for key, value in part.items():
            if at and isinstance(key, str):
                yield (*at, f"key:{key}")
            yield from texts(value, (*at, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from texts(value, (*at, index))


def replaced(full: dict[str, Any], at: Path_, text: str) -> dict[str, Any]:
    """The layout with one text changed."""
    changed = copy.deepcopy(full)
    holder: Any = changed
    for step in at[:-1]:
        holder = holder[step]
    last = at[-1]
    if isinstance(last, str) and last.startswith("key:"):
        holder[text] = holder.pop(last.removeprefix("key:"))
    else:
        holder[last] = text
    return changed


PLACES = list(texts(FULL))


def test_the_layout_that_is_attacked_works(intake: Callable[..., Intake]) -> None:
    room = intake(Layout.model_validate(FULL))

    assert room.map(ROWS).rows_mapped == 2
    assert len(PLACES) > 60


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_a_layout_becomes_sql(intake: Callable[..., Intake], tmp_path: Path, attack: str) -> None:
    secret, written = tmp_path / "secret.txt", tmp_path / "written"
    secret.write_text(SECRET)
    text = ATTACKS[attack].format(secret=secret, written=written)
    mapped = 0
    for at in PLACES:
        try:
            room = intake(Layout.model_validate(replaced(FULL, at, text)))
            found = room.map(ROWS)
        except (SipetlError, ValidationError) as error:
            assert SECRET not in str(error), at
            continue
        assert SECRET not in str(room.con.execute(f"from {found.table}").fetchall()), at
        found.drop(room.con)
        mapped += 1

    assert not written.exists()
    assert mapped > 20, "most texts are taken as they are, and then do no harm"
