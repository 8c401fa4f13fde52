"""`sipetl check` on broken suites: it names the file, the line and the cure, before any delivery comes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.home import command, write_home

GOOD = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "meta": {"rule_id": "T-1"}}


def faulty(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity, "meta": {"rule_id": "T-2"}}


FAULTS = {
    "an unknown expectation": (
        faulty("column_values_to_be_betwen", column="school", min_value=1),
        ("unknown type", "expect_column_values_to_be_between"),
    ),
    "an expectation about another table": (
        faulty("table_row_count_to_equal_other_table", other_table_name="t"),
        ("cannot be run on a batch", "take the rule out"),
    ),
    "a wrong column": (
        faulty("column_values_to_not_be_null", column="schol"),
        ("no column 'schol' in the contract", "did you mean school"),
    ),
    "an invalid regex": (
        faulty("column_values_to_match_regex", column="school", regex="("),
        ("kwargs regex cannot be used", "not a regular expression: missing )"),
    ),
    "a mostly of 1.5": (
        faulty("column_values_to_not_be_null", column="school", mostly=1.5),
        ("kwargs mostly cannot be used", "less than or equal to 1"),
    ),
    "a missing kwarg": (
        faulty("column_values_to_be_in_set", column="school"),
        ("kwargs value_set cannot be used", "Field required", "the type takes column, value_set"),
    ),
    "an unknown kwarg": (
        faulty("column_values_to_not_be_null", column="school", most=1),
        ("kwargs most cannot be used", "the type takes column"),
    ),
    "min above max": (
        faulty("table_row_count_to_be_between", min_value=5, max_value=4),
        ("min_value is greater than max_value", "correct it"),
    ),
    "a bound of another type": (
        faulty("column_values_to_be_between", column="school", min_value=1),
        ("column 'school' holds text", "name another column"),
    ),
    "a day that is none": (
        faulty("column_values_to_be_between", column="snapshot_on", min_value="2025-13-01"),
        ("kwargs min_value cannot be used", "YYYY-MM-DD"),
    ),
    "a schema that is none": (
        faulty("column_values_to_match_json_schema", column="school", json_schema={"type": "word"}),
        ("kwargs json_schema cannot be used", "not a JSON schema"),
    ),
    "a condition that would run code": (
        faulty("column_values_to_not_be_null", column="school", row_condition="school.map(print) == 1"),
        ("kwargs row_condition cannot be used", "must only compare columns with constants"),
    ),
    "a condition on a wrong column": (
        faulty(
            "column_values_to_not_be_null",
            column="school",
            row_condition={"type": "nullity", "column": {"name": "schol"}, "is_null": True},
        ),
        ("no column 'schol' in the contract", "did you mean school"),
    ),
    "a parameter that nobody fills in": (
        faulty("table_row_count_to_be_between", min_value={"$PARAMETER": "rows"}),
        ("kwargs min_value cannot be used", "($PARAMETER) are not filled in: write the value itself"),
    ),
    "a parameter in place of a schema": (
        faulty("column_values_to_match_json_schema", column="school", json_schema={"$PARAMETER": "schema"}),
        ("kwargs json_schema cannot be used", "($PARAMETER) are not filled in"),
    ),
    "an unknown severity": (
        faulty("column_values_to_not_be_null", severity="fatal", column="school"),
        ("rule T-2", "severity is one of critical, warning, info"),
    ),
}


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """A home's own suites."""
    folder = tmp_path / "expectations"
    shutil.copytree(ROOT / "expectations", folder)
    return folder


def check(suites: Path) -> tuple[int, str]:
    home = write_home(suites.parent / "home")
    done = command("check", SIPETL_HOME=str(home), SIPETL_EXPECTATIONS_DIR=str(suites))
    return done.status, " ".join(f"{done.out} {done.err}".split())


def test_good_suites_pass(suites: Path) -> None:
    status, told = check(suites)

    assert status == 0, told


@pytest.mark.parametrize(("rule", "told"), FAULTS.values(), ids=FAULTS)
def test_fault_is_told_with_file_line_and_cure(suites: Path, rule: dict[str, Any], told: tuple[str, ...]) -> None:
    written = json.dumps({"name": "roster", "expectations": [GOOD, rule]}, indent=1)
    (suites / "roster.json").write_text(written, encoding="utf-8")
    line = next(i for i, text in enumerate(written.splitlines(), 1) if i > 4 and text == "  {")

    status, said = check(suites)

    assert status == 2
    assert f"roster.json:{line}" in said
    assert all(words in said for words in told), said


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('{"name": "roster",\n "expectations": [\n  oops]}', 3, "the suite is not JSON"),
        ('{"expectations": []}', 1, "it needs 'name' and a list 'expectations'"),
        ('{"name": "roster", "expectations": [\n {"type": "x", "kwargs": {}}]}', 2, "give each rule its own rule_id"),
    ],
)
def test_file_that_is_no_suite_is_told(suites: Path, text: str, line: int, told: str) -> None:
    (suites / "roster.json").write_text(text, encoding="utf-8")

    status, said = check(suites)

    assert status == 2
    assert f"roster.json:{line}" in said
    assert told in said
