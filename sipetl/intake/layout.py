"""How one vendor's file maps to a contract: the layout language, as data.

A layout is a YAML file in `layouts/` (shipped) or `HOME/registry/layouts/` (a district's own). It says how the
file is recognised and read, what a delivery of it replaces, and where each column of the contract comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sipetl.registry.models import Code, FeedName, Model, SchoolYear

PATTERN = "re:"
"""Begins a text that is a regular expression where plain texts may stand too."""
Constant = str | bool | int | None


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _patterns_compile(codes: dict[str, Constant]) -> dict[str, Constant]:
    for key in codes:
        if key.startswith(PATTERN):
            _compiles(key.removeprefix(PATTERN))
    return codes


def _one_or_more(headers: object) -> object:
    return (headers,) if isinstance(headers, str) else headers


Pattern = Annotated[str, AfterValidator(_compiles)]
Character = Annotated[str, Field(min_length=1, max_length=1)]
Headers = Annotated[tuple[str, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | tuple[str, ...])]
"""One header, or several of which the first that the file has is taken."""


def group_names(pattern: str) -> tuple[str, ...]:
    """The named groups of an expression, in order."""
    return tuple(re.compile(pattern).groupindex)


class File(Model):
    """The container."""

    kind: Literal["csv", "xlsx"] = "csv"
    delimiter: Character | None = None
    """None = sniffed among , ; tab |"""
    escape: Character | None = None
    """The character that escapes a quote inside a field; None = the quote is doubled."""
    sheet: Pattern | None = None
    """Workbooks: the sheet whose name matches; None = the first."""
    name_pattern: Pattern | None = None
    """On the file's name, else on that of the archive it came in; its named groups can be used as `{name}` in `value`,
    and as sources below."""
    name_example: str | None = None
    """A name that fits the pattern, for the letter to a sender whose file's name does not say enough."""
    beside: tuple[str, ...] = ()
    """Names of files that come in the same archive and hold nothing for this feed, with * and ? as wildcards: they are
    kept as they came, and no person need look at them."""
    title_pattern: Pattern | None = None
    """On the first cell above the header; its named groups are used like those of `name_pattern`."""

    @model_validator(mode="after")
    def _example_fits(self) -> File:
        if self.name_example and not re.search(self.name_pattern or "", self.name_example, re.IGNORECASE):
            raise ValueError("'name_example' does not fit 'name_pattern'")
        return self


class Recognise(Model):
    """What makes the file this layout's: all of `headers` (after renames), and none of `without`."""

    headers: tuple[str, ...]
    without: tuple[str, ...] = ()


class Id(Model):
    """An identifier: hashed at once, never kept."""

    kind: Code
    """`lasid`, `sasid`, `staff`, `response`, `classroom`, ..."""
    issuer: str = "{authority}:{district}"
    """A template; the state's ids use `{authority}`."""
    pad: Annotated[int, Field(ge=0, le=32)] = 0
    """Pad digits with zeros on the left to this width."""


class Column(Model):
    """Where one contract column's value comes from: exactly one of `from` and `value`.

    Then the steps, in this order: null tokens -> `extract` -> `codes` -> `id` | `crosswalk` | `parse` | `number` |
    `at_least` | the contract's type.
    """

    source: Annotated[Headers, Field(alias="from")] = ()
    """Header(s): the first that the file has. `{name}` = a named group of the file's name or title."""
    value: Constant = None
    """A constant; may use `{name}`."""
    null: tuple[str, ...] = ()
    """Texts that mean "no value" in this column, beside the layout's own `null`."""
    extract: Pattern | None = None
    """Keep the first group of this expression; no match = a row issue."""
    codes: Annotated[dict[str, Constant], AfterValidator(_patterns_compile)] = Field(default_factory=dict)
    """What the vendor writes -> the contract's value; compared without case and outer space. A key `re:...` stands
    for every text that the expression is found in; plain keys come first, then these in their order."""
    otherwise: Constant = None
    """The value for a text that is not listed in `codes`. Not given = such a text is a row issue."""
    blank: Constant = None
    """The value for a cell that is blank or a null token; not for what is looked up."""
    id: Id | None = None
    crosswalk: Literal["school", "organization"] | None = None
    """A local school code or name -> organization code, by the district's dated crosswalk (an organization's own
    code is accepted as it is, padded to 8 digits)."""
    parse: tuple[str, ...] = ()
    """Date formats (strptime), tried in this order."""
    year: Literal["end", "start", "span", "term", "date"] | None = None
    """For `school_year`: 2026 | 2025 | 2025-2026 or 2025-26 | 'Fall 2025-2026' | a date (July starts a year)."""
    number: Literal["plain", "padded", "percent", "fraction"] | None = None
    """`padded`: spaces and thousands separators are dropped; `percent`: 38 -> 38; `fraction`: 0.38 -> 38."""
    scale: int = 1
    """Multiply the number before it is rounded half-up into an integer column (scaled columns end in _x100)."""
    at_least: str | None = None
    """Boolean: the number is at least this."""
    equals: tuple[str, ...] = ()
    """Boolean: the text is one of these (without case)."""
    pad: Annotated[int, Field(ge=0, le=32)] = 0
    """Pad a code with zeros on the left to this width."""

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        if bool(self.source) == ("value" in self.model_fields_set):
            raise ValueError("a column has either 'from' or 'value'")
        if not self.source and (self.id or self.crosswalk):
            raise ValueError("a constant is not looked up: 'id' and 'crosswalk' go with 'from'")
        if self.blank is not None and (self.id or self.crosswalk):
            raise ValueError("'blank' cannot stand for what is looked up ('id', 'crosswalk')")
        return self

    @property
    def steps(self) -> tuple[object, ...]:
        """What is done to a cell, whichever cell it is."""
        has_rest = "otherwise" in self.model_fields_set
        return bool(self.source), has_rest, self.model_dump(exclude={"source", "value"})


