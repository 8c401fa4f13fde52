"""The shipped layouts, suites and reference data agree with the contracts and with each other, and GX and ODCS agree."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from sipetl.intake import Contract, Layout, load_contract, load_layouts
from sipetl.intake.headers import Fit, fit, normal, positions
from sipetl.intake.layout import Column
from sipetl.intake.layouts import filled
from sipetl.quality import Severity, check_suite, load_suite
from sipetl.registry.groups import load_groups
from sipetl.registry.models import FeedName

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT / "sipetl" / "intake" / "contracts"
SUITES = ROOT / "expectations"
REFERENCE = ROOT / "sipetl" / "metrics" / "reference"
LAYOUTS = load_layouts()
FOLDER = ROOT / "sipetl" / "intake" / "layouts"


def by_name(name: str) -> Layout:
    return next(layout for layout in LAYOUTS if layout.layout == name)


def all_columns(layout: Layout) -> dict[str, list[Column]]:
    """Contract column -> its rules, of the base and of every variant."""
    found: dict[str, list[Column]] = {name: [column] for name, column in layout.columns.items()}
    for variant in layout.long:
        for name, column in variant.columns.items():
            found.setdefault(name, []).append(column)
    return found


def test_every_layout_is_shipped() -> None:
    assert {layout.layout for layout in LAYOUTS} == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_layout_file_has_its_layouts_name(layout: Layout) -> None:
    assert (FOLDER / f"{layout.layout}.yaml").is_file()


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_layout_fills_every_required_column_and_no_other_than_the_contracts(layout: Layout) -> None:
    contract = load_contract(layout.feed)
    required = {column.name for column in contract.columns if column.required}

    assert set(all_columns(layout)) <= {column.name for column in contract.columns}
    assert all(required <= given for given in filled(layout))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_codes_give_only_values_that_the_contract_allows(layout: Layout) -> None:
    contract = load_contract(layout.feed)

    for name, rules in all_columns(layout).items():
        allowed = contract.column(name).enum
        for rule in rules:
            given = {v for v in (*rule.codes.values(), rule.otherwise, rule.value) if v is not None}
            given -= {v for v in given if isinstance(v, str) and v.startswith("{")}
            if allowed:
                assert given <= set(allowed), name
            if contract.column(name).physical_type == "boolean":
                assert given <= {True, False}, name


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_identifiers_are_hashed_and_only_identifiers(layout: Layout) -> None:
    contract = load_contract(layout.feed)

    for name, rules in all_columns(layout).items():
        is_hash = contract.column(name).physical_type == "blob"
        assert all((rule.id is not None) == is_hash for rule in rules), name


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_names_and_birth_dates_are_read_by_no_layout(layout: Layout) -> None:
    sources = {name for rules in all_columns(layout).values() for rule in rules for name in rule.source}

    assert not [
        s for s in sources if re.search(r"(first|last|full|student) ?_?name|birth|dob|address|email", s, re.I)
    ]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.layout)
def test_a_file_with_a_layouts_least_headers_is_no_others(layout: Layout) -> None:
    header = list(layout.recognise.headers)

    assert [other.layout for other in LAYOUTS if isinstance(fit(other, [header]), Fit)] == [layout.layout]


@pytest.mark.parametrize(
    ("layout", "old", "new"),
    [(layout, old, new) for layout in LAYOUTS for old, new in layout.renames.items()],
    ids=lambda value: value.layout if isinstance(value, Layout) else value,
)
def test_renamed_header_is_found_under_its_new_name(layout: Layout, old: str, new: str) -> None:
    assert positions(["x", old.upper()], layout)[normal(new)] == 1


@pytest.mark.parametrize("feed", FeedName)
def test_suite_names_only_columns_of_its_contract(feed: FeedName) -> None:
    suite = load_suite(SUITES / f"{feed}.json")
    columns = {column.name: column.physical_type for column in load_contract(feed).columns}

    assert check_suite(suite, columns) == []


@pytest.mark.parametrize("feed", FeedName)
def test_suite_holds_the_contracts_key_and_required_columns(feed: FeedName) -> None:
    contract, suite = load_contract(feed), load_suite(SUITES / f"{feed}.json")
    critical = [rule for rule in suite.expectations if rule.severity is Severity.CRITICAL]
    keys = [rule.kwargs["column_list"] for rule in critical if rule.type == "expect_compound_columns_to_be_unique"]
    needed = {r.kwargs["column"] for r in critical if r.type == "expect_column_values_to_not_be_null"}
    listed = {r.kwargs["column"] for r in critical if r.type == "expect_column_values_to_be_in_set"}

    assert keys == [list(contract.key)]
    assert required(contract) <= needed | listed
    assert all(rule.text and rule.cure for rule in suite.expectations)


def required(contract: Contract) -> set[str]:
    return {column.name for column in contract.columns if column.required}


@pytest.mark.parametrize("feed", FeedName)
def test_suite_allows_exactly_the_contracts_listed_values(feed: FeedName) -> None:
    contract, suite = load_contract(feed), load_suite(SUITES / f"{feed}.json")
    enums = {column.name: set(column.enum) for column in contract.columns if column.enum}

    for rule in suite.expectations:
        if rule.type == "expect_column_values_to_be_in_set" and rule.kwargs["column"] in enums:
            assert set(rule.kwargs["value_set"]) == enums.pop(rule.kwargs["column"])
    assert enums.keys() <= {"race_ethnicity", "gender"}, "the layouts' codes hold these (test above)"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of GX's own imports
def test_great_expectations_itself_loads_every_suite() -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite

    for feed in FeedName:
        raw = json.loads((SUITES / f"{feed}.json").read_text(encoding="utf-8"))

        suite = ExpectationSuite(**raw)

        assert [e.expectation_type for e in suite.expectations] == [e["type"] for e in raw["expectations"]]
        assert [e.severity.value for e in suite.expectations] == [e["severity"] for e in raw["expectations"]]


def test_every_contract_is_a_contract_of_the_standard() -> None:
    from open_data_contract_standard.model import OpenDataContractStandard

    for feed in FeedName:
        contract = OpenDataContractStandard.from_file(str(CONTRACTS / f"{feed}.odcs.yaml"))

        assert contract.apiVersion == "v3.1.0"
        assert contract.schema_ is not None
        names = [column.name for column in contract.schema_[0].properties or []]
        assert names == [column.name for column in load_contract(feed).columns]


def rows_of(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_level_that_a_layout_or_suite_writes_is_in_the_levels() -> None:
    levels = {(row["assessment"], row["level"]) for row in rows_of("levels.csv")}
    suite = load_suite(SUITES / "assessment.json")
    allowed = {
        (rule.kwargs["row_condition"]["parameter"], value)
        for rule in suite.expectations
        if rule.kwargs.get("column") == "level" and "value_set" in rule.kwargs
        for value in rule.kwargs["value_set"]
    }
    iready = {("IREADY", v) for v in by_name("iready_diagnostic_ela").columns["level"].codes.values() if v}

    assert levels == allowed
    assert iready == {pair for pair in levels if pair[0] == "IREADY"}


def test_no_level_is_two_things_in_one_year() -> None:
    rows = rows_of("levels.csv")
    spans = [
        (row["assessment"], row["level"], year)
        for row in rows
        for year in range(int(row["from_year"] or 2000), int(row["to_year"] or 2030) + 1)
    ]

    assert max(Counter(spans).values()) == 1


def test_only_scored_levels_say_meeting_or_on_grade_level() -> None:
    for row in rows_of("levels.csv"):
        if row["is_scored"] == "false":
            assert (row["rank"], row["is_meeting"], row["is_on_grade_level"]) == ("", "", "")
        else:
            assert row["rank"]


def test_not_tested_codes_of_mcas_leave_numerator_and_by_rule_the_denominator() -> None:
    ela = by_name("mcas_student").long[0].columns
    tested, expected = ela["tested"].codes, ela["expected"].codes

    assert {code for code, value in tested.items() if not value} == {"ABS", "MED", "INC", "INV", "LEP", "TRN", "DUP"}
    assert {code for code, value in expected.items() if not value} == {"MED", "LEP", "TRN", "DUP"}
    assert (
        tested.keys() == expected.keys() == {r["level"] for r in rows_of("levels.csv") if r["assessment"] == "MCAS"}
    )


def test_every_grade_of_the_contract_is_in_the_grades_and_has_its_group() -> None:
    groups = {group.student_group for group in load_groups()}
    grades = rows_of("grades.csv")

    assert tuple(row["grade"] for row in grades) == load_contract(FeedName.ROSTER).column("grade").enum
    assert {row["student_group"] for row in grades} - {""} <= groups
    assert [row["grade"] for row in grades if row["in_pk12"] != "true"] == ["SP"]


def test_student_groups_are_one_thing_under_every_name() -> None:
    groups = load_groups()
    names = [
        name
        for group in groups
        for name in {n.casefold() for n in (group.student_group, group.label, *group.aliases)}
    ]

    assert max(Counter(names).values()) == 1
    assert len({group.sort for group in groups}) == len(groups)
    races = set(load_contract(FeedName.ROSTER).column("race_ethnicity").enum)
    assert races == {group.student_group for group in groups if group.family == "race_ethnicity"}
