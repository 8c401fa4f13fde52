"""What would fail at a plan's review, said before the plan is used (metrics.md, "Lint").

Each rule is one function whose docstring is its line in the documentation. A rule sees the plan and the facts that
the caller looked up (catalogue, registry, calendar, policy); a fact that is not known trips no rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sipetl.plans.lint_facts import LintContext
from sipetl.plans.model import TURNAROUND_PRACTICES, Benchmark, Direction, Kind, Location, Mag, Plan, TargetPath
from sipetl.plans.names import Hit, metric_names, unknown_groups, unknown_metrics, unknown_school
from sipetl.registry.yamlfile import Document, dotted

PRACTICES = frozenset({"TP1", "TP2", "TP3", "TP4"})
"""The four Turnaround Practices (massachusetts.md 1.1)."""
OUTPUT_WORDING = re.compile(
    r"\b(teachers?|staff|educators?|leaders?|faculty|paraprofessionals?)\b.*"
    r"\b(train(ed|ing)|attend(s|ed|ing)?|professional development|completed? .*\b(course|module|workshop)s?)\b",
    re.IGNORECASE | re.DOTALL,
)
"""The guidance's own example of an output is the percent of teachers trained (massachusetts.md 1.3)."""


class Severity(StrEnum):
    """An error would fail the review or cannot be computed; a warning asks for a second look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding: `where` is `file:line place` where the file is known, else the place."""

    rule: str
    severity: Severity
    where: str
    what: str
    cure: str


Check = Callable[[Plan, LintContext], Iterator[Hit]]


def lint(plan: Plan, context: LintContext, document: Document | None = None) -> list[LintFinding]:
    """All findings, by rule and place; `document` is the plan's file, for line numbers."""
    return [
        LintFinding(rule, severity, _where(at, document), what, cure)
        for rule, (severity, check) in RULES.items()
        for at, what, cure in check(plan, context)
    ]


def _where(at: Location, document: Document | None) -> str:
    place = dotted(at) or "plan"
    return f"{document.where(at)} {place}" if document else place


