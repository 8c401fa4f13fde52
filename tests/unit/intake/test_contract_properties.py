"""What contracts say of their columns for the letter: it must fit the facts that metrics are computed from."""

from __future__ import annotations

import pytest

from sipetl.intake import load_contract
from sipetl.metrics import load_facts
from sipetl.registry.models import FeedName

GIVEN = [
    (feed, column.name, one.property, one.value)
    for feed in FeedName
    for column in load_contract(feed).columns
    for one in column.custom_properties
]
MADE = [(feed, name, value) for feed, name, kind, value in GIVEN if kind == "makes"]
SPANS = [(feed, name, value) for feed, name, kind, value in GIVEN if kind == "plausibleSpan"]


@pytest.mark.parametrize(("feed", "column", "made"), MADE)
def test_what_a_column_makes_is_in_the_facts_and_its_sql_reads_the_column(
    feed: FeedName, column: str, made: list[str]
) -> None:
    facts = load_facts(feed)

    assert set(made) <= set(facts.columns)
    assert column in facts.sql


@pytest.mark.parametrize(("feed", "column", "span"), SPANS)
def test_a_span_is_of_a_date_and_counted_in_years(feed: FeedName, column: str, span: dict[str, int]) -> None:
    assert load_contract(feed).column(column).physical_type == "date"
    assert set(span) == {"yearsBefore", "yearsAfter"}
    assert min(span.values()) >= 0


def test_only_known_properties_are_given() -> None:
    assert {kind for _, _, kind, _ in GIVEN} == {"enum", "makes", "groups", "plausibleSpan"}
