"""A metric's expressions are data: parsed, and held to an allow-list, before they become part of a query.

Columns of the facts, whole numbers, texts, arithmetic, comparison and a few functions; no sub-select, no table, no file
function can be written in a catalogue. Each part has one type, so that no engine casts as it thinks best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from sipetl.errors import RegistryError

_ALLOWED: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Placeholder,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least, exp.Abs,
)  # fmt: skip
_LOGIC, _SUMS = (exp.And, exp.Or, exp.Not), (exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Abs)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
_CURE = "use columns of the facts, whole numbers, texts, and comparisons"
_UNKNOWN = "unknown"
"""Type of null and of a template's key: it fits wherever it stands."""


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
        raise RegistryError("the expression cannot be read as SQL", where=where, cure=_CURE) from None
    if len(parsed) != 1:
        raise RegistryError("there must be one expression here", where=where, cure=_CURE)
    for node in parsed[0].walk():
        _check_node(node, columns, where=where, keys=keys)
    if _type(parsed[0], columns, where) == "text":
        raise RegistryError("a text can be neither counted nor added up", where=where, cure="compare it with another")
    return parsed[0]


def _check_node(node: exp.Expr, columns: Mapping[str, str], *, where: str, keys: Sequence[str]) -> None:
    if not isinstance(node, _ALLOWED) or (isinstance(node, exp.In) and set(_given(node)) - {"this", "expressions"}):
        raise RegistryError(f"{node.key!r} may not be used in a metric's expression", where=where, cure=_CURE)
    if node.comments:
        raise RegistryError(
            "a comment may not stand in a metric's expression", where=where, cure="write it above, after #"
        )
    if isinstance(node, exp.Literal) and not (node.is_string or node.is_int):
        raise RegistryError("a number in a metric's expression is a whole one", where=where, cure=_CURE)
    if isinstance(node, exp.Column) and (set(_given(node)) != {"this"} or node.name not in columns):
        known = f"known here: {', '.join(sorted(columns))}"
        raise RegistryError(f"the facts have no column {node.sql()!r}", where=where, cure=known)
    if isinstance(node, exp.Placeholder) and node.name not in keys:
        raise RegistryError(f"the template has no key {node.name!r}", where=where, cure="name it under 'for'")


def _type(node: exp.Expr, columns: Mapping[str, str], where: str) -> str:
    """`integer`, `boolean`, `text`, or not known."""
    if isinstance(node, exp.Column):
        return columns[node.name]
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "integer"
    if isinstance(node, exp.Case):
        return _type_of_case(node, columns, where)
    types = [_type(part, columns, where) for part in node.iter_expressions() if not isinstance(part, exp.Identifier)]
    if isinstance(node, _LOGIC):
        return _same([*types, "boolean"], where)
    if isinstance(node, _SUMS):
        return _same([*types, "integer"], where)
    if isinstance(node, exp.Is | exp.Boolean):
        return "boolean"
    common = _same(types, where)
    return "boolean" if isinstance(node, _COMPARISONS) else common


def _type_of_case(node: exp.Case, columns: Mapping[str, str], where: str) -> str:
    """That of its results; what it asks for are conditions, or texts or numbers to compare with what stands first."""
    asked = _type(node.this, columns, where) if node.this else "boolean"
    _same([asked, *(_type(one.this, columns, where) for one in node.args["ifs"])], where)
    results = [one.args["true"] for one in node.args["ifs"]] + [one for one in (node.args.get("default"),) if one]
    return _same([_type(one, columns, where) for one in results], where)


def _same(types: Iterable[str], where: str) -> str:
    known = sorted(set(types) - {_UNKNOWN})
    if len(known) > 1:
        raise RegistryError(f"{' and '.join(known)} cannot go together", where=where, cure="compare like with like")
    return known[0] if known else _UNKNOWN


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
    return tree.sql(dialect="duckdb"), _type(tree, types, where) == "boolean"


def _filled(node: exp.Expr, bound: Mapping[str, str | int]) -> exp.Expr:
    if isinstance(node, exp.Placeholder):
        value = bound[node.name]
        return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(value)
    return node
