"""Great Expectations, its pandas engine: the same suite, counts only, which is the cheapest that it gives."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from clock import report

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def checks(batch: str, suite: str) -> None:
    frame = pd.read_parquet(batch)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    given = json.loads(Path(suite).read_text(encoding="utf-8"))
    rules = gx.ExpectationSuite(name="results", expectations=given["expectations"])
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("results")
    definition = asset.add_batch_definition_whole_dataframe("all")
    read = definition.get_batch({"dataframe": frame})
    report(lambda: read.validate(rules, result_format="SUMMARY"), _look)


def _look(done: Any) -> dict[str, list[int]]:
    """Counts in the suite's order: GX tells them by column."""
    found = {result.expectation_config.meta["rule_id"]: _failing(result) for result in done.results}
    return {"failing": [found[rule] for rule in sorted(found)]}


def _failing(result: Any) -> int:
    return int(result.result.get("unexpected_count", not result.success))


if __name__ == "__main__":
    {"checks": checks}[sys.argv[1]](*sys.argv[2:])
