"""What evaluation reads, in a few queries: goals in force, their metric values, periods, arrivals, released cycles."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, text

from sipetl.arrivals import OVERDUE, Word
from sipetl.arrivals.context import Context
from sipetl.metrics import Metric, Sums, grade_groups, load_catalogue, measure
from sipetl.plans.model import Benchmark, Mag
from sipetl.plans.slots import Place
from sipetl.registry.calendar import Period
from sipetl.registry.models import FeedName
from sipetl.warehouse import tables as t

EVERYONE = "all"
PENDING = frozenset({Word.NOT_DUE.value, Word.DUE_SOON.value})


@dataclass(frozen=True, slots=True)
class Version:
    """A plan version."""

    version_id: int
    plan: str
    effective_from: date


@dataclass(frozen=True, slots=True)
class Goal:
    """A benchmark or MAG at its school."""

    benchmark_id: int
    version_id: int
    plan: str
    organization_id: int | None
    """None: the school is not in the registry."""
    district: str
    benchmark: Benchmark
    metric: Metric | None
    """None: not in the catalogue."""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same goal in every version of its plan."""
        return (self.plan, self.benchmark.code, self.benchmark.metric, self.benchmark.student_group)


class Value(NamedTuple):
    """A row of `metric.value`, as far as a status needs it."""

    as_of: date
    numerator: int
    denominator: int
    sum_xx: Decimal
    sum_xy: Decimal
    sum_yy: Decimal
    n: int
    expected_n: int | None
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    data_status: str
    input_id: UUID | None


@dataclass(frozen=True, slots=True)
class Overdue:
    """An arrival that is late or missing."""

    arrival_id: int
    window: str
    opens_on: date
    closes_on: date


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The ledger's verdicts, as far as a status needs them."""

    overdue: Mapping[tuple[str, str, int], Sequence[Overdue]]
    """By district, feed and school year; what closed last comes first."""
    pending: Mapping[tuple[str, str, int, str], date]
    """Windows that nothing came for and that are not overdue yet: their due day."""

    def missing(self, goal: Goal, school_year: int, *, window: str | None, on: date) -> int | None:
        """The overdue arrival that a goal lacks on a day: its window's own, else what closed last."""
        late = self.overdue.get((goal.district, goal.benchmark.feed, school_year), ())
        begun = [one for one in late if one.opens_on <= on]
        own = [one for one in begun if one.window == window]
        return next((one.arrival_id for one in own or begun), None)


_GOALS = text("""
select
    b.benchmark_id, b.version_id, v.plan, o.organization_id, coalesce(o.district, '') as district, b.is_mag,
    b.definition, b.metric
from plan.version v
join plan.benchmark b using (version_id)
left join ref.organization o on o.code = v.organization_code and o.authority = (select authority from ref.home)
where v.version_id = any(:versions)
order by b.benchmark_id
""")
_VALUES = text(f"""
with wanted as (
    select distinct o.organization_id, b.metric, g.student_group
    from plan.version v
    join plan.benchmark b using (version_id)
    join ref.organization o on o.code = v.organization_code and o.authority = (select authority from ref.home)
    cross join lateral (
        select b.student_group
        union all
        select cast(:grade_groups as jsonb) ->> grade.code
        from jsonb_array_elements_text(jsonb_path_query_array(b.definition, '$.grades[*]')) as grade (code)
    ) as g
    where v.version_id = any(:versions)
)
select
    m.organization_id, m.metric, m.student_group, m.period_id, {", ".join(f"m.{name}" for name in Value._fields)}
from metric.value m
join wanted using (organization_id, metric, student_group)
where m.school_year = any(:years)
""")
_ARRIVALS = text("""
select
    a.arrival_id, a.district, a.feed, a.school_year, a.window_code, a.opens_on, a.closes_on,
    (a.due_at at time zone (select time_zone from ref.home))::date as due_on, v.verdict
from ops.arrival a
join ops.verdict v using (arrival_id)
where a.school_year = any(:years)
  and (v.verdict = any(:overdue) or (v.verdict = any(:pending) and a.opens_on < a.closes_on))
order by a.closes_on desc, a.arrival_id
""")


def read_versions(connection: Connection) -> list[Version]:
    """Every version of every plan, the latest first."""
    version = t.plan.plan_version.c
    query = select(version.version_id, version.plan, version.effective_from)
    return [Version(*row) for row in connection.execute(query.order_by(version.plan, version.effective_from.desc()))]


def in_force(versions: Iterable[Version], day: date) -> frozenset[int]:
    """The version of each plan that is in force on a day."""
    first: dict[str, int] = {}
    for version in versions:
        if version.effective_from <= day:
            first.setdefault(version.plan, version.version_id)
    return frozenset(first.values())


