"""What a report page says, as plain values: `data` fills it from the warehouse, `html` and `charts` draw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sipetl.readiness import Readiness
from sipetl.registry.calendar import school_year_of
from sipetl.reports.progress import Outlook, Step, Times

RESULTS_COME_AFTER = timedelta(days=120)
"""Official results of a school year come by the end of October (massachusetts.md 3.5)."""


class Kind(StrEnum):
    """What a report is about."""

    HOME = "home"
    DISTRICT = "district"
    SCHOOL = "school"
    READINESS = "readiness"


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the home that a report shows; None = all."""

    kind: Kind = Kind.HOME
    district: str | None = None
    school: str | None = None
    cycle: str | None = None

    def holds(self, district: str, school: str | None = None) -> bool:
        """Whether a district, or one of its schools, belongs to the report."""
        if self.district is not None and district != self.district:
            return False
        return self.school is None or school is None or school == self.school


@dataclass(frozen=True, slots=True)
class Place:
    """An organization."""

    organization_id: int
    code: str
    name: str
    district: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many things have a word of the ledger or of the plans."""

    word: str
    n: int


@dataclass(frozen=True, slots=True)
class Glance:
    """Counts for the top of the page; an empty one is not shown."""

    arrivals: tuple[Count, ...] = ()
    incomplete: int = 0
    """Arrivals that came and are not whole."""
    deliveries: tuple[Count, ...] = ()
    benchmarks: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """One week of one school: its school days until the as-of day, those that are here, those that are overdue."""

    monday: date
    days: int
    here: int
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """Weeks of attendance of a district's schools, by school name; all rows have the same Mondays."""

    district: str
    schools: Mapping[str, tuple[Week, ...]]


@dataclass(frozen=True, slots=True)
class Display:
    """How a metric's numbers are shown."""

    unit: str = "percent"
    decimals: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value."""

    on: date
    """Last day of data it looks at."""
    label: str
    """Its period."""
    value: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    n: int | None = None
    data_status: str = "final"
    measures: int | None = None
    """School year it is of; None = the one of its day."""

    @property
    def school_year(self) -> int:
        """School year it is of: a result that came in autumn is of the year before."""
        return self.measures or school_year_of(self.on)


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of a benchmark at a cycle."""

    cycle: str
    on: date
    status: str
    certainty: str | None = None
    point: Point | None = None
    expected: Decimal | None = None
    gap: Decimal | None = None
    missing: str = ""
    """The arrival without which it cannot be judged."""
    outlook: Outlook = field(default_factory=Outlook)
    times: Times | None = None

    @property
    def measured_on(self) -> date:
        """The day of the value that was judged."""
        return self.point.on if self.point else self.on


@dataclass(frozen=True, slots=True)
class Goal:
    """A benchmark or MAG: what it asks, how it stands, and what was measured."""

    key: str
    """Unique on the page, letters and digits only."""
    code: str
    is_mag: bool
    kind: str
    text: str
    metric: str
    """Title of the metric."""
    student_group: str
    """Label of the group; empty for a measure of all adults."""
    display: Display
    target: Decimal
    direction: str
    path: str
    due_on: date
    baseline: Decimal | None = None
    standings: tuple[Standing, ...] = ()
    """One per cycle so far, the latest last."""
    points: tuple[Point, ...] = ()
    """Measured values, the earliest first."""
    steps: tuple[tuple[date, Decimal], ...] = ()
    """Corners of the target path, where it is a line that the plan draws."""
    recurrence: tuple[int, int] | None = None
    """Met when so many of so many occurrences are; None = not recurring."""

    @property
    def school_year(self) -> int:
        """The year it is for; results that come after the summer are of the year that has ended."""
        after_summer = RESULTS_COME_AFTER if self.path == "year_end_only" else timedelta()
        return school_year_of(self.due_on - after_summer)

    @property
    def measure(self) -> str:
        """What is measured, of whom."""
        return "; ".join(filter(None, (self.metric, self.student_group)))

    @property
    def standing(self) -> Standing | None:
        """How it stands now."""
        return self.standings[-1] if self.standings else None

    @property
    def status(self) -> str:
        return self.standings[-1].status if self.standings else "not_judged"


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """A school's plan in force, with its goals."""

    district: str
    school: str
    name: str
    title: str
    effective_from: date
    goals: tuple[Goal, ...]
    timeline: tuple[Step, ...] = ()
    """In the order of the due dates."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A school or student group: this year's value to date, and last year's."""

    name: str
    now: Point | None
    before: Point | None


@dataclass(frozen=True, slots=True)
class Chronic:
    """Chronic absence in one district."""

    district: str
    key: str
    schools: tuple[Pair, ...]
    groups: tuple[Pair, ...]
    grades: tuple[Pair, ...] = ()


class WaitKind(StrEnum):
    """Why something waits for a person."""

    HELD = "held"
    REJECTED = "rejected"
    UNRECOGNIZED = "unrecognized"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery, or a part of one, that a person must look at."""

    kind: WaitKind
    sender: str
    feed: str | None
    file_name: str
    received_at: datetime
    reason: str
    command: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that a report says."""

    title: str
    scope: Scope
    as_of: date
    districts: Mapping[str, str]
    """Names by the lake's district code."""
    glance: Glance = field(default_factory=Glance)
    cycles: tuple[Readiness, ...] = ()
    """The cycle that is looked at first, then the others."""
    coverage: tuple[Coverage, ...] = ()
    plans: tuple[SchoolPlan, ...] = ()
    chronic: tuple[Chronic, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    waiting_more: int = 0
    """How many more wait than are listed."""

    def district_name(self, code: str) -> str:
        """The name of a district, or its code where it has none."""
        return self.districts.get(code, code)
