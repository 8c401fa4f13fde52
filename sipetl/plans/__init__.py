"""The improvement plan: its model and files, what lint finds in it, target paths, and how each benchmark stands."""

from __future__ import annotations

from sipetl.plans.apply import apply_plans
from sipetl.plans.context import lint_context, lint_plans
from sipetl.plans.evaluate import evaluate
from sipetl.plans.lint import RULES, LintFinding, Severity, lint
from sipetl.plans.lint_facts import CycleFacts, LintContext, MetricFacts
from sipetl.plans.load import check_plan, check_plans, load_plan
from sipetl.plans.model import Benchmark, Direction, Kind, Mag, Plan, TargetPath, TimelineStep
from sipetl.plans.occurrences import Occurrence, Occurrences, judge_count, judge_occurrences
from sipetl.plans.path import Course, Moment, course_of, expected_at
from sipetl.plans.status import (
    Certainty,
    Judgement,
    Observation,
    Question,
    Status,
    StepStatus,
    judge,
    step_status,
)
from sipetl.plans.steps import StepRow, steps

__all__ = [
    "RULES",
    "Benchmark",
    "Certainty",
    "Course",
    "CycleFacts",
    "Direction",
    "Judgement",
    "Kind",
    "LintContext",
    "LintFinding",
    "Mag",
    "MetricFacts",
    "Moment",
    "Observation",
    "Occurrence",
    "Occurrences",
    "Plan",
    "Question",
    "Severity",
    "Status",
    "StepRow",
    "StepStatus",
    "TargetPath",
    "TimelineStep",
    "apply_plans",
    "check_plan",
    "check_plans",
    "course_of",
    "evaluate",
    "expected_at",
    "judge",
    "judge_count",
    "judge_occurrences",
    "lint",
    "lint_context",
    "lint_plans",
    "load_plan",
    "step_status",
    "steps",
]
