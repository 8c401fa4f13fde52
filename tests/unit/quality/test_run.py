from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from sipetl import repeats
from sipetl.errors import StoreError
from sipetl.quality import Expectation, RuleResult, Suite, check_suite, run_suite

Make = Callable[..., Expectation]
Fill = Callable[[Any], str]

CANARY = "Zzyzx Q. Canary"


def run(con: duckdb.DuckDBPyConnection, table: str, *rules: Expectation) -> tuple[RuleResult, ...]:
    return run_suite(con, table, Suite("s", rules)).rules


@pytest.mark.parametrize(
    ("kind", "kwargs", "error"),
    [
        ("column_values_to_not_be_null", {"column": "absent"}, "column 'absent' is not in the batch"),
        ("column_values_to_sparkle", {}, "GX cannot run type 'expect_column_values_to_sparkle'"),
        ("column_values_to_be_between", {"column": "score"}, "the kwargs of the rule are wrong"),
        (
            "column_values_to_be_between",
            {"column": "school", "min_value": 1},
            "column 'school' holds text; the rule needs number or date or timestamp",
        ),
        ("column_values_to_be_between", {"column": "day", "min_value": 1}, "the rule compares date with int"),
        ("column_values_to_match_regex", {"column": "score", "regex": "1"}, "holds number; the rule needs text"),
        ("column_values_to_be_in_set", {"column": "school", "value_set": [1]}, "compares text with int"),
        ("column_values_to_be_in_set", {"column": "day", "value_set": ["May"]}, "not an ISO date"),
        (
            "column_pair_values_a_to_be_greater_than_b",
            {"column_A": "day", "column_B": "score"},
            "column 'score' holds number; the rule needs date",
        ),
        (
            "table_row_count_to_be_between",
            {"min_value": 0, "row_condition": {"type": "nullity", "column": {"name": "gone"}, "is_null": True}},
            "column 'gone' is not in the batch",
        ),
    ],
)
def test_rule_that_cannot_run_is_an_error_and_not_a_pass(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make, kind: str, kwargs: dict[str, Any], error: str
) -> None:
    table = fill({"school": ("varchar", ["1"]), "score": ("bigint", [1]), "day": ("date", [date(2025, 9, 1)])})

    broken, other = run(
        con, table, rule("broken", kind, **kwargs), rule("other", "column_values_to_not_be_null", column="school")
    )

    assert error in broken.error
    assert not broken.success
    assert other.success


def test_results_keep_the_order_of_the_suite(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ["1"])})
    ids = ["b", "c", "a"]

    found = run(con, table, *(rule(i, "column_values_to_not_be_null", column="c") for i in ids))

    assert [r.rule_id for r in found] == ids


def test_row_that_breaks_two_rules_is_named_by_both(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ["ok", "x"])})
    rules = (
        rule("set", "column_values_to_be_in_set", column="c", value_set=["ok"]),
        rule("length", "column_value_lengths_to_be_between", column="c", min_value=2),
    )

    result = run_suite(con, table, Suite("s", rules))

    rows = con.execute(f"from {result.failing} order by all").fetchall()
    assert rows == [(2, "length"), (2, "set")]


def test_table_of_failing_rows_has_row_number_and_rule_only(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make
) -> None:
    table = fill({"c": ("varchar", ["x"])})

    result = run_suite(con, table, Suite("s", ()))

    described = con.execute(f"describe {result.failing}").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [("row_number", "BIGINT"), ("rule_id", "VARCHAR")]


def test_lookups_are_dropped(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ["x", "x"])})

    run(con, table, rule("u", "column_values_to_be_unique", column="c"))

    names = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    assert names == {"batch", "batch__failing"}


def test_decimals_are_compared_as_decimals(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("decimal(5,2)", [Decimal("0.10"), Decimal("0.30"), None])})

    between, mean = run(
        con,
        table,
        rule("b", "column_values_to_be_between", column="c", min_value=0.1, max_value=0.3),
        rule("m", "column_mean_to_be_between", column="c", min_value=0.2, max_value=0.2),
    )

    assert (between.success, between.unexpected_count) == (True, 0)
    assert mean.success


