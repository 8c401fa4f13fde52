"""Computed sums become rows of `metric.value`: each distinct set of integers is measured once (decision 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from sipetl.errors import RegistryError
from sipetl.metrics.catalogue import Catalogue, Metric
from sipetl.metrics.compute import EMPTY, KEY
from sipetl.metrics.value import Measured, Sums, measure
from sipetl.registry.models import FeedName

_INTEGERS = "numerator, denominator, n, sum_xx, sum_xy, sum_yy"
_WHOLE = ", ".join(f"{name}::hugeint as {name}" for name in _INTEGERS.split(", "))
"""So Python gets whole numbers, not decimals without places."""
VALUE_TYPE = pa.decimal128(38, 18)
"""Value, bounds and coverage as they go to the warehouse: 18 places, more than any comparison needs."""
_PLACE = Decimal(1).scaleb(-VALUE_TYPE.scale)
_BATCH = 20_000


_PLACES = ", ".join(f"null::decimal(38, 18) as {name}" for name in ("coverage", "value", "low", "high"))
_UNMEASURED = f"(select *, {_PLACES} from ({EMPTY}))"


def to_values(
    con: duckdb.DuckDBPyConnection, table: str, *, catalogue: Catalogue, known: str = _UNMEASURED
) -> pa.Table:
    """Turn computed sums into rows of `metric.value` (all but `input_id`), each distinct set of integers once.

    `data_status` is `provisional` until the period has ended, then `final`; what else it can be (incomplete,
    missing, embargoed) is known to the arrivals ledger, and its caller's to say.

    Args:
        con: where the sums and `ref_period` are.
        table: the computed sums.
        catalogue: the definitions, with the found values.
        known: table of rows of `metric.value`; a number whose version and integers are still the same is taken from it.
    """
    same = " and ".join(f"k.{name} = t.{name}" for name in (*KEY, "metric_version", *_INTEGERS.split(", ")))
    con.execute(f"""
        create or replace temp table valued as
        select t.*, k.metric is not null as is_known, k.coverage, k.value, k.low, k.high
        from {table} as t left join {known} as k on {same} and k.expected_n is not distinct from t.expected_n
    """)
    found = con.execute(f"""
        select distinct metric, expected_n, {_WHOLE} from valued where not is_known order by all
    """)
    con.register("measured_sums", _measured(iter(partial(found.fetchmany, _BATCH), []), catalogue))
    answer = con.sql("""
        select
            t.organization_id, t.period_id, t.metric, t.student_group, t.metric_version, t.school_year, t.as_of,
            t.numerator, t.denominator, t.sum_xx, t.sum_xy, t.sum_yy, t.n, t.expected_n,
            case when is_known then t.coverage else m.coverage end as coverage,
            case when is_known then t.value else m.value end as value,
            case when is_known then t.low else m.low end as low,
            case when is_known then t.high else m.high end as high,
            case when t.as_of < p.ends_on then 'provisional' else 'final' end as data_status
        from valued as t
        left join measured_sums as m
            on m.metric = t.metric and m.numerator = t.numerator and m.denominator = t.denominator and m.n = t.n
            and m.sum_xx = t.sum_xx and m.sum_xy = t.sum_xy and m.sum_yy = t.sum_yy
            and m.expected_n is not distinct from t.expected_n
        join ref_period as p on p.period_id = t.period_id
        order by t.organization_id, t.period_id, t.metric, t.student_group
    """).to_arrow_table()
    con.unregister("measured_sums")
    return answer


@dataclass(frozen=True, slots=True)
class _Measurer:
    """Measures rows of (metric, expected_n, integers), each distinct set of integers of a kind of metric once."""

    catalogue: Catalogue
    metrics: dict[str, Metric]
    done: dict[tuple[Any, ...], Measured]

    def measured(self, row: tuple[Any, ...]) -> Measured:
        metric = self.metrics.get(row[0]) or self.metrics.setdefault(row[0], _required(self.catalogue, row[0]))
        population = row[1] if metric.feed is FeedName.SURVEY else None
        key = (metric.interval, metric.scale, population, metric.cap, *row[2:])
        if key not in self.done:
            found = measure(Sums(*row[2:]), interval=metric.interval, scale=metric.scale, population=population)
            self.done[key] = _capped(found, metric.cap)
        return self.done[key]


def _capped(found: Measured, cap: Decimal | None) -> Measured:
    if cap is None or found.value is None or found.value <= cap:
        return found
    return Measured(cap, found.low, found.high)


def _measured(parts: Iterable[list[tuple[Any, ...]]], catalogue: Catalogue) -> pa.Table:
    measurer = _Measurer(catalogue, {}, {})
    return pa.concat_tables([_measured_batch(part, measurer) for part in chain(parts, [[]])])


def _required(catalogue: Catalogue, name: str) -> Metric:
    metric = catalogue.get(name)
    if metric is None:
        raise RegistryError(f"the metric {name!r} is not in the catalogue")
    return metric


def _measured_batch(rows: list[tuple[Any, ...]], measurer: _Measurer) -> pa.Table:
    found = [measurer.measured(row) for row in rows]
    columns: dict[str, pa.Array] = {"metric": pa.array([row[0] for row in rows], pa.string())}
    for index, name in enumerate(("expected_n", "numerator", "denominator", "n"), start=1):
        columns[name] = pa.array([row[index] for row in rows], pa.int64())
    for index, name in enumerate(("sum_xx", "sum_xy", "sum_yy"), start=5):
        columns[name] = pa.array([row[index] for row in rows], pa.decimal128(38, 0))
    columns["coverage"] = _rounded(Decimal(row[4]) / row[1] if row[1] else None for row in rows)
    columns["value"] = _rounded(each.value for each in found)
    columns["low"] = pa.array([each.low for each in found], VALUE_TYPE)
    columns["high"] = pa.array([each.high for each in found], VALUE_TYPE)
    return pa.table(columns)


def _rounded(values: Iterable[Decimal | None]) -> pa.Array:
    return pa.array([None if v is None else v.quantize(_PLACE) for v in values], VALUE_TYPE)
