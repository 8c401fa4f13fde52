"""One contract column of a draft: where it comes from, its steps, and what a person should know about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sipetl.intake.contract import Property
from sipetl.intake.layout import PATTERN, Constant
from sipetl.intake.suggest.beside import Match
from sipetl.intake.suggest.profile import Profile
from sipetl.intake.suggest.thesaurus import Thesaurus
from sipetl.intake.suggest.words import load_words

ID_KINDS = {
    "state_id_hash": "sasid",
    "response_hash": "response",
    "observation_hash": "observation",
    "evidence_hash": "evidence",
    "incident_hash": "incident",
    "section_hash": "section",
    "classroom_hash": "classroom",
    "observer_hash": "staff",
    "staff_hash": "staff",
}
STATE_WORDS = frozenset(("state", "sasid", "ssid"))
CODED = frozenset(
    ("grade", "race_ethnicity", "gender", "window", "subject", "is_active", "english_learner", "former_el", "local_frl",
     "present", "excused", "tardy", "grain", "role", "student_group")
)  # fmt: skip
"""Columns whose codes are written out, beside all that are yes or no."""
BEGUN = frozenset(("subject", "english_learner", "former_el", "disability", "local_frl", "is_active"))
"""Coded columns whose values often say more behind the code: `Science K-12`, `FLEP-Transitioning`."""
DEFAULT_DATES = ("%Y-%m-%d", "%m/%d/%Y")
"""Where no value shows the form: the two that extracts use most."""
DECIMAL_COMMA = re.compile(r"^[+-]?\d+,(?:\d{1,2}|\d{4,})%?$|^0,\d+%?$")
COMMA_TOLD = "some numbers have a decimal comma, which is not read: ask for a point, or list the values in 'codes'"
SURE, LIKELY = 0.9, 0.7
ALL_FLAGS = 0.95
"""Share of yes and no from which a column is nothing else."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A column of the draft."""

    data: dict[str, Any]
    notes: tuple[str, ...] = ()
    score: float = 1.0
    header: str = ""
    why: str = ""


def word_of(score: float) -> str:
    """Confidence in a word."""
    return "sure" if score >= SURE else "likely" if score >= LIKELY else "a guess"


def spec_of(prop: Property, match: Match, thesaurus: Thesaurus, *, is_staff: bool = False) -> Spec:
    """Draft a column from its match."""
    column, notes = match.source, []
    data: dict[str, Any] = {"from": column.header}
    if prop.physical_type == "blob":
        data["id"], told = _id(prop, column, is_staff=is_staff)
        notes += told
    elif prop.name == "school":
        data["crosswalk"] = "school"
    elif prop.physical_type == "date":
        steps, told = date_steps(column)
        data |= steps
        notes += told
    elif prop.physical_type == "boolean" or prop.name in CODED:
        steps, told = _codes(prop, column, thesaurus)
        data |= steps
        notes += told
    elif prop.physical_type == "bigint":
        data["number"] = number_of(column)
        notes += [COMMA_TOLD] if has_decimal_comma(column) else []
        if prop.name.endswith("_x100"):
            data["scale"] = 100
    elif prop.name == "level":
        notes.append(
            f"levels stay as the file writes them ({column.distinct} distinct): see metrics/reference/levels.csv"
        )
    if match.rivals:
        notes.append("it could also be " + " or ".join(repr(header) for header in match.rivals))
    return Spec(data, tuple(notes), match.score, column.header, match.why)


def is_unread(prop: Property, spec: Spec) -> bool:
    """Does a coded column hold nothing that is known? Mapped all the same, every row would be an issue."""
    steps = spec.data.keys() - {"from"}
    return bool(prop.physical_type == "boolean" or prop.enum) and not prop.required and not steps


def _id(prop: Property, column: Profile, *, is_staff: bool) -> tuple[dict[str, Any], list[str]]:
    kind = ID_KINDS.get(prop.name, "staff" if is_staff else "lasid")
    if kind == "lasid" and set(column.words) & STATE_WORDS:
        kind = "sasid"
    if kind == "sasid":
        return {"kind": kind, "issuer": "{authority}"}, []
    told = ["is it the id that the roster has?"] if kind == "lasid" else []
    return {"kind": kind}, told


