"""The words of the field (`words.yaml`), and headers cut into them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from sipetl.registry.models import Model

STEM = 5
"""Letters by which words are told apart: absent, absence, absenteeism."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
WORD = re.compile(r"[A-Za-z]+|\d+|[%#]")


class Words(Model):
    """`words.yaml`."""

    short: dict[str, str]
    empty: frozenset[str]
    weak: frozenset[str]
    personal: frozenset[str]
    persons: frozenset[str]
    not_persons: frozenset[str]
    other_dates: frozenset[str]
    other_scores: frozenset[str]
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
    found: list[str] = []
    for part in WORD.findall(header):
        pieces = [piece.lower() for piece in CAMEL.split(part) if piece]
        whole = part.lower()
        for word in [whole] if whole in known.short else pieces:
            found += known.short.get(word, word).split()
    return tuple(word for word in found if word not in known.empty)


def stems(words: Iterable[str]) -> frozenset[str]:
    """Words cut to what they share with their relatives; `percentile` is no relative of percents."""
    return frozenset("%ile" if word.startswith("percentile") else word[:STEM] for word in words)


def joined(header: str) -> str:
    """Letters and digits only: `High Needs` and `highneeds` are one."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def is_personal(header: str) -> bool:
    """Is a column about a person, or in somebody's own words? By its name."""
    known = load_words()
    words = set(tokens(header)) | {part.lower() for part in WORD.findall(header)} | {joined(header)}
    if words & known.personal:
        return True
    if words & {"name"} and not words & known.not_persons:
        return bool(words & known.persons) or set(tokens(header)) == {"name"}
    return False