def _has_required_parts(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """Goals & Benchmarks lists strategies, each with a timeline and interim benchmarks, and MAGs."""
    if not any(True for _ in plan.initiatives()):
        yield ("practices",), "the plan has no initiative", "add practices with objectives and initiatives"
    if not plan.mags:
        yield ("mags",), "the plan has no measurable annual goal", "add MAGs"
    for at, initiative in plan.initiatives():
        if not initiative.timeline:
            yield at, f"initiative {initiative.code} has no timeline", "add steps with owner and due date"
        if not initiative.benchmarks:
            yield at, f"initiative {initiative.code} has no interim benchmark", "add benchmarks"


def _is_academic_and_more(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """Student benchmarks and MAGs each cover academic and non-academic areas."""
    students = [benchmark for _, benchmark in plan.benchmarks() if benchmark.kind is Kind.STUDENT]
    for place, name, goals in (("practices", "student benchmark", students), ("mags", "MAG", list(plan.mags))):
        for academic, word in ((True, "academic"), (False, "non-academic")):
            if goals and not any(goal.academic is academic for goal in goals):
                yield (place,), f"no {name} is {word}", f"add one with `academic: {str(academic).lower()}`"


def _changes_adults_and_students(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """Interim benchmarks reflect changes in adult and in student behaviour."""
    kinds = {benchmark.kind for _, benchmark in plan.benchmarks()}
    for kind in Kind:
        if kinds and kind not in kinds:
            yield ("practices",), f"no benchmark is of kind {kind}", f"add one with `kind: {kind}`"


def _target_lies_ahead(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The target lies on the better side of the baseline, and better is what the metric calls better."""
    for at, goal in plan.located():
        facts = context.metrics.get(goal.metric)
        if facts and facts.direction is not goal.direction:
            yield (*at, "direction"), f"{goal.metric} is better {facts.direction}", f"use {facts.direction}"
        ahead = goal.target_level - goal.baseline.value if goal.baseline else 0
        if ahead < 0 if goal.direction is Direction.UP else ahead > 0:
            yield (*at, "target"), "the target is worse than the baseline", "mend target, baseline or direction"


def _answers_the_four_questions(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """What, for whom, by how much and when: a text says what changes, a baseline makes "by how much" readable."""
    for at, goal in plan.located():
        if not goal.text.strip():
            yield at, f"{goal.code} does not say what changes", "give `text`"
        if goal.baseline is None:
            yield at, f"{goal.code} has no baseline", "give `baseline` with value, period and source"


def _serves_identified_groups(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """Each identified low-performing group has its own MAG and its own student benchmark."""
    students = {goal.student_group for _, goal in plan.benchmarks() if goal.kind is Kind.STUDENT}
    with_mag = {mag.student_group for mag in plan.mags}
    for group in sorted(context.identified_groups):
        if group not in with_mag:
            yield ("mags",), f"the identified group {group} has no MAG", f"add one with `student_group: {group}`"
        if group not in students:
            yield ("practices",), f"the identified group {group} has no student benchmark", "add one"


def _metric_is_known(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The metric is in the catalogue and is computed for schools."""
    yield from unknown_metrics(plan, context.metrics.__contains__, [*context.metrics, *metric_names()])
    for at, goal in plan.located():
        facts = context.metrics.get(goal.metric)
        if facts and "school" not in facts.levels:
            yield (*at, "metric"), f"{goal.metric} is not computed for schools", "choose a metric that is"


def _feed_is_delivered(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The evidence comes from the metric's own feed, and the district delivers it."""
    for at, goal in plan.located():
        facts = context.metrics.get(goal.metric)
        if facts and facts.feed != goal.feed:
            yield (*at, "feed"), f"{goal.metric} is computed from {facts.feed}", f"use `feed: {facts.feed}`"
        elif goal.feed not in context.feed_due:
            cure = "agree the delivery with the district, or choose another metric"
            yield (*at, "feed"), f"the district does not deliver {goal.feed}", cure


def _data_comes_before_its_review(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The data of the due date is due before the cycle that reviews it (no MCAS MAG closes before September)."""
    for at, goal in plan.located():
        here = _data_here_on(goal, context)
        cycle = min(
            (cycle for cycle in context.cycles if cycle.data_as_of >= goal.due),
            key=lambda cycle: cycle.data_as_of,
            default=None,
        )
        if cycle is None:
            yield (*at, "due"), f"no cycle reviews {goal.code} on or after its due date", "move `due` or add a cycle"
        elif here is None:
            yield (*at, "due"), f"no arrival of {goal.feed} is due after {goal.due}", "move `due` earlier"
        elif here > cycle.data_due:
            what = f"cycle {cycle.cycle_id} needs its data by {cycle.data_due}, but it is not due before {here}"
            yield (*at, "due"), what, "move `due` to a later cycle, or choose a metric that comes earlier"


def _data_here_on(goal: Benchmark, context: LintContext) -> date | None:
    """The day the data of the due date should be here; None when every arrival of the feed comes before."""
    facts = context.metrics.get(goal.metric)
    if facts and facts.result_from and facts.result_from > goal.due:
        return facts.result_from
    due_dates = context.feed_due.get(goal.feed, ())
    if not due_dates:
        return goal.due
    return min((day for day in due_dates if day >= goal.due), default=None)


def _path_fits(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The target path is one the metric can follow, and has what it needs."""
    for at, goal in plan.located():
        facts = context.metrics.get(goal.metric)
        if facts and goal.path not in facts.paths:
            yield (*at, "path"), f"{goal.metric} cannot follow {goal.path}", f"use {', '.join(sorted(facts.paths))}"
        if goal.path in {TargetPath.LINEAR, TargetPath.SAME_WINDOW} and goal.baseline is None:
            yield (*at, "path"), f"the path {goal.path} needs a baseline", "give `baseline`"
        if goal.path is TargetPath.SAME_WINDOW and goal.window is None:
            yield (*at, "path"), "the path same_window needs the target's window", "give `window`"


def _group_is_large_enough(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The student group is large enough to be reported."""
    for at, goal in plan.located():
        size = context.group_sizes.get(goal.student_group)
        if goal.kind is Kind.STUDENT and size is not None and size < context.minimum_n:
            what = f"the group {goal.student_group} is below the minimum of {context.minimum_n}"
            yield (*at, "student_group"), what, "choose a larger group"


def _dates_lie_in_the_year(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """Due dates lie inside the school year; a MAG of a lagging source may wait for its result."""
    for at, day in _dates(plan):
        if not context.year_starts_on <= day <= context.year_ends_on:
            yield at, f"{day} is outside the school year", "mend the date"


def _dates(plan: Plan) -> Iterator[tuple[Location, date]]:
    for at, initiative in plan.initiatives():
        for s, step in enumerate(initiative.timeline):
            yield (*at, "timeline", s, "due"), step.due
    for at, goal in plan.located():
        if not (isinstance(goal, Mag) and goal.path is TargetPath.YEAR_END_ONLY):
            yield (*at, "due"), goal.due
        for c, checkpoint in enumerate(goal.checkpoints):
            yield (*at, "checkpoints", c, "on"), checkpoint.on


def _words_an_outcome(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """A benchmark is evidence of change, not of activity: not the percent of teachers trained."""
    for at, goal in plan.located():
        if OUTPUT_WORDING.search(goal.text):
            yield (*at, "text"), f"{goal.code} counts an activity", "say what changes because of it"


def _benchmarks_are_few(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """Benchmarks are few enough to be reviewed."""
    count = sum(1 for _ in plan.benchmarks())
    if count > context.most_benchmarks:
        yield ("practices",), f"{count} benchmarks are many to review", "keep those from regular work"


def _practice_is_of_the_framework(plan: Plan, _context: LintContext) -> Iterator[Hit]:
    """Under the turnaround practices, a practice is TP1, TP2, TP3 or TP4."""
    for p, practice in enumerate(plan.practices):
        if plan.framework == TURNAROUND_PRACTICES and practice.practice not in PRACTICES:
            yield ("practices", p, "practice"), f"{practice.practice} is no turnaround practice", "use TP1 to TP4"


def _school_is_known(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """The plan's school is in the registry, under its authority."""
    yield from unknown_school(plan, context.schools)


def _groups_are_known(plan: Plan, context: LintContext) -> Iterator[Hit]:
    """Student groups and grades are ones that students are counted in."""
    yield from unknown_groups(plan, context.student_groups)


RULES: Mapping[str, tuple[Severity, Check]] = {
    "PL01": (Severity.ERROR, _has_required_parts),
    "PL02": (Severity.ERROR, _is_academic_and_more),
    "PL03": (Severity.ERROR, _changes_adults_and_students),
    "PL04": (Severity.ERROR, _target_lies_ahead),
    "PL05": (Severity.WARNING, _answers_the_four_questions),
    "PL06": (Severity.ERROR, _serves_identified_groups),
    "PL07": (Severity.ERROR, _metric_is_known),
    "PL08": (Severity.ERROR, _feed_is_delivered),
    "PL09": (Severity.ERROR, _data_comes_before_its_review),
    "PL10": (Severity.ERROR, _path_fits),
    "PL11": (Severity.ERROR, _group_is_large_enough),
    "PL12": (Severity.ERROR, _dates_lie_in_the_year),
    "PL13": (Severity.WARNING, _words_an_outcome),
    "PL14": (Severity.WARNING, _benchmarks_are_few),
    "PL15": (Severity.ERROR, _practice_is_of_the_framework),
    "PL16": (Severity.ERROR, _school_is_known),
    "PL17": (Severity.ERROR, _groups_are_known),
}
"""Every rule by its stable id; a check's docstring is the rule's line in the documentation."""
