"""Is a column somebody's identifier? By the order of its header's words, and by the shape of its values.

A pseudonym is made only of a column that is known for an id; taken for a figure, it would be kept as it is. So the
draft takes nothing from such a column but a hash, and leaves to a person what only may be one.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from sipetl.intake.suggest.words import load_words, parts

if TYPE_CHECKING:
    from sipetl.intake.suggest.profile import Profile

SHAPED = 0.95
"""Share of the cells that must look like an id."""
OF_LENGTH = 0.9
"""Share of the distinct values that have one length."""
DISTINCT, DISTINCT_SHARE = 8, 0.05
"""Distinct values from which a column may tell persons apart: at least so many, and so many of its cells."""
ID_LIKE = re.compile(r"^[A-Za-z]{0,3}[- ]?\d{4,20}$")
"""What ids look like that nothing but their values gives away; three digits may be a score."""
COUNTED = frozenset(("number", "#"))
"""Words of an id behind a person (`Pupil No.`), and of a count before one (`No. of pupils`)."""
TALLY = frozenset(("count", "cnt", "n"))
"""Words of a count wherever they stand."""
MOST_YEARS = 30
"""More kinds of four digits than this are no years."""
HIGHEST_RATING = 10
NUMBERED = re.compile(r"^[A-Za-z]{0,3}[- ]?\d{1,20}$|^(?=.*\d)[\w-]{8,40}$")
"""An id whose header says that it is one: counted up, or of a kind that nobody counts."""


class Person(IntEnum):
    """How far a column is somebody's identifier."""

    NOT = 0
    MAYBE = 1
    """Its values look like ids, and nothing in its header says that they measure anything."""
    SURE = 2


def person_of(column: Profile) -> Person:
    """Hold a column's header and values against what ids of persons are called and look like."""
    if _is_named(column) or (_is_bare_id(column) and _is_numbered(column)):
        return Person.SURE
    is_maybe = (is_shaped(column) and not _is_other(column)) or _is_number_of_one(column)
    return Person.MAYBE if is_maybe else Person.NOT


def is_learners(column: Profile) -> bool:
    """Is it the id of a student, and not of staff?"""
    words, known = set(map(_singular, column.words)), load_words()
    is_staff = words & (known.staff | known.staff_keys)
    return column.person is Person.SURE and not is_staff and bool(words & (known.learners | known.person_keys))


def is_shaped(column: Profile) -> bool:
    """Do its values look like ids: digits of one length, no day and no year, of many kinds?"""
    if not _is_many(column) or (column.years >= SHAPED and column.distinct <= MOST_YEARS):
        return False
    lengths = Counter(map(len, column.counts))
    is_even = max(lengths.values()) >= OF_LENGTH * column.distinct
    return is_even and column.share_like(ID_LIKE) >= SHAPED


def _is_numbered(column: Profile) -> bool:
    """Are its values whole numbers or ids, of many kinds? Ids that a system counts up are of any length."""
    return _is_many(column) and column.share_like(NUMBERED) >= SHAPED


def _is_many(column: Profile) -> bool:
    return not column.is_dated and column.distinct >= max(DISTINCT, DISTINCT_SHARE * column.filled)


def _is_named(column: Profile) -> bool:
    """Does the header say an id of a person, or nothing but a person?"""
    words, known = _said(column), load_words()
    people = known.learners | known.staff
    if set(words) & (known.person_keys | known.staff_keys):
        return True
    if not set(words) & people or set(parts(column.header)) & TALLY or column.is_fraction:
        return False
    if set(words) <= people:
        return not _is_plural(column) and not _is_rating(column)
    return any(_names_id(words, at, column) for at, word in enumerate(words) if word in known.id_words)


def _names_id(words: tuple[str, ...], at: int, column: Profile) -> bool:
    """Is the word of an id at this place that of a person?"""
    people = load_words().learners | load_words().staff
    behind = at > 0 and words[at - 1] in people
    before = at + 1 < len(words) and words[at + 1] in people
    if words[at] not in COUNTED:
        return behind or before
    if not _is_plural(column):
        return behind or (before and not _may_count(column))
    return behind and not _may_count(column)


def _may_count(column: Profile) -> bool:
    return not column.filled or (column.numeric > 1 - SHAPED and not is_shaped(column))


def _is_number_of_one(column: Profile) -> bool:
    """`No. Pupil`: a count of pupils is called by several, though not by everyone."""
    words, known = _said(column), load_words()
    is_said = any(one in COUNTED and two in known.learners | known.staff for one, two in pairwise(words))
    return is_said and not _is_plural(column) and _is_numbered(column)


def _said(column: Profile) -> tuple[str, ...]:
    """The header's words, without those that only say whose number it is: `Student State ID`."""
    known, found = load_words(), column.words
    if "english" in found:  # an English learner is a group
        found = tuple(word for word in found if word not in ("english", "learner"))
    words = [word for word in map(_singular, found) if word not in known.qualifiers and not word.isdigit()]
    is_twice = (before in known.id_words - COUNTED and word in COUNTED for before, word in pairwise(["", *words]))
    return tuple(word for word, again in zip(words, is_twice, strict=True) if not again)  # `Ref No` is one word


def _singular(word: str) -> str:
    known, one = load_words(), word.removesuffix("s")
    return one if one in known.learners | known.staff | known.id_words else word


def _is_plural(column: Profile) -> bool:
    """Students are counted; a student has a number."""
    known = load_words()
    raw = (word for part in parts(column.header) for word in known.short.get(part, part).split())
    return any(word != _singular(word) for word in raw)


def _is_bare_id(column: Profile) -> bool:
    """Is the header the word of an id, and of nothing in particular: `Ref.`, `No`, `Key`?"""
    left = set(_said(column))
    return "english" not in column.words and bool(left) and left <= load_words().id_words


def _is_rating(column: Profile) -> bool:
    return column.numeric > SHAPED and max(column.numbers) <= HIGHEST_RATING


def _is_other(column: Profile) -> bool:
    """Does the header say a measure or a place, or begin with a count: `# Tested`?"""
    known, words = load_words(), column.words
    if set(words) & (known.measures | known.rates | known.whole | known.places) or set(parts(column.header)) & TALLY:
        return True
    return len(words) > 1 and words[0] in COUNTED
