"""Workbook cells as text, the way a CSV of the same sheet would hold them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

Cell = str | float | int | bool | date | datetime | time | timedelta | None


def as_text(cell: Cell) -> str:
    """Write a cell as text: whole numbers without '.0', dates in ISO form, nothing for a blank.

    >>> as_text(239.0), as_text(0.25), as_text(None)
    ('239', '0.25', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


LIVE = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""


def harmless(text: str) -> str:
    """Text of a sender's, such as a file's name, that no spreadsheet will run when it opens what we wrote.

    >>> harmless("=cmd|' /C calc'!A0"), harmless("roster.csv")
    ("'=cmd|' /C calc'!A0", 'roster.csv')
    """
    return f"'{text}" if text.startswith(LIVE) else text
