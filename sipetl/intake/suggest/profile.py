"""What a column's values look like. Values stay here; what leaves is counts, formats, and words everybody knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sipetl.intake.headers import normal
from sipetl.intake.layout import PATTERN, Constant
from sipetl.intake.suggest.persons import Person, person_of
from sipetl.intake.suggest.sample import Sample
from sipetl.intake.suggest.words import is_personal, parts, tokens

DATE_FORMATS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%Y%m%d",
    "%Y-%m-%d %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%b %d, %Y",
    "%B %d, %Y",
)
ISO_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
NUMBER = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?$|^[+-]?(?:\d+\.?\d*|\.\d+)%?$")
NULLS = frozenset(("", "null", "n/a", "na", "#n/a", "#na"))
SPAN = re.compile(r"(?<!\d)(19|20)\d{2} ?[-/] ?(?:(?:19|20)?\d{2})(?!\d)")
YEAR = re.compile(r"^(?:19[9]\d|20\d{2})$")
SHORTEST_WORD = 3
"""Letters of a first word that stands for its whole value: `FLEP-Transitioning` is FLEP, `No data` is not No."""
MOST_DATES = 100
"""Distinct texts that date formats are tried on."""
CLOSED_ROWS, CLOSED_VALUES, CLOSED_REPEATS, CLOSED_LENGTH = 20, 12, 3, 20
"""A closed set of codes: so few short values in so many rows, each of them often enough, is no list of people."""


@dataclass(frozen=True)
class Profile:
    """A column of the sample."""

    header: str
    position: int
    counts: Mapping[str, int] = field(repr=False)
    """Values that are not blank, and how often; never shown."""
    rows: int
    cells: Sequence[str] = field(default=(), repr=False, compare=False)
    """The same row by row, blank ones too: to hold columns against each other; never shown."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tokens(self.header)

    @cached_property
    def letters(self) -> str:
        """The header without spaces and marks, its words written out."""
        return "".join(parts(self.header))

    @cached_property
    def is_wordy(self) -> bool:
        """Is no value so short that it may be a code for anything?"""
        return all(len(value) >= SHORTEST_WORD for value in self.counts)

    @cached_property
    def is_personal(self) -> bool:
        return is_personal(self.header)

    @cached_property
    def person(self) -> Person:
        """Is it somebody's identifier?"""
        return person_of(self)

    @cached_property
    def filled(self) -> int:
        return sum(self.counts.values())

    @property
    def distinct(self) -> int:
        return len(self.counts)

    def share(self, fits: Iterable[str]) -> float:
        """Share of the filled cells whose value is one of these (normal form)."""
        known = {normal(one) for one in fits}
        return self._share_of(lambda value: normal(value) in known)

    def first_words(self, fits: Iterable[str]) -> float:
        """Share of the filled cells whose first word is one of these: `Winter (November 16 - March 1)`."""
        known = {normal(one) for one in fits}
        return self._share_of(lambda value: first_word(normal(value)) in known)

    def share_like(self, pattern: re.Pattern[str]) -> float:
        """Share of the filled cells that a pattern fits."""
        return self._share_of(pattern.match)

    def _share_of(self, test: Callable[[str], object]) -> float:
        if not self.filled:
            return 0.0
        return sum(count for value, count in self.counts.items() if test(value)) / self.filled

    @cached_property
    def numeric(self) -> float:
        """Share of the filled cells that are numbers."""
        return self._share_of(lambda value: NUMBER.match(value.replace(" ", "")))

    @cached_property
    def numbers(self) -> list[float]:
        found = (value.replace(" ", "").replace(",", "").rstrip("%") for value in self.counts)
        return [float(text) for text in found if NUMBER.match(text)]

    @cached_property
    def is_fraction(self) -> bool:
        """Are its numbers written with a decimal point? No id is."""
        return self._share_of(lambda value: "." in value and NUMBER.match(value)) > 0.5

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """Formats that fit; the first fits nearly all. Empty where the column holds no dates."""
        values = list(self.counts)[:MOST_DATES]
        if not values or not any(char.isdigit() for char in values[0]):
            return ()
        fits = {form: sum(_is_date(value, form) for value in values) for form in DATE_FORMATS}
        good = [form for form, count in fits.items() if count >= 0.9 * len(values)]
        if good:
            return tuple(good)
        both = [form for form, count in fits.items() if count]
        covered = sum(any(_is_date(value, form) for form in both) for value in values)
        return tuple(both) if covered >= 0.9 * len(values) else ()

    @cached_property
    def moments(self) -> bool:
        """ISO moments, `2023-08-21T13:28:05Z`."""
        return bool(self.counts) and self._share_of(ISO_MOMENT.match) >= 0.9

    @property
    def is_dated(self) -> bool:
        return self.moments or bool(self.dates)

    @cached_property
    def spans(self) -> float:
        """Share of school years written as a span: 2025-26, `Fall 2025-2026`."""
        return self._share_of(lambda value: SPAN.search(value) and not _is_date(value, "%Y-%m-%d"))

    @cached_property
    def years(self) -> float:
        return self._share_of(YEAR.match)

    @cached_property
    def is_free(self) -> bool:
        """Long texts, nearly all different: somebody's own words, or an address."""
        if not self.filled:
            return False
        length = sum(len(value) * count for value, count in self.counts.items()) / self.filled
        return length > 40 and self.distinct > 0.5 * self.filled

    @property
    def is_closed(self) -> bool:
        """A small closed set of codes that says nothing about anyone: its values may be written down."""
        return (
            not self.is_personal
            and self.filled >= CLOSED_ROWS
            and 1 < self.distinct <= CLOSED_VALUES
            and min(self.counts.values()) >= CLOSED_REPEATS
            and all(len(value) <= CLOSED_LENGTH and not re.search(r"\d{4}|@|,", value) for value in self.counts)
        )

    def known(self, codes: Mapping[str, Constant], *, first: bool = False) -> dict[str, Constant]:
        """The values found (or their first words) that a vocabulary knows, as it writes them, with their meaning."""
        found = {normal(value) for value in self.counts}
        found |= {first_word(value) for value in found} if first else set()
        return {text: meaning for text, meaning in codes.items() if normal(text) in found}

    def begun(self, codes: Mapping[str, Constant]) -> dict[str, Constant]:
        """Values that are not known themselves but begin with a known word, as expressions with its meaning."""
        known = {normal(text): (text, meaning) for text, meaning in codes.items()}
        found: dict[str, Constant] = {}
        for value in sorted(self.counts):
            word = first_word(normal(value))
            if normal(value) not in known and word in known and len(word) >= SHORTEST_WORD:
                text, meaning = known[word]
                found[f"{PATTERN}^{text}\\b"] = meaning
        return found

    def strange(self, codes: Mapping[str, Constant]) -> list[str]:
        """The distinct values that a vocabulary does not know."""
        known = {normal(text) for text in codes if not text.startswith(PATTERN)}
        patterns = [re.compile(t.removeprefix(PATTERN), re.IGNORECASE) for t in codes if t.startswith(PATTERN)]
        left = [value for value in self.counts if normal(value) not in known]
        return sorted(value for value in left if not any(one.search(value) for one in patterns))


def first_word(text: str) -> str:
    """The letters and digits that a text begins with."""
    return re.split(r"\W", text, maxsplit=1)[0]


def _is_date(value: str, form: str) -> bool:
    try:
        return 1900 <= datetime.strptime(value, form).year <= 2100  # noqa: DTZ007 - a day, no moment
    except ValueError:
        return False


def profiles(sample: Sample) -> tuple[Profile, ...]:
    """Of every column that has a header; the first of equal headers."""
    seen: set[str] = set()
    found: list[Profile] = []
    for position, header in enumerate(sample.headers):
        if (name := normal(header)) and name not in NULLS and name not in seen:
            seen.add(name)
            cells = tuple(sample.values(position))
            found.append(Profile(header, position, _counts(cells), len(cells), cells))
    return tuple(found)


def _counts(values: Sequence[str]) -> Mapping[str, int]:
    return Counter(value for value in values if normal(value) not in NULLS)
