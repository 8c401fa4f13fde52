"""The latent students of a district: who they are, and when they come, move and go.

Everything is an array over persons. Unknown is -1 in every code. Persons cover both years: the grade of the second
year is one more than `grade_2025`, so the youngest have not come yet in the first year and the oldest are gone in
the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sipetl.demo.dates import SNAPSHOTS, YEARS
from sipetl.demo.names import CANARY_GRADE, FIRST, LAST
from sipetl.demo.spec import LAST_GRADE, PK, DistrictSpec

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Reals = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

RACES = ("american_indian", "asian", "black", "hispanic", "multi_race", "pacific_islander", "white")
RACE_SHARES = (0.003, 0.074, 0.103, 0.252, 0.045, 0.001, 0.522)
"""About the state's enrolment."""
GENDERS = ("F", "M", "N")
NEVER_EL, IS_EL, FORMER_EL = 0, 1, 2
UNKNOWN = -1
UNKNOWN_SHARE = 0.02
NEEDS = ("disability", "lunch", "low_income")
LEAVE, ENTER, MOVE = 0.02, 0.02, 0.015
"""Share of students that leave, come, or change school during a year: on no one day so many that an honest roster
looks like a truncated one."""


@dataclass(frozen=True, slots=True)
class People:
    """Persons of one district. `enter_on`, `leave_on`, `move_on` are by year (first index), NaT = not."""

    grade_2025: Codes
    track: Reals
    track_after_move: Reals
    ability: Reals
    absence: Reals
    first: Ints
    last: Ints
    born: Dates
    local_id: Ints
    state_id: Ints
    gender: Codes
    race: Codes
    el: Codes
    disability: Codes
    lunch: Codes
    low_income: Codes
    enter_on: Dates
    leave_on: Dates
    move_on: Dates

    @property
    def count(self) -> int:
        """Number of persons."""
        return int(self.grade_2025.size)

    def grade(self, year: int) -> Codes:
        """Grade in a year, also outside PK-12."""
        return np.asarray(self.grade_2025 + (year - YEARS[0]), np.int8)

    def here(self, year: int) -> Mask:
        """Enrolled on some day of the year."""
        grade = self.grade(year)
        here = (grade >= PK) & (grade <= LAST_GRADE)
        if year == YEARS[0]:
            return np.asarray(here & np.isnat(self.enter_on[1]))
        return np.asarray(here & np.isnat(self.leave_on[0]))


def make_people(spec: DistrictSpec, rng: np.random.Generator) -> People:
    """Draw the persons of a district; the first of them is its canary."""
    cohorts = LAST_GRADE - PK + 2
    count = max(cohorts, round(spec.students * cohorts / (cohorts - 1)))
    grade = rng.permutation(np.arange(count) % cohorts + PK - 1).astype(np.int8)
    grade[0] = CANARY_GRADE
    need = rng.normal(size=count)
    return People(
        grade_2025=grade,
        track=rng.random(count),
        track_after_move=rng.random(count),
        ability=rng.normal(size=count) - 0.35 * (need > 0.3),
        absence=0.9 * rng.normal(size=count) + 0.44 * need,
        first=rng.integers(0, len(FIRST), count),
        last=rng.integers(0, len(LAST), count),
        born=_born(grade, rng),
        local_id=200_000 + rng.permutation(2 * count)[:count],
        state_id=9_000_000_000 + spec.number * 10_000_000 + rng.permutation(2 * count)[:count],
        **_traits(need, rng),
        **_fates(count, rng),
    )


def _born(grade: Codes, rng: np.random.Generator) -> Dates:
    """KF in 2024-25 were five by September 2024."""
    first = (2018 - grade.astype(np.int64) - 1970).astype("M8[Y]").astype("M8[D]") + np.timedelta64(273, "D")
    return np.asarray(first + rng.integers(0, 330, grade.size).astype("m8[D]"), "M8[D]")


def _traits(need: Reals, rng: np.random.Generator) -> dict[str, Any]:
    """Demographics; disadvantage (`need`) ties low income, lunch and English learning together."""
    count = need.size
    english = np.where(need + rng.normal(size=count) > 1.75, IS_EL, NEVER_EL)
    english = np.where((english == NEVER_EL) & (rng.random(count) < 0.05), FORMER_EL, english)
    low_income = (need > 0.2).astype(np.int8)
    lunch = np.where(low_income == 1, np.where(rng.random(count) < 0.85, 2, 1), 0)
    return {
        "gender": _unknown(rng.choice(3, count, p=[0.485, 0.51, 0.005]), rng),
        "race": _unknown(rng.choice(len(RACES), count, p=RACE_SHARES), rng),
        "el": _unknown(english, rng),
        "disability": _unknown(rng.random(count) < 0.19, rng),
        "lunch": _unknown(lunch, rng),
        "low_income": _unknown(low_income, rng),
    }


def _unknown(values: npt.NDArray[Any], rng: np.random.Generator) -> Codes:
    return np.where(rng.random(values.size) < UNKNOWN_SHARE, UNKNOWN, values).astype(np.int8)


def _fates(count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Each person has at most one event in the two years; the canary has none."""
    draw = rng.random(count)
    draw[0] = 1.0
    fates = {name: np.full((len(YEARS), count), "NaT", "M8[D]") for name in ("enter_on", "leave_on", "move_on")}
    below = 0.0
    for index, year in enumerate(YEARS):
        for name, share in (("leave_on", LEAVE), ("enter_on", ENTER), ("move_on", MOVE)):
            chosen = (draw >= below) & (draw < below + share)
            days = np.array(SNAPSHOTS[year][1:], "M8[D]")
            fates[name][index, chosen] = days[rng.integers(0, days.size, int(chosen.sum()))]
            below += share
    return fates


def exchange(people: list[People]) -> list[People]:
    """Let some who leave the first district in the second year go on in the next district, with their state id."""
    if len(people) < 2:
        return people
    source, target = people[0], people[1]
    leavers = np.flatnonzero(~np.isnat(source.leave_on[1]) & source.here(YEARS[1]))
    comers = np.flatnonzero(~np.isnat(target.enter_on[1]) & target.here(YEARS[1]))
    count = max(min(leavers.size, comers.size) // 3, 0)
    old, new = leavers[:count], comers[:count]
    moved = ("grade_2025", "ability", "absence", "first", "last", "born", "state_id", "gender", "race", "el", *NEEDS)
    changes = {name: _with(getattr(target, name), new, getattr(source, name)[old]) for name in moved}
    enter = target.enter_on.copy()
    enter[1, new] = source.leave_on[1, old]
    return [source, replace(target, enter_on=enter, **changes), *people[2:]]


def _with(values: npt.NDArray[Any], at: Ints, new: npt.NDArray[Any]) -> npt.NDArray[Any]:
    changed = values.copy()
    changed[at] = new
    return changed
