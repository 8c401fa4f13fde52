"""Small tables that a file's distinct texts are looked up in: districts, schools, and the hashes of identifiers.

Ids repeat 180 times in a year of attendance and schools more, so each distinct text is worked on once and joined
back (choice 10). Used by `map`.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from sipetl.intake.layout import Id
from sipetl.privacy import Key, canonical_id

MANGLED_ID = re.compile(r"^[+-]?\d+\.\d*$|^[+-]?\d+(\.\d*)?[eE][+-]?\d+$|^#+$")
"""An id that passed through a number: 239.0, 1.0E+09 (choice 9), or through too narrow a column: ####."""
CODE_WIDTH = 8
"""Massachusetts organization codes: four digits of district, four of school (glossary)."""
FOREVER = ("date '0001-01-01'", "date '9999-12-31'")


@dataclass(frozen=True, slots=True)
class Names:
    """What an issuer template may use."""

    authority: str
    district: str

    def fill(self, template: str) -> str:
        return template.format(authority=self.authority, district=self.district)


def district_table(con: duckdb.DuckDBPyConnection, texts: str) -> str:
    """Make `(text, district)` for the district texts of a file; a code that lost its leading zeros is padded."""
    table = _name("districts")
    con.execute(f"""
        create temp table {table} as
        with wanted as materialized (select distinct t__district as text from ({texts})),
        forms as (
            select text, lower(trim(text)) as code, 0 as rank from wanted
            union all
            select text, lpad(text, {CODE_WIDTH}, '0'), 1 from wanted where regexp_full_match(text, '[0-9]{{5,7}}')
            union all
            select text, lpad(text, 4, '0'), 2 from wanted where regexp_full_match(text, '[0-9]{{1,3}}')
        )
        select f.text, d.district
        from forms f join map_districts d on lower(trim(d.code)) = f.code
        qualify row_number() over (partition by f.text order by f.rank, d.district) = 1
    """)
    return table


def school_table(con: duckdb.DuckDBPyConnection, wanted: str) -> str:
    """Make `(district, text, organization, valid_from, valid_to)` of the schools in a file; spans never overlap.

    Args:
        con: has `map_crosswalk`.
        wanted: a table of distinct `district` and `text`.
    """
    table = _name("schools")
    con.execute(f"""
        create temp table {table} as
        with hits as (
            select
                w.district,
                w.text,
                c.organization,
                coalesce(c.valid_from, {FOREVER[0]}) as valid_from,
                coalesce(c.valid_to, {FOREVER[1]}) as valid_to,
                w.rank
            from ({_forms(wanted)}) w
            join map_crosswalk c on c.district = w.district and c.local_code = w.code
            qualify w.rank = min(w.rank) over (partition by w.district, w.text)
        ),
        firsts as (
            select * from hits
            qualify row_number() over (partition by district, text, valid_from order by organization) = 1
        )
        select
            district, text, organization, valid_from,
            least(valid_to, coalesce(lead(valid_from) over by_text, valid_to)) as valid_to
        from firsts
        window by_text as (partition by district, text order by valid_from)
    """)
    return table


def organization_table(con: duckdb.DuckDBPyConnection, wanted: str) -> str:
    """Make the same table for organizations of any district and level.

    A code of the authority is taken as it is; a name or local code counts when one organization bears it.
    """
    table = _name("organizations")
    con.execute(f"""
        create temp table {table} as
        with forms as ({_forms(wanted)}),
        hits as (
            select f.district, f.text, c.organization, f.rank * 2 + (c.district <> f.district)::integer as rank
            from forms f join map_crosswalk c on c.local_code = f.code
            union all
            select district, text, code, 9 from forms where regexp_full_match(code, '[0-9]{{{CODE_WIDTH}}}')
        ),
        nearest as (
            select distinct district, text, organization from (
                select * from hits qualify rank = min(rank) over (partition by district, text)
            )
        )
        select district, text, organization, {FOREVER[0]} as valid_from, {FOREVER[1]} as valid_to
        from nearest
        qualify count(*) over (partition by district, text) = 1
    """)
    return table


def _forms(wanted: str) -> str:
    return f"""
        select district, text, lower(trim(text)) as code, 0 as rank from {wanted}
        union all
        select district, text, lpad(text, {CODE_WIDTH}, '0'), 1 from {wanted}
        where regexp_full_match(text, '[0-9]{{4,7}}')
    """


@dataclass(frozen=True, slots=True)
class Hasher:
    """Hashes identifiers under the names their issuers go by."""

    key: Key
    authority: str

    def table(self, con: duckdb.DuckDBPyConnection, wanted: str, spec: Id) -> str:
        """Make `(district, text, hash)` of the ids in a file; a mangled id has no hash.

        Args:
            con: the connection.
            wanted: a table of distinct `district` and `text`.
            spec: how the layout describes the id.
        """
        by_district: dict[str, list[str]] = defaultdict(list)
        for district, text in con.execute(f"select district, text from {wanted}").fetchall():
            by_district[district].append(text)
        rows: list[tuple[str, str, bytes | None]] = []
        for district, texts in by_district.items():
            rows += self._hashed(district, texts, spec)
        table = _name("ids")
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        schema = {"district": pa.string(), "text": pa.string(), "hash": pa.binary()}
        arrays = [pa.array(c, type=t) for c, t in zip(columns, schema.values(), strict=True)]
        con.register("sipetl_ids", pa.Table.from_arrays(arrays, names=list(schema)))
        con.execute(f"create temp table {table} as select * from sipetl_ids")
        con.unregister("sipetl_ids")
        return table

    def _hashed(self, district: str, texts: Sequence[str], spec: Id) -> list[tuple[str, str, bytes | None]]:
        issuer = Names(self.authority, district).fill(spec.issuer)
        ids = [_padded(canonical_id(text), spec.pad) for text in texts]
        hashes = self.key.hash_ids(issuer, spec.kind, ids)
        return [
            (district, text, None if MANGLED_ID.match(one) else digest)
            for text, one, digest in zip(texts, ids, hashes, strict=True)
        ]


def _padded(text: str, width: int) -> str:
    return text.zfill(width) if text.isdecimal() else text


def _name(kind: str) -> str:
    return f"map_{kind}_{uuid.uuid4().hex[:12]}"