def test_hashes_and_booleans_can_be_checked(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"id_hash": ("blob", [b"\0" * 32, b"\0" * 32, None]), "present": ("boolean", [True, False, None])})

    unique, inside = run(
        con,
        table,
        rule("u", "column_values_to_be_unique", column="id_hash"),
        rule("i", "column_values_to_be_in_set", column="present", value_set=[True]),
    )

    assert (unique.element_count, unique.unexpected_count) == (3, 2)
    assert inside.unexpected_count == 1


def test_names_and_values_with_quotes_are_only_names_and_values(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make
) -> None:
    table = fill({"it's": ("varchar", ["'; drop table batch; --", "b"])})

    (found,) = run(
        con,
        table,
        rule("'", "column_values_to_be_in_set", column="it's", value_set=["'; drop table batch; --"]),
    )

    assert found.unexpected_count == 1


def test_mean_of_few_is_judged_but_not_shown(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    mean = rule("m", "column_mean_to_be_between", column="c", min_value=0)

    (of_nine,) = run(con, fill({"c": ("bigint", [3] * 9)}), mean)
    (of_ten,) = run(con, fill({"c": ("bigint", [3] * 10)}), mean)

    assert (of_nine.success, of_nine.observed) == (True, None)
    assert (of_ten.success, of_ten.observed) == (True, 3.0)


def test_counts_and_proportions_are_observed(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ["a", "b", "b", "b", None])})

    found = run(
        con,
        table,
        rule("rows", "table_row_count_to_be_between", min_value=1),
        rule("distinct", "column_unique_value_count_to_be_between", column="c", min_value=1),
        rule("share", "column_proportion_of_unique_values_to_be_between", column="c", min_value=0),
    )

    assert [r.observed for r in found] == [5, 2, 0.5]


def test_failing_values_appear_in_no_result(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", [CANARY, CANARY]), "n": ("bigint", [987654321, 987654321])})
    rules = (
        rule("set", "column_values_to_be_in_set", column="c", value_set=["ok"]),
        rule("regex", "column_values_to_match_regex", column="c", regex="^ok$"),
        rule("unique", "column_values_to_be_unique", column="c"),
        rule("date", "column_values_to_match_strftime_format", column="c", strftime_format="%Y"),
        rule("max", "column_max_to_be_between", column="n", max_value=1),
        rule("mean", "column_mean_to_be_between", column="n", max_value=1),
        rule("wrong", "column_values_to_be_between", column="c", max_value=1),
    )

    result = run_suite(con, table, Suite("s", rules))

    told = "\n".join([repr(result), str(result), json.dumps(asdict(result))])
    told += repr(con.execute(f"from {result.failing}").fetchall())
    assert not any(r.success for r in result.rules)
    assert CANARY not in told
    assert "987654321" not in told


def test_store_error_does_not_quote_duckdb(con: duckdb.DuckDBPyConnection, rule: Make) -> None:
    # A view over text that does not cast fails only when it is read; DuckDB's own message quotes the cell.
    con.execute(f"create view batch as select 1::bigint as row_number, cast('{CANARY}' as bigint) as c")

    with pytest.raises(StoreError) as caught:
        run(
            con,
            "batch",
            rule("n", "column_values_to_not_be_null", column="c"),
            rule("u", "column_values_to_be_unique", column="c"),
        )

    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_key_holds_within_a_district_and_school_year(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    columns = {
        "school": ("varchar", ["1", "1", "1", "1"]),
        "grade": ("varchar", ["03", "03", "03", "03"]),
        "district": ("varchar", ["3501", "3501", "9002", "3501"]),
        "school_year": ("bigint", [2024, 2025, 2025, 2025]),
    }

    (result,) = run(con, fill(columns), rule("key", "compound_columns_to_be_unique", column_list=["school", "grade"]))

    assert result.unexpected_count == 2, "the second and the last row, which are of one district and year"


def test_schema_that_refers_to_itself_is_followed(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ['{"next": {"next": {}}}', '{"next": 1}', "no json"])})
    endless, tree = {"$ref": "#"}, {"type": "object", "properties": {"next": {"$ref": "#"}}}

    never, found = run(
        con,
        table,
        rule("endless", "column_values_to_match_json_schema", column="c", json_schema=endless),
        rule("tree", "column_values_to_match_json_schema", column="c", json_schema=tree),
    )

    assert (never.unexpected_count, found.unexpected_count) == (3, 2)


