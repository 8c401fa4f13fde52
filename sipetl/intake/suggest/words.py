"""The words of the field (`words.yaml`), and headers cut into them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from sipetl.intake.suggest.spelling import GLUED, SHORTEST, Spelling
from sipetl.registry.models import Model

STEM = 5
"""Letters by which words are told apart: absent, absence, absenteeism."""
NO_RELATIVES = {"percentile": "%ile", "distrib": "distb", "#": "numbe"}
"""Words that begin like others and have nothing to do with them: percents, districts. And a mark that is a word."""
SPELLED = ("subject", "window")
"""Coded columns whose words stand in headers, too."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
WORD = re.compile(r"[A-Za-z]+|\d+|[%#]")

APOSTROPHE = re.compile(r"(?<=[A-Za-z])['\u2019`](?:s\b)?(?=[A-Za-z]|\b|\s)")
"""Stands for letters that are left out: `Occ'd`."""


class Words(Model):
    """`words.yaml`."""

    short: dict[str, str]
    empty: frozenset[str]
    weak: frozenset[str]
    personal: frozenset[str]
    persons: frozenset[str]
    not_persons: frozenset[str]
    learners: frozenset[str]
    staff: frozenset[str]
    id_words: frozenset[str]
    person_keys: frozenset[str]
    staff_keys: frozenset[str]
    qualifiers: frozenset[str]
    places: frozenset[str]
    measures: frozenset[str]
    other_dates: frozenset[str]
    other_scores: frozenset[str]
    other_levels: frozenset[str]
    levels: dict[str, str]
    columns: dict[str, dict[str, tuple[str, ...]]]
    codes: dict[str, dict[str, str | bool]]
    scales: tuple[tuple[str, ...], ...]
    whole: frozenset[str]
    rates: frozenset[str]
    counts: frozenset[str]
    subject_marks: tuple[dict[str, str], ...]
    assessments: tuple[str, ...]
    populations: dict[str, str]


@cache
def load_words() -> Words:
    """The shipped words.

    Raises:
        RegistryError: the file is not valid.
    """
    from sipetl.registry.yamlfile import load_model

    source = files("sipetl.intake.suggest") / "words.yaml"
    return load_model(source, Words)  # type: ignore[arg-type]  # a real path: the wheel is unpacked


@lru_cache(maxsize=8192)
def tokens(header: str) -> tuple[str, ...]:
    """A header's words in lower case, abbreviations written out; words that say nothing left out."""
    known = load_words()
    found = [full for word in parts(header) for full in known.short.get(word, word).split()]
    return tuple(word for word in found if word not in known.empty)


@lru_cache(maxsize=8192)
def parts(header: str) -> tuple[str, ...]:
    """A header's words in lower case, cut apart where they are written together, abbreviations as they are."""
    known = load_words().short
    found: list[str] = []
    for part in WORD.findall(APOSTROPHE.sub("", header)):
        whole = part.lower()
        pieces = [piece.lower() for piece in CAMEL.split(part) if piece]
        found += [whole] if whole in known else [word for piece in pieces for word in _spelling().read(piece)]
    return tuple(found)


@cache
def _spelling() -> Spelling:
    """All words of the field."""
    known = load_words()
    phrases = [text for columns in known.columns.values() for texts in columns.values() for text in texts]
    codes = [text for name in SPELLED for text in known.codes[name] if len(text) > SHORTEST]
    sets = (known.empty, known.weak, known.personal, known.persons, known.not_persons, known.other_dates)
    who = [word for word in (*known.learners, *known.staff, *known.id_words) if len(word) >= GLUED]
    more = (known.other_scores, known.other_levels, known.whole, known.rates, known.counts, known.levels)
    single = [word for words in (*sets, *more, known.populations, known.short) for word in words]
    return Spelling.of([*phrases, *codes, *who, *single, *known.short.values()])


def stems(words: Iterable[str]) -> frozenset[str]:
    """Words cut to what they share with their relatives."""
    return frozenset(map(_stem, words))


@lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    return next((stem for start, stem in NO_RELATIVES.items() if word.startswith(start)), word[:STEM])


def joined(header: str) -> str:
    """Letters and digits only: `High Needs` and `highneeds` are one."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def is_personal(header: str) -> bool:
    """Is a column about a person, or in somebody's own words? By its name."""
    known = load_words()
    words = set(tokens(header)) | set(parts(header)) | {p.lower() for p in WORD.findall(header)} | {joined(header)}
    if words & known.personal:
        return True
    if words & {"name"} and not words & known.not_persons:
        return bool(words & known.persons) or set(tokens(header)) == {"name"}
    return False
