"""Bind a layout to a file's headers: one `Field` per way in which a column of the contract is filled.

A layout that is wide to long makes several rows of the contract from a row of the file. They pass through one
statement together, told apart by their `variant`, so that the statement does not grow with their number.

Pure; `rows` and `compose` turn a plan into SQL, and `map` runs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from string import Formatter

from sipetl.errors import UnrecognizedError
from sipetl.intake import sql
from sipetl.intake.contract import Contract, Property
from sipetl.intake.headers import TEMPLATE, normal
from sipetl.intake.layout import Column, Layout, Rows, group_names

CRITICAL, WARNING = "critical", "warning"
BIGINT_BITS = 62


@dataclass(frozen=True, slots=True)
class Cells:
    """Finds the SQL expression of a source: a column of the file, a part of a melted header, or a name group."""

    columns: Mapping[str, str]
    groups: Mapping[str, str]
    melted: frozenset[str] = frozenset()
    has_controls: bool = True

    def find(self, source: tuple[str, ...]) -> str | None:
        """The first source that is there; None when none is."""
        return next((cell for name in source if (cell := self._one(name)) is not None), None)

    def _one(self, name: str) -> str | None:
        template = TEMPLATE.match(name)
        if template is None:
            return self.columns.get(normal(name))
        if template[1] in self.melted:
            return f"melt_{template[1]}"
        return sql.quoted(self.groups[template[1]]) if template[1] in self.groups else None

    def constant(self, value: str | bool | int | None) -> str:
        """A constant with its `{name}` filled in; null when such a group is not there."""
        if isinstance(value, str):
            wanted = [name for _, name, _, _ in Formatter().parse(value) if name]
            if any(name not in self.groups for name in wanted):
                return "null::varchar"
            value = value.format_map(self.groups) if wanted else value
        return sql.literal(value)


@dataclass(frozen=True, slots=True)
class Check:
    """A way for a row to be wrong; bit `bit` of the row's problems."""

    rule_id: str
    severity: str
    column: str


@dataclass(slots=True)
class Checks:
    """The checks of all variants of one layout, numbered."""

    bits: dict[Check, int] = field(default_factory=dict)

    def flag(self, check: Check, condition: str) -> str:
        """SQL that gives the check's bit where the condition holds."""
        bit = self.bits.setdefault(check, len(self.bits))
        return f"case when {condition} then {1 << bit}::{'bigint' if bit < BIGINT_BITS else 'hugeint'} else 0 end"


@dataclass(frozen=True, slots=True)
class Field:
    """One way of filling a contract column. Variants that fill it by the same steps share a way."""

    contract: Property
    column: Column
    cell: str
    """SQL of its source cell, or of its constant; null in variants that it does not hold for."""
    variants: frozenset[int]
    """The variants it holds for."""
    varies: bool = False
    """Is its cell another one, or none, in another variant?"""
    way: int = 0
    """0, 1, ...: a column's ways."""

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def key(self) -> str:
        """Its name, with the number of its way if that is not the first."""
        return f"{self.name}_way{self.way}" if self.way else self.name

    @property
    def text(self) -> str:
        """Its text after the text steps, as the later stages see it."""
        return f"t_{self.key}" if self.column.source else self.cell

    @property
    def severity(self) -> str:
        """A cell that a row cannot do without makes the row critical; any other becomes null."""
        return CRITICAL if self.contract.required or self.contract.primary_key else WARNING

    @property
    def is_named(self) -> bool:
        """Does nothing but the file's name (or title, or a flag) say it?"""
        return bool(self.column.source) and all(TEMPLATE.match(name) for name in self.column.source)

    @property
    def is_looked_up(self) -> bool:
        return self.column.id is not None or self.column.crosswalk is not None


@dataclass(frozen=True, slots=True)
class Year:
    """One way in which the layout's rules, not a date, tell a row's school year."""

    column: Column
    cell: str
    way: int = 0

    @property
    def key(self) -> str:
        return f"_year_way{self.way}" if self.way else "_year"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the SQL of one member needs."""

    layout: Layout
    contract: Contract
    cells: Cells
    fields: tuple[Field, ...]
    conditions: tuple[Rows | None, ...]
    """Of each variant: which rows make it (None = all). A layout that is row for row has one variant."""
    absent: tuple[tuple[str, str], ...]
    """(contract column, header) of optional columns whose header the file does not have."""
    years: tuple[Year, ...] = ()

    @property
    def is_row_for_row(self) -> bool:
        """Does every row of data make exactly one row of the contract?"""
        return self.layout.melt is None and not self.layout.long

    @property
    def columns_read(self) -> tuple[str, ...]:
        """Columns of the file that the plan's fields and years read, as SQL."""
        cells = {one.cell for one in self.fields} | {one.cell for one in self.years}
        return tuple(column for column in dict.fromkeys(self.cells.columns.values()) if column in cells)

    def part(self, names: Collection[str]) -> Plan:
        """The plan of some of the contract's columns."""
        fields = tuple(one for one in self.fields if one.name in names)
        return replace(self, contract=self.contract.part(names), fields=fields)

    def ways(self, name: str) -> tuple[Field, ...]:
        """The ways of filling a contract column; none, if nothing does."""
        return tuple(f for f in self.fields if f.name == name)

    def lacking(self, name: str) -> list[int]:
        """The variants in which nothing fills a contract column."""
        return sorted(set(range(len(self.conditions))).difference(*(f.variants for f in self.ways(name))))

    @property
    def constants(self) -> dict[str, str]:
        """Contract columns that are the same in every row, as SQL: kept out of the table, and put in by its view."""
        found = {prop.name: self._constant(prop) for prop in self.contract.columns}
        return {name: constant for name, constant in found.items() if constant is not None}

    def _constant(self, prop: Property) -> str | None:
        ways = self.ways(prop.name)
        if not ways:
            return f"null::{prop.physical_type}"
        one = ways[0]
        if one.varies or one.column.source or one.is_looked_up:
            return None
        return f"({sql.typed(one.cell, one.column, prop.physical_type)})::{prop.physical_type}"

    @property
    def row_date(self) -> str | None:
        """The contract column that says on which day a row is true, where the layout fills it."""
        dates = [c.name for c in self.contract.columns if c.physical_type == "date"]
        name = self.layout.scope.column or (dates[0] if dates else None)
        return name if name and self.ways(name) else None


