"""What DuckDB accepts in Python's place, Python accepts: patterns and date formats, over generated texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipetl.quality import Expectation, Suite, run_suite
from sipetl.quality.sure import sure_format, sure_pattern

# Long enough to be refused by DuckDB's engine, not by Python's.
TOO_LARGE = "^[0-9]{1001}$"
ATOMS = [
    "a",
    "B",
    "_",
    "-",
    r"\.",
    r"\$",
    r"\\",
    ".",
    r"\d",
    r"\w",
    r"\s",
    "[a-c]",
    r"[\d.-]",
    "[^ab]",
    r"[-\w]",
    "[$|]",
]
REPEATED = ["", "", "?", "*", "+", "{2}", "{1,2}", "{2,}", "*?", "+?"]
ODD = ["\n", " ", "\t", "\v", "\0", "٣", "é", "ß", "İ", "\x85", "\u2028", "😀"]
"""Line ends, and signs that only one of the engines may take for a digit, a letter or a space."""

atoms = st.builds("".join, st.tuples(st.sampled_from(ATOMS), st.sampled_from(REPEATED)))
branches = st.lists(atoms, max_size=3).map("".join)
groups = st.builds(
    "({}){}".format, st.lists(branches, min_size=1, max_size=2).map("|".join), st.sampled_from(["", "?"])
)
patterns = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^", r"\A"]),
    st.lists(atoms | groups, max_size=4).map("".join),
    st.sampled_from(["", "$", r"\Z", "$|^b"]),
)
texts = st.text(st.sampled_from([*"aAbBc1 -._$|\\", *ODD]), max_size=6)
DIRECTIVES = ["%Y", "%m", "%d", "%H", "%M", "%S", "%f", "%y"]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def found(duck: duckdb.DuckDBPyConnection, pattern: str, values: list[str]) -> list[str]:
    query = "select v from (select unnest(?::varchar[]) as v) where regexp_matches(v, ?)"
    return [value for (value,) in duck.execute(query, [values, pattern]).fetchall()]


@given(pattern=patterns, values=st.lists(texts, min_size=1, max_size=40))
def test_a_pattern_of_duckdb_finds_nothing_that_python_does_not(
    duck: duckdb.DuckDBPyConnection, pattern: str, values: list[str]
) -> None:
    sure = sure_pattern(pattern)

    assert sure is not None
    assert all(re.search(pattern, value) for value in found(duck, sure, values))


@given(pattern=patterns, data=st.data())
def test_a_pattern_of_duckdb_finds_plain_texts_that_python_does(
    duck: duckdb.DuckDBPyConnection, pattern: str, data: st.DataObject
) -> None:
    fitting = data.draw(
        st.from_regex(pattern, alphabet=st.sampled_from("aAbBc1 -._$|\\")).filter(lambda v: "\n" not in v)
    )

    assert found(duck, sure_pattern(pattern) or "", [fitting]) == [fitting]


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a", "(?s).*", "a(?=b)", "(?<!a)b", r"(a)\1", "(?P<n>a)", "(a|b)*", "(a?){2}", r"\bword", r"\D", r"[^\d]",
        "a*+", "a{,3}", "é", "[é]", "[[a]", r"\x41", r"\n", "a{b}", "(?>a)", "[ -~]",
    ],
)  # fmt: skip
def test_a_pattern_that_may_mean_more_to_duckdb_goes_to_python(pattern: str) -> None:
    assert sure_pattern(pattern) is None


@given(
    chosen=st.permutations(DIRECTIVES).flatmap(lambda given: st.integers(0, 8).map(lambda n: given[:n])),
    sign=st.sampled_from(["", "-", "/", " ", ".", "T", ":", ", "]),
    data=st.data(),
)
def test_a_format_of_duckdb_finds_only_what_python_reads(
    duck: duckdb.DuckDBPyConnection, chosen: list[str], sign: str, data: st.DataObject
) -> None:
    strftime_format = sign.join(dict.fromkeys(chosen))
    sure = sure_format(strftime_format)
    assert sure is not None

    written = data.draw(st.from_regex(sure.replace(r"\z", r"\Z"), alphabet=st.sampled_from("0123456789-/ .T:,")))

    assert found(duck, sure, [written]) == [written]
    assert datetime.strptime(written, strftime_format)  # noqa: DTZ007


@pytest.mark.parametrize("strftime_format", ["%d %b %Y %H:%M", "%I:%M %p", "%H:%M %z", "%H%%", "%H\n%M", "é%H"])
def test_a_format_of_words_or_odd_signs_goes_to_python(strftime_format: str) -> None:
    assert sure_format(strftime_format) is None


@pytest.mark.parametrize("times", [1, 10], ids=["many values", "few values"])
@pytest.mark.parametrize("pattern", ["^[0-9]{3}$", "(?:^[0-9]{3}$)+", TOO_LARGE])
def test_rows_fail_alike_with_a_pattern_of_duckdb_and_without(
    duck: duckdb.DuckDBPyConnection, pattern: str, times: int, fill_texts: Callable[[list[str | None]], str]
) -> None:
    cells = ["123", "123\n", "12", "١٢٣", "", None, "123", "1" * 1001] * times
    table = fill_texts(cells)
    rule = Expectation("r", "expect_column_values_to_match_regex", {"column": "c", "regex": pattern})

    result = run_suite(duck, table, Suite("s", (rule,)))

    rows = [row for (row,) in duck.execute(f"select row_number from {result.failing} order by all").fetchall()]
    assert rows == [i for i, cell in enumerate(cells, 1) if cell is not None and not re.search(pattern, cell)]


@pytest.fixture
def fill_texts(duck: duckdb.DuckDBPyConnection) -> Callable[[list[str | None]], str]:
    def write(cells: list[str | None]) -> str:
        duck.execute(
            "create or replace table batch as select * from (select unnest(?::varchar[]) as c, "
            "generate_subscripts(?::varchar[], 1) as row_number)",
            [cells, cells],
        )
        return "batch"

    return write
