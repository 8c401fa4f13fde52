"""What a plan names must exist: its school, its metrics, its student groups and grades.

`sipetl check` asks this of the files alone, lint asks it of what was applied; both say what may have been meant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from sipetl.metrics import grade_groups, load_catalogue
from sipetl.plans.model import Location, Plan
from sipetl.registry.groups import group_meant
from sipetl.registry.spelling import cure

_OF_SCHOOL = 4
"""Characters of a code that tell schools of one district apart (authority MA: DDDDSSSS); others are not like it."""
Hit = tuple[Location, str, str]
"""A place in the plan, what is wrong there, and what mends it."""


def unknown_metrics(plan: Plan, is_known: Callable[[str], bool], names: Collection[str]) -> Iterator[Hit]:
    """Find the metrics that are not known; `names` are what may have been meant."""
    for at, goal in plan.located():
        if not is_known(goal.metric):
            mend = cure(goal.metric, names, "name a metric of the catalogue: see 'sipetl metrics list'")
            yield (*at, "metric"), f"the metric {goal.metric} is not in the catalogue", mend


def metric_names() -> list[str]:
    """List what metrics can be called: the fixed ones, then the templates that data fills (`published_{figure}`)."""
    catalogue = load_catalogue()
    return [
        *(metric.metric for metric in catalogue.metrics()),
        *(entry.metric for entry in catalogue.entries if entry.for_),
    ]


def unknown_school(plan: Plan, schools: Collection[str]) -> Iterator[Hit]:
    """Tell whether the plan's school is none of those, named as `AUTHORITY/CODE`; none given: not known."""
    if schools and plan.school not in schools:
        beside = [school for school in schools if _district(school) == _district(plan.school)]
        mend = cure(plan.school, beside, "add the school to organizations.yaml, mend the code, or delete the plan")
        at = "plan" if plan.school == plan.plan else "school"
        yield (at,), f"the school {plan.school} is not in the registry", mend


def _district(school: str) -> str:
    return school.rpartition("/")[2][:-_OF_SCHOOL]


def unknown_groups(plan: Plan, groups: Collection[str]) -> Iterator[Hit]:
    """Find the student groups (none given: not known) and grades that no student can be in."""
    grades = grade_groups()
    for at, goal in plan.located():
        if groups and goal.student_group not in groups:
            what = f"the student group {goal.student_group} is not known"
            yield (*at, "student_group"), what, group_meant(goal.student_group)
        for grade in goal.grades or ():
            if grade not in grades:
                yield (*at, "grades"), f"the grade {grade} is not known", cure(grade.zfill(2), grades)
