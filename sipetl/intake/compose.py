"""The SQL of a member, in stages that are each a subquery of the next.

*texts*: every source cell after its text steps. *placed*: plus district, row date and school year. *values*: typed,
after the joins with hashes and the crosswalk that `lookup` made. Last, the row as it is kept, with its problems.
Pure; continues `plan` and `rows`, and `map` runs the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sipetl.intake import sql
from sipetl.intake.headers import TEMPLATE
from sipetl.intake.layout import PATTERN, Column
from sipetl.intake.plan import CRITICAL, WARNING, Check, Checks, Field, Plan
from sipetl.intake.rows import condition

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""`registry.models.SchoolYear`: a date outside of it is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the file itself cannot say: whose it is, and which year where the content is silent."""

    sender_district: str | None
    """None = the sender may send any district."""
    district: str | None
    """Of rows that name none."""
    district_table: str | None
    school_year: int | None

    def district_sql(self) -> tuple[str, str]:
        """The join that tells a row's district, and the district itself."""
        if self.district_table is None:
            return "", sql.literal(self.district)
        return f"left join {self.district_table} d on d.text = t.t__district", "d.district"


def texts_sql(plan: Plan, base: str, only: Collection[Field] | None = None) -> str:
    """Stage *texts*: `t_<way>`, `b_<way>` where a text step can fail, `t__district`, `t__year` and its ways.

    Each step is a subquery, so that no expression is written out twice: planning time grows with their length.
    With `only`, nothing but these fields and the district is made, and there is one row per distinct source text, of
    all variants' rows: what is looked up in vain costs less than a condition to plan.
    """
    fields = plan.fields if only is None else only
    steps = {one.key: (one.cell, one.column) for one in fields if one.column.source}
    if (column := plan.layout.district) is not None:
        found = plan.cells.find(column.source) if column.source else plan.cells.constant(column.value)
        steps["_district"] = (found or "null::varchar", column)
    steps |= {year.key: (year.cell, year.column) for year in plan.years if only is None}
    rows = _variant_rows(plan, base, every=only is not None)
    if only is not None:
        aliases = {
            cell: f"s{number}" for number, cell in enumerate(dict.fromkeys(cell for cell, _ in steps.values()))
        }
        listed = "".join(f", {cell} as {alias}" for cell, alias in aliases.items())
        rows = f"(select distinct 0 as row_number, 0 as variant{listed} from {rows})"
        steps = {name: (aliases[cell], column) for name, (cell, column) in steps.items()}
    cleaned: dict[str, str] = {}
    names = {name: cleaned.setdefault(_clean(plan, *step), f"n{len(cleaned)}") for name, step in steps.items()}
    columns = {name: column for name, (_, column) in steps.items()}
    clean = _select(rows, {alias: text for text, alias in cleaned.items()})
    cut = _select(f"({clean})", {f"x_{n}": sql.extracted(names[n], c.extract) for n, c in columns.items()})
    coded = {n: sql.coded(f"x_{n}", c) for n, c in columns.items()}
    coded |= {one.key: _held(one, coded[one.key]) for one in fields if one.column.blank is not None}
    kept = {f"x_{one.key}": f"x_{one.key}" for one in fields if _takes_unlisted(one) or _takes_nothing(one)}
    code = _select(f"({cut})", {f"c_{n}": text for n, text in coded.items()} | kept)
    told = {f"b_{n}": f"coalesce(c_{n} = {sql.BAD}, false)" for n, c in columns.items() if sql.can_be_bad(c)}
    told |= {f"u_{one.key}": _unlisted(one) for one in fields if _takes_unlisted(one)}
    told |= {
        f"e_{one.key}": f"(x_{one.key} is not null and c_{one.key} is null)" for one in fields if _takes_nothing(one)
    }
    return _select(f"({code})", {f"t_{n}": f"nullif(c_{n}, {sql.BAD})" for n in columns} | told)


def _takes_unlisted(one: Field) -> bool:
    """Does an attribute of a person become unknown where its code is not listed? That is told, whatever the layout says."""
    column = one.column
    is_silent = bool(column.codes) and "otherwise" in column.model_fields_set and column.otherwise is None
    return is_silent and bool(column.source) and one.contract.classification == "sensitive"


def _takes_nothing(one: Field) -> bool:
    """Does a code stand for no value, in a column that every row must have?"""
    column = one.column
    is_emptied = None in column.codes.values() or (
        "otherwise" in column.model_fields_set and column.otherwise is None
    )
    return bool(column.source and column.codes and one.contract.required) and is_emptied


def _unlisted(one: Field) -> str:
    """Does a cell hold a code that the layout neither lists nor calls nothing? Null texts are blank already."""
    text = f"trim(x_{one.key})" if one.column.extract is not None else f"x_{one.key}"
    empty = [code for code, value in one.column.codes.items() if value is None]
    plain = [code for code in empty if not code.startswith(PATTERN)]
    known = [sql.one_of(text, plain)] if plain else []
    known += [
        f"regexp_matches({text}, {sql.quoted(code.removeprefix(PATTERN))}, 'i')"
        for code in empty
        if code not in plain
    ]
    held = f" and {_in(one.variants)}" if one.varies else ""
    return f"(x_{one.key} is not null and c_{one.key} is null and not ({' or '.join(known) or 'false'}){held})"


