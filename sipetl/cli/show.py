"""How listings are shown: a table for people, JSON for machines."""

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
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output")]
out = Console(width=None if sys.stdout.isatty() else 200)
"""A pipe has no width of its own: lines are kept long, so that they can be searched."""


def rows(title: str, columns: Sequence[str], data: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print a listing."""
    listed = [{name: row[name] for name in columns} for row in data]
    if as_json:
        dump(listed)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in listed:
        table.add_row(*(_text(value) for value in row.values()))
    out.print(table)


def count(number: int, one: str, many: str) -> str:
    """A number with its word."""
    return f"{number:,} {one if number == 1 else many}"


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
