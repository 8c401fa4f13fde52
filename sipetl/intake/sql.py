"""The steps of a layout's `Column`, as DuckDB expressions: text to text, and text to the contract's type.

Pure functions from reviewed data to SQL text; the only data of a sender that enters is a named group of a file's
name or title, always through `quoted`. Used by `plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sipetl.intake.contract import PhysicalType
from sipetl.intake.layout import PATTERN, Column, Rows

TRUE_WORDS = ("true", "t", "1", "yes", "y")
FALSE_WORDS = ("false", "f", "0", "no", "n")
BAD = r"E'\x02'"
"""Stands for a text that a step could not take; no cell holds it, and it never leaves the stage *texts*."""
CONTROLS = ("\t", "\n", "\r")
SPACES = " \t\r\n\u00a0"
OLDEST_YEAR = 1900
"""A date before it is a two-digit year read as four digits."""
NUMBER = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
EXACT = "decimal(28,9)"
"""Wide enough for any score, with room to multiply by a scale of up to nine digits."""


def quoted(text: str) -> str:
    """A SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: str | bool | int | None) -> str:
    """A constant of a layout as SQL text, in the form that `typed` reads."""
    if value is None:
        return "null::varchar"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    return quoted(str(value))


def one_of(text: str, words: Iterable[str]) -> str:
    """Is the text, in lower case, one of the words? Null for null.

    Not `in (...)`: DuckDB plans each such list as a join, which took seconds to plan for a wide file.
    """
    cases = " ".join(f"when {quoted(w)} then true" for w in dict.fromkeys(word.strip().lower() for word in words))
    return f"case when {text} is null then null else case lower({text}) {cases} else false end end"


def stripped(cell: str, *, has_controls: bool = True) -> str:
    """The cell without outer space.

    DuckDB's plain `trim` takes all kinds of space but no tabs and line ends; naming them makes it four times slower.
    """
    if not has_controls:
        return f"trim({cell})"
    odd = " or ".join(f"contains({cell}, {quoted(c)})" for c in CONTROLS)
    return f"case when {odd} then trim({cell}, {quoted(SPACES)}) else trim({cell}) end"


def blank_to_null(cell: str, tokens: Sequence[str], *, has_controls: bool = True) -> str:
    """The cell without outer space; null when that is one of the tokens (without case)."""
    text = stripped(cell, has_controls=has_controls)
    words = dict.fromkeys(("", *(t.strip().lower() for t in tokens)))
    cases = " ".join(f"when {quoted(word)} then null" for word in words)
    return f"case lower({text}) {cases} else {text} end"


def extracted(cell: str, pattern: str | None) -> str:
    """Step `extract` on a cell that is null where it is blank; `BAD` where the expression does not match."""
    if pattern is None:
        return cell
    found = f"nullif(regexp_extract({cell}, {quoted(pattern)}, 1), '')"
    return f"case when regexp_matches({cell}, {quoted(pattern)}) then {found} when {cell} is not null then {BAD} end"


def coded(cell: str, column: Column) -> str:
    """Step `codes`; `BAD` where the text is not listed and the layout has no `otherwise`."""
    has_rest = "otherwise" in column.model_fields_set
    if not column.codes and not has_rest:
        return cell if column.blank is None else f"coalesce({cell}, {literal(column.blank)})"
    patterns = {key: value for key, value in column.codes.items() if key.startswith(PATTERN)}
    codes = {key.strip().lower(): value for key, value in column.codes.items() if key not in patterns}
    text = f"trim({cell})" if column.extract is not None else cell
    later = [f"when {cell} is null then {literal(column.blank)}"]
    later += [f"when {cell} = {BAD} then {BAD}"] if column.extract is not None else []
    for key, value in patterns.items():
        fits = f"regexp_matches({text}, {quoted(key.removeprefix(PATTERN))}, 'i')"
        later.append(f"when {fits} then {literal(value)}")
    rest = literal(column.otherwise) if has_rest else BAD
    rest = f"case {' '.join(later)} else {rest} end"
    cases = " ".join(f"when {quoted(key)} then {literal(value)}" for key, value in codes.items())
    return f"case lower({text}) {cases} else {rest} end" if codes else rest


def can_be_bad(column: Column) -> bool:
    """Can a text step of the column give `BAD`?"""
    return column.extract is not None or bool(column.codes and "otherwise" not in column.model_fields_set)


