"""Invented names of people, made of syllables: nobody's, and many enough to look like a district's."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

FIRST = tuple(a + b for a in ["Bel", "Cor", "Dav", "Fen", "Jor", "Kel", "Lum", "Mir", "Nor", "Pel", "Ros", "Sol", "Tav", "Vel", "Wen", "Zan"] for b in
              ["a", "an", "eth", "ia", "in", "is", "ora", "us", "yn"])  # fmt: skip
LAST = tuple(a + b for a in ["Ald", "Brack", "Carn", "Dunn", "Eller", "Fald", "Garr", "Holt", "Inver", "Kest", "Lorr", "Mard", "Nev", "Oster", "Quill", "Rav"]
             for b in ["away", "beck", "combe", "dale", "enford", "holm", "ingham", "mere", "sley", "thorpe", "well", "wick"])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted student: if one of these texts is found outside landing, something leaked."""

    district: str
    first: str
    last: str
    local_id: str
    state_id: str
    born: str

    @property
    def texts(self) -> tuple[str, ...]:
        """What to search for: names, ids, and the birth date in the forms that the files use."""
        year, month, day = self.born.split("-")
        dates = (self.born, f"{month}/{day}/{year}", f"{int(month)}/{int(day)}/{year}")
        return (self.first, self.last, self.local_id, self.state_id, *dates)


CANARY_GRADE = 5
"""Grade of the canaries in the complete year: tested, surveyed and still here a year later."""


def canary(number: int, district: str) -> Canary:
    """The canary of the n-th district. The birth year is one that no other student has."""
    return Canary(
        district=district,
        first=f"Xylquor{chr(ord('a') + number % 26)}",
        last=f"Zzyvanary{chr(ord('a') + number % 26)}",
        local_id=f"{770077001 + number}",
        state_id=f"{7700770001 + number}",
        born=f"1911-03-{17 + number % 10:02d}",
    )


def first_names() -> pa.Array:
    """All first names, by index."""
    return pa.array(FIRST, pa.string())


def last_names() -> pa.Array:
    """All last names, by index."""
    return pa.array(LAST, pa.string())
