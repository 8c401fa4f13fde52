"""Lake rows become metric values: integers in DuckDB, then values in one Python function (decision 4).

The caller gives a connection in which the inputs exist (facts/inputs.sql lists them with their columns; what is
missing counts as empty), limited to the partitions to compute. Nothing here writes anywhere but temporary
tables of that connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sipetl.errors import LakeError, RegistryError
from sipetl.metrics.catalogue import Catalogue, Metric, Source
from sipetl.metrics.compiler import ADDED, FOLDER, compile_feed, load_facts
from sipetl.metrics.value import Measured, Sums, measure
from sipetl.registry.models import FeedName, Model
from sipetl.registry.yamlfile import load_model

LOWER, UPPER = ("school", "district"), ("region", "state")
POLICY = Path(__file__).parent / "policies" / "attendance_ma.yaml"
_UNWANTED = "grouping_sets"
"""DuckDB's optimizer that turns grouping sets into a query each: with a dozen sets of many sums it takes twice as long."""
_STAND_IN = re.compile(r"create temp table (\w+) \(")
_SLUG = "trim(regexp_replace(lower({column}), '[^a-z0-9]+', '_', 'g'), '_')"
_FOUND = {
    Source.TOPIC: (FeedName.SURVEY, _SLUG.format(column="topic"), "ref_survey_item"),
    Source.INDICATOR: (FeedName.OBSERVATION, _SLUG.format(column="indicator"), "lake_observation"),
    Source.EVIDENCE: (FeedName.EVIDENCE, _SLUG.format(column="evidence"), "lake_evidence"),
    Source.FIGURE: (
        FeedName.PUBLISHED_RESULTS,
        _SLUG.format(column="concat_ws('_', metric, nullif(subject, ''))"),
        "lake_published_results",
    ),
}
"""What data-driven templates are made from, as the facts name it too."""


class AttendancePolicy(Model):
    """How days are counted."""

    policy: str
    absent_above_x100: int
    rules: tuple[str, ...]


@cache
def attendance_policy(path: Path = POLICY) -> AttendancePolicy:
    """Read the attendance policy."""
    return load_model(path, AttendancePolicy)


def find_values(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, feed: FeedName) -> Catalogue:
    """Let the feed's data-driven templates see what the data hold; only then `metrics` lists what they make."""
    ensure_inputs(con)
    found = {}
    for source, (of_feed, column, table) in _FOUND.items():
        if of_feed is feed:
            rows = con.execute(f"select distinct {column} as name from {table} order by name").fetchall()
            found[source] = tuple(name for (name,) in rows if name)
    return catalogue.with_found(found)


def compute_feed(
    con: duckdb.DuckDBPyConnection,
    feed: FeedName,
    *,
    as_of: date,
    catalogue: Catalogue,
    districts: Sequence[str] | None = None,
    levels: Sequence[str] = LOWER,
) -> str:
    """Compute a feed's metrics from the rows, and name the temporary table that holds them.

    Args:
        con: where the inputs are.
        feed: whose metrics.
        as_of: rows after it are not looked at.
        catalogue: the definitions; values that templates need are looked up in the data.
        districts: partitions to compute; None = all in the inputs.
        levels: `LOWER` gives schools and districts; `UPPER` the metrics that do not add up, for regions and the state,
            where the inputs must hold every district.

    Raises:
        LakeError: DuckDB could not compute them.
    """
    known = find_values(con, catalogue, feed)
    metrics = [m for m in known.metrics(feed) if levels == LOWER or m.unit == "student"]
    table, facts = f"computed_{feed.value}", load_facts(feed)
    if not metrics:
        con.execute(f"create or replace temp table {table} as {_EMPTY}")
        return table
    for name in facts.inputs:
        chosen = "" if districts is None else f" where district in ({_texts(districts) or 'null'})"
        con.execute(f"create or replace temp view scoped_{name} as select * from lake_{name}{chosen}")
    query = compile_feed(facts, metrics)
    given = {"as_of": as_of, "levels": list(levels), "absent_above_x100": attendance_policy().absent_above_x100}
    used = {name: value for name, value in given.items() if f"${name}" in query}
    try:
        con.execute(f"set disabled_optimizers = '{_UNWANTED}'")
        con.execute(f"create or replace temp table {table} as {query}", used)
    except duckdb.Error as error:  # its text may quote rows
        why = f"DuckDB says {type(error).__name__}"
        raise LakeError("the metrics cannot be computed", where=feed.value, why=why) from None
    finally:
        con.execute("reset disabled_optimizers")
    return table


