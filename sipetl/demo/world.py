"""The latent state of a district: enrolments and what happened on every school day. Files and answers come from it.

An enrolment is a person at a school from `entry` to `exit` (indexes of school days, exit exclusive). Someone who
changes school has two in that year. `state` says how each person's every school day would go; enrolments cut it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sipetl.demo.dates import YEARS, Days, school_days
from sipetl.demo.people import Codes, Ints, People, Reals
from sipetl.demo.spec import LAST_GRADE, PK, DistrictSpec

PRESENT, TARDY, DISMISSED, ABSENT, EXCUSED = range(5)
ATTENDANCE_CODES = ("P", "T", "D", "A", "AE")
SPREAD = 0.75
"""Spread of the students' logarithms within a school: with it, a school that misses 6 % of days has about 15 % of
its students chronically absent, and one that misses 12 % has 45 %, as published (massachusetts.md 4.7)."""
MOST_ABSENT = 0.6
EXCUSED_SHARE = 0.45
MONDAY, FRIDAY, WINTER = 1.10, 1.20, 1.12
CHUNK = 20_000
"""Persons whose days are drawn at once: bounds memory."""


@dataclass(frozen=True, slots=True)
class Year:
    """One district's school year."""

    year: int
    days: Days
    person: Ints
    school: Ints
    entry: Ints
    exit: Ints
    grade: Codes
    state: Codes

    @property
    def first_of(self) -> npt.NDArray[np.bool_]:
        """Which enrolments are the first (or only) one of their person."""
        seen = np.zeros(self.person.size, bool)
        _, first = np.unique(self.person, return_index=True)
        seen[first] = True
        return seen

    def enrolled_on(self, day: int) -> npt.NDArray[np.bool_]:
        """Which enrolments hold on a school day, by its index."""
        return np.asarray((self.entry <= day) & (self.exit > day))


@dataclass(frozen=True, slots=True)
class District:
    """A district with its persons and years."""

    spec: DistrictSpec
    people: People
    years: dict[int, Year]

    def rng(self, purpose: int, seed: int) -> np.random.Generator:
        """A stream of its own for each purpose, so that one part does not shift another."""
        return np.random.default_rng([seed, self.spec.number, purpose])


def make_district(spec: DistrictSpec, people: People, seed: int) -> District:
    """Enrol the persons and live through both years."""
    years = {}
    for year in YEARS:
        rng = np.random.default_rng([seed, spec.number, year])
        years[year] = _live(spec, people, _enrol(spec, people, year), rng)
    return District(spec, people, years)


def school_of(spec: DistrictSpec, grade: Codes, track: Reals) -> Ints:
    """The school of each person: those that serve the grade share the tracks evenly, in order."""
    found = np.full(grade.size, -1, np.int64)
    for level in range(PK, LAST_GRADE + 1):
        serving = np.array([i for i, school in enumerate(spec.schools) if school.low <= level <= school.high])
        at = grade == level
        found[at] = serving[np.minimum((track[at] * serving.size).astype(int), serving.size - 1)]
    return found


def _enrol(spec: DistrictSpec, people: People, year: int) -> Year:
    days = school_days(spec.start, year)
    y = YEARS.index(year)
    who = np.flatnonzero(people.here(year))
    grade = people.grade(year)[who]
    moved_before = np.any(~np.isnat(people.move_on[:y, who]), axis=0)
    track = np.where(moved_before, people.track_after_move[who], people.track[who])
    old = school_of(spec, grade, track)
    new = school_of(spec, grade, people.track_after_move[who])
    entry = _index(days, people.enter_on[y, who], 0)
    leave = _index(days, people.leave_on[y, who], days.size)
    moves = ~np.isnat(people.move_on[y, who]) & (old != new)
    moved = _index(days, np.where(moves, people.move_on[y, who], np.datetime64("NaT", "D")), days.size)
    person = np.concatenate([who, who[moves]])
    school = np.concatenate([old, new[moves]])
    order = np.lexsort((np.concatenate([np.zeros(who.size), np.ones(int(moves.sum()))]), person))
    return Year(
        year=year,
        days=days,
        person=person[order],
        school=school[order],
        entry=np.concatenate([entry, moved[moves]])[order],
        exit=np.concatenate([np.minimum(leave, moved), leave[moves]])[order],
        grade=np.concatenate([grade, grade[moves]])[order],
        state=np.zeros((0, 0), np.int8),
    )


def _index(days: Days, on: npt.NDArray[np.datetime64], otherwise: int) -> Ints:
    return np.where(np.isnat(on), otherwise, np.searchsorted(days, on)).astype(np.int64)


def _live(spec: DistrictSpec, people: People, year: Year, rng: np.random.Generator) -> Year:
    base = np.array([school.absence[YEARS.index(year.year)] for school in spec.schools])
    share = np.zeros(people.count)
    first = year.first_of
    share[year.person[first]] = base[year.school[first]]
    rate = np.where(share > 0, share * np.exp(SPREAD * people.absence - SPREAD**2 / 2), 0.0)
    rate = np.minimum(rate, MOST_ABSENT)
    factor = _day_factor(year.days)
    state = np.empty((people.count, year.days.size), np.int8)
    for start in range(0, people.count, CHUNK):
        part = slice(start, start + CHUNK)
        state[part] = _days_of(rate[part], factor, rng)
    return Year(year.year, year.days, year.person, year.school, year.entry, year.exit, year.grade, state)


def _day_factor(days: Days) -> Reals:
    weekday = (days.astype("M8[D]").astype(np.int64) + 3) % 7
    month = days.astype("M8[M]").astype(np.int64) % 12 + 1
    factor = np.where(weekday == 0, MONDAY, np.where(weekday == 4, FRIDAY, 1.0))
    factor = factor * np.where(np.isin(month, (12, 1, 2)), WINTER, 1.0)
    return np.asarray(factor / factor.mean())


def _days_of(rate: Reals, factor: Reals, rng: np.random.Generator) -> Codes:
    """Draw each day once: one uniform number decides among the five states."""
    absent = np.minimum(rate[:, None] * factor[None, :], 0.95).astype(np.float32)
    draw = rng.random((rate.size, factor.size), dtype=np.float32)
    state = np.full(draw.shape, PRESENT, np.int8)
    state[draw > 0.985 - 0.2 * rate[:, None]] = TARDY
    state[draw > 0.996] = DISMISSED
    state[draw < absent] = ABSENT
    state[draw < absent * EXCUSED_SHARE] = EXCUSED
    return state


def counts_to(year: Year) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Running totals of absences and of unexcused ones: column d holds the days before school day d."""
    shape = (year.state.shape[0], year.days.size + 1)
    absent, unexcused = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
    np.cumsum(year.state >= ABSENT, axis=1, dtype=np.int16, out=absent[:, 1:])
    np.cumsum(year.state == ABSENT, axis=1, dtype=np.int16, out=unexcused[:, 1:])
    return absent, unexcused
