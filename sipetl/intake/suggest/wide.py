"""Variants of a draft: one for each published figure, question, or subject."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sipetl.intake.headers import normal
from sipetl.intake.suggest.beside import always_blank
from sipetl.intake.suggest.choose import Choice
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.shape import Blocks, Figure, scale_of
from sipetl.intake.suggest.specs import Spec, number_of
from sipetl.intake.suggest.words import load_words

if TYPE_CHECKING:
    from sipetl.intake.suggest.columns import Columns

NAME_LENGTH = 56
"""A name of the layout language holds 64 characters; a number may be put behind it."""
EIGHT = 0.8
"""Share of codes of up to eight digits from which an organization is told by the 8-digit rule."""
FOLLOWS = 0.8
"""Belief in what follows from an organization's code."""


def given(long: Sequence[Mapping[str, Any]], melt: Mapping[str, Any] | None) -> set[str]:
    """The contract columns that all variants fill."""
    found = [set(one["columns"]) for one in long]
    return (set.intersection(*found) if found else set()) | ({"item", "value"} if melt else set())


def slug(header: str, seen: set[str]) -> str:
    """A name for a header, used once."""
    text = re.sub(r"[^a-z0-9]+", "_", header.lower().replace("%", " percent ").replace("#", " count ")).strip("_")
    base = (text or "column")[:NAME_LENGTH]
    name, number = base, 2
    while name in seen:
        name, number = f"{base}_{number}", number + 1
    seen.add(name)
    return name


def put_place(out: Columns) -> None:
    """Whose figures: the organization, its level, and which rows are totals."""
    match = out.choice.matching.found.get("organization")
    if match is None:
        return
    source, header = match.source, match.source.header
    digits = [value for value in source.counts if re.fullmatch(r"\d{1,8}", value)]
    is_code = source.counts and len(digits) >= EIGHT * source.distinct and max(map(len, digits)) >= 7
    notes = out.specs["organization"].notes
    pad = {"pad": 8} if is_code else {}
    out.specs["organization"] = Spec({"from": header, **pad}, notes, match.score, header, match.why)
    if is_code:
        told = ("told by the 8-digit rule",)
        levels = {"re:^0+$": "state", "re:0000$": "district"}
        out.put("level", Spec({"from": header, "codes": levels, "otherwise": "school"}, told, FOLLOWS, header))
        total = {"from": header, "codes": {"re:0000$": True}, "otherwise": False}
        out.put("is_total", Spec(total, ("state and districts, beside their schools",), FOLLOWS, header))
    else:
        named = [level for word, level in load_words().levels.items() if word in source.words]
        if named:
            out.constant("level", named[0], "by the name of the organization's column")
        else:
            out.constant("level", "school", "a guess: nothing says the level")
        _total_by_words(out)
    out.constant("period", "annual", "a guess")


def _total_by_words(out: Columns) -> None:
    grade = out.choice.matching.source("grade")
    words = [v for v in (grade.counts if grade else ()) if normal(v) in ("all", "all grades", "total", "grand total")]
    if grade is not None and words:
        out.put("is_total", Spec({"from": grade.header, "equals": words}, (), FOLLOWS, grade.header))
        codes = out.specs["grade"].data.get("codes")
        if codes is not None:
            codes.update(dict.fromkeys(words, "all"))
    else:
        out.constant("is_total", False, "no row of totals was seen")


def figure_variants(choice: Choice, *, has_group: bool) -> list[dict[str, Any]]:
    """A variant for each figure."""
    seen: set[str] = set()
    found: list[dict[str, Any]] = []
    for figure in choice.figures:
        variant = _figure(figure, choice, slug(figure.main.header, seen), has_group=has_group)
        found += _by_blank(variant, figure, choice) or [variant]
    return found


def _by_blank(variant: dict[str, Any], figure: Figure, choice: Choice) -> list[dict[str, Any]]:
    """Two variants where what a row is about says why its figure is blank: science has no growth percentile."""
    if figure.value is None or _gone(figure.value):
        return []
    for name in ("subject", "grade", "student_group"):
        of = choice.matching.source(name)
        if of is not None and of.is_closed and (never := always_blank(figure.value, of)):
            header, columns = figure.value.header, dict(variant["columns"])
            columns.pop("suppressed")
            there = {**variant, "when": {"from": header, "blank": False}, "columns": columns}
            codes = dict.fromkeys(never, "not_applicable")
            why = {"from": of.header, "codes": codes, "otherwise": "not_reported"}
            gone = {column: data for column, data in columns.items() if column != "value"} | {"suppressed": why}
            blank = {"name": f"{variant['name']}_blank", "when": {"from": header, "blank": True}, "columns": gone}
            return [there, blank]
    return []