def date_steps(column: Profile) -> tuple[dict[str, Any], list[str]]:
    """Date formats seen; a moment is cut to its day."""
    if column.moments:
        return {"extract": r"^(\d{4}-\d{2}-\d{2})T", "parse": ["%Y-%m-%d"]}, ["the time of day is cut off"]
    seen = list(column.dates)
    if not seen:
        return {"parse": list(DEFAULT_DATES)}, ["no value shows the form of the dates"]
    notes = []
    for first, second in (("%m/%d/%Y", "%d/%m/%Y"), ("%m-%d-%Y", "%d-%m-%Y")):
        if {first, second} <= set(seen):
            seen.remove(second)
            notes.append("no day after the 12th was seen: is the month first?")
    seen = [form for form in seen if not (form.endswith("%y") and form[:-1] + "Y" in seen)]
    return {"parse": seen}, notes


def month_pattern(column: Profile) -> str:
    """An expression whose first group is the month of a column's days."""
    form = "%Y-%m-%d" if column.moments else next(iter(date_steps(column)[0]["parse"]))
    if form.startswith("%Y"):
        return r"^\d{4}\D0?(\d{1,2})\D"
    return r"^\d{1,2}\D0?(\d{1,2})\D" if form.startswith("%d") else r"^0?(\d{1,2})\D"


def number_of(column: Profile) -> str:
    """How its numbers are written. A decimal comma is left to be found: dropped, it makes ten of one."""
    if has_decimal_comma(column):
        return "plain"
    return "padded" if any(mark in value for value in column.counts for mark in ", %") else "plain"


def has_decimal_comma(column: Profile) -> bool:
    """Is `0,5` among its values? Thousands have three digits behind the comma."""
    return any(DECIMAL_COMMA.match(value) for value in column.counts)


def _codes(prop: Property, column: Profile, thesaurus: Thesaurus) -> tuple[dict[str, Any], list[str]]:
    if prop.name == "met_growth" and "%" in column.words:
        return {"at_least": "100"}, ["a percent of a growth target"]
    vocabulary = _vocabulary(prop, column, thesaurus)
    rest = {} if prop.required or prop.primary_key else {"otherwise": None}
    if not column.filled:
        words = load_words().codes
        usual = vocabulary if prop.name == "present" else words.get(prop.name, words["flag"])
        return {"codes": dict(usual), **rest}, ["no value was seen: these are the usual codes"]
    found = column.known(vocabulary)
    if prop.name in BEGUN:
        found |= column.begun(vocabulary)
    if prop.name == "window" and not found and (found := column.known(vocabulary, first=True)):
        return {"extract": r"^(\w+)", "codes": found}, ["the first word is taken"]
    if not found:
        told = [f"{column.distinct} distinct values, look them up"]
        return {}, told if prop.enum or prop.physical_type == "boolean" else []
    told = ["what a value begins with decides"] if any(text.startswith(PATTERN) for text in found) else []
    return {"codes": found, **rest}, told + _strangers(column, vocabulary, found)


def _vocabulary(prop: Property, column: Profile, thesaurus: Thesaurus) -> dict[str, Constant]:
    own = dict(thesaurus.vocabulary(prop.name))
    if prop.physical_type == "boolean":
        flags = dict(thesaurus.vocabulary("flag"))
        if prop.name == "present" and any(word.startswith("absen") for word in column.words):
            flags = {text: not meaning for text, meaning in flags.items()}
        own = flags if not column.filled or column.share(flags) >= ALL_FLAGS else {**flags, **own}
        return {text: meaning for text, meaning in own.items() if meaning is None or isinstance(meaning, bool)}
    return {text: meaning for text, meaning in own.items() if not prop.enum or meaning in prop.enum}


def _strangers(column: Profile, vocabulary: Mapping[str, Constant], found: Mapping[str, Constant]) -> list[str]:
    """Values that are not known: named only where they are a small closed set of codes."""
    strange = column.strange({**vocabulary, **found})
    if not strange:
        return []
    if not column.is_closed:
        return [f"{len(strange)} distinct values are not known, look them up"]
    return [f"not known: {', '.join(repr(value) for value in strange)}"]
