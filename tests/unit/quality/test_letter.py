from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import duckdb
import pytest

from sipetl.errors import StoreError
from sipetl.quality import (
    Expectation,
    Finding,
    Letter,
    Outcome,
    PartOutcome,
    Severity,
    Suite,
    SuiteResult,
    find,
    render_html,
    render_json,
    render_markdown,
    run_suite,
)
from sipetl.quality.letter import MAX_ROWS, NEXT_STEPS

Make = Callable[..., Expectation]
Fill = Callable[[Any], str]

CANARY = "Zzyzx Q. Canary"

LETTER = Letter(
    delivery_id="0193-a",
    sender="North High <office>",
    file_name="roster|2026_<b>.csv",
    received_at=datetime(2025, 10, 1, 7, 30, tzinfo=UTC),
    parts=(
        PartOutcome(
            member="roster.csv",
            outcome=Outcome.QUARANTINED,
            feed="roster",
            district="3501",
            school_year=2026,
            layout="sims v1",
            rows_read=12345,
            rows_good=12300,
            rows_quarantined=45,
            findings=(
                Finding(
                    rule_id="ROS-001",
                    severity=Severity.CRITICAL,
                    column="grade",
                    text="The grade is not one we know.",
                    cure="Use the state's grade codes.",
                    count=45,
                    rows=tuple(range(2, 22)),
                ),
                Finding("ROS-002", Severity.WARNING, None, "Fewer rows than last year."),
            ),
        ),
        PartOutcome("roster.csv", outcome=Outcome.UNRECOGNIZED),
    ),
    next_step="Please answer by Friday.",
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


def test_findings_name_the_first_rows_in_suite_order(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", [None] * 30 + ["x"])})
    rules = (
        rule("rows", "table_row_count_to_be_between", min_value=100),
        replace(rule("null", "column_values_to_not_be_null", column="c"), text="No c.", cure="Fill c."),
        rule("fine", "column_values_to_be_in_set", column="c", value_set=["x"]),
        rule("gone", "column_values_to_not_be_null", column="gone"),
    )
    suite = Suite("s", rules)

    findings = find(con, suite, run_suite(con, table, suite))

    assert findings == (
        Finding("rows", Severity.CRITICAL, None, "Expect table row count to be between."),
        Finding("null", Severity.CRITICAL, "c", "No c.", "Fill c.", 30, tuple(range(1, MAX_ROWS + 1))),
    )


def test_rows_within_mostly_are_still_told(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", ["x", None])})
    suite = Suite("s", (rule("null", "column_values_to_not_be_null", column="c", mostly=0.5),))

    (finding,) = find(con, suite, run_suite(con, table, suite))

    assert (finding.count, finding.rows) == (1, (2,))


def test_findings_of_an_unknown_table_are_a_store_error(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(StoreError):
        find(con, Suite("s", ()), SuiteResult("s", 0, (), "absent", "absent"))


def test_every_outcome_says_what_to_do() -> None:
    assert set(NEXT_STEPS) == set(Outcome)


@pytest.mark.parametrize("render", [render_html, render_markdown, render_json])
def test_letter_says_what_happened_where_and_what_to_do(render: Callable[[Letter], str]) -> None:
    told = re.sub(r"\\(.)", r"\1", render(LETTER))

    for fact in (
        "0193-a",
        "roster",
        "3501",
        "ROS-001",
        "grade",
        "The grade is not one we know.",
        "Use the state",
        "Fewer rows than last year.",
        "Please answer by Friday.",
        NEXT_STEPS[Outcome.QUARANTINED],
        NEXT_STEPS[Outcome.UNRECOGNIZED],
    ):
        assert fact in told
    assert re.search(r"12,?345", told)


def test_html_is_well_formed_accessible_and_self_contained() -> None:
    html = render_html(LETTER)

    parsed = tags(html)
    assert parsed.open == []
    names = [name for name, _ in parsed.seen]
    assert ("html", {"lang": "en"}) in parsed.seen
    assert names.count("h1") == 1
    assert {"title", "main", "caption"} <= set(names)
    assert all("scope" in attributes for name, attributes in parsed.seen if name == "th")
    assert not {"script", "img", "link", "iframe"} & set(names)
    assert not any({"src", "href"} & set(attributes) for _, attributes in parsed.seen)
    assert any(attributes.get("name") == "viewport" for _, attributes in parsed.seen)
    assert "url(" not in html


def test_names_of_senders_and_files_cannot_become_markup() -> None:
    html, markdown = render_html(LETTER), render_markdown(LETTER)

    assert "<b>" not in html
    assert "roster|2026_&lt;b&gt;.csv" in html
    assert r"roster\|2026\_\<b\>" in markdown


def test_html_says_row_numbers_and_that_there_are_more() -> None:
    html = render_html(LETTER)

    assert "45 rows: 2, 3, 4," in html
    assert "20, 21, and more" in html
    assert "school year 2025-26" in html


def test_markdown_tables_have_one_width() -> None:
    lines = render_markdown(LETTER).splitlines()

    table = [line for line in lines if line.startswith(("| ROS", "| rule"))]
    assert len(table) == 3
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {8}


def test_part_that_was_not_read_has_no_row_counts() -> None:
    letter = replace(LETTER, parts=(PartOutcome("roster.csv", outcome=Outcome.DUPLICATE),))

    assert "<table>" not in render_html(letter)
    assert "| read |" not in render_markdown(letter)


def test_json_is_read_back() -> None:
    read = json.loads(render_json(LETTER))

    assert read["received_at"] == "2025-10-01T07:30:00+00:00"
    assert read["parts"][0]["outcome"] == "quarantined"
    assert read["parts"][0]["findings"][0]["rows"] == list(range(2, 22))
    assert read["parts"][1]["next_step"] == NEXT_STEPS[Outcome.UNRECOGNIZED]


def test_no_cell_reaches_a_letter(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", [CANARY, CANARY])})
    suite = Suite(
        "s",
        (
            rule("set", "column_values_to_be_in_set", column="c", value_set=["ok"]),
            rule("unique", "column_values_to_be_unique", column="c"),
            rule("regex", "column_values_to_match_regex", column="c", regex="^ok$"),
        ),
    )
    findings = find(con, suite, run_suite(con, table, suite))
    letter = replace(
        LETTER, parts=(PartOutcome("roster.csv", outcome=Outcome.QUARANTINED, rows_read=2, findings=findings),)
    )

    told = "".join([repr(letter), render_html(letter), render_markdown(letter), render_json(letter)])

    assert len(findings) == 3
    assert CANARY not in told
    assert "Zzyzx" not in told


def told(finding: Finding) -> tuple[str, str, dict[str, Any]]:
    """A letter with one finding, in its three forms."""
    letter = replace(
        LETTER, parts=(PartOutcome("iready.csv", outcome=Outcome.ACCEPTED, rows_read=400, findings=(finding,)),)
    )
    plain = json.loads(render_json(letter))["parts"][0]["findings"][0]
    return re.sub(r"\\(.)", r"\1", render_markdown(letter)), render_html(letter), plain


def test_a_column_is_named_by_the_heading_of_the_file() -> None:
    markdown, html, plain = told(
        Finding("A", Severity.WARNING, "level", "No.", headings=("Overall Relative Placement",))
    )

    assert "| Overall Relative Placement |" in markdown
    assert "column Overall Relative Placement" in html
    assert (plain["column"], plain["headings"]) == ("level", ["Overall Relative Placement"])


def test_several_headings_are_named_with_the_column_that_they_make() -> None:
    finding = Finding("A", Severity.WARNING, "value", "No.", headings=tuple(f"q{n}" for n in range(6)))

    markdown, *_ = told(finding)

    assert "| q0, q1, q2, q3 and 2 more (value) |" in markdown


def test_rows_of_which_only_the_number_is_known_are_not_listed() -> None:
    markdown, html, _ = told(Finding("A", Severity.WARNING, None, "No.", count=400))

    assert "and more" not in markdown + html
    assert markdown.count("| 400 |  |") == 1
    assert "<p>400 rows</p>" in html


def test_an_accepted_part_with_warnings_is_not_nothing_to_do() -> None:
    part = PartOutcome("a.csv", outcome=Outcome.ACCEPTED)
    warned = replace(part, findings=(Finding("A", Severity.WARNING, None, "No."),))
    informed = replace(part, findings=(Finding("A", Severity.INFO, None, "No."),))

    assert part.next_step == informed.next_step == NEXT_STEPS[Outcome.ACCEPTED]
    assert "warnings" in warned.next_step


def test_a_warning_within_what_it_allows_is_not_told(con: duckdb.DuckDBPyConnection, fill: Fill, rule: Make) -> None:
    table = fill({"c": ("varchar", [*"abcdefghi", None])})
    nine_in_ten = replace(
        rule("null", "column_values_to_not_be_null", column="c", mostly=0.9), severity=Severity.WARNING
    )

    assert find(con, Suite("s", (nine_in_ten,)), run_suite(con, table, Suite("s", (nine_in_ten,)))) == ()
