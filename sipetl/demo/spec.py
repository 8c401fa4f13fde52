"""Which districts and schools a demo has: invented names, codes that Massachusetts does not use, sizes, trends.

Three districts by default: 3501 (six schools; a code that looks like a number above 3000), 9002 and 9003. The
levels of absence are calibrated to the state's school-level percentiles (massachusetts.md 4.7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAY_GRAIN_FROM = 10_000
"""Students from which every district sends attendance at day grain."""
STUDENTS_PER_SCHOOL = 500
PK, KF, LAST_GRADE = -1, 0, 12
"""Grades are counted: -1 is PK, 0 is KF, then 1 to 12."""
GRADE_CODES = ("PK", "KF", *(f"{grade:02d}" for grade in range(1, 13)))
MEDIAN_ABSENCE = 0.060
"""Share of days absent in the median school: 10.3 days (massachusetts.md 4.7, 2024-25)."""
ABSENCE_SPREAD = 0.22
"""Spread of the schools' logarithms: percentiles 25 and 75 are 8.8 and 12.6 days."""
PLAN_ABSENCE = (0.115, 0.085)
"""Schools with a plan start near the 90th percentile of chronic absence, and improve."""
WORDS = [
    "Cedar",
    "Juniper",
    "Larkspur",
    "Foundry",
    "Heron",
    "Quarry",
    "Thistle",
    "Bramble",
    "Lantern",
    "Orchard",
    "Kestrel",
    "Sorrel",
    "Mooring",
    "Tannery",
    "Saddleback",
    "Rookery",
    "Windlass",
    "Clover",
    "Alder",
    "Beacon",
    "Copper",
    "Dovetail",
    "Ember",
    "Fennel",
    "Gable",
    "Harrow",
    "Ironwood",
    "Jetty",
    "Kiln",
    "Loom",
]
PLACES = (
    ("3501", "Ashfield Falls"),
    ("9002", "Millbrook Harbor"),
    ("9003", "Tarn Hollow"),
)
SHARES, SCHOOLS = (6, 3, 2), (6, 3, 2)
"""Of the students of the three, in elevenths; and how many schools each has in a small demo."""


@dataclass(frozen=True, slots=True)
class SchoolSpec:
    """A school: its codes, the grades it serves, and how its absence and results develop."""

    code: str
    local: str
    name: str
    low: int
    high: int
    absence: tuple[float, float]
    lift: float
    has_plan: bool

    @property
    def grades(self) -> tuple[str, ...]:
        """SIMS codes of the grades served."""
        return GRADE_CODES[self.low + 1 : self.high + 2]


@dataclass(frozen=True, slots=True)
class DistrictSpec:
    """A district: which systems it uses, when its year starts, its schools and its number of students."""

    number: int
    district: str
    name: str
    region: str
    start: str
    day_grain: bool
    test: str
    surveys: bool
    weekly: bool
    schools: tuple[SchoolSpec, ...]
    students: int

    @property
    def code(self) -> str:
        """The 8-digit organization code."""
        return f"{self.district}0000"

    @property
    def calendar(self) -> str:
        """The calendar's code."""
        return f"cal-{self.district}"


def make_districts(students: int, districts: int, seed: int) -> tuple[DistrictSpec, ...]:
    """Lay out the districts of a demo."""
    sizes = _sizes(students, districts)
    return tuple(_district(number, size, students, seed) for number, size in enumerate(sizes))


def _sizes(students: int, districts: int) -> list[int]:
    weights = np.array([SHARES[n] if n < len(SHARES) else 3 for n in range(districts)], float)
    sizes = np.floor(students * weights / weights.sum()).astype(int)
    sizes[0] += students - sizes.sum()
    return [int(size) for size in sizes]


def _district(number: int, students: int, total: int, seed: int) -> DistrictSpec:
    known = number < len(PLACES)
    code, name = PLACES[number] if known else (f"{9001 + number}", f"{WORDS[number % len(WORDS)]} Vale {number}")
    large = total >= DAY_GRAIN_FROM
    count = max(3, round(students / STUDENTS_PER_SCHOOL)) if large else SCHOOLS[number] if known else 3
    rng = np.random.default_rng([seed, number, 0])
    return DistrictSpec(
        number=number,
        district=code,
        name=name,
        region="R-SOUTH" if number % 2 else "R-NORTH",
        start="late" if number % 2 else "early",
        day_grain=large or number == 1,
        test="MAP" if number == 0 else "IREADY",
        surveys=number == 0,
        weekly=large or number < 2,
        schools=_schools(code, number, count, rng),
        students=students,
    )


def _bands(count: int) -> list[tuple[str, int, int]]:
    """Kinds of schools and their grades; schools of all grades a child passes come first."""
    if count == 2:  # a small district has a lower and an upper school
        return [("Lower School", PK, 6), ("Upper School", 7, LAST_GRADE)]
    high, whole, middle = max(1, round(count * 0.2)), count // 6, max(1, round(count * 0.3))
    elementary = count - high - whole - middle
    return (
        [("K-8 School", PK, 8)] * whole
        + [("Elementary School", PK, 5)] * elementary
        + [("Middle School", 6, 8)] * middle
        + [("High School", 9, LAST_GRADE)] * high
    )


def _schools(district: str, number: int, count: int, rng: np.random.Generator) -> tuple[SchoolSpec, ...]:
    bands = _bands(count)
    with_plan = _with_plan(number, bands)
    return tuple(
        _school(district, number, index, bands[index], index in with_plan, rng) for index in range(len(bands))
    )


def _with_plan(number: int, bands: list[tuple[str, int, int]]) -> set[int]:
    """Three schools have a plan: two of the first district, one of the second."""
    middle = {index for index, band in enumerate(bands) if band[0] == "Middle School"}
    return {0: {0, min(middle, default=0)}, 1: {0}}.get(number, set())


def _school(
    district: str, number: int, index: int, band: tuple[str, int, int], has_plan: bool, rng: np.random.Generator
) -> SchoolSpec:
    kind, low, high = band
    word = WORDS[(number * 7 + index) % len(WORDS)] + ("" if index < len(WORDS) else f" {index // len(WORDS) + 1}")
    factor = float(np.exp(rng.normal(0, ABSENCE_SPREAD))) * (1.2 if low >= 9 else 1.0)
    plain = MEDIAN_ABSENCE * factor
    return SchoolSpec(
        code=f"{district}{_school_number(low, index):04d}",
        local=f"{index + 1:03d}" if number == 1 else f"{word[:2].upper()}{index + 1:02d}",
        name=f"{word} {kind}",
        low=low,
        high=high,
        absence=PLAN_ABSENCE if has_plan else (plain, plain * 0.97),
        lift=0.5 if has_plan else float(rng.normal(0, 0.1)),
        has_plan=has_plan,
    )


def _school_number(low: int, index: int) -> int:
    """Elementary 0005.., middle 0305.., high 0505..: the state's tendency (massachusetts.md 2.1)."""
    base = {6: 3000, 7: 5000, 9: 5000}.get(low, 0)
    return base // 10 + 5 * (index + 1) if index < 30 else base + 500 + index
