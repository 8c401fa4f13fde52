"""Types that Python judges over the distinct values of a column: patterns, formats, JSON, and fences."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import jsonschema
import numpy as np
from dateutil import parser

from sipetl.quality import kwargs as kw
from sipetl.quality import row_kwargs as row
from sipetl.quality.lookups import BadTexts, OutOfWindow
from sipetl.quality.plans import RowPlan
from sipetl.quality.ruletype import RuleType, Way, domain, present, rows
from sipetl.quality.sql import Columns, Family
from sipetl.quality.sure import sure_format, sure_pattern
from sipetl.quality.values import Mask, Values

_LEAP_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a default for what a text leaves open
"""What `dateutil` fills in: by itself it takes today, so that 29 February would be a date in some years only."""
_REGEX = "Python's `re`, as in pandas; PostgreSQL's own mean other things by digits, words and line ends"
_PYTHON_ONLY = "no SQL engine has it"
_ROUNDING = "mean and deviation are rounded once, so that no order of rows changes a bit"


def _texts(
    k: kw.MappedColumn, columns: Columns, accepts: Callable[[str], bool], surely: str | None = None
) -> RowPlan:
    column = columns.only(k.column, Family.TEXT)
    return rows(k, columns, present(column), BadTexts(column, accepts, surely))


def _regex(k: row.Matches, columns: Columns) -> RowPlan:
    search = re.compile(k.regex).search
    return _texts(k, columns, lambda value: search(value) is not None, sure_pattern(k.regex))


def _not_regex(k: row.MatchesNot, columns: Columns) -> RowPlan:
    search = re.compile(k.regex).search
    return _texts(k, columns, lambda value: search(value) is None)


def _regex_list(k: row.MatchesList, columns: Columns) -> RowPlan:
    searches, judge = [re.compile(regex).search for regex in k.regex_list], any if k.match_on == "any" else all
    return _texts(k, columns, lambda value: judge(search(value) is not None for search in searches))


def _no_regex(k: row.MatchesNoneOf, columns: Columns) -> RowPlan:
    searches = [re.compile(regex).search for regex in k.regex_list]
    return _texts(k, columns, lambda value: all(search(value) is None for search in searches))


def _parses(read: Callable[[str], Any], value: str) -> bool:
    try:
        read(value)
    except (ValueError, OverflowError, RecursionError):
        return False
    return True


def _strftime(k: row.MatchesFormat, columns: Columns) -> RowPlan:
    reads = partial(_parses, lambda value: datetime.strptime(value, k.strftime_format))  # noqa: DTZ007
    return _texts(k, columns, reads, sure_format(k.strftime_format))


def _dateutil(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    return _texts(k, columns, partial(_parses, partial(parser.parse, default=_LEAP_DAY)))


def _json(k: kw.MappedColumn, columns: Columns) -> RowPlan:
    return _texts(k, columns, partial(_parses, json.loads))


def _schema(k: row.MatchesSchema, columns: Columns) -> RowPlan:
    validator = jsonschema.validators.validator_for(k.json_schema)(k.json_schema)
    return _texts(k, columns, partial(_parses, partial(_validate, validator)))


def _validate(validator: Any, value: str) -> None:
    if not validator.is_valid(json.loads(value)):
        raise ValueError


def _z_scores(k: row.ZScores, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.NUMBER)
    return rows(k, columns, present(column), OutOfWindow(column, domain(k, columns), partial(_under, k)))


def _under(k: row.ZScores, values: Values) -> Mask:
    mean, deviation = values.mean, values.deviation
    if mean is None or not deviation:
        return np.ones(len(values.counts), dtype=np.bool_)
    scores = (values.numbers - mean) / deviation
    under: Mask = np.abs(scores) < abs(k.threshold) if k.double_sided else scores < k.threshold
    return under


def _outliers(k: row.Outliers, columns: Columns) -> RowPlan:
    column = columns.only(k.column, Family.NUMBER)
    fits = partial(_in_fences if k.method == "iqr" else _near_mean, k.multiplier)
    return rows(k, columns, present(column), OutOfWindow(column, domain(k, columns), fits))


def _in_fences(multiplier: float, values: Values) -> Mask:
    low, high = values.quantile(0.25), values.quantile(0.75)
    if low is None or high is None or not np.isfinite([low, high]).all():
        return np.ones(len(values.counts), dtype=np.bool_)
    reach = multiplier * (high - low)
    inside: Mask = (values.numbers >= low - reach) & (values.numbers <= high + reach)
    return inside


def _near_mean(multiplier: float, values: Values) -> Mask:
    mean, deviation = values.mean, values.deviation
    if mean is None or deviation is None:
        return np.ones(len(values.counts), dtype=np.bool_)
    reach = multiplier * deviation
    near: Mask = np.abs(values.numbers - mean) < reach if reach > 0 else values.numbers == mean
    return near


VALUE_TYPES: dict[str, RuleType] = {
    "expect_column_values_to_match_regex": RuleType(row.Matches, _regex, Way.VALUES, note=_REGEX),
    "expect_column_values_to_not_match_regex": RuleType(row.MatchesNot, _not_regex, Way.VALUES, note=_REGEX),
    "expect_column_values_to_match_regex_list": RuleType(row.MatchesList, _regex_list, Way.VALUES, note=_REGEX),
    "expect_column_values_to_not_match_regex_list": RuleType(row.MatchesNoneOf, _no_regex, Way.VALUES, note=_REGEX),
    "expect_column_values_to_match_strftime_format": RuleType(
        row.MatchesFormat, _strftime, Way.VALUES, note=_PYTHON_ONLY
    ),
    "expect_column_values_to_be_dateutil_parseable": RuleType(
        kw.MappedColumn,
        _dateutil,
        Way.VALUES,
        note=f"{_PYTHON_ONLY}; what a text leaves open is taken from a leap year, GX takes it from today",
    ),
    "expect_column_values_to_be_json_parseable": RuleType(kw.MappedColumn, _json, Way.VALUES, note=_PYTHON_ONLY),
    "expect_column_values_to_match_json_schema": RuleType(
        row.MatchesSchema,
        _schema,
        Way.VALUES,
        note=f"{_PYTHON_ONLY}; a value that is no JSON fails, in GX it stops the rule",
    ),
    "expect_column_value_z_scores_to_be_less_than": RuleType(
        row.ZScores, _z_scores, Way.VALUES, note=f"{_ROUNDING}; where all values are equal, all pass"
    ),
    "expect_column_values_to_not_be_outliers": RuleType(row.Outliers, _outliers, Way.VALUES, note=_ROUNDING),
}
