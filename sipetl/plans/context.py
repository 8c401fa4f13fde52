"""What lint needs to know around a plan, from the catalogue, the registry as applied, the ledger and the values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, text

from sipetl.errors import RegistryError
from sipetl.metrics import Metric, load_catalogue
from sipetl.plans.lint import LintFinding, Severity, lint
from sipetl.plans.lint_facts import CycleFacts, LintContext, MetricFacts
from sipetl.plans.load import check_plan, load_plan
from sipetl.plans.model import Direction, Plan, TargetPath
from sipetl.plans.questions import MINIMUM_N
from sipetl.plans.sources import result_from
from sipetl.registry.calendar import YEAR_STARTS, school_year_of
from sipetl.registry.groups import group_names
from sipetl.registry.yamlfile import read_document
from sipetl.warehouse import tables as t

UNREADABLE = "PL00"
"""The rule of a file that cannot be read as a plan."""
SIZED_BY = "attendance_rate"
"""The metric whose n is a group's size: every enrolled student counts in it."""
_DIRECTIONS = {"higher_is_better": Direction.UP, "lower_is_better": Direction.DOWN}

_FEEDS = text("""
select f.district, f.feed, (a.due_at at time zone (select time_zone from ref.home))::date as due_on
from ref.feed f
left join ops.arrival a on a.district = f.district and a.feed = f.feed and a.waived_reason is null
group by f.district, f.feed, due_on
order by f.district, f.feed, due_on
""")
_SCHOOLS = text("""
select o.authority || '/' || o.code
from ref.organization o
where o.level = 'school' and exists (select from ref.crosswalk c where c.organization_code = o.code)
order by o.code
""")
"""Schools of the registry as applied: one that left it stays in `ref.organization`, but no name leads to it."""
_SIZES = text("""
select o.code, v.student_group, v.n
from metric.value v
join ref.organization o using (organization_id)
join ref.period p using (period_id)
where v.metric = :metric and p.kind = 'year' and o.level = 'school'
  and v.school_year = (
    select max(w.school_year)
    from metric.value w
    where w.metric = v.metric and w.organization_id = v.organization_id and w.period_id in
      (select period_id from ref.period where kind = 'year'))
""")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is the same for every plan, read once."""

    metrics: Mapping[str, Metric]
    cycles: tuple[CycleFacts, ...]
    feeds: Mapping[str, Mapping[str, tuple[date, ...]]]
    """District to feed to due dates."""
    schools: frozenset[str]
    district_of: Mapping[str, str]
    """School code to district."""
    identified: Mapping[tuple[str, int], frozenset[str]]
    sizes: Mapping[str, Mapping[str, int]]
    minimum_n: int


def lint_context(connection: Connection, plan: Plan, *, minimum_n: int = MINIMUM_N) -> LintContext:
    """Look up what lint needs to know around one plan."""
    return _context(_read(connection, minimum_n), plan)


def lint_plans(
    connection: Connection, files: Sequence[Path], *, minimum_n: int = MINIMUM_N
) -> list[tuple[Path, LintFinding]]:
    """All findings of all plan files; a file that cannot be read as a plan has its faults as findings of `PL00`."""
    known = _read(connection, minimum_n)
    return [(path, finding) for path in files for finding in _findings(path, known)]


def _findings(path: Path, known: _Known) -> list[LintFinding]:
    try:
        plan = load_plan(path)
    except RegistryError:
        return [
            LintFinding(UNREADABLE, Severity.ERROR, fault.where, fault.what, fault.cure or fault.why)
            for fault in check_plan(path)
        ]
    return lint(plan, _context(known, plan), read_document(path))


def _read(connection: Connection, minimum_n: int) -> _Known:
    columns = t.ref.cycle.c
    cycles = select(columns.cycle, columns.data_as_of, columns.data_due, columns.review_date)
    return _Known(
        metrics=_metrics(connection),
        cycles=tuple(CycleFacts(*row) for row in connection.execute(cycles.order_by(columns.data_as_of))),
        feeds=_feeds(connection),
        schools=frozenset(connection.scalars(_SCHOOLS)),
        district_of=_districts(connection),
        identified=_identified(connection),
        sizes=_sizes(connection),
        minimum_n=minimum_n,
    )


def _context(known: _Known, plan: Plan) -> LintContext:
    year, school = school_year_of(plan.effective_from), plan.school.partition("/")[2]
    return LintContext(
        metrics=_metric_facts(known.metrics, plan, year),
        feed_due=_feed_due(known, known.district_of.get(school)),
        cycles=known.cycles,
        year_starts_on=date(year - 1, *YEAR_STARTS),
        year_ends_on=date(year, *YEAR_STARTS) - timedelta(days=1),
        minimum_n=known.minimum_n,
        identified_groups=known.identified.get((school, year), frozenset()),
        group_sizes=known.sizes.get(school, {}),
        schools=known.schools,
        student_groups=group_names(),
    )


def _metrics(connection: Connection) -> dict[str, Metric]:
    """Every metric that is known by name: those of fixed choice, and those that the data brought."""
    catalogue = load_catalogue()
    found = {metric.metric: metric for metric in catalogue.metrics()}
    for name in connection.scalars(select(t.ref.metric.c.metric).distinct()):
        metric = found.get(name) or catalogue.get(name)
        if metric is not None:
            found[name] = metric
    return found


def _metric_facts(metrics: Mapping[str, Metric], plan: Plan, year: int) -> dict[str, MetricFacts]:
    """Facts of the known metrics; one that only data can bring (a topic not asked yet) is known if a plan names it."""
    catalogue = load_catalogue()
    named = {goal.metric: goal.direction for _, goal in plan.located()}
    unseen = {name: catalogue.get(name) for name in named.keys() - metrics.keys()}
    every = {**metrics, **{name: metric for name, metric in unseen.items() if metric is not None}}
    return {
        name: MetricFacts(
            feed=metric.feed.value,
            direction=_DIRECTIONS.get(metric.direction) or named.get(name, Direction.UP),
            paths=frozenset(TargetPath(path.value) for path in (metric.path, *metric.paths_allowed)),
            result_from=result_from(name, year),
        )
        for name, metric in every.items()
    }


def _feeds(connection: Connection) -> dict[str, dict[str, tuple[date, ...]]]:
    due: dict[str, dict[str, list[date]]] = defaultdict(lambda: defaultdict(list))
    for district, feed, due_on in connection.execute(_FEEDS):
        due[district][feed] += [due_on] if due_on else []
    return {district: {feed: tuple(days) for feed, days in feeds.items()} for district, feeds in due.items()}


def _feed_due(known: _Known, district: str | None) -> dict[str, tuple[date, ...]]:
    """What a district delivers, and what senders that are no district (the state) deliver for everybody."""
    districts: Collection[str] = set(known.district_of.values())
    shared = {
        feed: days for sender, feeds in known.feeds.items() if sender not in districts for feed, days in feeds.items()
    }
    return {**shared, **known.feeds.get(district or "", {})}


def _districts(connection: Connection) -> dict[str, str]:
    columns = t.ref.organization.c
    query = select(columns.code, columns.district).where(columns.district.is_not(None))
    return {row.code: row.district for row in connection.execute(query)}


def _identified(connection: Connection) -> dict[tuple[str, int], frozenset[str]]:
    columns = t.ref.identified_group.c
    query = select(columns.organization_code, columns.school_year, columns.student_group)
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for school, year, group in connection.execute(query):
        found[school, year].add(group)
    return {key: frozenset(groups) for key, groups in found.items()}


def _sizes(connection: Connection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for code, group, n in connection.execute(_SIZES, {"metric": SIZED_BY}):
        found[code][group] = n
    return found