def _figure(figure: Figure, choice: Choice, name: str, *, has_group: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {"metric": {"value": name}}
    if choice.matching.source("grade") is None:
        columns["grade"] = {"value": "all"}
    if not has_group:
        groups = {normal(text): code for text, code in load_words().codes["student_group"].items()}
        columns["student_group"] = {"value": groups.get(normal(figure.main.header.strip("%# ")), "all")}
    for part, column in (("numerator", figure.numerator), ("denominator", figure.denominator)):
        if column is not None:
            columns[part] = {"from": column.header, **_nulls(column), "number": number_of(column)}
    if figure.value is not None:
        columns["value"] = _value(figure.value)
        gone = {"codes": _gone(figure.value)} if _gone(figure.value) else {}
        columns["suppressed"] = {"from": figure.value.header, **gone, "otherwise": None, "blank": "not_reported"}
    return {"name": name, "columns": columns}


def _value(column: Profile) -> dict[str, Any]:
    if (scale := scale_of(column)) is not None:
        found = {normal(value): value for value in column.counts}
        codes = {found[normal(word)]: place for place, word in enumerate(scale, start=1) if normal(word) in found}
        return {"from": column.header, "codes": codes | dict.fromkeys(_gone(column))}
    number = number_of(column)
    if "%" in column.words or "rate" in column.words:
        number = "fraction" if column.numbers and max(column.numbers) <= 1 else "percent"
    return {"from": column.header, **_nulls(column), "number": number}


def _gone(column: Profile) -> dict[str, Any]:
    """Marks of figures that are not there; words that everybody uses for it."""
    return dict(column.known(load_words().codes["suppressed"]))


def _nulls(column: Profile) -> dict[str, Any]:
    return {"null": list(_gone(column))} if _gone(column) else {}


def question_variants(questions: Sequence[Profile]) -> list[dict[str, Any]]:
    """A variant for each question."""
    seen: set[str] = set()
    return [_question(column, slug(column.header, seen)) for column in questions]


def _question(column: Profile, name: str) -> dict[str, Any]:
    value: dict[str, Any] = {"from": column.header}
    value |= {"number": "plain"} if column.numeric else {"codes": {"Yes": 1, "No": 0}}
    when = {"from": column.header, "blank": False}
    return {"name": name, "when": when, "columns": {"item": {"value": name}, "value": value}}


def rating_variants(ratings: Sequence[Profile]) -> list[dict[str, Any]]:
    """A variant for each indicator that has a column of its own."""
    seen: set[str] = set()
    return [_rating(column, slug(column.header, seen)) for column in ratings]


def _rating(column: Profile, name: str) -> dict[str, Any]:
    there = {"blank": False} if column.numeric == 1 else {"matches": r"^\d"}  # `N/O`: not observed, no rating
    rating = {"from": column.header, "number": "plain"}
    columns = {"indicator": {"value": column.header}, "rating": rating}
    return {"name": name, "when": {"from": column.header, **there}, "columns": columns}


def blocks_variants(blocks: Blocks) -> list[dict[str, Any]]:
    """A variant for each subject."""
    subjects = dict.fromkeys(subject for family in blocks.found.values() for subject in family)
    return [_subject(blocks, subject) for subject in subjects]


def _subject(blocks: Blocks, subject: str) -> dict[str, Any]:
    columns: dict[str, Any] = {"subject": {"value": subject}}
    for name, family in blocks.found.items():
        if (column := family.get(subject)) is not None:
            number = {"number": number_of(column)} if name not in ("level", "tested") else {}
            scale = {"scale": 100} if name.endswith("_x100") else {}
            columns[name] = {"from": column.header, **number, **scale}
    first = next(columns[name]["from"] for name in blocks.found if name in columns)
    if "tested" in columns:
        columns["tested"] |= {"codes": _flags(blocks.found["tested"][subject]), "otherwise": None}
    elif (level := blocks.found.get("level", {}).get(subject)) is not None and says_who_was_tested(level):
        first = level.header
        for name in ("tested", "expected"):
            columns[name] = {"from": level.header, "codes": dict(load_words().codes[name]), "otherwise": True}
    return {"name": subject.lower(), "when": {"from": first, "blank": False}, "columns": columns}


def _flags(column: Profile) -> dict[str, Any]:
    codes = load_words().codes
    usual = {**codes["flag"], **codes["tested"]}
    return column.known(usual) or usual


def says_who_was_tested(level: Profile) -> bool:
    """Does a level's column say why there is none? In a row per student it must: the row is there all the same."""
    return not level.filled or bool(level.known(load_words().codes["tested"]))