def make_plan(layout: Layout, contract: Contract, cells: Cells) -> Plan:
    """Bind a layout to a file's columns.

    Raises:
        UnrecognizedError: the file has no header for a required column.
    """
    if layout.melt:
        cells = replace(cells, melted=frozenset({"cell", *group_names(layout.melt.headers)}))
    absent: dict[tuple[str, str], None] = {}
    ways: dict[str, list[_Way]] = {}
    variants = list(_variants(layout))
    for number, (columns, _) in enumerate(variants):
        for prop in contract.columns:
            column = columns.get(prop.name)
            if column is None:
                continue
            cell = _cell(column, cells)
            if cell is None:
                _refuse_if_required(prop, column, layout)
                absent[prop.name, column.source[0]] = None
            else:
                _way(ways.setdefault(prop.name, []), column).cells[number] = cell
    fields = [
        _field(prop, way, number, len(variants))
        for prop in contract.columns
        for number, way in enumerate(ways.get(prop.name, ()))
    ]
    conditions = tuple(when for _, when in variants)
    return Plan(layout, contract, cells, tuple(fields), conditions, tuple(absent), _years(layout, cells))


def _years(layout: Layout, cells: Cells) -> tuple[Year, ...]:
    """The ways of the school year: a variant's own, else the layout's."""
    own = [variant.school_year or layout.school_year for variant in layout.long] or [layout.school_year]
    ways: list[_Way] = []
    for number, column in enumerate(own):
        if column is not None:
            found = cells.find(column.source) if column.source else cells.constant(column.value)
            _way(ways, column).cells[number] = found or "null::varchar"
    return tuple(Year(way.column, _cell_of(way, len(own)), number) for number, way in enumerate(ways))


@dataclass(slots=True)
class _Way:
    """Variants that fill a column by the same steps, and the cell of each."""

    column: Column
    cells: dict[int, str] = field(default_factory=dict)


def _way(ways: list[_Way], column: Column) -> _Way:
    for way in ways:
        if way.column.steps == column.steps:
            return way
    ways.append(_Way(column))
    return ways[-1]


def _field(prop: Property, way: _Way, number: int, variants: int) -> Field:
    cell, varies = _cell_of(way, variants), _varies(way, variants)
    return Field(prop, way.column, cell, frozenset(way.cells), varies, number)


def _varies(way: _Way, variants: int) -> bool:
    return len(way.cells) < variants or len(set(way.cells.values())) > 1


def _cell_of(way: _Way, variants: int) -> str:
    """SQL of the cell that each variant takes; null in variants that the way does not hold for."""
    if not _varies(way, variants):
        return next(iter(way.cells.values()))
    cases = " ".join(f"when {variant} then {cell}" for variant, cell in way.cells.items())
    return f"case variant {cases} end"


def _variants(layout: Layout) -> Iterator[tuple[dict[str, Column], Rows | None]]:
    base = dict(layout.columns)
    if layout.melt:
        for group in group_names(layout.melt.headers):
            target = layout.melt.item if group == "item" else group
            base.setdefault(target, Column.model_validate({"from": [f"{{{group}}}"]}))
        base.setdefault(layout.melt.cell, Column.model_validate({"from": ["{cell}"]}))
    for variant in layout.long:
        yield base | variant.columns, variant.when
    if not layout.long:
        yield base, None


def _cell(column: Column, cells: Cells) -> str | None:
    """SQL of a column's cell or constant; None where the file does not have its header."""
    if not column.source:
        return cells.constant(column.value)
    cell = cells.find(column.source)
    if cell is None and all(TEMPLATE.match(name) for name in column.source):
        return "null::varchar"
    return cell


def _refuse_if_required(prop: Property, column: Column, layout: Layout) -> None:
    if prop.required:
        names = " or ".join(repr(name) for name in column.source)
        raise UnrecognizedError(
            f"the file has no header {names}", why=f"layout {layout.layout} needs it for {prop.name!r}"
        )
