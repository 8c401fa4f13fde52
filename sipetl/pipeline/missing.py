"""What a file's missing column costs: the metrics and student groups that cannot be computed without it.

Derived from the catalogue's expressions and from what the contract says of its columns (`makes`, `groups`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb

from sipetl.intake import Layout, Mapped, load_contract
from sipetl.metrics import Metric, load_catalogue
from sipetl.quality import Finding
from sipetl.registry.models import FeedName

MOST_TITLES = 6
"""Metrics named in a finding, as many as read easily; the others are counted."""

OF_THE_ROW = ("school_year", "district")
"""What `map` adds to the contract's columns."""
_ADD = "Add the column to the export, with this heading, and send the whole file again."


def what_is_missing(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout, finding: Finding) -> Finding:
    """The finding that a column is missing: by its heading in the vendor's words, and what rests on it."""
    column = finding.column or ""
    if column in mapped.deciding and column not in mapped.lacking:
        return _undecided(con, mapped, layout, finding)
    headings = mapped.lacking.get(column, ())
    lost = _lost(con, mapped, layout.feed, column)
    filled = column in mapped.headings
    text = "The file lacks this column, which its layout reads" + (" beside others." if filled else ".")
    if not lost:
        return replace(
            finding, headings=headings, text=f"{text} No figure rests on it.", cure="Nothing to do unless it matters."
        )
    part = "For some rows, this" if filled else "This"
    return replace(
        finding, headings=headings, text=f"{text} {part} cannot be computed without it: {lost}.", cure=_ADD
    )


def _undecided(con: duckdb.DuckDBPyConnection, mapped: Mapped, layout: Layout, finding: Finding) -> Finding:
    """The finding that a column is missing by which the layout tells rows apart: nothing is empty, and all may be wrong."""
    heading, columns = finding.column or "", mapped.deciding[finding.column or ""]
    filled = [one for one in columns if one not in OF_THE_ROW]
    lost = "; ".join(dict.fromkeys(one for c in filled if (one := _lost(con, mapped, layout.feed, c))))
    if lost:
        text = f"The layout tells by this column what {', '.join(filled)} holds. Without it these are wrong or missing: {lost}."
    elif columns:
        text = (
            f"The layout tells by this column what {', '.join(columns)} holds: without it, rows are wrong or missing."
        )
    else:
        text = (
            "The layout tells by this column which rows are no data: without it, rows are taken or left out wrongly."
        )
    named = columns[0] if len(columns) == 1 else None
    return replace(finding, column=named, headings=(heading,), text=f"The file lacks this column. {text}", cure=_ADD)


def _lost(con: duckdb.DuckDBPyConnection, mapped: Mapped, feed: FeedName, column: str) -> str:
    groups = _custom(feed, column).get("groups")
    if groups:
        return f"all figures by student group ({groups})"
    titles = [metric.title for metric in _metrics(feed, column) if _speaks_of(con, mapped, feed, metric)]
    more = len(titles) - MOST_TITLES
    return "; ".join(titles[:MOST_TITLES]) + (f"; and {more} more" if more > 0 else "")


def _metrics(feed: FeedName, column: str) -> Iterator[Metric]:
    """Metrics whose numerator or denominator reads the contract column, or facts that are made of it."""
    made: Iterable[str] = _custom(feed, column).get("makes", ())
    facts = {column, *made}
    for metric in _catalogue(feed):
        if facts & _read(metric.numerator, metric.denominator or "true"):
            yield metric


@cache
def _catalogue(feed: FeedName) -> tuple[Metric, ...]:
    """The feed's metrics; of a template whose values are found in data, the template with its key in words."""
    catalogue = load_catalogue()
    named = [m for m in catalogue.entries if m.feed == feed and not _is_listed(m)]
    worded = [m.model_copy(update={"title": m.title.format(**{k: f"each {k}" for k in m.for_})}) for m in named]
    return (*catalogue.metrics(feed), *worded)


def _is_listed(metric: Metric) -> bool:
    """Does the catalogue itself say all that the template stands for?"""
    return all(isinstance(values, dict) for values in metric.for_.values())


@cache
def _read(*expressions: str) -> frozenset[str]:
    from sqlglot import exp, parse_one  # slow to load, and only needed where a column is missing

    trees = (parse_one(text, dialect="duckdb") for text in expressions)
    return frozenset(node.name for tree in trees for node in tree.find_all(exp.Column))


def _speaks_of(con: duckdb.DuckDBPyConnection, mapped: Mapped, feed: FeedName, metric: Metric) -> bool:
    """Whether the metric is about such rows: of this test and subject, where it names one."""
    columns = {one.name for one in load_contract(feed).columns}
    named = {name: value for name, value in _named(metric).items() if name in columns}
    if not named:
        return True
    where = " and ".join(f'"{name}" = ?' for name in named)
    rows = con.execute(f"select count(*) from {mapped.table} where {where}", list(named.values())).fetchall()
    return bool(rows[0][0])


def _named(metric: Metric) -> Mapping[str, str]:
    """Columns that the metric's condition holds to one text."""
    from sqlglot import exp, parse_one

    found: dict[str, str] = {}
    tree = parse_one(metric.where or "true", dialect="duckdb")
    for node in tree.find_all(exp.EQ):
        left, right = node.this, node.expression
        value = metric.bound.get(right.name) if isinstance(right, exp.Placeholder) else right.name
        if isinstance(left, exp.Column) and isinstance(value, str) and value:
            found[left.name] = value
    return found


def _custom(feed: FeedName, column: str) -> Mapping[str, Any]:
    return {one.property: one.value for one in load_contract(feed).column(column).custom_properties}
