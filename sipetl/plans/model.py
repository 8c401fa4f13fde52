"""One school's Sustainable Improvement Plan as data, from practices down to timeline steps, benchmarks, MAGs.

The shape follows the guidance (massachusetts.md 1.3): every benchmark and MAG answers what, for whom, by how
much and when. A plan file is one version, in force from `effective_from`; a mid-course change is a new file.
What is merely unwise is left to `lint`; what cannot be computed is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sipetl.registry.models import FeedName

Location = tuple[str | int, ...]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
ORGANIZATION = re.compile(r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
OrganizationCode = Annotated[str, StringConstraints(pattern=ORGANIZATION)]
"""`authority/code`, as `MA/00350012`."""

TURNAROUND_PRACTICES = "turnaround_practices"
"""The framework of TP1-TP4; a newer one has its own name and codes (massachusetts.md 1.1)."""


class Kind(StrEnum):
    """Whose behaviour a benchmark measures."""

    EDUCATOR = "educator"
    STUDENT = "student"


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"


class TargetUnit(StrEnum):
    """A target is a level, or a distance in percentage points from the baseline."""

    LEVEL = "level"
    POINTS = "points"


class TargetPath(StrEnum):
    """What is expected before the due date (metrics.md, "Target path")."""

    HOLD = "hold"
    SAME_WINDOW = "same_window"
    CUMULATIVE = "cumulative"
    LINEAR = "linear"
    CHECKPOINTS = "checkpoints"
    RISES = "rises"
    YEAR_END_ONLY = "year_end_only"


class Between(StrEnum):
    """What is expected between two checkpoints: the one passed, or the straight line to the next."""

    STEP = "step"
    STRAIGHT = "straight"


class Cadence(StrEnum):
    """How often a benchmark is measured."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    PER_MEETING = "per_meeting"
    ANNUAL = "annual"


class Window(StrEnum):
    """The window of an assessment or survey that the target is for."""

    FALL = "fall"
    WINTER = "winter"
    SPRING = "spring"


class Owner(StrEnum):
    """Who answers for it."""

    SCHOOL = "school"
    DISTRICT = "district"


class MagCategory(StrEnum):
    """What a MAG is about: the statute's categories with stable codes (massachusetts.md 1.5)."""

    ATT_DISM_EXCL = "ATT_DISM_EXCL"
    SAFETY_DISC = "SAFETY_DISC"
    PROMO_DROPOUT = "PROMO_DROPOUT"
    GRAD = "GRAD"
    MCAS_ACH = "MCAS_ACH"
    UNDERPERF_AREAS = "UNDERPERF_AREAS"
    SUBGROUP_PROG = "SUBGROUP_PROG"
    GAP_REDUCTION = "GAP_REDUCTION"
    SKILLS_21C = "SKILLS_21C"
    COLLEGE_READY = "COLLEGE_READY"
    FAMILY_ENG = "FAMILY_ENG"
    CULT_ACADEMIC = "CULT_ACADEMIC"
    CULT_STAFF_SUPPORT = "CULT_STAFF_SUPPORT"
    PK3_ASSESS = "PK3_ASSESS"


class PlanPart(BaseModel):
    """Base of all parts: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Baseline(PlanPart):
    """Where the school stood."""

    value: Decimal
    period: Text
    source: str = ""


class Target(PlanPart):
    """By how much: a level, or percentage points from the baseline in the benchmark's direction."""

    value: Decimal
    unit: TargetUnit = TargetUnit.LEVEL


class Checkpoint(PlanPart):
    """A level the plan expects from a day on."""

    on: date
    value: Decimal


