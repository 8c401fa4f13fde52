r"""Texts that Python accepts without doubt, as patterns of DuckDB's: only the others must go to Python.

Python's `re` and `strptime` are the reference and slow. A pattern made of pieces that mean the same to both, or less
to DuckDB (its `\d` knows ASCII digits only, its `\z` no last line end), can refuse what Python accepts, and never
accept what Python refuses. A pattern with any other piece gets none, and all of its texts go to Python.
"""

from __future__ import annotations

import re

_SIGN = r"\\[\-.,:/+*?()\[\]{}|^$\\]"
_IN_CLASS = r"""\w-\w | [\w .,:;/@\#%&=~!"'<>+*?()$|]"""
_PIECE = re.compile(
    rf"""
    [\^$|] | \\[AZ] | \((?:\?:)? | \)\??
    | (?:
        [\w \-,:;/@\#%&=~!"'<>.] | {_SIGN} | \\[dws]
        | \[ (?!\^) -? (?:{_IN_CLASS} | {_SIGN} | \\[dws])+ -? \]
        | \[\^ (?:{_IN_CLASS} | {_SIGN})+ -? \]
    )
    (?:[*+?]\?? | \{{\d+(?:,\d*)?\}}\??)? (?![*+?{{])
    """,
    re.VERBOSE | re.ASCII,
)
"""An end, a branch, a group that is there once or not at all; or a character, a sign, a class, maybe repeated."""
_ENDS = {"^": r"\A", "$": r"\z", r"\Z": r"\z"}
_DIRECTIVES = {
    "%Y": "[1-9][0-9]{3}",
    "%y": "[0-9]{2}",
    "%m": "(?:0[1-9]|1[0-2])",
    "%d": "(?:0[1-9]|1[0-9]|2[0-8])",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
    "%f": "[0-9]{6}",
    ".": "[.]",
}
"""Written in full, and days that every month has: whether a month has a 29th is left to Python."""
_FORMAT_PIECE = re.compile(r"%[YymdHMSf] | [A-Za-z0-9\ ./:,_-]", re.VERBOSE)


def sure_pattern(pattern: str) -> str | None:
    """Write a pattern of DuckDB's that is found only in texts in which `re.search` finds this one."""
    pieces = _pieces(_PIECE, pattern)
    return None if pieces is None else "".join(_ENDS.get(piece, piece) for piece in pieces)


def sure_format(strftime_format: str) -> str | None:
    """Write a pattern of DuckDB's for texts that `datetime.strptime` reads in this format."""
    pieces = _pieces(_FORMAT_PIECE, strftime_format)
    return None if pieces is None else rf"\A{''.join(_DIRECTIVES.get(piece, piece) for piece in pieces)}\z"


def _pieces(of: re.Pattern[str], whole: str) -> list[str] | None:
    """Cut a text into pieces; None where something is left."""
    found = [match[0] for match in of.finditer(whole)]
    return found if "".join(found) == whole else None