def read_goals(connection: Connection, versions: Collection[int]) -> list[Goal]:
    """The benchmarks and MAGs of some versions."""
    catalogue = load_catalogue()
    metrics: dict[str, Metric | None] = {}
    found = []
    for row in connection.execute(_GOALS, {"versions": sorted(versions)}):
        if row.metric not in metrics:
            metrics[row.metric] = catalogue.get(row.metric)
        benchmark = (Mag if row.is_mag else Benchmark).model_validate(row.definition)
        key = (row.benchmark_id, row.version_id, row.plan, row.organization_id, row.district)
        found.append(Goal(*key, benchmark, metrics[row.metric]))
    return found


@dataclass(frozen=True, slots=True)
class Values:
    """Metric values by organization, metric, student group and period."""

    rows: Mapping[tuple[int, str, str, int], Value]

    def of(self, goal: Goal, period: Period | None) -> Value | None:
        """The value that a goal has in a period; some grades are added up from the integers of each."""
        if goal.organization_id is None or period is None:
            return None
        asked, key = goal.benchmark, (goal.organization_id, goal.benchmark.metric)
        if not asked.grades:
            return self._there((*key, asked.student_group, period.period_id))
        if asked.student_group != EVERYONE:
            return None  # no value is kept of a group within a grade
        groups = dict.fromkeys(group for grade in asked.grades if (group := grade_groups().get(grade)))
        found = [self._there((*key, group, period.period_id)) for group in groups]
        return _added([value for value in found if value is not None], goal.metric)

    def _there(self, key: tuple[int, str, str, int]) -> Value | None:
        value = self.rows.get(key)
        return value if value is not None and value.data_status != "missing" else None


_WORST_FIRST = ("embargoed", "incomplete", "provisional", "final")
_SUMS = ("numerator", "denominator", "n", "sum_xx", "sum_xy", "sum_yy")


def _added(values: Sequence[Value], metric: Metric | None) -> Value | None:
    """One value of several grades, which have no student in common: from their integers, as any other value."""
    if len(values) < 2 or metric is None:
        return values[0] if values else None
    integers = {name: int(sum(getattr(value, name) for value in values)) for name in _SUMS}
    sums = Sums(**{**integers, "denominator": 1} if metric.denominator is None else integers)
    known = [value.expected_n for value in values if value.expected_n is not None]
    expected_n = sum(known) if len(known) == len(values) else None
    population = expected_n if metric.feed is FeedName.SURVEY else None
    measured = measure(sums, interval=metric.interval, scale=metric.scale, population=population)
    capped = measured.value is not None and metric.cap is not None and measured.value > metric.cap
    return values[0]._replace(
        **asdict(sums),
        as_of=min(value.as_of for value in values),
        expected_n=expected_n,
        value=metric.cap if capped else measured.value,
        low=measured.low,
        high=measured.high,
        data_status=min((value.data_status for value in values), key=_WORST_FIRST.index),
    )


def read_values(connection: Connection, versions: Collection[int], years: Iterable[int]) -> Values:
    """All values of some versions' goals in some school years."""
    given = {"versions": sorted(versions), "years": sorted(years)}
    rows = connection.execute(_VALUES, {**given, "grade_groups": json.dumps(grade_groups())})
    return Values({(row[0], row[1], row[2], row[3]): Value(*row[4:]) for row in rows})


def read_arrivals(connection: Connection, years: Iterable[int]) -> Arrivals:
    """What is late or missing, and which windows are still to come."""
    given = {"years": sorted(years), "overdue": [word.value for word in OVERDUE], "pending": sorted(PENDING)}
    overdue: dict[tuple[str, str, int], list[Overdue]] = defaultdict(list)
    pending: dict[tuple[str, str, int, str], date] = {}
    for row in connection.execute(_ARRIVALS, given):
        where = (row.district, row.feed, row.school_year)
        if row.verdict in PENDING:
            pending[(*where, row.window_code)] = row.due_on
        else:
            overdue[where].append(Overdue(row.arrival_id, row.window_code, row.opens_on, row.closes_on))
    return Arrivals(overdue, pending)


def place_of(context: Context, goal: Goal) -> Place:
    """The days that a goal's district counts in, and when its windows of the goal's feed close."""
    feed = context.feeds.get((goal.district, goal.benchmark.feed))
    closes = {(w.school_year, w.code): w.closes for w in feed.windows} if feed else {}
    return Place(context.days.get(goal.district, ()), closes)
