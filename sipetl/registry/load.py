"""Read and check `HOME/registry/`: every file by its model, then everything against everything else."""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from sipetl.errors import RegistryError
from sipetl.registry.models import (
    Calendar,
    Calendars,
    CrosswalkRow,
    Cycle,
    Cycles,
    Feed,
    Feeds,
    Home,
    Identified,
    Model,
    Organizations,
    SurveyItem,
    Waiver,
    Waivers,
)
from sipetl.registry.yamlfile import check_model, load_model

Row = TypeVar("Row", bound=Model)

YAML_FILES: dict[str, type[Model]] = {
    "home.yaml": Home,
    "organizations.yaml": Organizations,
    "feeds.yaml": Feeds,
    "calendars.yaml": Calendars,
    "cycles.yaml": Cycles,
}
OPTIONAL_YAML: dict[str, type[Model]] = {"waivers.yaml": Waivers}
CSV_FILES: dict[str, type[Model]] = {
    "crosswalk.csv": CrosswalkRow,
    "survey_items.csv": SurveyItem,
    "identified.csv": Identified,
}


FIRST_LINE = 2
"""Of a CSV file's rows: its header is line 1."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The whole registry of a home, checked."""

    folder: Path
    sha256: str
    home: Home
    organizations: Organizations
    feeds: tuple[Feed, ...]
    calendars: tuple[Calendar, ...]
    cycles: tuple[Cycle, ...]
    waivers: tuple[Waiver, ...] = ()
    crosswalk: tuple[CrosswalkRow, ...] = ()
    survey_items: tuple[SurveyItem, ...] = ()
    identified: tuple[Identified, ...] = ()

    @property
    def plan_files(self) -> tuple[Path, ...]:
        """The plans, in a stable order."""
        return tuple(sorted((self.folder / "plans").glob("*.yaml")))


def load_registry(folder: Path) -> Registry:
    """Read the registry.

    Raises:
        RegistryError: the first fault, with file, line, cause and cure.
    """
    faults = check_registry(folder)
    if faults:
        raise faults[0]
    return _read(folder)


def check_registry(folder: Path) -> list[RegistryError]:
    """All faults of the registry's files, then of their relations."""
    if not folder.is_dir():
        return [RegistryError("there is no registry", where=str(folder), cure="run 'sipetl init'")]
    faults = [fault for name, model in YAML_FILES.items() for fault in _check_yaml(folder / name, model)]
    for name, model in OPTIONAL_YAML.items():
        if (folder / name).exists():
            faults += check_model(folder / name, model)
    for name, model in CSV_FILES.items():
        faults += [fault for fault in _rows(folder / name, model) if isinstance(fault, RegistryError)]
    return faults or list(_relations(_read(folder)))


def _check_yaml(path: Path, model: type[Model]) -> list[RegistryError]:
    if not path.exists():
        return [RegistryError("the file is missing", where=str(path), cure="'sipetl init' writes a commented one")]
    return check_model(path, model)


def _read(folder: Path) -> Registry:
    waivers = folder / "waivers.yaml"
    return Registry(
        folder=folder,
        sha256=fingerprint(folder),
        home=load_model(folder / "home.yaml", Home),
        organizations=load_model(folder / "organizations.yaml", Organizations),
        feeds=load_model(folder / "feeds.yaml", Feeds).feeds,
        calendars=load_model(folder / "calendars.yaml", Calendars).calendars,
        cycles=load_model(folder / "cycles.yaml", Cycles).cycles,
        waivers=load_model(waivers, Waivers).waivers if waivers.exists() else (),
        crosswalk=_good(folder / "crosswalk.csv", CrosswalkRow),
        survey_items=_good(folder / "survey_items.csv", SurveyItem),
        identified=_good(folder / "identified.csv", Identified),
    )


