"""A rule that only Great Expectations knows: run by its pandas engine, on the rule's own columns.

Types of other packages, and conditions in pandas' language. Slow (GX alone takes seconds to import) and rare;
only counts and row numbers come back, whatever GX says of values stays here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import duckdb

from sipetl.quality.gx_types import BroughtTypesError, named_columns, quiet, register_brought_types
from sipetl.quality.sql import ROW_NUMBER, Columns, quote
from sipetl.quality.suite import Expectation

_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [ROW_NUMBER],
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What GX found, without values; `rows` are the numbers of failing rows."""

    success: bool
    error: str = ""
    element_count: int | None = None
    unexpected_count: int | None = None
    missing_count: int | None = None
    mostly: float = 1.0
    rows: tuple[int, ...] = ()


def run_in_gx(con: duckdb.DuckDBPyConnection, table: str, rule: Expectation, columns: Columns) -> Found:
    """Run one rule in GX's pandas engine; `table` comes quoted.

    Rows of a type that judges rows must name their columns in the usual kwargs, or the whole batch is loaded.
    """
    wanted = [ROW_NUMBER, *_read_by(rule.kwargs, columns)]
    frame = con.execute(f"select {', '.join(map(quote, wanted))} from {table} order by {ROW_NUMBER}").df()
    with quiet():
        return _validate(frame, rule)


def _read_by(kwargs: Mapping[str, Any], columns: Columns) -> list[str]:
    """Name the batch's columns that a rule names, also inside a condition; all of them where it names none."""
    named = set(named_columns(kwargs))
    condition = str(kwargs.get("row_condition", ""))
    named.update(name for name in columns.kinds if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", condition))
    return [name for name in columns.kinds if name in named] or list(columns.kinds)


def _validate(frame: Any, rule: Expectation) -> Found:
    import great_expectations as gx
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    batch = (
        context.data_sources.add_pandas("batch")
        .add_dataframe_asset("batch")
        .add_batch_definition_whole_dataframe("all")
    )
    try:
        register_brought_types()
        suite = gx.ExpectationSuite(name="one", expectations=[{"type": rule.type, "kwargs": dict(rule.kwargs)}])
        (found,) = batch.get_batch({"dataframe": frame}).validate(suite, result_format=_FORMAT).results
    except BroughtTypesError as error:
        return Found(success=False, error=str(error))
    except (GreatExpectationsError, ValueError, TypeError, KeyError) as error:
        return Found(success=False, error=f"GX cannot run type {rule.type!r}: {type(error).__name__}")
    if not found.result and _has_raised(found.exception_info):
        return Found(success=False, error=f"GX could not run type {rule.type!r} on this batch")
    return _found(found, float(rule.kwargs.get("mostly", 1.0)))


def _has_raised(info: Mapping[str, Any]) -> bool:
    """Say whether something was raised; GX tells it once, or once per metric."""
    told = [info, *(value for value in info.values() if isinstance(value, Mapping))]
    return any(one.get("raised_exception") for one in told)


def _found(found: Any, mostly: float) -> Found:
    body = found.result
    # without values, GX gives one entry that holds all numbers
    given = (entry[ROW_NUMBER] for entry in body.get("unexpected_index_list") or ())
    numbers = chain.from_iterable(one if isinstance(one, list) else [one] for one in given)
    rows = tuple(sorted(int(number) for number in numbers))
    return Found(
        success=bool(found.success),
        element_count=body.get("element_count"),
        unexpected_count=body.get("unexpected_count"),
        missing_count=body.get("missing_count"),
        mostly=mostly,
        rows=rows,
    )