class RecurrenceRule(PlanPart):
    """A recurring benchmark is met when `met_of` of its `occurrences` are."""

    met_of: int = Field(ge=1)
    occurrences: int = Field(ge=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.met_of > self.occurrences:
            raise PydanticCustomError("recurrence", "met_of is more than occurrences", {"at": ("met_of",)})
        return self


class Benchmark(PlanPart):
    """An interim benchmark: a metric, a population, a baseline, a target, a due date or rhythm."""

    code: Code
    kind: Kind
    text: str = ""
    metric: Text
    student_group: Text = "all"
    grades: tuple[str, ...] | None = None
    baseline: Baseline | None = None
    target: Target
    direction: Direction
    path: TargetPath
    checkpoints: tuple[Checkpoint, ...] = ()
    between: Between = Between.STEP
    window: Window | None = None
    due: date
    cadence: Cadence
    recurrence: RecurrenceRule | None = None
    feed: FeedName
    owner: Owner = Owner.SCHOOL
    academic: bool

    @property
    def target_level(self) -> Decimal:
        """The target as a level, in the metric's units."""
        if self.target.unit is TargetUnit.LEVEL or self.baseline is None:
            return self.target.value
        sign = 1 if self.direction is Direction.UP else -1
        return self.baseline.value + sign * self.target.value

    @model_validator(mode="after")
    def _points_are_a_distance_from_a_baseline(self) -> Self:
        if self.target.unit is not TargetUnit.POINTS:
            return self
        if self.baseline is None:
            raise PydanticCustomError("points", "a target in points needs a baseline", {"at": ("target",)})
        if self.target.value < 0:
            context = {"at": ("target", "value"), "why": "points are a distance; `direction` says which way"}
            raise PydanticCustomError("points", "points cannot be negative", context)
        return self

    @model_validator(mode="after")
    def _checkpoints_belong_to_their_path(self) -> Self:
        days = [checkpoint.on for checkpoint in self.checkpoints]
        at = {"at": ("checkpoints",)}
        if (self.path is TargetPath.CHECKPOINTS) != bool(days):
            raise PydanticCustomError("checkpoints", "checkpoints and `path: checkpoints` go together", at)
        if days != sorted(set(days)) or (days and days[-1] > self.due):
            message = "checkpoints must be in order of their days and end by the due date"
            raise PydanticCustomError("checkpoints", message, at)
        return self


class Mag(Benchmark):
    """A measurable annual goal: a benchmark of the year's end, with its statutory category."""

    category: MagCategory
    kind: Kind = Kind.STUDENT
    cadence: Cadence = Cadence.ANNUAL


class TimelineStep(PlanPart):
    """An action step ("process benchmark"): what, by whom, by when."""

    step: Text
    owner: Text
    due: date
    done_on: date | None = None


class Initiative(PlanPart):
    """A strategy, with its timeline and its interim benchmarks."""

    code: Code
    text: str = ""
    timeline: tuple[TimelineStep, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()


class Objective(PlanPart):
    """A strategic objective."""

    code: Code
    text: str = ""
    initiatives: tuple[Initiative, ...] = ()


class Practice(PlanPart):
    """A turnaround practice (TP1-TP4), or a practice of the plan's own framework."""

    practice: Code
    objectives: tuple[Objective, ...] = ()


class Plan(PlanPart):
    """One version of one school's plan."""

    plan: Text
    effective_from: date
    school: OrganizationCode
    title: str = ""
    framework: Text = TURNAROUND_PRACTICES
    practices: tuple[Practice, ...] = ()
    mags: tuple[Mag, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _a_plan_is_named_by_its_school(cls, values: object) -> object:
        if not isinstance(values, dict) or "plan" not in values or "school" in values:
            return values
        if not ORGANIZATION.match(str(values["plan"])):
            mend = 'put it in quotes, as "MA/00350012", or name the school by `school`'
            says = "the plan's code should match pattern AUTHORITY/SCHOOL"
            raise PydanticCustomError("plan", says, {"at": ("plan",), "cure": mend})
        return {"school": values["plan"], **values}

    @model_validator(mode="after")
    def _codes_are_used_once(self) -> Self:
        seen: set[str] = set()
        for at, benchmark in self.located():
            if benchmark.code in seen:
                raise PydanticCustomError("code_twice", "the code is used twice", {"at": (*at, "code")})
            seen.add(benchmark.code)
        return self

    def initiatives(self) -> Iterator[tuple[Location, Initiative]]:
        """Every initiative with its place in the file."""
        for p, practice in enumerate(self.practices):
            for o, objective in enumerate(practice.objectives):
                for i, initiative in enumerate(objective.initiatives):
                    yield ("practices", p, "objectives", o, "initiatives", i), initiative

    def benchmarks(self) -> Iterator[tuple[Location, Benchmark]]:
        """Every interim benchmark with its place in the file."""
        for at, initiative in self.initiatives():
            for b, benchmark in enumerate(initiative.benchmarks):
                yield (*at, "benchmarks", b), benchmark

    def located(self) -> Iterator[tuple[Location, Benchmark]]:
        """Every benchmark, then every MAG, with its place in the file."""
        yield from self.benchmarks()
        for m, mag in enumerate(self.mags):
            yield ("mags", m), mag
