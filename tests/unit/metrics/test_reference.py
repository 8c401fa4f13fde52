"""The reviewed files beside the catalogue: grades, and the numbers of the policies."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from sipetl.errors import RegistryError
from sipetl.metrics import ensure_inputs, grade_groups
from sipetl.metrics.policies import FOLDER, policy_numbers
from sipetl.registry.groups import load_groups


def test_three_kindergartens_are_one_group_and_who_is_beyond_grade_12_is_in_none() -> None:
    groups = grade_groups()

    assert {groups[grade] for grade in ("KP", "KF", "KT")} == {"grade_K"}
    assert (groups["PK"], groups["07"], groups.get("SP")) == ("grade_PK", "grade_07", None)
    assert set(groups.values()) <= {group.student_group for group in load_groups()}


def test_sql_and_python_put_a_grade_into_the_same_group() -> None:
    con = duckdb.connect()
    ensure_inputs(con)

    grades = [*grade_groups(), "SP", "13", None]
    found = con.execute("select grade, grade_group(grade) from (select unnest(?) as grade)", [grades]).fetchall()

    assert dict(found) == {grade: grade_groups().get(grade) for grade in grades}


def test_policies_give_facts_their_numbers() -> None:
    assert policy_numbers() == {"absent_above_x100": 50, "fewest_answered_percent": 25, "alike_from_items": 5}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fewest_answered_percent: 25", "fewest_answered_percent: 125"),
        ("alike_from_items: 5", "alike_from_items: 1"),
        ("alike_from_items: 5", "alike_from: 5"),
    ],
)
def test_policy_out_of_its_range_is_refused(tmp_path: Path, old: str, new: str) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "survey_responses.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))

    with pytest.raises(RegistryError, match=r"survey_responses\.yaml") as caught:
        policy_numbers(tmp_path)

    assert caught.value.where is not None