class Rows(Model):
    """Which rows are rows of data: a condition on one source column.

    With nothing but `from` it holds in every row of a file that has the column, and in none of a file without it.
    """

    source: Annotated[Headers, Field(alias="from")]
    blank: bool | None = None
    one_of: tuple[str, ...] = ()
    matches: Pattern | None = None


class Long(Model):
    """Wide to long: each variant makes one row from each row of the file, with its own columns on top of `columns`.

    `name` labels the variant in row issues; `when` leaves out rows for which nothing was there to measure.
    """

    name: Code
    each: tuple[tuple[dict[str, str], ...], ...] = ()
    """Lists of words: the variant is written out once for every combination of one entry of each list, with that
    entry's `{word}` filled in wherever it stands in `columns`, `when` and `school_year`."""
    columns: dict[str, Column]
    when: Rows | None = None
    school_year: Column | None = None
    """Of this variant's rows, where a row of the file holds figures of several years."""

    def written_out(self) -> Iterator[Long]:
        """The variants that it stands for: itself, where it has no `each`."""
        if not self.each:
            yield self
            return
        pattern = self.model_dump(by_alias=True, exclude_unset=True, exclude={"each"})
        for entries in product(*self.each):
            words = {word: text for entry in entries for word, text in entry.items()}
            yield Long.model_validate(_filled_in(pattern, words))


def _filled_in(part: Any, words: Mapping[str, str]) -> Any:
    """A part of a layout with `{word}` replaced in all its texts; other names in braces stay."""
    if isinstance(part, str):
        return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), part)
    if isinstance(part, dict):
        return {_filled_in(key, words): _filled_in(value, words) for key, value in part.items()}
    return [_filled_in(one, words) for one in part] if isinstance(part, list | tuple) else part


def _all_written_out(variants: tuple[Long, ...]) -> tuple[Long, ...]:
    return tuple(one for variant in variants for one in variant.written_out())


class Melt(Model):
    """Wide to long by header pattern: each matching header makes one row; its named groups become values."""

    headers: Pattern
    """For example `^(?P<item>[spt]-[a-z]{4}-q\\d+)(-1)?$`."""
    item: str = "item"
    """Contract column that takes the group of the same name (lower case)."""
    cell: str = "value"
    """Contract column that takes the cell (with that column's `Column` rules; blank cells make no row)."""


class Scope(Model):
    """What a delivery replaces.

    `snapshot`: all rows of the district and school year (and of the `by` columns' values found in the content);
    `window`: the days from the first to the last found in `column`, of the same `by` values; `increment`: nothing, rows
    with the same key replace.
    """

    kind: Literal["snapshot", "window", "increment"]
    column: str | None = None
    by: tuple[str, ...] = ()
    """Contract columns: only rows with values found in the content are replaced (e.g. assessment, subject, window)."""

    @model_validator(mode="after")
    def _window_has_a_column(self) -> Scope:
        if (self.kind == "window") != (self.column is not None):
            raise ValueError("'column' goes with kind 'window', and only with it")
        return self


class Years(Model):
    """School years a layout version holds for."""

    first: Annotated[SchoolYear | None, Field(alias="from")] = None
    last: Annotated[SchoolYear | None, Field(alias="to")] = None


class Layout(Model):
    """One version of one vendor's file."""

    layout: Code
    version: int = 1
    feed: FeedName
    title: str
    source: str
    """Where the header was seen (document or sample)."""
    school_years: Years = Years()
    file: File = File()
    recognise: Recognise
    renames: dict[str, str] = Field(default_factory=dict)
    """Header as it may stand in the file -> the name used in this layout (vintages). Compared without case."""
    header_patterns: dict[str, Pattern] = Field(default_factory=dict)
    """The name used in this layout -> an expression for a header that changes, such as one with a year in it. The
    first header that fits is taken, where none has the name itself. Compared without case."""
    null: tuple[str, ...] = ("", "NULL", "N/A", "NA", "#N/A", "#NA")
    rows_keep: tuple[Rows, ...] = ()
    """All must hold; a row that fails is counted as skipped, not as an issue."""
    rows_drop: tuple[Rows, ...] = ()
    """Any that holds drops the row (total rows, footnotes, not-assessed rows)."""
    district: Column | None = None
    """None = the district whose inbox the file came from."""
    school_year: Column | None = None
    """None = from the file's name group `school_year`, or from dates, else the operator's flag."""
    scope: Scope
    columns: dict[str, Column]
    long: Annotated[tuple[Long, ...], AfterValidator(_all_written_out)] = ()
    melt: Melt | None = None
    drop: tuple[str, ...] = ()
    """Headers (or `re:` patterns) that are known and not taken; any other header is a finding."""
