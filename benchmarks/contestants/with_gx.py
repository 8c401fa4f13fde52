"""Great Expectations, its pandas engine: the same suite, counts only, or also which rows failed.

Each the cheapest way: no values, which sipetl does not give either.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from clock import hash_of, report

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


ROWS = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row_number"],
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
}


def checks(batch: str, suite: str) -> None:
    read, rules = _prepared(batch, suite)
    report(lambda: read.validate(rules, result_format="SUMMARY"), _look)


def checks_with_rows(batch: str, suite: str) -> None:
    read, rules = _prepared(batch, suite)
    report(
        lambda: read.validate(rules, result_format=ROWS),
        lambda done: _look(done) | {"failing_rows": hash_of(_rows(done))},
    )


def _prepared(batch: str, suite: str) -> tuple[Any, Any]:
    frame = pd.read_parquet(batch)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    given = json.loads(Path(suite).read_text(encoding="utf-8"))
    rules = gx.ExpectationSuite(name="results", expectations=given["expectations"])
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("results")
    definition = asset.add_batch_definition_whole_dataframe("all")
    return definition.get_batch({"dataframe": frame}), rules


def _look(done: Any) -> dict[str, list[int]]:
    """Counts in the suite's order: GX tells them by column."""
    found = {result.expectation_config.meta["rule_id"]: _failing(result) for result in done.results}
    return {"failing": [found[rule] for rule in sorted(found)]}


def _failing(result: Any) -> int:
    return int(result.result.get("unexpected_count", not result.success))


def _rows(done: Any) -> Iterator[tuple[str, int]]:
    """Rule and row of each failure; without values, GX gives one entry that holds all numbers."""
    for result in done.results:
        for entry in result.result.get("unexpected_index_list") or ():
            numbers = entry["row_number"]
            for number in numbers if isinstance(numbers, list) else [numbers]:
                yield result.expectation_config.meta["rule_id"], int(number)


if __name__ == "__main__":
    {"checks": checks, "checks_with_rows": checks_with_rows}[sys.argv[1]](*sys.argv[2:])
