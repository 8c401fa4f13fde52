"""Catalogue and facts become one statement per feed, in DuckDB's SQL.

All metrics of a unit are conditional aggregates of one pass over its facts, by grouping sets, and are unpivoted after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sipetl.metrics.catalogue import Metric
from sipetl.metrics.facts import Ascent, Facts, Unit, load_facts
from sipetl.metrics.value import Interval

__all__ = ["ADDED", "compile_feed", "load_facts"]
NAMED: Mapping[str, str] = {
    "gender_group": "case gender when 'F' then 'female' when 'M' then 'male' when 'N' then 'nonbinary' end",
    "grade_group": "grade_group(grade)",
}
"""Student groups whose names are not the codes of rows; the names: registry/reference/student_groups.yaml."""
FLAGS = ("english_learner", "el_or_former_el", "disability", "low_income", "local_frl", "high_needs")
"""Attributes that are student groups themselves, where true: unknown is not "no"."""
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "student": ("race_ethnicity", "gender_group", *FLAGS, "grade_group"),
    "grade": ("grade_group",),
    "all": (),
}
"""Attributes by which facts are grouped, beside all; `own` facts carry their group."""


@dataclass(slots=True)
class _Sums:
    """The aggregates of one unit, each written once however many metrics share it."""

    columns: Mapping[str, str]
    names: dict[str, str] = field(default_factory=dict)

    def name(self, sql: str) -> str:
        return self.names.setdefault(sql, f"a{len(self.names)}")

    def expression(self, metric: Metric, text: str) -> tuple[str, bool]:
        from sipetl.metrics.expression import as_sql  # brings sqlglot, which only some commands need

        return as_sql(text, self.columns, bound=metric.bound, where=metric.metric)

    def count(self, *conditions: str) -> str:
        return self.name(f"count(case when {_all(conditions)} then 1 end)")

    def total(self, conditions: Sequence[str], expression: str, *, wide: bool = False) -> str:
        kind = "decimal(38, 0)" if wide else "bigint"
        return self.name(f"coalesce(sum(case when {_all(conditions)} then {expression} end), 0)::{kind}")

    def added(self, conditions: Sequence[str], expression: str, *, is_condition: bool) -> str:
        """How many rows meet an expression that is a condition, else what it adds up to."""
        return self.count(*conditions, expression) if is_condition else self.total(conditions, expression)


def _all(conditions: Iterable[str]) -> str:
    return " and ".join(f"({part})" for part in conditions) or "true"


def compile_feed(facts: Facts, metrics: Sequence[Metric]) -> str:
    """The query that computes all the metrics of a feed.

    Its parameters are `$as_of`, `$levels` and those of the facts. Columns: organization_id, period_id, metric,
    metric_version, student_group, numerator, denominator, sum_xx, sum_xy, sum_yy, n, expected_n, school_year, as_of.
    """
    used = [unit for name, unit in facts.units.items() if any(m.unit == name for m in metrics)]
    parts = [part for unit in used for part in _unit_ctes(facts, unit, [m for m in metrics if m.unit == unit.name])]
    ctes = ",\n".join([facts.sql.rstrip(), *parts])
    rows = "\nunion all by name\n".join(_rows(unit) for unit in used)
    return f"""{ctes},
rows as (
{rows}
)
select
    r.organization_id, r.period_id, r.metric, r.metric_version, r.student_group, p.school_year,
    least(p.ends_on, $as_of) as as_of,
    r.numerator, r.denominator, r.sum_xx, r.sum_xy, r.sum_yy, r.n, nullif(r.expected_n, 0) as expected_n
