"""The older text form of `row_condition`: read as Great Expectations reads it."""

from __future__ import annotations

import pytest

from sipetl.quality.conditions import read_condition
from sipetl.quality.kwargs import OfColumn

pytestmark = pytest.mark.filterwarnings("ignore")

PARSER = "great_expectations"
TEXTS = [
    'col("a") == "x"',
    "col(\"a\") != 'x y'",
    'col("a b")<=3',
    'col("a") > -1.5',
    'col("a") >= +1e3',
    'col("a") < 10',
    'col("a").notnull()',
    'col("a").NotNull()',
    'col("a") == date("2025-09-01")',
    'col("a") == "it.is-(so)_1%"',
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_as_gx_reads_it(text: str) -> None:
    from great_expectations.expectations.expectation import _convert_string_to_condition

    assert read_condition(text, PARSER) == _convert_string_to_condition(text).dict()


@pytest.mark.parametrize(
    "text", ["a > 1", "col(a) > 1", 'col("a") ~ 1', 'col("a") > 1 and col("b") > 2', "", 'col("a")']
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a condition such as"):
        read_condition(text, PARSER)


@pytest.mark.parametrize(
    "harmless", ["a > 1", "a > 1 and not (b == 'x')", "`a b` in [1, 2]", "a.notnull() | (b != -1)"]
)
def test_condition_in_pandas_language_is_for_gx(harmless: str) -> None:
    for kwargs in (
        {"row_condition": harmless},
        {"row_condition": harmless, "condition_parser": "pandas"},
        {"row_condition": {"type": "pass_through", "pass_through_filter": harmless}},
    ):
        assert OfColumn.model_validate({"column": "a", **kwargs}).is_foreign


@pytest.mark.parametrize(
    "harmful",
    [
        "@pd.io.common.os.system('x')",
        "a.map(print) == 1",
        "__import__('os').system('x') == 0",
        "a.__class__ == 1",
        "(lambda: 1)() == 1",
        "[x for x in a] == 1",
        "a.notnull(print('x'))",
        "a = 1",
        "a if b else c",
    ],
)
def test_condition_that_could_run_code_is_refused(harmful: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        OfColumn.model_validate({"column": "a", "row_condition": harmful})
