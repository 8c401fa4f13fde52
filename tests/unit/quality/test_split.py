from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from sipetl.errors import StoreError
from sipetl.quality import Action, Expectation, Outcome, Severity, Split, Suite, SuiteResult, run_suite, split

Make = Callable[..., Expectation]
Fill = Callable[[Any], str]

CELLS = {"c": ("varchar", ["ok", "bad", None, "ok"])}


def gate(con: duckdb.DuckDBPyConnection, table: str, *rules: Expectation) -> Split:
    return split(con, table, run_suite(con, table, Suite("s", rules)))


def good(con: duckdb.DuckDBPyConnection, found: Split) -> list[int]:
    return [n for (n,) in con.execute(f"select row_number from {found.good} order by 1").fetchall()]


def quarantined(con: duckdb.DuckDBPyConnection, found: Split) -> list[tuple[int, str]]:
    return con.execute(f"from {found.quarantined} order by all").fetchall()


def test_clean_batch_is_accepted(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(con, fill(CELLS), rule("n", "table_row_count_to_be_between", min_value=4))

    assert found.outcome is Outcome.ACCEPTED
    assert good(con, found) == [1, 2, 3, 4]
    assert (found.rows_read, found.rows_good, found.rows_quarantined, found.rows_rejected) == (4, 4, 0, 0)


def test_critical_row_rules_quarantine_their_rows(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(
        con,
        fill(CELLS),
        rule("set", "column_values_to_be_in_set", column="c", value_set=["ok"]),
        rule("length", "column_value_lengths_to_be_between", column="c", max_value=2),
        rule("null", "column_values_to_not_be_null", column="c"),
    )

    assert found.outcome is Outcome.QUARANTINED
    assert good(con, found) == [1, 4]
    assert quarantined(con, found) == [(2, "length"), (2, "set"), (3, "null")]
    assert (found.rows_read, found.rows_good, found.rows_quarantined, found.rows_rejected) == (4, 2, 2, 0)


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.INFO])
def test_warning_stops_no_row(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make, severity: Severity) -> None:
    found = gate(
        con,
        fill(CELLS),
        rule("null", "column_values_to_not_be_null", column="c", severity=severity),
        rule("rows", "table_row_count_to_be_between", min_value=5, severity=severity),
        rule("gone", "column_values_to_not_be_null", column="gone", severity=severity),
    )

    assert found.outcome is Outcome.ACCEPTED
    assert good(con, found) == [1, 2, 3, 4]


def test_critical_file_rule_rejects_the_whole_file(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(
        con,
        fill(CELLS),
        rule("rows", "table_row_count_to_be_between", min_value=5),
        rule("null", "column_values_to_not_be_null", column="c"),
    )

    assert (found.outcome, found.rejected_by) == (Outcome.REJECTED, ("rows",))
    assert good(con, found) == []
    assert quarantined(con, found) == []
    assert (found.rows_read, found.rows_good, found.rows_quarantined, found.rows_rejected) == (4, 0, 0, 4)


def test_row_rule_may_reject_the_file(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(
        con, fill(CELLS), rule("null", "column_values_to_not_be_null", column="c", action=Action.REJECT_FILE)
    )

    assert (found.outcome, found.rejected_by) == (Outcome.REJECTED, ("null",))


@pytest.mark.parametrize(
    ("mostly", "outcome", "rows"), [(0.75, Outcome.QUARANTINED, [1, 2, 4]), (0.76, Outcome.REJECTED, [])]
)
def test_mostly_is_the_share_above_which_the_file_is_rejected(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make, mostly: float, outcome: Outcome, rows: list[int]
) -> None:
    found = gate(con, fill(CELLS), rule("null", "column_values_to_not_be_null", column="c", mostly=mostly))

    assert found.outcome is outcome
    assert good(con, found) == rows


def test_file_rule_within_its_mostly_quarantines_nothing(
    con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make
) -> None:
    found = gate(
        con,
        fill(CELLS),
        rule("null", "column_values_to_not_be_null", column="c", mostly=0.5, action=Action.REJECT_FILE),
    )

    assert found.outcome is Outcome.ACCEPTED
    assert good(con, found) == [1, 2, 3, 4]


def test_critical_rule_that_cannot_run_holds_the_file(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(con, fill(CELLS), rule("gone", "column_values_to_not_be_null", column="gone"))

    assert (found.outcome, found.held_by) == (Outcome.HELD, ("gone",))
    assert good(con, found) == []
    assert (found.rows_good, found.rows_rejected) == (0, 0)


def test_rejection_outranks_a_hold(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    found = gate(
        con,
        fill(CELLS),
        rule("gone", "column_values_to_not_be_null", column="gone"),
        rule("rows", "table_row_count_to_be_between", min_value=5),
    )

    assert found.outcome is Outcome.REJECTED


def test_good_and_quarantined_rows_are_the_batch(con: duckdb.DuckDBPyConnection, rule: Make) -> None:
    con.execute(
        "create table batch as select range + 1 as row_number, "
        "case when range % 3 <> 0 then (range % 7)::varchar end as c from range(10000)"
    )

    found = gate(
        con,
        "batch",
        rule("null", "column_values_to_not_be_null", column="c"),
        rule("set", "column_values_to_be_in_set", column="c", value_set=["1", "2", "3"]),
        rule("not", "column_values_to_not_match_regex", column="c", regex="3"),
    )

    kept = good(con, found)
    stopped = {row for row, _ in quarantined(con, found)}
    assert sorted([*kept, *stopped]) == list(range(1, 10001))
    assert (found.rows_good, found.rows_quarantined) == (len(kept), len(stopped))


def test_split_of_an_unknown_result_is_a_store_error(con: duckdb.DuckDBPyConnection, fill: Fill) -> None:
    with pytest.raises(StoreError):
        split(con, fill(CELLS), SuiteResult("s", 4, (), "absent", "absent"))
