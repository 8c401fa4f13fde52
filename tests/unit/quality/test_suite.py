from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sipetl.errors import RegistryError
from sipetl.quality import Action, Severity, check_suite, load_suite

COLUMNS = {"school": "varchar", "score": "bigint", "day": "date"}


def write(path: Path, *rules: dict[str, Any]) -> Path:
    file = path / "suite.json"
    file.write_text(json.dumps({"name": "s", "expectations": list(rules)}, indent=1), encoding="utf-8")
    return file


def rule(kind: str = "column_values_to_not_be_null", rule_id: str = "R1", **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs or {"column": "school"}, "meta": {"rule_id": rule_id}}


def faults(path: Path, *rules: dict[str, Any]) -> list[str]:
    return [str(fault) for fault in check_suite(load_suite(write(path, *rules)), COLUMNS)]


def test_suite_is_read_with_defaults_and_lines(tmp_path: Path) -> None:
    plain = rule()
    full = rule(rule_id="R2") | {
        "severity": "warning",
        "meta": {"rule_id": "R2", "text": "No school.", "cure": "Fill it.", "action": "reject_file"},
    }
    file = write(tmp_path, plain, full)

    suite = load_suite(file)

    first, second = suite.expectations
    assert (first.severity, first.action, first.text, first.cure) == (Severity.CRITICAL, Action.QUARANTINE, "", "")
    assert (second.severity, second.action) == (Severity.WARNING, Action.REJECT_FILE)
    assert (second.text, second.cure) == ("No school.", "Fill it.")
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = [i for i, line in enumerate(lines, 1) if line == "  {"]
    assert [first.line, second.line] == starts
    assert check_suite(suite, COLUMNS) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{"name": "s",\n oops', 2, "not JSON"),
        ('{"expectations": []}', 1, "not a suite"),
        ('{"name": "s", "expectations": {}}', 1, "not a suite"),
        ('{"name": "s", "expectations": [\n{"type": "expect_x"}]}', 2, "no meta.rule_id"),
        ('{"name": "s", "expectations": [\n\n"x"]}', 3, "rule 1 needs a 'type'"),
        ('{"name": "s", "expectations": [{"kwargs": {}, "meta": {"rule_id": "R"}}]}', 1, "needs a 'type'"),
        (
            '{"name": "s", "expectations": [{"type": "t", "severity": "fatal", "meta": {"rule_id": "R"}}]}',
            1,
            "severity is one of critical, warning, info",
        ),
        (
            '{"name": "s", "expectations": [{"type": "t", "meta": {"rule_id": "R", "action": "drop"}}]}',
            1,
            "action one of quarantine, reject_file",
        ),
    ],
)
def test_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    file = tmp_path / "suite.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(RegistryError) as caught:
        load_suite(file)

    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert what in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="cannot be read"):
        load_suite(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (rule("column_values_to_sparkle", column="school"), "unknown type"),
        (rule(column="schol"), "no column 'schol' in the contract"),
        (rule(column="school", most=0.9), "kwargs most cannot be used; the type does not have it"),
        (rule(column="school", mostly=1.5), "kwargs mostly cannot be used; Input should be less than or equal to 1"),
        (rule("column_values_to_match_regex", column="school", regex="("), "not a regular expression"),
        (
            rule("column_values_to_match_json_schema", column="school", json_schema={"pattern": "("}),
            "not a JSON schema",
        ),
        *(
            (
                rule(
                    "column_values_to_match_json_schema",
                    column="school",
                    json_schema={"items": {key: elsewhere}},
                ),
                "refers to what it does not hold",
            )
            for key in ("$ref", "$dynamicRef")
            for elsewhere in ("file:///etc/passwd", "http://127.0.0.1/schema", "other.json", "#/definitions/absent")
        ),
        (rule("column_values_to_not_match_regex", column="school"), "kwargs regex cannot be used; Field required"),
        (rule("column_values_to_be_between", column="score"), "cannot both be missing"),
        (rule("column_values_to_be_between", column="score", min_value=2, max_value=1), "is greater than"),
        (rule("column_values_to_be_between", column="day", min_value="1 May"), "neither a number nor a day"),
        (
            rule("column_values_to_be_between", column="day", min_value="2025-01-01", max_value=3),
            "different kinds",
        ),
        (rule("column_mean_to_be_between", column="score", min_value="2025-01-01"), "min_value"),
        (rule("compound_columns_to_be_unique", column_list=["school"]), "at least 2"),
        (rule("compound_columns_to_be_unique", column_list=["school", "x"]), "no column 'x'"),
        (
            rule("column_pair_values_a_to_be_greater_than_b", column_A="score", column_B="y"),
            "no column 'y'",
        ),
        (
            rule(column="school", row_condition="school ~ 1", condition_parser="great_expectations"),
            "not a condition such as",
        ),
        (rule(column="school", row_condition="school > 1", condition_parser="spark"), "for Spark"),
        (rule(column="school", row_condition="@os.system('x')"), "not a condition in pandas' language"),
        (rule(column="school", row_condition="school.map(print) == 1"), "must only compare columns with constants"),
        (rule(column="school", row_condition="__import__('os') == 1"), "must only compare columns with constants"),
        (
            rule(
                column="school",
                row_condition={"type": "comparison", "column": {"name": "z"}, "operator": "==", "parameter": 1},
            ),
            "no column 'z'",
        ),
        (
            rule(
                column="school",
                row_condition={
                    "type": "and",
                    "conditions": [
                        {
                            "type": "or",
                            "conditions": [{"type": "nullity", "column": {"name": "day"}, "is_null": True}],
                        }
                    ],
                },
            ),
            "row_condition",
        ),
        (
            rule(
                column="school",
                row_condition={"type": "comparison", "column": {"name": "day"}, "operator": "IN", "parameter": "x"},
            ),
            "IN and NOT_IN take a list",
        ),
    ],
)
def test_fault_is_found_with_file_line_and_rule(tmp_path: Path, wrong: dict[str, Any], what: str) -> None:
    found = faults(tmp_path, wrong)

    assert any(what in fault for fault in found), found
    assert all(fault.startswith(f"{tmp_path / 'suite.json'}:4: rule R1 (expect_") for fault in found)


def test_wrong_bound_is_one_fault(tmp_path: Path) -> None:
    found = faults(tmp_path, rule("column_mean_to_be_between", column="score", min_value="x"))

    assert len(found) == 1


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, rule(column="a"), rule(column="b", rule_id="R2"))

    assert len(found) == 2


def test_repeated_rule_id_is_a_fault_of_each(tmp_path: Path) -> None:
    found = faults(tmp_path, rule(), rule(), rule(rule_id="R2"))

    assert ["rule_id is used twice" in fault for fault in found] == [True, True]
