"""Who belongs to which student group, from latent state. Unknown is never "no", and never "yes" either.

The roster knows neither low income (the state designates it, massachusetts.md 2.5) nor a high-needs flag of its own;
so nobody is known to have high needs by it, or not. MCAS rows carry all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sipetl.demo.mcas_files import high_needs
from sipetl.demo.people import IS_EL, RACES, Codes, Ints, Mask, People
from sipetl.demo.spec import GRADE_CODES

NEEDS = ("english_learner", "el_or_former_el", "disability", "low_income", "high_needs", "local_frl")
GENDER_GROUPS = ("female", "male", "nonbinary")
GRADE_GROUPS = tuple("grade_K" if code == "KF" else f"grade_{code}" for code in GRADE_CODES)
GROUPS = ("all", *RACES, *GENDER_GROUPS, *NEEDS, *GRADE_GROUPS)
ALL = GROUPS.index("all")


@dataclass(frozen=True, slots=True)
class Membership:
    """Rows x groups."""

    member: Mask

    def of(self, rows: Ints) -> Membership:
        """The membership of some of the rows."""
        return Membership(self.member[rows])


def roster_groups(people: People, person: Ints, grade: Codes) -> Membership:
    """Groups as the roster knows them."""
    nobody = np.zeros(person.size, bool)
    needs = [nobody, nobody, people.lunch[person] > 0]
    return _membership(people, person, grade, needs)


def mcas_groups(people: People, person: Ints, grade: Codes) -> Membership:
    """Groups as an MCAS row says them; the lunch flag is the roster's."""
    needs = [people.low_income[person] == 1, high_needs(people)[person] == 1, people.lunch[person] > 0]
    return _membership(people, person, grade, needs)


def everybody(count: int) -> Membership:
    """Only `all`: for measures that have no students."""
    member = np.zeros((count, len(GROUPS)), bool)
    member[:, ALL] = True
    return Membership(member)


def grade_groups(grade: Codes) -> Membership:
    """`all` and the grade: for measures of classrooms."""
    member = everybody(grade.size).member
    member[:, -len(GRADE_GROUPS) :] = grade[:, None] == np.arange(-1, len(GRADE_GROUPS) - 1)
    return Membership(member)


def _membership(people: People, person: Ints, grade: Codes, needs: list[npt.NDArray[np.bool_]]) -> Membership:
    columns = [np.ones(person.size, bool)]
    columns += [people.race[person] == code for code in range(len(RACES))]
    columns += [people.gender[person] == code for code in range(len(GENDER_GROUPS))]
    columns += [people.el[person] == IS_EL, people.el[person] > 0, people.disability[person] == 1, *needs]
    columns += [grade == code for code in range(-1, len(GRADE_CODES) - 1)]
    return Membership(np.stack(columns, axis=1))
