"""What mends a fault: by its kind, and where a name is unknown, by the known ones it may have meant.

Names of metrics grow at their end (`chronic_absence_rate_pk12`), so a name is also compared with the parts of a
longer one; difflib alone ranks a short wrong name by its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

WHOLE_ENOUGH, PART_ENOUGH = 0.6, 0.8
"""What counts as near: difflib's own 0.6 for whole names; more for a part, which is short and often like another's."""
AT_THE_START, INSIDE = 0.95, 0.9
"""Weight of a part: below a whole name that is as near."""
AS_GOOD = 0.02
"""Names this little behind the nearest are told with it."""
MOST_TOLD = 40
"""Known names are listed in full up to this many: all student groups fit."""
CURES = {
    "string_type": "put it in quotes",
    "missing": "add the key",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "date_from_datetime_parsing": "write the day as YYYY-MM-DD",
    "date_from_datetime_inexact": "write the day as YYYY-MM-DD, without a time",
    "date_parsing": "write the day as YYYY-MM-DD",
    "date_type": "write the day as YYYY-MM-DD",
    "time_parsing": 'write the time of day as "18:00"',
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "decimal_parsing": "write a number",
    "decimal_type": "write a number",
    "string_too_short": "write something",
    "string_pattern_mismatch": "write a code: letters, digits and _ . : - without spaces",
    "tuple_type": "write a list: [one, other], or lines that begin with -",
    "list_type": "write a list: [one, other], or lines that begin with -",
    "model_type": "write keys and values here, indented",
    "model_attributes_type": "write keys and values here, indented",
}
"""What mends the commonest faults, by pydantic's own name of the fault."""
CHOICES = frozenset({"enum", "literal_error"})
"""Faults of a value that is none of a few."""


def nearest(word: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Find the known names that are most like a word; equal ones keep their order.

    Example:
        >>> nearest("chronic_absense", ["attendance_rate", "chronic_absence_rate_pk12", "absent_days"])
        ['chronic_absence_rate_pk12']
    """
    scored = [(_likeness(word.casefold(), name.casefold()), name) for name in dict.fromkeys(known)]
    best = max((score for score, _ in scored), default=0.0)
    close = [pair for pair in scored if pair[0] > 0 and pair[0] >= best - AS_GOOD]
    return [name for _, name in sorted(close, key=lambda pair: -pair[0])[:n]]


def cure(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say what may have been meant; where nothing is near, what is known, or what else to do."""
    listed = list(dict.fromkeys(known))
    close = nearest(word, listed)
    if close:
        return f"did you mean {' or '.join(close)}?"
    told = f"known: {', '.join(listed)}" if 0 < len(listed) <= MOST_TOLD else ""
    return "; ".join(part for part in (otherwise, told) if part)


def _likeness(word: str, name: str) -> float:
    """How alike, from 0 (not near) to 1."""
    whole = SequenceMatcher(None, word, name).ratio()
    part = max((weight * ratio for ratio, weight in _parts(word, name) if ratio >= PART_ENOUGH), default=0.0)
    return max(whole if whole >= WHOLE_ENOUGH else 0.0, part)


def _parts(word: str, name: str) -> Iterator[tuple[float, float]]:
    """Compare with every run of as many words as `word` has."""
    words, length = re.split(r"[\W_]+", name), len(re.split(r"[\W_]+", word))
    for start in range(len(words) - length + 1):
        run = "_".join(words[start : start + length])
        yield SequenceMatcher(None, word, run).ratio(), INSIDE if start else AT_THE_START
