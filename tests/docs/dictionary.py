"""`docs/tables.md`: every table and view with its grain and columns, from the comments that the database carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import Column, Connection, Table, text
from sqlalchemy.dialects import postgresql

from sipetl.warehouse.tables import SCHEMAS, metadata

VIEWS = """
    select n.nspname as schema, c.relname as view, obj_description(c.oid) as says, a.attname as name,
        format_type(a.atttypid, a.atttypmod) as type, col_description(c.oid, a.attnum) as comment
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname in ('pub', 'own') and c.relkind = 'v'
    order by n.nspname desc, c.relname, a.attnum
"""
HEAD = """\
# Tables and views

Made from the comments in the database by `tests/docs/dictionary.py`; do not edit it here. The same comments are in the database itself, where
BI tools show them.

Readers have the views of `pub` (released figures, small cells without numbers) and, with a grant, of `own` (a district's own current figures,
unsuppressed). They have no right on any table. No table holds a row about one student: those are in the lake, under pseudonyms.

`school_year` is the spring year everywhere: 2026 is 2025-26. Moments are stored in UTC.
"""
WORDS = {
    "pub": "`pub`: what the public reader sees",
    "own": "`own`: what a district sees of itself",
    "ref": "`ref`: what is known beforehand",
    "plan": "`plan`: improvement plans",
    "ops": "`ops`: the ledger of what came, what was expected and what was done",
    "metric": "`metric`: values, and the statuses of benchmarks",
}


def tables_page(connection: Connection) -> str:
    """The page: views first, then the tables of each schema."""
    return "\n".join([HEAD, *_views(connection), *_tables()])


def _views(connection: Connection) -> Iterator[str]:
    rows = connection.execute(text(VIEWS)).all()
    for schema, of_schema in groupby(rows, key=lambda row: row.schema):
        yield f"## {WORDS[schema]}\n"
        for (view, says), columns in groupby(of_schema, key=lambda row: (row.view, row.says)):
            yield f"### {schema}.{view}\n\n{says}.\n"
            yield _listed((column.name, column.type, column.comment) for column in columns)


def _tables() -> Iterator[str]:
    for schema in (name for name in SCHEMAS if name not in ("own", "pub")):
        yield f"## {WORDS[schema]}\n"
        for table in sorted(metadata.tables.values(), key=lambda table: table.name):
            if table.schema == schema:
                yield f"### {schema}.{table.name}\n\n{table.comment}.\n\n{_grain(table)}.\n"
                yield _listed((column.name, _type(column), _meaning(column)) for column in table.columns)


def _grain(table: Table) -> str:
    keys = [f"`{column.name}`" for column in table.primary_key]
    return f"One row per {' x '.join(keys)}" if keys else "No key: rows as the registry lists them"


def _type(column: Column[object]) -> str:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    return f"{kind}, may be null" if column.nullable else kind


def _meaning(column: Column[object]) -> str:
    keys = sorted(key.target_fullname.rpartition(".")[0] for key in column.foreign_keys)
    return f"{column.comment}{''.join(f' ({key})' for key in keys)}"


def _listed(columns: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in columns]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *lines, ""])