def test_keys_of_many_rows_are_counted_in_sql_and_found_alike(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fill({"a": ("varchar", ["x", "x", None, None, "y"]), "b": ("bigint", [1, 1, None, None, 1])})
    rules = (
        rule("single", "column_values_to_be_unique", column="a"),
        rule("key", "compound_columns_to_be_unique", column_list=["a", "b"], ignore_row_if="never"),
    )
    sorted_in_memory = run(con, table, *rules)

    monkeypatch.setattr(repeats, "SORTED", 0)

    assert run(con, table, *rules) == sorted_in_memory
    assert [found.unexpected_count for found in sorted_in_memory] == [2, 4]


def test_hundreds_of_rules_are_told_apart(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("bigint", list(range(130)))})
    rows = [rule(f"row {i}", "column_values_to_be_between", column="c", max_value=i) for i in range(130)]
    files = [rule(f"file {i}", "column_max_to_be_between", column="c", max_value=i) for i in range(130)]

    result = run_suite(con, table, Suite("s", (*rows, *files)))

    failing = con.execute(f"select rule_id, min(row_number) from {result.failing} group by all").fetchall()
    assert [found.unexpected_count for found in result.rules[:130]] == list(range(129, -1, -1))
    assert dict(failing) == {f"row {i}": i + 2 for i in range(129)}
    assert [found.success for found in result.rules[130:]] == [False] * 129 + [True]


def test_rule_with_the_id_of_another_is_an_error(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("bigint", [1, None])})

    first, again = run(
        con,
        table,
        rule("same", "column_values_to_be_between", column="c", min_value=1),
        rule("same", "column_values_to_not_be_null", column="c"),
    )

    assert (first.success, first.unexpected_count) == (True, 0)
    assert (again.success, again.error) == (False, "another rule has the same rule_id")


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -1e308, 10**40, 2**63])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("column_values_to_be_between", "max_value"),
        ("column_max_to_be_between", "min_value"),
        ("column_values_to_be_in_set", "value_set"),
        ("column_distinct_values_to_equal_set", "value_set"),
        ("column_most_common_value_to_be_in_set", "value_set"),
        ("column_value_lengths_to_be_between", "max_value"),
        ("column_value_lengths_to_equal", "value"),
        ("multicolumn_sum_to_equal", "sum_total"),
    ],
)
@pytest.mark.parametrize("type_of", ["bigint", "double", "decimal(18,6)"])
def test_number_of_any_size_is_refused_by_the_check_or_compared(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make, kind: str, name: str, number: float, type_of: str
) -> None:
    table = fill({"c": (type_of, [1, 2, None]), "d": (type_of, [1, 2, None]), "t": ("varchar", ["a", "b", None])})
    columns = (
        {"column_list": ["c", "d"]} if kind.startswith("multi") else {"column": "t" if "length" in kind else "c"}
    )
    one = rule("r", kind, **columns, **{name: [number] if name == "value_set" else number})

    faults = check_suite(Suite("s", (one,)), {"c": type_of, "d": type_of, "t": "varchar"})

    (found,) = run(con, table, one)
    assert bool(found.error) == bool(faults)
    assert found.error or found.success == (
        (name == "max_value" and number > 1) or (name == "min_value" and number < 1)
    )
