"""A metric's expressions are data: parsed, and held to an allow-list, before they become part of a query.

Columns of the facts, literals, arithmetic, comparison and a few functions; no sub-select, no table, no file
function can be written in a catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from sipetl.errors import RegistryError

_ALLOWED: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Placeholder,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least, exp.Abs,
)  # fmt: skip
_CONDITIONS = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean)


def check_expression(text: str, columns: Mapping[str, str], *, where: str = "", keys: Sequence[str] = ()) -> exp.Expr:
    """Parse an expression of the catalogue, and refuse whatever is not on the allow-list.

    Args:
        text: an integer or boolean expression.
        columns: what the facts provide, with their types.
        where: file and line, for the error.
        keys: keys of the template, which stand as `:key`.

    Raises:
        RegistryError: it cannot be read, or does more than it may.
    """
    try:
        parsed = [tree for tree in parse(text, dialect="duckdb") if tree is not None]
    except SqlglotError:
        raise RegistryError("the expression cannot be read as SQL", where=where) from None
    if len(parsed) != 1:
        raise RegistryError("there must be one expression here", where=where)
    for node in parsed[0].walk():
        _check_node(node, columns, where=where, keys=keys)
    return parsed[0]


def _check_node(node: exp.Expr, columns: Mapping[str, str], *, where: str, keys: Sequence[str]) -> None:
    if not isinstance(node, _ALLOWED) or (isinstance(node, exp.In) and set(_given(node)) - {"this", "expressions"}):
        what = f"{node.key!r} may not be used in a metric's expression"
        raise RegistryError(what, where=where, cure="use columns of the facts, numbers, texts, and comparisons")
    if isinstance(node, exp.Column) and (set(_given(node)) != {"this"} or node.name not in columns):
        known = f"known here: {', '.join(sorted(columns))}"
        raise RegistryError(f"the facts have no column {node.sql()!r}", where=where, cure=known)
    if isinstance(node, exp.Placeholder) and node.name not in keys:
        raise RegistryError(f"the template has no key {node.name!r}", where=where)


def _given(node: exp.Expr) -> list[str]:
    return [name for name, value in node.args.items() if value]


def as_sql(
    text: str, columns: Mapping[str, str], *, bound: Mapping[str, str | int], where: str = ""
) -> tuple[str, bool]:
    """The expression in DuckDB's SQL, its template keys filled in, and whether it is a condition (else an integer).

    Raises:
        RegistryError: as `check_expression`.
    """
    return _as_sql(text, tuple(columns.items()), tuple(bound.items()), where)


@lru_cache(maxsize=4096)
def _as_sql(
    text: str, columns: tuple[tuple[str, str], ...], bound: tuple[tuple[str, str | int], ...], where: str
) -> tuple[str, bool]:
    """Remembered: on a district's few rows, reading the catalogue's expressions takes as long as a sixth of computing."""
    types, values = dict(columns), dict(bound)
    tree = check_expression(text, types, where=where, keys=tuple(values)).copy().transform(_filled, values)
    root = tree.unnest()
    is_condition = isinstance(root, _CONDITIONS) or types.get(root.name) == "boolean"
    return tree.sql(dialect="duckdb"), is_condition


def _filled(node: exp.Expr, bound: Mapping[str, str | int]) -> exp.Expr:
    if isinstance(node, exp.Placeholder):
        value = bound[node.name]
        return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(value)
    return node