def _texts(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def ensure_inputs(con: duckdb.DuckDBPyConnection) -> None:
    """Make empty stand-ins for the inputs that are not there."""
    there = {name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()}
    for statement in (FOLDER / "inputs.sql").read_text(encoding="utf-8").split(";"):
        named = _STAND_IN.search(statement)
        if named and named[1] not in there:
            con.execute(statement)


_EMPTY = """select
    null::bigint as organization_id, null::bigint as period_id, null::varchar as metric, null::integer as metric_version,
    null::varchar as student_group, null::integer as school_year, null::date as as_of, null::bigint as numerator,
    null::bigint as denominator, null::decimal(38, 0) as sum_xx, null::decimal(38, 0) as sum_xy,
    null::decimal(38, 0) as sum_yy, null::bigint as n, null::bigint as expected_n
    where false"""


def roll_up(
    con: duckdb.DuckDBPyConnection,
    values: pa.Table,
    *,
    catalogue: Catalogue,
    as_of: date,
    levels: Sequence[str] = UPPER,
) -> str:
    """Add the schools' integers up to regions and the state, and name the temporary table that holds the sums.

    Metrics that do not add up are left out: `compute_feed` with `levels=UPPER` computes them from the rows.

    Args:
        con: where `ref_organization` and `ref_period` are.
        values: school rows of `metric.value`, of every district.
        catalogue: the definitions, with the found values.
        as_of: the run's day.
        levels: which of `district`, `region`, `state`.
    """
    names = {m: catalogue.get(m) for m in pa.compute.unique(values["metric"]).to_pylist()}
    adding = {name: metric.denominator is None for name, metric in names.items() if metric and metric.is_additive}
    kinds = pa.table({"metric": pa.array(adding, pa.string()), "is_count": pa.array(adding.values(), pa.bool_())})
    con.register("rolled_values", values)
    con.register("rolled_kinds", kinds)
    parts = " union all by name ".join(_rolled(level) for level in levels)
    con.execute(f"create or replace temp table computed_roll_up as {parts}", {"as_of": as_of})
    con.unregister("rolled_values")
    con.unregister("rolled_kinds")
    return "computed_roll_up"


def _rolled(level: str) -> str:
    return f"""
        select
            s.{level}_id as organization_id, l.period_id, l.metric, l.metric_version, l.student_group, p.school_year,
            least(p.ends_on, $as_of) as as_of, {ADDED}
        from (select v.*, k.is_count from rolled_values as v join rolled_kinds as k on k.metric = v.metric) as l
        join ref_organization as s on s.organization_id = l.organization_id and s.level = 'school'
        join ref_period as p on p.period_id = l.period_id
        where s.{level}_id is not null
        group by s.{level}_id, l.period_id, l.metric, l.metric_version, l.student_group, l.is_count,
            p.school_year, p.ends_on
    """


_INTEGERS = "numerator, denominator, n, sum_xx, sum_xy, sum_yy"
VALUE_TYPE = pa.decimal128(38, 18)
"""Value, bounds and coverage as they go to the warehouse: 18 places, more than any comparison needs."""
_BATCH = 20_000


KEY = ("organization_id", "period_id", "metric", "student_group")
"""What identifies a metric value."""
_PLACES = ", ".join(f"null::decimal(38, 18) as {name}" for name in ("coverage", "value", "low", "high"))
_UNMEASURED = f"(select *, {_PLACES} from ({_EMPTY}))"


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
    rows = con.execute(f"""
        select distinct metric, expected_n, {_INTEGERS} from valued where not is_known order by all
    """).fetchall()
    con.register("measured_sums", _measured(rows, catalogue))
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

    metrics: dict[str, Metric]
    done: dict[tuple[Any, ...], Measured]

    def measured(self, row: tuple[Any, ...]) -> Measured:
        metric = self.metrics[row[0]]
        population = row[1] if metric.feed is FeedName.SURVEY else None
        key = (metric.interval, metric.scale, population, metric.cap, *row[2:])
        if key not in self.done:
            sums = Sums(*map(int, row[2:]))
            found = measure(sums, interval=metric.interval, scale=metric.scale, population=population)
            self.done[key] = _capped(found, metric.cap)
        return self.done[key]


def _capped(found: Measured, cap: Decimal | None) -> Measured:
    if cap is None or found.value is None or found.value <= cap:
        return found
    return Measured(cap, found.low, found.high)


def _measured(rows: list[tuple[Any, ...]], catalogue: Catalogue) -> pa.Table:
    metrics = {name: _required(catalogue, name) for name in {row[0] for row in rows}}
    measurer = _Measurer(metrics, {})
    batches = [_measured_batch(part, measurer) for part in _parts(rows)]
    return pa.concat_tables(batches) if batches else _measured_batch([], measurer)


def _required(catalogue: Catalogue, name: str) -> Metric:
    metric = catalogue.get(name)
    if metric is None:
        raise RegistryError(f"the metric {name!r} is not in the catalogue")
    return metric


def _parts(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    each = iter(rows)
    while part := list(islice(each, _BATCH)):
        yield part


def _measured_batch(rows: list[tuple[Any, ...]], measurer: _Measurer) -> pa.Table:
    found = [measurer.measured(row) for row in rows]
    columns: dict[str, pa.Array] = {"metric": pa.array([row[0] for row in rows], pa.string())}
    for index, name in enumerate(("expected_n", "numerator", "denominator", "n"), start=1):
        columns[name] = pa.array([row[index] for row in rows], pa.int64())
    for index, name in enumerate(("sum_xx", "sum_xy", "sum_yy"), start=5):
        columns[name] = pa.array([row[index] for row in rows], pa.decimal128(38, 0))
    columns["coverage"] = _decimals(Decimal(row[4]) / row[1] if row[1] else None for row in rows)
    columns["value"] = _decimals(each.value for each in found)
    columns["low"] = _decimals(each.low for each in found)
    columns["high"] = _decimals(each.high for each in found)
    return pa.table(columns)


def _decimals(values: Iterable[Decimal | None]) -> pa.Array:
    places = Decimal(1).scaleb(-VALUE_TYPE.scale)
    return pa.array([None if v is None else v.quantize(places) for v in values], VALUE_TYPE)