from rows as r
join ref_period as p on p.period_id = r.period_id
where r.n > 0 and r.organization_id is not null and list_contains(r.kinds, p.kind)
"""


def _unit_ctes(facts: Facts, unit: Unit, metrics: Sequence[Metric]) -> list[str]:
    sums = _Sums(facts.columns)
    structs = ",\n        ".join(_struct(metric, sums) for metric in metrics)
    aggregates = ",\n        ".join(f"{sql} as {name}" for sql, name in sums.names.items())
    base = "organization_id, period_id, alone_to" if unit.ascent is Ascent.LEVELS else "organization_id, period_id"
    return [
        f"""sums_{unit.name} as (
    select
        {base},
        {_group_name(unit.groups)} as student_group,
        {aggregates}
    from {_named(unit)}
    group by {_grouping(base, unit.groups)}
)""",
        f"""long_{unit.name} as (
    select {base}, student_group, m.*
    from (
        select {base}, student_group, unnest([
        {structs}
        ]) as m
        from sums_{unit.name}
        where student_group is not null
    )
)""",
        *([_risen(unit)] if unit.ascent is Ascent.LEVELS else []),
    ]


def _risen(unit: Unit) -> str:
    """The sums of schools once more for each organization that they count for."""
    return f"""risen_{unit.name} as (
    select l.* exclude (alone_to)
    from long_{unit.name} as l
    left join school as s on s.organization_id = l.organization_id
    where s.organization_id is null or list_contains($levels, 'school')
    union all by name
    select l.* exclude (organization_id, alone_to), p.place_id as organization_id
    from long_{unit.name} as l
    join place as p on p.school_id = l.organization_id and p.height <= l.alone_to
)"""


def _named(unit: Unit) -> str:
    """The facts of a unit, with the groups that its rows have by another name."""
    added = [f"{sql} as {name}" for name, sql in NAMED.items() if name in FAMILIES.get(unit.groups, ())]
    return f"(select *, {', '.join(added)} from facts_{unit.name})" if added else f"facts_{unit.name}"


def _grouping(base: str, groups: str) -> str:
    if groups == "own":
        return f"{base}, student_group"
    sets = [f"({base})", *(f"({base}, {name})" for name in FAMILIES[groups])]
    return f"grouping sets ({', '.join(sets)})"


def _group_name(groups: str) -> str:
    if groups == "own":
        return "student_group"
    cases = [f"when grouping({name}) = 0 then {_group_value(name)}" for name in FAMILIES[groups]]
    return f"case {' '.join(cases)} else 'all' end" if cases else "'all'"


def _group_value(name: str) -> str:
    return f"case when {name} then '{name}' end" if name in FLAGS else name


def _struct(metric: Metric, sums: _Sums) -> str:
    names = _integers(metric, sums)
    is_count = metric.denominator is None
    kinds = ", ".join(f"'{kind}'" for kind in metric.periods)
    fields = {
        "metric": f"'{metric.metric}'",
        "metric_version": str(metric.version),
        "numerator": names["numerator"],
        "denominator": "1::bigint" if is_count else names["denominator"],
        "n": names["n"],
        **{name: f"{names[name]}::decimal(38, 0)" for name in ("sum_xx", "sum_xy", "sum_yy")},
        "expected_n": names.get("expected_n", "null::bigint"),
        "is_count": str(is_count).lower(),
        "all_only": str(metric.groups == "all").lower(),
        "kinds": f"[{kinds}]",
    }
    return "{" + ", ".join(f"'{key}': {value}" for key, value in fields.items()) + "}"


def _integers(metric: Metric, sums: _Sums) -> dict[str, str]:
    grades = ", ".join(f"'{grade}'" for grade in metric.population.grades) if metric.population else ""
    population = [f"grade in ({grades})"] if grades else []
    scope = [*population]
    if metric.where is not None:
        scope.append(sums.expression(metric, metric.where)[0])
    if metric.basis == "within" and "is_within" in sums.columns:
        scope.append("is_within")
    names = _counted(metric, sums, scope)
    if metric.n is not None:
        n, is_condition = sums.expression(metric, metric.n)
        names["n"] = sums.added(scope, n, is_condition=is_condition)
    if metric.expected is not None:
        expected, is_condition = sums.expression(metric, metric.expected)
        counted = _expected(sums, population, expected) if is_condition else sums.total(scope, expected)
        names["expected_n"] = counted
    return names


def _expected(sums: _Sums, population: list[str], expected: str) -> str:
    """How many are expected; of whom the condition cannot say it makes the number unknown."""
    unknown = sums.count(*population, f"({expected}) is null")
    return f"case when {unknown} = 0 then {sums.count(*population, expected)} end"


def _counted(metric: Metric, sums: _Sums, scope: list[str]) -> dict[str, str]:
    """The aggregates of numerator, denominator, n, and the squares that the interval needs."""
    x, x_is_condition = sums.expression(metric, metric.numerator)
    none = {"sum_xx": "0", "sum_xy": "0", "sum_yy": "0"}
    if metric.denominator is None:
        numerator = sums.added(scope, x, is_condition=x_is_condition)
        return none | {"numerator": numerator, "denominator": "1", "n": sums.count(*scope, _holds(x, x_is_condition))}
    y, y_is_condition = sums.expression(metric, metric.denominator)
    denominator = sums.added(scope, y, is_condition=y_is_condition)
    n = sums.count(*scope, _holds(y, y_is_condition))
    if metric.interval is Interval.WILSON or x_is_condition:
        numerator = sums.added(scope, x, is_condition=x_is_condition)
        ones = {"sum_xx": numerator, "sum_xy": numerator, "sum_yy": denominator}
        return (ones if metric.interval is Interval.WILSON else none) | {
            "numerator": numerator, "denominator": denominator, "n": n,
        }  # fmt: skip
    inside = [*scope, _holds(y, y_is_condition)]
    numerator = sums.total(inside, x)
    squares = none
    if metric.interval in (Interval.T, Interval.RATIO):
        squares = {"sum_xx": sums.total(inside, f"({x}) * ({x})", wide=True), "sum_xy": numerator, "sum_yy": n}
    if metric.interval is Interval.RATIO and not y_is_condition:
        squares["sum_xy"] = sums.total(inside, f"({x}) * ({y})", wide=True)
        squares["sum_yy"] = sums.total(inside, f"({y}) * ({y})", wide=True)
    return squares | {"numerator": numerator, "denominator": denominator, "n": n}


def _holds(expression: str, is_condition: bool) -> str:
    return expression if is_condition else f"({expression}) > 0"


def _rows(unit: Unit) -> str:
    own = f"""    select * exclude (is_count, all_only) from long_{unit.name}
    where student_group = 'all' or not all_only"""
    added = f"""l.period_id, l.student_group, l.metric, l.metric_version,
        {ADDED}, any_value(l.kinds) as kinds"""
    keys = "l.period_id, l.student_group, l.metric, l.metric_version, l.is_count"
    if unit.ascent is Ascent.AS_IS:
        return own
    if unit.ascent is Ascent.LEVELS:
        return f"""    select l.organization_id, {added}
    from risen_{unit.name} as l
    where l.student_group = 'all' or not l.all_only
    group by l.organization_id, {keys}"""
    return f"""{own} and list_contains($levels, 'school')
union all by name
    select s.district_id as organization_id, {added}
    from long_{unit.name} as l
    join ref_organization as s on s.organization_id = l.organization_id and s.level = 'school'
    where (l.student_group = 'all' or not l.all_only) and (l.n > 0 or l.expected_n > 0)
        and list_contains($levels, 'district')
    group by s.district_id, {keys}"""


ADDED = """sum(l.numerator)::bigint as numerator,
        (case when l.is_count then 1 else sum(l.denominator) end)::bigint as denominator,
        sum(l.sum_xx)::decimal(38, 0) as sum_xx, sum(l.sum_xy)::decimal(38, 0) as sum_xy,
        sum(l.sum_yy)::decimal(38, 0) as sum_yy, sum(l.n)::bigint as n,
        case when count(*) = count(l.expected_n) then sum(l.expected_n) end::bigint as expected_n"""
"""How the integers of the organizations below add up; an expected n that one of them does not know is unknown.

Of a school with nobody counted yet, what is expected is added all the same: else the whole would seem whole without it.
"""
