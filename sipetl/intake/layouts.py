"""Load the layouts: the shipped ones and a district's own, and hold each against its feed's contract."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from sipetl.errors import RegistryError
from sipetl.intake.contract import Contract, load_contract
from sipetl.intake.layout import Layout, group_names


@cache
def _shipped() -> tuple[tuple[str, Layout], ...]:
    with as_file(files("sipetl.intake") / "layouts") as folder:
        return tuple(_read(folder))


def load_layouts(extra_dir: Path | None = None) -> tuple[Layout, ...]:
    """All layouts; one of `extra_dir` with the name and version of a shipped one takes its place.

    Raises:
        RegistryError: a file is not a valid layout, does not serve its contract, or repeats another.
    """
    known = {(layout.layout, layout.version): layout for _, layout in _shipped()}
    if extra_dir is None or not extra_dir.is_dir():
        return tuple(known.values())
    own: dict[tuple[str, int], str] = {}
    for where, layout in _read(extra_dir):
        key = (layout.layout, layout.version)
        if key in own:
            raise RegistryError("the layout is here twice", where=where, why=f"first in {own[key]}")
        own[key], known[key] = where, layout
    return tuple(known.values())


def _read(folder: Path) -> Iterator[tuple[str, Layout]]:
    from sipetl.registry.yamlfile import load_model

    for path in sorted(folder.glob("*.yaml")):
        layout = load_model(path, Layout)
        check_layout(layout, load_contract(layout.feed), where=str(path))
        yield str(path), layout


def check_layout(layout: Layout, contract: Contract, *, where: str) -> None:
    """Hold a layout against its contract.

    Raises:
        RegistryError: it fills a column that is not there, or leaves out a required one.
    """
    known = {c.name for c in contract.columns}
    used = set(layout.columns).union(*(v.columns for v in layout.long), layout.scope.by)
    if layout.scope.column:
        used.add(layout.scope.column)
    if unknown := sorted(used - known):
        raise RegistryError(
            f"{unknown[0]!r} is no column of the contract", where=where, cure=f"known: {', '.join(sorted(known))}"
        )
    if layout.scope.kind not in contract.custom("scopeKinds"):
        raise RegistryError(f"the contract does not allow scope {layout.scope.kind!r}", where=where)
    required = {c.name for c in contract.columns if c.required}
    for given in filled(layout):
        if missing := sorted(required - given):
            raise RegistryError(f"nothing fills the required column {missing[0]!r}", where=where)


def filled(layout: Layout) -> list[set[str]]:
    """The contract columns that each variant of a layout gives a value to."""
    base = set(layout.columns)
    if layout.melt:
        base |= {layout.melt.item, layout.melt.cell, *group_names(layout.melt.headers)}
    return [base | set(v.columns) for v in layout.long] or [base]
