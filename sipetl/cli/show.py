"""How results are shown, on standard output: lines and tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output")]
out = Console(width=None if sys.stdout.isatty() else 200)
"""A pipe has no width of its own: lines are kept long, so that they can be searched."""
_lines = Console(soft_wrap=True, highlight=False)


def rows(
    title: str, columns: Sequence[str], data: Iterable[Mapping[str, Any]], *, as_json: bool, empty: str = ""
) -> None:
    """Print a listing; where there is nothing to list, `empty` says so in one sentence."""
    listed = [{name: row[name] for name in columns} for row in data]
    if as_json:
        dump(listed)
        return
    if empty and not listed:
        say(empty)
        return
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name.endswith("_id"))
    for row in listed:
        table.add_row(*(escape(_text(value)) for value in row.values()))
    out.print(table)


def say(line: str, *, style: str = "") -> None:
    """Print what was done, or found, in a line of its own."""
    _lines.print(line, style=style or None, markup=False)


def count(number: int, one: str, many: str) -> str:
    """A number with its word."""
    return f"{number:,} {one if number == 1 else many}"


def few(names: Sequence[str], most: int = 5) -> str:
    """Names in one line; beyond `most` they are counted."""
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def dump(data: Any) -> None:
    """Print JSON."""
    json.dump(data, sys.stdout, indent=2, default=_plain, ensure_ascii=False)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, UUID):
        return str(value)
    return str(value)
