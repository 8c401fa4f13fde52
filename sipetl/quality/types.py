"""All expectation types of Great Expectations 1.24, and how each is executed: one row of data per type.

Adding a type is one function and one row in the table of its kind. What holds for all:

- a missing value is never looked at (rules about missing values, pairs and compound keys excepted), and
  not-a-number is missing;
- an empty batch, or no row in scope, passes every row rule;
- a column of the wrong kind is an error, never a pass;
- bounds, fractions and decimals are compared as decimals where the column holds decimals.

docs/expectations.md is written from here.
"""

from __future__ import annotations

from sipetl.quality import kwargs as kw
from sipetl.quality.file_types import FILE_TYPES
from sipetl.quality.row_types import ROW_TYPES
from sipetl.quality.ruletype import Reference, RuleType, Way
from sipetl.quality.table_types import TABLE_TYPES
from sipetl.quality.value_types import VALUE_TYPES

_ELSEWHERE = "it compares with another table or runs SQL of its own, and a batch has neither"
_UNFINISHED = "GX 1.24 has the name, and no code behind it"

UNRUN: dict[str, RuleType] = {
    name: RuleType(kw.Kwargs, None, Way.NEVER, Reference.NONE, note)
    for name, note in (
        ("expect_table_row_count_to_equal_other_table", _ELSEWHERE),
        ("expect_query_results_to_match_comparison", _ELSEWHERE),
        ("unexpected_rows_expectation", _ELSEWHERE),
        ("expect_multicolumn_values_to_be_unique", f"{_UNFINISHED}; use expect_compound_columns_to_be_unique"),
        ("expect_column_bootstrapped_ks_test_p_value_to_be_greater_than", _UNFINISHED),
        ("expect_column_chi_square_test_p_value_to_be_greater_than", _UNFINISHED),
        ("expect_column_pair_cramers_phi_value_to_be_less_than", _UNFINISHED),
        ("expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than", _UNFINISHED),
    )
}
"""Named here so that `sipetl check` says why; they are handed to GX all the same, which refuses them."""

TYPES: dict[str, RuleType] = ROW_TYPES | VALUE_TYPES | FILE_TYPES | TABLE_TYPES | UNRUN
