"""The catalogue is data: what it can make the compiler say is limited, and these are the attempts."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from sipetl.errors import RegistryError
from sipetl.metrics import compute_feed, load_catalogue
from sipetl.metrics.compiler import compile_feed, load_facts
from sipetl.metrics.expression import as_sql, check_expression
from sipetl.metrics.policies import policy_numbers
from sipetl.registry.models import FeedName

COLUMNS = {"days": "integer", "here": "boolean", "subject": "text"}
ATTACKS = [
    "(select max(days) from lake_attendance)",
    "days in (select days from lake_roster)",
    "exists (select 1 from lake_roster)",
    "days > any (select 1)",
    "read_csv('names.csv')",
    "read_text('/etc/passwd') is null",
    "getenv('HOME') = 'x'",
    "lake_roster.grade = '01'",
    "identity.student_key",
    "days; drop table lake_roster",
    "days from lake_roster",
    "days as numerator, days",
    "sum(days)",
    "count(*)",
    "row_number() over ()",
    "days / 2",
    "days::varchar",
    "cast(days as double)",
    "random() > 0",
    "current_date > date '2026-01-01'",
    "subject like '%x%'",
    "$as_of",
    "?",
    ":other",
    "columns('.*')",
    "*",
    "[days]",
    "{'a': days}",
    "list_filter([1], x -> x > 0)",
    "days) end) union all select (case when (1",
    "'unclosed",
    "",
    "days > 1 -- */ or read_text('/etc/passwd') is null /*",
    "days /* */ > 1",
    "days > 1; attach 'other.db' as other",
    "days > 1; pragma database_list",
    "copy (select 1) to 'other.csv'",
    "glob('*') is null",
    "days > 1 union select 1",
    "days > 1 order by days",
    "(days, here) = (1, true)",
    "days in (table lake_roster)",
    "days in unnest([1])",
    "coalesce(days, (values (1)))",
    "case when here then (from lake_roster select days) end",
    "e'\\x41' = subject",
    "$$text$$ = subject",
    "x'41' = subject",
    "0x1f = days",
    "lower(subject) = 'ela'",
    "try(days)",
    "days collate nocase = 1",
    "days at time zone 'UTC' > 1",
    "subject[1:1] = 'E'",
    "subject.days = 1",
    '"days) from lake_roster --" > 1',
    "days is json",
    "lag(days) over (order by days) > 1",
    "days filter (where here)",
    "1.5 * days",
    "days > 1e3",
]
MIXED = [
    "subject",
    "days > 'ELA'",
    "here = 1",
    "not days",
    "days and here",
    "here + 1",
    "subject in ('ELA', 3)",
    "case when here then 'ELA' else 1 end",
    "case subject when 1 then 1 end",
    "coalesce(here, 0)",
    "subject between 1 and 2",
    "greatest(days, here)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_expression_beyond_the_allow_list_is_refused(text: str) -> None:
    with pytest.raises(RegistryError) as caught:
        check_expression(text, COLUMNS, where="file.yaml:7", keys=("subject",))

    assert (caught.value.where, bool(caught.value.cure)) == ("file.yaml:7", True)


@pytest.mark.parametrize("text", MIXED)
def test_types_that_an_engine_would_have_to_cast_are_refused(text: str) -> None:
    with pytest.raises(RegistryError) as caught:
        check_expression(text, COLUMNS, where="file.yaml:7")

    assert (caught.value.where, bool(caught.value.cure)) == ("file.yaml:7", True)


@pytest.mark.parametrize(
    ("text", "is_condition"),
    [
        ("coalesce(here, false)", True), ("(here)", True), ("case when days > 1 then here end", True), ("null", False),
        ("case subject when 'ELA' then days end", False), ("coalesce(days, 0)", False), ("subject = :key", True),
    ],
)  # fmt: skip
def test_expression_is_a_condition_or_a_number(text: str, is_condition: bool) -> None:
    assert as_sql(text, COLUMNS, bound={"key": "ELA"})[1] is is_condition


@pytest.mark.parametrize(
    "text",
    [
        "days >= 20 and 10 * days >= days", "here", "not here or days is not null", "subject in ('ELA', 'MATH')",
        "days between 1 and 5", "coalesce(days, 0) - 3", "case when here then days else 0 end", "subject = :subject",
        "greatest(days, 3) + least(days, abs(-4))",
    ],
)  # fmt: skip
def test_arithmetic_and_comparison_are_allowed(text: str) -> None:
    assert check_expression(text, COLUMNS, keys=("subject",)) is not None


def test_quote_in_a_found_value_stays_text() -> None:
    metric = load_catalogue().get("evidence_count_x")
    assert metric is not None
    hostile = metric.model_copy(update={"bound": {"evidence": "x') or ('1' = '1"}})

    query = compile_feed(load_facts(FeedName.EVIDENCE), [hostile])

    assert "'x'') or (''1'' = ''1'" in query


def test_aggregate_that_metrics_share_is_computed_once() -> None:
    metrics = load_catalogue().metrics(FeedName.ATTENDANCE)

    query = compile_feed(load_facts(FeedName.ATTENDANCE), metrics)

    twenty_days = [
        line for line in query.splitlines() if line.strip().startswith("count(case when (days_enrolled_x100 >= 2000)")
    ]
    units = 3
    assert len(twenty_days) == units


def test_feed_without_facts_is_named() -> None:
    with pytest.raises(RegistryError, match="course"):
        load_facts(FeedName.COURSE)


@pytest.mark.parametrize(
    "feed", ["attendance", "assessment", "survey", "observation", "evidence", "published_results"]
)
def test_empty_inputs_give_no_rows(feed: str) -> None:
    con = duckdb.connect()

    table = compute_feed(con, FeedName(feed), as_of=date(2026, 1, 1), catalogue=load_catalogue())

    assert con.execute(f"select count(*) from {table}").fetchone() == (0,)
    assert con.table(table).columns == [
        "organization_id", "period_id", "metric", "metric_version", "student_group", "school_year", "as_of",
        "numerator", "denominator", "sum_xx", "sum_xy", "sum_yy", "n", "expected_n",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "feed", ["attendance", "assessment", "survey", "observation", "evidence", "published_results"]
)
def test_header_columns_are_in_some_unit_of_the_facts(feed: str) -> None:
    """Every declared column exists: a query that names it in each unit that has it runs."""
    facts, con = load_facts(FeedName(feed)), duckdb.connect()
    compute_feed(con, FeedName(feed), as_of=date(2026, 1, 1), catalogue=load_catalogue())
    given = {"as_of": date(2026, 1, 1), "levels": ["school"], **policy_numbers()}

    found: set[str] = set()
    for unit in facts.units:
        query = f"{facts.sql}\nselect * from facts_{unit} limit 0"
        used = {name: value for name, value in given.items() if f"${name}" in query}
        found |= {column[0] for column in con.execute(query, used).description}

    assert set(facts.columns) <= found
