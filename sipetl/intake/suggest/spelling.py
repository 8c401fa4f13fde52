"""Words inside headers that are written without spaces or without vowels: `studentid`, `stdnt_id`.

Only words of the field (`words.yaml`) are looked for; what is none of them stays as it is written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

SHORTEST = 3
"""Letters of a word that is looked for inside others; shorter ones are found by chance."""
TINY = frozenset(("id", "of", "to", "yn"))
"""Words that are looked for all the same."""
LONGEST = 16
"""Letters of the longest word that is looked for."""
GLUED = 5
"""Letters from which a word may be several."""
PARTLY, COVERED = 8, 0.7
"""Letters from which some may be of no known word, and the share of them that must be."""
_VOWELS = re.compile(r"[aeiou]")


@dataclass(frozen=True)
class Spelling:
    """The words that are known, and how they are recognised in other spellings."""

    words: frozenset[str]
    pieces: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the words that are looked for inside others."""
        object.__setattr__(self, "pieces", frozenset(w for w in self.words if len(w) >= SHORTEST or w in TINY))

    @classmethod
    def of(cls, texts: Iterable[str]) -> Spelling:
        """Take the words of these texts."""
        return cls(frozenset(word for text in texts for word in re.findall(r"[a-z]+", text.lower())))

    def read(self, word: str) -> list[str]:
        """The words that a lower-case word stands for; itself where it is known, or nothing is found in it."""
        if word in self.words or len(word) < SHORTEST or not word.isalpha():
            return [word]
        if not _VOWELS.search(word[1:-1]) and (full := self._by_consonants.get(consonants(word))):
            return [full]
        return self._split(word) or [word]

    @cached_property
    def _by_consonants(self) -> Mapping[str, str]:
        """Words by their consonants; where several have the same ones, none is meant."""
        found: dict[str, set[str]] = defaultdict(set)
        for word in self.words:
            if len(word) > SHORTEST:
                found[consonants(word)].add(word)
        return {text: words.pop() for text, words in found.items() if len(words) == 1}

    def _split(self, word: str) -> list[str]:
        """The fewest known words that hold most of its letters; letters between them stand for themselves."""
        if len(word) < GLUED:
            return []
        best: list[tuple[int, int, list[str]]] = [
            (0, 0, [])
        ]  # letters not known, pieces, the pieces, up to each letter
        for end in range(1, len(word) + 1):
            ways = [self._extend(best[start], word[start:end]) for start in range(max(0, end - LONGEST), end)]
            best.append(min(ways, key=lambda way: way[:2]))
        unknown, _, pieces = best[-1]
        most = (1 - COVERED) * len(word) if len(word) >= PARTLY else 0
        return pieces if unknown <= most and len(pieces) > 1 else []

    def _extend(self, way: tuple[int, int, list[str]], piece: str) -> tuple[int, int, list[str]]:
        unknown, count, pieces = way
        cost = 0 if piece in self.pieces else len(piece)
        return unknown + cost, count + 1, [*pieces, piece]


def consonants(word: str) -> str:
    """A word's first letter, and its consonants."""
    return word[:1] + _VOWELS.sub("", word[1:])