def typed(text: str, column: Column, physical: PhysicalType) -> str:
    """The text in the contract's type; null where it does not cast."""
    if column.year is not None:
        year = school_year(text, column)
        return year if physical == "bigint" else f"{year}::varchar"
    if physical == "date":
        return date_of(text, column.parse)
    if physical == "boolean":
        return _boolean(text, column)
    if physical == "bigint":
        scaled = f"{_number(text, column)} * {column.scale}::decimal(9,0)"
        return f"try_cast(floor({scaled} + 0.5) as bigint)"
    if physical == "decimal(18,6)":
        return f"try_cast({_number(text, column)} * {column.scale}::decimal(9,0) as decimal(18,6))"
    return padded(text, column.pad) if column.pad else text


def padded(text: str, width: int) -> str:
    """Digits padded with zeros on the left; longer or other text as it is."""
    short = f"length({text}) < {width} and regexp_full_match({text}, '[0-9]+')"
    return f"case when {short} then lpad({text}, {width}, '0') else {text} end"


def date_of(text: str, formats: Sequence[str]) -> str:
    """A date in the first format that fits; two-digit years are tried before four-digit ones.

    A format is only tried on texts that hold its separator: a failing try costs DuckDB ten times a good one.
    """
    if not formats:
        parsed = f"try_cast({text} as date)"
    else:
        tries = [_try_date(text, one) for one in sorted(formats, key=lambda f: "%Y" in f)]
        parsed = f"coalesce({', '.join(tries)})::date"
    return f"case when year({parsed}) >= {OLDEST_YEAR} then {parsed} end"


def _try_date(text: str, form: str) -> str:
    guards = [f"contains({text}, {quoted(mark)})" for mark in ("/", "-", ":") if mark in form]
    guards += [f"not contains({text}, ':')"] if ":" not in form else []
    if len(form) == len("%m/%d/%y") and form.endswith("%y"):
        guards.append(f"length({text}) <= {len('12/31/99')}")
    return f"case when {' and '.join(guards)} then try_strptime({text}, {quoted(form)}) end"


def _number(text: str, column: Column) -> str:
    clean = text
    if column.number in ("padded", "percent", "fraction"):
        clean = f"replace(replace(replace({text}, ' ', ''), ',', ''), '%', '')"
    value = f"try_cast(case when regexp_full_match({clean}, {quoted(NUMBER)}) then {clean} end as {EXACT})"
    return f"{value} * 100::decimal(3,0)" if column.number == "fraction" else value


def _boolean(text: str, column: Column) -> str:
    if column.at_least is not None:
        return f"{_number(text, column)} >= {quoted(column.at_least)}::{EXACT}"
    if column.equals:
        return one_of(text, column.equals)
    words = dict.fromkeys(TRUE_WORDS, "true") | dict.fromkeys(FALSE_WORDS, "false")
    return f"case lower({text}) {' '.join(f'when {quoted(word)} then {value}' for word, value in words.items())} end"


def year_of_date(day: str) -> str:
    """School year of a date: July starts one."""
    return f"(year({day}) + (month({day}) >= 7)::integer)"


def school_year(text: str, column: Column | None) -> str:
    """School year of a text, by the column's `year`; without one, '2025-26' is a span and '2026' its end."""
    kind = column.year if column else None
    if kind == "date":
        return year_of_date(f"({date_of(text, column.parse if column else ())})")
    end = f"try_cast(regexp_extract({text}, '^[^0-9]*([0-9]{{4}})([.]0+)?$', 1) as integer)"
    start = f"try_cast(regexp_extract({text}, '([0-9]{{4}}) ?[-/_] ?[0-9]{{2,4}}', 1) as integer) + 1"
    if kind == "end":
        return end
    if kind == "start":
        return f"{end} + 1"
    return start if kind in ("span", "term") else f"coalesce({start}, {end})"


def condition(rows: Rows, cell: str, null: Sequence[str]) -> str:
    """A condition on rows, never null."""
    text = blank_to_null(cell, null)
    parts = []
    if rows.blank is not None:
        parts.append(f"{text} is {'' if rows.blank else 'not '}null")
    if rows.one_of:
        parts.append(one_of(f"trim({cell})", rows.one_of))
    if rows.matches is not None:
        parts.append(f"regexp_matches({cell}, {quoted(rows.matches)})")
    return f"coalesce({' and '.join(parts) or 'true'}, false)"


def ident(name: str) -> str:
    """A SQL name; `window` and the like are words of SQL."""
    return '"' + name.replace('"', '""') + '"'
