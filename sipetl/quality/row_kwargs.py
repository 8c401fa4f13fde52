"""The `kwargs` of the types that judge row by row."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import jsonschema
from pydantic import AfterValidator, Field, StrictBool, StrictStr, field_validator, model_validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from sipetl.quality import kwargs as kw
from sipetl.quality.conditions import Scalar


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _format(value: str) -> str:
    """Try a date format as GX does: what it writes, it must read."""
    try:
        datetime.strptime(datetime(2024, 2, 29, tzinfo=UTC).strftime(value), value)  # noqa: DTZ007
    except ValueError:
        raise ValueError("not a date format that can be read back") from None
    return value


def _sign(value: str) -> str:
    if len(value) != 1 or not value.isascii():
        raise ValueError("not a single ASCII character")
    return value


Pattern = Annotated[StrictStr, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]
Likes = Annotated[tuple[StrictStr, ...], Field(min_length=1)]
Match = Literal["any", "all"]


class InSet(kw.MappedColumn):
    """Values against a set; a null in the set is ignored, as missing values are never looked at."""

    value_set: tuple[Scalar, ...]

    @field_validator("value_set", mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        return [item for item in value if item is not None] if isinstance(value, list) else value


class Between(kw.MappedColumn, kw.NeedsBound):
    """Each value within a range."""


class LengthBetween(kw.MappedColumn, kw.Numbers, kw.NeedsBound):
    """The length of each text within a range."""


class LengthEquals(kw.MappedColumn):
    """The length of each text."""

    value: kw.Number


class Matches(kw.MappedColumn):
    """Values against a regular expression; GX's own default matches all."""

    regex: Pattern = "(?s).*"


class MatchesNot(kw.MappedColumn):
    """Values that a regular expression must not match."""

    regex: Pattern


class MatchesList(kw.MappedColumn):
    """Values against several regular expressions."""

    regex_list: Patterns
    match_on: Match = "any"


class MatchesNoneOf(kw.MappedColumn):
    """Values that no regular expression of a list may match."""

    regex_list: Patterns


class Escaped(kw.MappedColumn):
    """SQL patterns: `escape` is the sign that takes the meaning from `%` and `_`; PostgreSQL's own is a backslash."""

    escape: Annotated[StrictStr, AfterValidator(_sign)] | None = None

    def patterns(self) -> tuple[str, ...]:
        """Give all patterns of the rule."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _nothing_is_cut_off(self) -> Self:
        escape = self.escape or "\\"
        for pattern in self.patterns():
            if re.sub(f"{re.escape(escape)}.", "", pattern, flags=re.DOTALL).endswith(escape):
                raise ValueError("a like pattern must not end with its escape sign")
        return self


class Like(Escaped):
    """Values against an SQL pattern."""

    like_pattern: StrictStr

    def patterns(self) -> tuple[str, ...]:
        return (self.like_pattern,)


class LikeNoneOf(Escaped):
    """Values that no SQL pattern of a list may match."""

    like_pattern_list: Likes

    def patterns(self) -> tuple[str, ...]:
        return self.like_pattern_list


class LikeList(LikeNoneOf):
    """Values against several SQL patterns."""

    match_on: Match = "any"


class MatchesFormat(kw.MappedColumn):
    """Values against a `strptime` format."""

    strftime_format: Annotated[StrictStr, AfterValidator(_format)]


class MatchesSchema(kw.MappedColumn):
    """Values against a JSON schema."""

    json_schema: dict[str, Any]

    @field_validator("json_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any]) -> dict[str, Any]:
        known = jsonschema.validators.validator_for(schema)
        try:
            known.check_schema(schema, format_checker=known.FORMAT_CHECKER)
            _resolve(schema, schema)
        except jsonschema.SchemaError as error:
            raise ValueError(f"not a JSON schema: {error.message}") from None
        except Unresolvable:
            raise ValueError("the schema refers to what it does not hold") from None
        return schema


def _resolve(part: Any, schema: dict[str, Any]) -> None:
    """Follow every reference of a schema; another file's would be fetched, from wherever it says."""
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for key in ("$ref", "$dynamicRef") if isinstance(part, dict) else ():
        if isinstance(part.get(key), str):
            resolver.lookup(part[key])
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _resolve(inner, schema)


class Ordered(kw.MappedColumn):
    """Values that rise or fall from row to row."""

    strictly: StrictBool | None = None


class ZScores(kw.MappedColumn):
    """The distance of each value from the mean, in standard deviations."""

    threshold: kw.Number
    double_sided: StrictBool


class Outliers(kw.MappedColumn):
    """Values within fences around the quartiles, or around the mean."""

    method: Literal["iqr", "std"] = "iqr"
    multiplier: float = Field(default=1.5, ge=0)


class OfType(kw.MappedColumn):
    """The declared type of a column."""

    type_: StrictStr


class OfTypes(kw.MappedColumn):
    """The declared type of a column, one of several; without a list, any."""

    type_list: tuple[StrictStr, ...] | None


class PairGreater(kw.Pair):
    """The first column's value above the second's."""

    or_equal: StrictBool | None = None


class PairInSet(kw.Pair):
    """Both values together in a set of pairs."""

    value_pairs_set: tuple[tuple[Scalar | None, Scalar | None], ...]


class SumEquals(kw.Several):
    """The sum of several columns."""

    sum_total: kw.Number
