"""Near matches of names, whole and by part."""

from __future__ import annotations

import pytest

from sipetl.registry.spelling import cure, nearest

METRICS = ["attendance_rate", "chronic_absence_rate_pk12", "chronic_absence_rate_1_8", "absent_days", "mcas_sgp_math"]


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("chronic_absense", METRICS, ["chronic_absence_rate_pk12", "chronic_absence_rate_1_8"]),
        ("chronic_absence_rate_pk21", METRICS, ["chronic_absence_rate_pk12"]),
        ("Attendance_Rate", METRICS, ["attendance_rate"]),
        ("sgp", METRICS, ["mcas_sgp_math"]),
        ("graduation", METRICS, []),
        ("9910", ["9901", "3501"], ["9901"]),
        ("anything", [], []),
    ],
)
def test_nearest_names_are_found(word: str, known: list[str], found: list[str]) -> None:
    assert nearest(word, known) == found


def test_cure_names_the_nearest_else_all_else_what_to_do() -> None:
    assert cure("winter1", ["fall", "winter"]) == "did you mean winter?"
    assert cure("xyz", ["fall", "winter"], "mend it") == "mend it; known: fall, winter"
    assert cure("xyz", [str(n) for n in range(10_000, 10_100)], "mend it") == "mend it"
