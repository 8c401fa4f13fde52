"""Small reference tables, from the warehouse or the registry into DuckDB."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import text

import sipetl.metrics
from sipetl.lake import attach, attach_identity
from sipetl.metrics import ensure_inputs
from sipetl.pipeline.home import OpenHome
from sipetl.registry.models import FeedName

LEVELS = Path(sipetl.metrics.__file__).parent / "reference" / "levels.csv"


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Make a table's content these rows, in the order of its columns."""
    con.execute(f"delete from {table}")
    columns = list(zip(*rows, strict=True))
    if not columns:
        return
    con.register("filling", pa.table([pa.array(c) for c in columns], names=[f"c{i}" for i in range(len(columns))]))
    con.execute(f"insert into {table} select * from filling")
    con.unregister("filling")


def make_places(
    con: duckdb.DuckDBPyConnection, districts: Iterable[tuple[str, str]], links: Iterable[Sequence[Any]]
) -> None:
    """Make `map_districts` and `map_crosswalk`, as the intake room wants them.

    Args:
        con: where.
        districts: organization code and district; a district may be written as either, or as a code's first half.
        links: district, local code, organization, and the days from and to which it holds.
    """
    con.execute("create temp table map_districts (code varchar, district varchar)")
    con.execute(
        "create temp table map_crosswalk"
        " (district varchar, local_code varchar, organization varchar, valid_from date, valid_to date)"
    )
    fill(con, "map_districts", sorted({(form, d) for code, d in districts for form in (code, _short(code), d)}))
    fill(con, "map_crosswalk", links)


def _short(code: str) -> str:
    """The district's half of an 8-digit organization code (glossary); another code as it is."""
    return code[:4] if len(code) == 8 else code


def load_reference(home: OpenHome, con: duckdb.DuckDBPyConnection) -> None:
    """Copies of `ref` that facts read, under the names and types of facts/inputs.sql."""
    organization = """
        select o.organization_id, o.code, o.level, o.district, o.parent_id, r.organization_id as region_id,
            d.organization_id as district_id, s.organization_id as state_id, d.calendar
        from ref.organization o
        left join ref.organization d on d.level = 'district' and d.district = o.district
        left join ref.organization r on r.level = 'region' and r.organization_id = d.parent_id
        left join ref.organization s on s.level = 'state'
    """
    queries = {
        "ref_organization": organization,
        "ref_school_day": "select calendar, day, kind from ref.school_day",
        "ref_period": "select period_id, school_year, kind, code, starts_on, ends_on from ref.period"
        " where kind <> 'cycle' or ends_on <= :as_of",
        "ref_survey_item": "select survey, item, topic, reverse, scale_max, favorable_from from ref.survey_item",
        "ref_window_school": "select f.district, (w ->> 'school_year')::int, w ->> 'code', s.school from ref.feed f"
        " cross join jsonb_array_elements(f.config -> 'windows') as w"
        " cross join jsonb_array_elements_text(w -> 'schools') as s (school) where f.feed = 'assessment'",
        "declared_scope": "select part_id::text, scope_to as declared_to from ops.delivery_part"
        " where feed = 'attendance' and status = 'accepted' and scope_to is not null and scope_kind = 'snapshot'",
    }
    for feed in FeedName:
        attach(con, home.lake, feed, years=())
    attach_identity(con, home.lake)
    ensure_inputs(con)
    with home.warehouse.begin() as connection:
        for name, query in queries.items():
            given = {"as_of": home.now().date()} if ":as_of" in query else {}
            fill(con, name, connection.execute(text(query), given).all())
    with LEVELS.open(encoding="utf-8", newline="") as file:
        kept = con.execute("select column_name from (describe ref_level)").fetchall()
        rows = [tuple(line[c] or None for (c,) in kept) for line in csv.DictReader(file)]
    fill(con, "ref_level", rows)