def fingerprint(folder: Path) -> str:
    """Hash of all files of the registry, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _good(path: Path, model: type[Row]) -> tuple[Row, ...]:
    return tuple(row for row in _rows(path, model) if not isinstance(row, RegistryError))


def _rows(path: Path, model: type[Row]) -> Iterator[Row | RegistryError]:
    """The lines of a CSV file as models; a line that does not fit comes as its error."""
    if not path.exists():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=FIRST_LINE):
            given = {name: text for name, text in line.items() if text not in ("", None)}
            try:
                yield model.model_validate(given)
            except ValidationError as error:
                first = error.errors()[0]
                column = ".".join(str(part) for part in first["loc"])
                yield RegistryError(f"{column}: {first['msg']}", where=f"{path}:{number}")


def _relations(registry: Registry) -> Iterator[RegistryError]:
    """Faults between files."""
    yield from _duplicates(registry)
    yield from _unknown_references(registry)
    yield from _overlaps(registry)


def _duplicates(registry: Registry) -> Iterator[RegistryError]:
    organizations = registry.organizations
    keys: list[tuple[str, str, Iterable[object]]] = [
        ("organizations.yaml", "district", (d.district for d in organizations.districts)),
        ("organizations.yaml", "organization code", _codes(registry)),
        ("feeds.yaml", "district and feed", ((f.district, f.feed.value) for f in registry.feeds)),
        ("calendars.yaml", "calendar and year", ((c.calendar, c.school_year) for c in registry.calendars)),
        ("cycles.yaml", "cycle", (c.cycle for c in registry.cycles)),
    ]
    for name, what, values in keys:
        for value, count in Counter(values).items():
            if count > 1:
                yield _fault(registry, name, f"{what} {value} stands {count} times", "keep one")


def _codes(registry: Registry) -> list[str]:
    organizations = registry.organizations
    return [
        registry.home.state_code,
        *(region.code for region in organizations.regions),
        *(district.code for district in organizations.districts),
        *(school.code for school in organizations.schools),
    ]


def _unknown_references(registry: Registry) -> Iterator[RegistryError]:
    organizations = registry.organizations
    districts = {d.district for d in organizations.districts}
    regions = {r.code for r in organizations.regions}
    calendars = {c.calendar for c in registry.calendars}
    schools = {s.code for s in organizations.schools}
    references: list[tuple[str, str, set[str], Iterable[str | None]]] = [
        ("organizations.yaml", "district", districts, (s.district for s in organizations.schools)),
        ("organizations.yaml", "region", regions, (d.region for d in organizations.districts)),
        ("organizations.yaml", "calendar", calendars, (d.calendar for d in organizations.districts)),
        ("feeds.yaml", "district", districts | {registry.home.state_code}, (f.district for f in registry.feeds)),
        ("waivers.yaml", "district", districts, (w.district for w in registry.waivers)),
    ]
    for name, what, known, used in references:
        for value in sorted({v for v in used if v is not None} - known):
            yield _fault(registry, name, f"{what} '{value}' is not in the registry", "add it, or mend the code")
    lines: list[tuple[str, str, set[str], Iterable[str]]] = [
        ("crosswalk.csv", "district", districts, (c.district for c in registry.crosswalk)),
        ("crosswalk.csv", "organization", set(_codes(registry)), (c.organization for c in registry.crosswalk)),
        ("identified.csv", "school", schools, (i.school for i in registry.identified)),
    ]
    for name, what, known, used in lines:
        for number, value in enumerate(used, start=FIRST_LINE):
            if value not in known:
                where = f"{registry.folder / name}:{number}"
                why = f"{what} '{value}' is not in the registry"
                yield RegistryError(why, where=where, cure="add it, or mend the code")


def _overlaps(registry: Registry) -> Iterator[RegistryError]:
    """A local code that means two schools on one day (the embedded server has no exclusion constraint for it)."""
    by_code: dict[tuple[str, str], list[CrosswalkRow]] = {}
    for row in registry.crosswalk:
        by_code.setdefault((row.district, row.local_code.strip().casefold()), []).append(row)
    for (district, code), rows in by_code.items():
        rows.sort(key=lambda row: (row.valid_from is not None, row.valid_from))
        for earlier, later in itertools.pairwise(rows):
            if earlier.valid_to is None or later.valid_from is None or later.valid_from < earlier.valid_to:
                what = f"local code '{code}' of district {district} means two organizations at once"
                yield _fault(registry, "crosswalk.csv", what, "date them with valid_from and valid_to")


def _fault(registry: Registry, name: str, what: str, cure: str) -> RegistryError:
    return RegistryError(what, where=str(registry.folder / name), cure=cure)
