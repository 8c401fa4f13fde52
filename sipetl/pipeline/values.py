"""Computed values against those in the warehouse: what differs is written, what does not stays as it is.

A nightly run recomputes a district's whole year, of which all but the running periods come out as before. Those
rows are neither measured again nor written again, and keep the inputs that they were computed from, as long as each
part of these is still current. Used by `compute`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute
from sqlalchemy import Connection, select, text

from sipetl.metrics import LOWER
from sipetl.metrics.compute import KEY
from sipetl.registry.models import FeedName
from sipetl.warehouse import Written, append, copy_out_parts, patch
from sipetl.warehouse import tables as t

ABOVE = ""
"""In place of a district in the ledger of work: what lies above the districts is to be computed again."""
_INPUT_SPACE = uuid.UUID("6f1d2d3e-6a0b-5d4e-9c51-73f3b1f0a1c7")
"""Name space of input ids: a set of parts has the same id in every rebuild that has the same parts."""
_WIDE, _EXACT = pa.decimal128(38, 0), pa.decimal128(38, 18)
STORED = pa.schema(
    [
        ("organization_id", pa.int64()),
        ("period_id", pa.int64()),
        ("metric", pa.string()),
        ("student_group", pa.string()),
        ("metric_version", pa.int32()),
        ("as_of", pa.date32()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("sum_xx", _WIDE),
        ("sum_xy", _WIDE),
        ("sum_yy", _WIDE),
        ("n", pa.int64()),
        ("expected_n", pa.int64()),
        ("coverage", _EXACT),
        ("value", _EXACT),
        ("low", _EXACT),
        ("high", _EXACT),
        ("data_status", pa.string()),
        ("input_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class Task:
    """One feed and school year, and the districts of it that changed."""

    feed: FeedName
    school_year: int
    districts: tuple[str, ...]
    day: date
    """The day that is computed for."""

    @property
    def is_whole(self) -> bool:
        """Published figures of all senders are taken over together: two may speak of one organization."""
        return self.feed is FeedName.PUBLISHED_RESULTS


@dataclass(frozen=True)
class Slice:
    """Which rows of `metric.value` a computation is answerable for."""

    task: Task
    levels: tuple[str, ...]
    periods: Collection[int] | None = None
    """None = all."""

    def read(self, connection: Connection) -> pa.Table:
        """The rows that are there."""
        return pa.concat_tables([STORED.empty_table(), *self.parts(connection)])

    def parts(self, connection: Connection) -> Iterator[pa.Table]:
        """The same, some at a time."""
        query = f"""
            select {", ".join(f"v.{name}" for name in STORED.names)}
            from metric.value v join ref.organization o using (organization_id)
            where v.school_year = %(year)s and v.metric in (select metric from ref.metric where feed = %(feed)s)
                {self._narrowed()}
        """
        given = {
            "year": self.task.school_year,
            "feed": self.task.feed.value,
            "levels": list(self.levels),
            "districts": list(self.task.districts),
            "periods": sorted(self.periods or ()),
        }
        used = {name: value for name, value in given.items() if f"%({name})s" in query}
        return copy_out_parts(connection, query, used, STORED)

    def _narrowed(self) -> str:
        terms = []
        if not self.task.is_whole:
            terms.append("and o.level = any(%(levels)s)")
        if self.levels == LOWER and not self.task.is_whole:
            terms.append("and o.district = any(%(districts)s)")
        if self.periods is not None:
            terms.append("and v.period_id = any(%(periods)s)")
        return " ".join(terms)


@dataclass(frozen=True)
class Difference:
    """What a computation changes."""

    new: pa.Table
    changed: pa.Table
    gone: pa.Table

    def write(self, connection: Connection) -> Written:
        """Bring `metric.value` up to date."""
        written = patch(connection, t.metric.value, self.changed, self.gone)
        return written + append(connection, t.metric.value, self.new)

    @property
    def periods(self) -> set[int]:
        """Periods of which a number changed: those above it must be added up again."""
        tables = (self.new, self.changed, self.gone)
        return {period for each in tables for period in pa.compute.unique(each["period_id"]).to_pylist()}


def difference(con: duckdb.DuckDBPyConnection, values: pa.Table, old_inputs: Collection[str]) -> Difference:
    """Compare values with table `stored`.

    Args:
        con: has `stored`.
        values: all values of a slice, with their `input_id`.
        old_inputs: inputs that no row may keep: a part of theirs was replaced.
    """
    con.register("new_values", values)
    con.register("old_inputs", pa.table({"input_id": pa.array(old_inputs, pa.string())}))
    same = " and ".join(f"s.{name} = n.{name}" for name in KEY)
    compared = [name for name in STORED.names if name not in (*KEY, "input_id")]
    equal = " and ".join(f"s.{name} is not distinct from n.{name}" for name in compared)
    new = con.sql(f"select n.* from new_values n anti join stored s on {same}").to_arrow_table()
    changed = con.sql(f"""
        select n.* from new_values n join stored s on {same}
        where not ({equal}) or s.input_id in (select input_id from old_inputs)
    """).to_arrow_table()
    keys = ", ".join(f"s.{name}" for name in KEY)
    gone = con.sql(f"select {keys} from stored s anti join new_values n on {same}").to_arrow_table()
    con.unregister("new_values")
    con.unregister("old_inputs")
    return Difference(new, changed, gone)


def old_inputs(connection: Connection, inputs: Iterable[str]) -> set[str]:
    """Those of some inputs that rest on a part which is not current any more."""
    query = text("""
        with recursive reached as (
            select input_id as of_input, member from ops.input_member where input_id = any(cast(:inputs as uuid[]))
            union
            select r.of_input, m.member
            from reached r
            join ops.input_member m
                on m.input_id = case when starts_with(r.member, 'input:') then substr(r.member, 7)::uuid end
        )
        select distinct r.of_input::text
        from reached r
        left join ops.delivery_part p
            on p.part_id = case when starts_with(r.member, 'part:') then substr(r.member, 6)::uuid end
        where starts_with(r.member, 'part:') and p.status is distinct from 'accepted'
    """)
    return set(connection.execute(query, {"inputs": list(inputs)}).scalars())


def current_inputs(connection: Connection, task: Task, feeds: Collection[str]) -> dict[str, list[str]]:
    """Members of the input of each district of a task (of all, if it names none): the parts that its values rest on."""
    part = t.ops.delivery_part
    query = select(part.c.district, part.c.part_id).where(
        part.c.feed.in_(feeds), part.c.school_year == task.school_year, part.c.status == "accepted"
    )
    if task.districts and not task.is_whole:
        query = query.where(part.c.district.in_(task.districts))
    parts: dict[str, list[str]] = defaultdict(list)
    for district, part_id in connection.execute(query).all():
        parts["" if task.is_whole else district].append(f"part:{part_id}")
    return parts


def input_of(members: Iterable[str]) -> uuid.UUID:
    """The id of a set of parts and inputs."""
    return uuid.uuid5(_INPUT_SPACE, "\n".join(sorted(members)))


def keep_inputs(connection: Connection, sets: Iterable[Collection[str]]) -> None:
    """Write the members of inputs that are not known yet; two tasks may rest on the same ones, at the same time."""
    wanted = {input_of(members): members for members in sets}
    member = t.ops.input_member
    query = select(member.c.input_id).where(member.c.input_id.in_(wanted)).distinct()
    known = set(connection.execute(query).scalars())
    rows = sorted((str(i), one) for i, members in wanted.items() if i not in known for one in members)
    columns = pa.table({"input_id": [i for i, _ in rows], "member": [one for _, one in rows]})
    patch(connection, member, columns, columns.slice(0, 0))
