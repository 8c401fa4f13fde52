"""A suite's result in the shape of Great Expectations' own, without a value: for whoever reads GX's JSON.

`partial_unexpected_list` is always empty. The numbers of failing rows stand in `meta.sipetl.failing_rows` (the
first of them; all are in the table `SuiteResult.failing`), beside the way the rule was executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import duckdb

from sipetl.errors import StoreError
from sipetl.quality.letter import first_rows
from sipetl.quality.results import RuleResult, SuiteResult
from sipetl.quality.suite import Expectation, Suite

Json = dict[str, Any]


def gx_result(con: duckdb.DuckDBPyConnection, suite: Suite, result: SuiteResult) -> Json:
    """Write what GX calls an `ExpectationSuiteValidationResult`, as JSON-able data.

    Raises:
        StoreError: the table of failing rows cannot be read.
    """
    try:
        rows = first_rows(con, result.failing)
    except duckdb.Error as error:
        raise StoreError("the failing rows cannot be read", why=f"DuckDB: {type(error).__name__}") from None
    met = sum(rule.success for rule in result.rules)
    return {
        "success": met == len(result.rules),
        "suite_name": suite.name,
        "suite_parameters": {},
        "results": [
            _result(rule, found, rows.get(found.rule_id, ()))
            for rule, found in zip(suite.expectations, result.rules, strict=True)
        ],
        "statistics": {
            "evaluated_expectations": len(result.rules),
            "successful_expectations": met,
            "unsuccessful_expectations": len(result.rules) - met,
            "success_percent": 100 * met / len(result.rules) if result.rules else None,
        },
        "meta": {
            "expectation_suite_name": suite.name,
            "great_expectations_version": version("great-expectations"),
            "sipetl": {"version": version("sipetl"), "rows": result.rows},
        },
    }


def _result(rule: Expectation, found: RuleResult, rows: Sequence[int]) -> Json:
    return {
        "success": found.success,
        "expectation_config": {
            "type": rule.type,
            "kwargs": dict(rule.kwargs),
            "meta": dict(rule.meta),
            "severity": rule.severity.value,
        },
        "result": {} if found.error else _body(found),
        "meta": {"sipetl": {"rule_id": rule.rule_id, "way": found.way.value, "failing_rows": list(rows)}},
        "exception_info": {
            "raised_exception": bool(found.error),
            "exception_message": found.error or None,
            "exception_traceback": found.error or None,
        },
    }


def _body(found: RuleResult) -> Json:
    if found.unexpected_count is None or found.element_count is None:
        observed = list(found.observed) if isinstance(found.observed, tuple) else found.observed
        return {"observed_value": observed, **_empty_lists(found.counts), **found.counts}
    elements, unexpected = found.element_count, found.unexpected_count
    considered = elements - (found.missing_count or 0)
    body: Json = {
        "element_count": elements,
        "unexpected_count": unexpected,
        "unexpected_percent": _percent(unexpected, considered),
        "partial_unexpected_list": [],
        "partial_unexpected_counts": [],
    }
    if found.missing_count is None:
        return body
    return body | {
        "missing_count": found.missing_count,
        "missing_percent": _percent(found.missing_count, elements),
        "unexpected_percent_total": _percent(unexpected, elements),
        "unexpected_percent_nonmissing": _percent(unexpected, considered),
    }


def _percent(part: int, whole: int) -> float | None:
    return part / whole * 100 if whole else None


def _empty_lists(counts: Mapping[str, int]) -> Json:
    """GX lists what a count counts (`unexpected_count`: `partial_unexpected_list`); we never do."""
    return {f"partial_{name.removesuffix('_count')}_list": [] for name in counts}
