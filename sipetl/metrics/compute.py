"""Lake rows become the integers of metric values, in DuckDB; `measuring` makes them values (decision 4).

The caller gives a connection in which the inputs exist (facts/inputs.sql lists them with their columns; what is
missing counts as empty), limited to the partitions to compute. Nothing here writes anywhere but temporary
tables of that connection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from sipetl.metrics.catalogue import Catalogue, Source
from sipetl.metrics.compiler import ADDED, compile_feed
from sipetl.metrics.engine import DUCKDB, FUNCTIONS, Engine
from sipetl.metrics.facts import FOLDER, load_facts
from sipetl.metrics.policies import policy_numbers
from sipetl.registry.models import FeedName

LOWER, UPPER = ("school", "district"), ("region", "state")
KEY = ("organization_id", "period_id", "metric", "student_group")
"""What identifies a metric value."""
_UNWANTED = "grouping_sets"
"""DuckDB's optimizer that turns grouping sets into a query each: with a dozen sets of many sums it takes twice as long."""
_STAND_IN = re.compile(r"create temp table (\w+) \(")
_FOUND = {
    Source.TOPIC: (FeedName.SURVEY, "slug(topic)", "ref_survey_item"),
    Source.INDICATOR: (FeedName.OBSERVATION, "slug(indicator)", "lake_observation"),
    Source.EVIDENCE: (FeedName.EVIDENCE, "slug(evidence)", "lake_evidence"),
    Source.FIGURE: (
        FeedName.PUBLISHED_RESULTS,
        "slug(concat_ws('_', metric, nullif(subject, '')))",
        "lake_published_results",
    ),
}
"""What data-driven templates are made from, as the facts name it too."""


def find_values(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, feed: FeedName, *, engine: Engine = DUCKDB
) -> Catalogue:
    """Let the feed's data-driven templates see what the data hold; only then `metrics` lists what they make."""
    ensure_inputs(con)
    found = {}
    for source, (of_feed, column, table) in _FOUND.items():
        if of_feed is feed and source not in catalogue.found:
            engine.fill(con, "found_values", f"select distinct {column} as name from {table}", {})
            rows = con.execute("select name from found_values order by name").fetchall()
            found[source] = tuple(name for (name,) in rows if name)
    return catalogue.with_found(found)


def compute_feed(
    con: duckdb.DuckDBPyConnection,
    feed: FeedName,
    *,
    as_of: date,
    catalogue: Catalogue,
    levels: Sequence[str] = LOWER,
    engine: Engine = DUCKDB,
) -> str:
    """Compute a feed's metrics from the rows, and name the temporary table that holds them.

    Args:
        con: where the inputs are.
        feed: whose metrics.
        as_of: rows after it are not looked at.
        catalogue: the definitions; values that templates need are looked up in the data.
        levels: `LOWER` gives schools and districts; `UPPER` the metrics that do not add up, for regions and the state,
            where the inputs must hold every district; both together give both; none, an empty table.
        engine: what adds up the rows.

    Raises:
        LakeError: the engine could not compute them.
    """
    known = find_values(con, catalogue, feed, engine=engine)
    metrics = [m for m in known.metrics(feed) if "school" in levels or ("state" in levels and m.unit == "student")]
    table, facts = f"computed_{feed.value}", load_facts(feed)
    if not metrics:
        con.execute(f"create or replace temp table {table} as {EMPTY}")
        return table
    query = compile_feed(facts, metrics)
    given = {"as_of": as_of, "levels": list(levels), **policy_numbers()}
    used = {name: value for name, value in given.items() if f"${name}" in query}
    engine.fill(con, table, query, used)
    return table


def ensure_inputs(con: duckdb.DuckDBPyConnection) -> None:
    """Make empty stand-ins for the inputs that are not there, and the macros that facts call.

    Also tells the engine, for all its connections, what not to try on the statements of metrics.
    """
    con.execute(f"set disabled_optimizers = '{_UNWANTED}'")
    for macro, sql in FUNCTIONS.items():
        con.execute(f"create or replace temp macro {macro} as {sql}")
    there = {name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()}
    for statement in (FOLDER / "inputs.sql").read_text(encoding="utf-8").split(";"):
        named = _STAND_IN.search(statement)
        if named and named[1] not in there:
            con.execute(statement)


EMPTY = """select
    null::bigint as organization_id, null::bigint as period_id, null::varchar as metric, null::integer as metric_version,
    null::varchar as student_group, null::integer as school_year, null::date as as_of, null::bigint as numerator,
    null::bigint as denominator, null::decimal(38, 0) as sum_xx, null::decimal(38, 0) as sum_xy,
    null::decimal(38, 0) as sum_yy, null::bigint as n, null::bigint as expected_n
    where false"""


def roll_up(
    con: duckdb.DuckDBPyConnection,
    values: str,
    *,
    catalogue: Catalogue,
    as_of: date,
    levels: Sequence[str] = UPPER,
) -> str:
    """Add the districts' integers up to regions and the state, and name the temporary table that holds the sums.

    A district's integers are those of its schools, and know besides whom its late schools should have brought. Metrics
    that do not add up are left out: `compute_feed` with `levels=UPPER` computes them from the rows.

    Args:
        con: where `ref_organization` and `ref_period` are.
        values: table of rows of `metric.value` of every district: its own, or those of its schools where its own are not
            here.
        catalogue: the definitions, with the found values.
        as_of: the run's day.
        levels: which of `district`, `region`, `state`.
    """
    names = {m: catalogue.get(m) for (m,) in con.execute(f"select distinct metric from {values}").fetchall()}
    adding = {name: metric.denominator is None for name, metric in names.items() if metric and metric.is_additive}
    kinds = pa.table({"metric": pa.array(adding, pa.string()), "is_count": pa.array(adding.values(), pa.bool_())})
    con.register("rolled_kinds", kinds)
    given = f"select 1 from {values} join ref_organization using (organization_id) where level = 'district'"
    below = "district" if con.execute(given).fetchone() else "school"
    parts = " union all by name ".join(_rolled(values, level, below) for level in levels)
    con.execute(f"create or replace temp table computed_roll_up as {parts}", {"as_of": as_of})
    con.unregister("rolled_kinds")
    return "computed_roll_up"


def _rolled(values: str, level: str, below: str) -> str:
    return f"""
        select
            s.{level}_id as organization_id, l.period_id, l.metric, l.metric_version, l.student_group, p.school_year,
            least(p.ends_on, $as_of) as as_of, {ADDED}
        from (select v.*, k.is_count from {values} as v join rolled_kinds as k on k.metric = v.metric) as l
        join ref_organization as s on s.organization_id = l.organization_id and s.level = '{below}'
        join ref_period as p on p.period_id = l.period_id
        where s.{level}_id is not null
        group by s.{level}_id, l.period_id, l.metric, l.metric_version, l.student_group, l.is_count,
            p.school_year, p.ends_on
    """
