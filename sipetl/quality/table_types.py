"""Types about the batch's shape: which columns there are, in which order, of which type. No row is read."""

from __future__ import annotations

from sipetl.quality import file_kwargs as of_file
from sipetl.quality import row_kwargs as row
from sipetl.quality.plans import FilePlan, Verdict
from sipetl.quality.ruletype import Reference, RuleType
from sipetl.quality.sql import Column, Columns, RuleError

_NAMES = {
    "VARCHAR": ("VARCHAR", "TEXT", "CHARACTER VARYING"),
    "BIGINT": ("BIGINT",),
    "INTEGER": ("INTEGER",),
    "SMALLINT": ("SMALLINT",),
    "DOUBLE": ("DOUBLE", "DOUBLE PRECISION"),
    "FLOAT": ("FLOAT", "REAL"),
    "DECIMAL": ("DECIMAL", "NUMERIC"),
    "DATE": ("DATE",),
    "TIMESTAMP": ("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"),
    "BOOLEAN": ("BOOLEAN",),
    "BLOB": ("BLOB", "BYTEA"),
}
"""DuckDB's types, by the names that they and PostgreSQL's counterparts have."""
_KNOWN = {name for names in _NAMES.values() for name in names}
_TYPES_NOTE = (
    "names of SQL types, DuckDB's or PostgreSQL's; pandas' names (`int64`, `object`) say how a frame was read, not what a "
    "batch holds, and cannot be run"
)


def _settled(verdict: Verdict) -> FilePlan:
    return FilePlan((), lambda _: verdict)


def _exists(k: of_file.Exists, columns: Columns) -> FilePlan:
    names = list(columns.kinds)
    if not k.column_index:  # GX takes 0 for none
        return _settled(Verdict(k.column in names))
    return _settled(Verdict(-len(names) <= k.column_index < len(names) and names[k.column_index] == k.column))


def _count(k: of_file.ColumnCount, columns: Columns) -> FilePlan:
    count = len(columns.kinds)
    enough, few = (k.min_value is None or count >= k.min_value), (k.max_value is None or count <= k.max_value)
    return _settled(Verdict(enough and few, count))


def _count_equals(k: of_file.ColumnCountEquals, columns: Columns) -> FilePlan:
    return _settled(Verdict(k.value == len(columns.kinds), len(columns.kinds)))


def _ordered(k: of_file.ColumnsAre, columns: Columns) -> FilePlan:
    names = tuple(columns.kinds)
    return _settled(Verdict(k.column_list is None or k.column_list == names, names))


def _set(k: of_file.ColumnSet, columns: Columns) -> FilePlan:
    expected, found = set(k.column_set or ()), set(columns.kinds)
    return _settled(Verdict(expected <= found and not (k.exact_match and found - expected), tuple(sorted(found))))


def _type(k: of_file.TypeIs | row.OfType, columns: Columns) -> FilePlan:
    return _is_of(columns.any(k.column), (k.type_,))


def _types(k: row.OfTypes, columns: Columns) -> FilePlan:
    column = columns.any(k.column)
    return _is_of(column, (column.kind,) if k.type_list is None else k.type_list)


def _is_of(column: Column, wanted: tuple[str, ...]) -> FilePlan:
    asked = [_split(name) for name in wanted]
    if not any(name in _KNOWN for name, _ in asked):
        raise RuleError(f"{' or '.join(wanted)} is no type of SQL")
    kind, size = _split(column.kind)
    fits = any(name in _NAMES.get(kind, ()) and own in ("", size) for name, own in asked)
    return _settled(Verdict(fits, column.kind))


def _split(kind: str) -> tuple[str, str]:
    name, _, size = kind.upper().partition("(")
    return name.strip().replace("_", " "), size.replace(" ", "")


TABLE_TYPES: dict[str, RuleType] = {
    "expect_column_to_exist": RuleType(
        of_file.Exists, _exists, note="a `column_index` of 0 is not looked at, as in GX"
    ),
    "expect_table_column_count_to_be_between": RuleType(of_file.ColumnCount, _count),
    "expect_table_column_count_to_equal": RuleType(of_file.ColumnCountEquals, _count_equals),
    "expect_table_columns_to_match_ordered_list": RuleType(of_file.ColumnsAre, _ordered),
    "expect_table_columns_to_match_set": RuleType(
        of_file.ColumnSet,
        _set,
        note="names are compared with their case, as in pandas; PostgreSQL's engine ignores it",
    ),
    "expect_column_type_to_be": RuleType(of_file.TypeIs, _type, reference=Reference.POSTGRESQL, note=_TYPES_NOTE),
    "expect_column_values_to_be_of_type": RuleType(
        row.OfType, _type, reference=Reference.POSTGRESQL, note=_TYPES_NOTE
    ),
    "expect_column_values_to_be_in_type_list": RuleType(
        row.OfTypes, _types, reference=Reference.POSTGRESQL, note=_TYPES_NOTE
    ),
}
