"""Bind a layout to a file's headers: one `Variant` per way a row of the file becomes a row of the contract.

Pure; `rows` and `compose` turn a plan into SQL, and `map` runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """One contract column of one variant: how it is filled."""

    contract: Property
    column: Column
    cell: str
    """SQL of its source cell, or of its constant."""

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def text(self) -> str:
        """Its text after the text steps, as the later stages see it."""
        return f"t_{self.name}" if self.column.source else self.cell

    @property
    def severity(self) -> str:
        """A cell that a row cannot do without makes the row critical; any other becomes null."""
        return CRITICAL if self.contract.required or self.contract.primary_key else WARNING

    @property
    def is_looked_up(self) -> bool:
        return self.column.id is not None or self.column.crosswalk is not None


@dataclass(frozen=True, slots=True)
class Variant:
    """One way a row of the file becomes a row of the contract."""

    name: str
    fields: tuple[Field, ...]
    when: Rows | None

    def field(self, name: str) -> Field | None:
        """The field that fills a contract column, if any does."""
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the SQL of one member needs."""

    layout: Layout
    contract: Contract
    cells: Cells
    variants: tuple[Variant, ...]
    absent: tuple[tuple[str, str], ...]
    """(contract column, header) of optional columns whose header the file does not have."""

    @property
    def is_row_for_row(self) -> bool:
        """Does every row of data make exactly one row of the contract?"""
        return self.layout.melt is None and not self.layout.long

    @property
    def constants(self) -> dict[str, str]:
        """Contract columns that are the same in every row, as SQL: kept out of the table, and put in by its view."""
        return {
            prop.name: f"{next(iter(values))}"
            for prop in self.contract.columns
            if len(values := {_constant(variant.field(prop.name), prop) for variant in self.variants}) == 1
            and None not in values
        }

    @property
    def row_date(self) -> str | None:
        """The contract column that says on which day a row is true, where the layout fills it."""
        dates = [c.name for c in self.contract.columns if c.physical_type == "date"]
        name = self.layout.scope.column or (dates[0] if dates else None)
        return name if name and any(v.field(name) for v in self.variants) else None


def make_plan(layout: Layout, contract: Contract, cells: Cells) -> Plan:
    """Bind a layout to a file's columns.

    Raises:
        UnrecognizedError: the file has no header for a required column.
    """
    if layout.melt:
        cells = replace(cells, melted=frozenset({"cell", *group_names(layout.melt.headers)}))
    absent: dict[tuple[str, str], None] = {}
    variants = []
    for name, columns, when in _variant_columns(layout):
        fields = []
        for prop in contract.columns:
            column = columns.get(prop.name)
            if column is None:
                continue
            made = _field(prop, column, cells)
            if made is None:
                _refuse_if_required(prop, column, layout)
                absent[prop.name, column.source[0]] = None
            else:
                fields.append(made)
        variants.append(Variant(name, tuple(fields), when))
    return Plan(layout, contract, cells, tuple(variants), tuple(absent))


def _variant_columns(layout: Layout) -> Iterator[tuple[str, dict[str, Column], Rows | None]]:
    base = dict(layout.columns)
    if layout.melt:
        for group in group_names(layout.melt.headers):
            target = layout.melt.item if group == "item" else group
            base.setdefault(target, Column.model_validate({"from": [f"{{{group}}}"]}))
        base.setdefault(layout.melt.cell, Column.model_validate({"from": ["{cell}"]}))
    for variant in layout.long:
        yield variant.name, base | variant.columns, variant.when
    if not layout.long:
        yield "", base, None


def _field(prop: Property, column: Column, cells: Cells) -> Field | None:
    if not column.source:
        return Field(prop, column, cells.constant(column.value))
    cell = cells.find(column.source)
    if cell is None and all(TEMPLATE.match(name) for name in column.source):
        cell = "null::varchar"
    if cell is None:
        return None
    return Field(prop, column, cell)


def _constant(one: Field | None, prop: Property) -> str | None:
    if one is None:
        return f"null::{prop.physical_type}"
    is_plain = not one.column.source and not one.is_looked_up
    return f"({sql.typed(one.cell, one.column, prop.physical_type)})::{prop.physical_type}" if is_plain else None


def _refuse_if_required(prop: Property, column: Column, layout: Layout) -> None:
    if prop.required:
        names = " or ".join(repr(name) for name in column.source)
        raise UnrecognizedError(
            f"the file has no header {names}", why=f"layout {layout.layout} needs it for {prop.name!r}"
        )