def _variant_rows(plan: Plan, base: str, *, every: bool) -> str:
    """The rows of data with their `variant`: each as often as the layout makes a row of it; `every` time, if asked."""
    if not plan.layout.long:
        return f"(select *, 0 as variant from ({base}))"
    count = len(plan.conditions)
    cases = "".join(
        f" when {number} then {condition(when, plan.cells, plan.layout)}"
        for number, when in enumerate(plan.conditions)
        if when is not None
    )
    where = f" where case variant{cases} else true end" if cases and not every else ""
    return f"(select * from ({base}), (select unnest(range({count})) as variant){where})"


def _held(one: Field, expression: str) -> str:
    """An expression of a way, null in the variants that the way does not hold for: their cells are not blank cells."""
    return f"case when {_in(one.variants)} then {expression} end" if one.varies else expression


def _clean(plan: Plan, cell: str, column: Column) -> str:
    return sql.blank_to_null(cell, (*plan.layout.null, *column.null), has_controls=plan.cells.has_controls)


def _select(source: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(
        ["row_number", "variant", *(f"{expression} as {name}" for name, expression in columns.items())]
    )
    return f"select {listed} from {source}"


def placed_sql(plan: Plan, texts: str, place: Place) -> str:
    """Stage *placed*: texts, `district`, `row_date`, `stated_year`, `school_year`, `known_on`."""
    dated = plan.ways(plan.row_date) if plan.row_date else ()
    row_date = _first([sql.typed(one.text, one.column, "date") for one in dated]) if dated else "null::date"
    joined, district = place.district_sql()
    return f"""
        select *, coalesce(row_date, make_date(school_year, 6, 30)) as known_on from (
            select *, coalesce({sql.year_of_date("row_date")}, stated_year)::integer as school_year from (
                select
                    t.*,
                    {district} as district,
                    {row_date} as row_date,
                    {_stated_year(plan, place, is_dated=bool(dated) and not plan.lacking(str(plan.row_date)))} as stated_year
                from ({texts}) t {joined}
            )
        )
    """


def _stated_year(plan: Plan, place: Place, *, is_dated: bool) -> str:
    """The year that the content, else the file's name, else the operator states."""
    stated = [
        sql.school_year(f"t_{year.key}", year.column)
        for year in plan.years
        if not (year.column.year == "date" and is_dated)
    ]
    return f"coalesce({', '.join([*stated, stated_by_name(plan, place)])})"


def stated_by_name(plan: Plan, place: Place) -> str:
    """The year that the file's name, else the operator states; SQL, may be null."""
    named = plan.cells.groups.get("school_year")
    by_name = sql.school_year(sql.quoted(named), None) if named is not None else "null::integer"
    return f"coalesce({by_name}, {'null' if place.school_year is None else place.school_year})::integer"


def values_sql(plan: Plan, placed: str, tables: Mapping[str, str]) -> str:
    """Stage *values*, with its joins: `v_<column>` of every contract column. `tables`: those looked up in, by way."""
    selected, joins = [], []
    for prop in plan.contract.columns:
        ways = plan.ways(prop.name)
        joins += [_join(one, tables[one.key]) for one in ways if one.is_looked_up]
        if prop.name == plan.row_date:
            value = "p.row_date"
        else:
            value = _first([_value(one) for one in ways]) if ways else f"null::{prop.physical_type}"
        selected.append(f"{value} as v_{prop.name}")
    return f"select p.*, {', '.join(selected)} from ({placed}) p {' '.join(joins)}"


def _value(one: Field) -> str:
    if one.is_looked_up:
        return f"l_{one.key}.{'hash' if one.column.id else 'organization'}"
    return f"({sql.typed(one.text, one.column, one.contract.physical_type)})"


def _first(values: Sequence[str]) -> str:
    """A way gives null in variants that it does not hold for."""
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _join(one: Field, table: str) -> str:
    alias = f"l_{one.key}"
    on = f"{alias}.text = p.{one.text} and {alias}.district = p.district"
    if one.column.crosswalk is not None:
        on += f" and p.known_on >= {alias}.valid_from and p.known_on < {alias}.valid_to"
    return f"left join {table} {alias} on {on}"


def row_sql(plan: Plan, values: str, checks: Checks, place: Place) -> str:
    """The last stage: what differs from row to row of the contract's columns, school_year, row_number, problems."""
    placed = ["school_year", "district"] if place.district_table is not None else ["school_year"]
    return _kept(plan, values, _cell_flags(plan, checks) + _row_flags(place, checks), placed)


def cells_sql(plan: Plan, values: str, checks: Checks) -> str:
    """The last stage of cells that do not say whose, or of when, a row is: contract columns, row_number, problems."""
    return _kept(plan, values, _cell_flags(plan, checks), [])


def _kept(plan: Plan, values: str, flags: Sequence[str], placed: Sequence[str]) -> str:
    columns = [
        f"v_{c.name}::{c.physical_type} as {sql.ident(c.name)}"
        for c in plan.contract.columns
        if c.name not in plan.constants
    ]
    problems = f"{' + '.join(flags)} as problems"
    return f"select {', '.join([*columns, *placed, 'row_number', problems])} from ({values})"


def _cell_flags(plan: Plan, checks: Checks) -> list[str]:
    flags = [flag for one in plan.fields for flag in (*_flags(one, checks), *_empty_flags(one, plan, checks))]
    return flags + _lacking(plan, checks)


def view_sql(plan: Plan, table: str, place: Place) -> str:
    """All contract columns in contract order, then school_year, district, row_number."""
    constants = plan.constants
    columns = [
        f"{constants[c.name]} as {sql.ident(c.name)}" if c.name in constants else sql.ident(c.name)
        for c in plan.contract.columns
    ]
    district = "district" if place.district_table is not None else f"{sql.literal(place.district)} as district"
    return f"select {', '.join([*columns, 'school_year', district, 'row_number'])} from {table}"


def _flags(one: Field, checks: Checks) -> list[str]:
    """What can be wrong with a cell; each cell has at most one problem."""
    value, flags = f"v_{one.name}", []
    if _takes_unlisted(one):
        flags.append(checks.flag(Check("MAP-UNLISTED", WARNING, one.name), f"u_{one.key}"))
    if one.column.source and sql.can_be_bad(one.column):
        rule = "MAP-CODE" if one.column.codes else "MAP-CAST"
        flags.append(checks.flag(Check(rule, one.severity, one.name), f"b_{one.key}"))
    if one.is_looked_up or (one.column.source and (one.contract.physical_type != "varchar" or one.column.year)):
        rule = "MAP-ID" if one.column.id else "MAP-SCHOOL" if one.column.crosswalk else "MAP-CAST"
        severity = CRITICAL if one.column.crosswalk else one.severity
        failed = f"{one.text} is not null and {value} is null"
        if one.is_looked_up:
            failed += " and district is not null"
        if one.column.crosswalk:
            failed += " and known_on is not null"
        flags.append(checks.flag(Check(rule, severity, one.name), failed))
    return flags


def _empty_flags(one: Field, plan: Plan, checks: Checks) -> list[str]:
    """Why a cell that every row must have holds nothing: its text is not there, or the layout calls it nothing."""
    if not one.contract.required:
        return []
    empty, flags = f"{one.text} is null", []
    if one.column.source and sql.can_be_bad(one.column):
        empty += f" and not b_{one.key}"
    if _takes_nothing(one):
        flags.append(checks.flag(Check("MAP-CODE-NULL", CRITICAL, one.name), f"e_{one.key}"))
        empty += f" and not e_{one.key}"
    rule = "MAP-ID" if one.column.id else "MAP-NAME" if _is_said_by_name(one, plan) else "MAP-NULL"
    empty += f" and {_in(one.variants)}" if one.varies else ""
    return [*flags, checks.flag(Check(rule, CRITICAL, one.name), f"({empty})")]


def _is_said_by_name(one: Field, plan: Plan) -> bool:
    """Does nothing but the file's name (or title, or a flag) say it? A melted heading's `{cell}` is none of these."""
    groups = [found[1] for name in one.column.source if (found := TEMPLATE.match(name))]
    return one.is_named and not plan.cells.melted.intersection(groups)


def _lacking(plan: Plan, checks: Checks) -> list[str]:
    """Rows of variants in which nothing fills a required column."""
    lacking = {c.name: plan.lacking(c.name) for c in plan.contract.columns if c.required}
    found = [(Check("MAP-NULL", CRITICAL, name), _in(variants)) for name, variants in lacking.items() if variants]
    return [checks.flag(check, condition) for check, condition in found]


def _in(variants: Iterable[int]) -> str:
    return f"variant in ({', '.join(map(str, sorted(variants)))})"


def _row_flags(place: Place, checks: Checks) -> list[str]:
    foreign = "district is null"
    if place.sender_district is not None:
        foreign = f"coalesce(district <> {sql.quoted(place.sender_district)}, true)"
    untold = f"coalesce(school_year not between {FIRST_YEAR} and {LAST_YEAR}, true)"
    differs = f"coalesce({sql.year_of_date('row_date')} <> stated_year, false) and not ({untold})"
    return [
        checks.flag(Check("MAP-DISTRICT", CRITICAL, "district"), foreign),
        checks.flag(Check("MAP-NO-YEAR", CRITICAL, "school_year"), untold),
        checks.flag(Check("MAP-YEAR", WARNING, "school_year"), differs),
    ]
