"""Read and check `HOME/registry/`: every file by its model, then everything against everything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sipetl.errors import RegistryError
from sipetl.registry.csvfile import read_rows
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
from sipetl.registry.relations import relations
from sipetl.registry.spelling import cure
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
FOLDERS = ("plans", "layouts", "policies")
"""Folders of further files, one `.yaml` each."""


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
        faults += read_rows(folder / name, model)[1]
    faults += _unread(folder)
    return faults or list(relations(_read(folder)))


def _unread(folder: Path) -> Iterator[RegistryError]:
    """Files that somebody wrote and nothing would read, for their name."""
    known = (*YAML_FILES, *OPTIONAL_YAML, *CSV_FILES)
    for path in sorted(folder.glob("*")):
        if path.suffix in {".yaml", ".yml", ".csv"} and path.name not in known:
            mend = cure(path.name, known, "name it as one of these, or move it away")
            yield RegistryError("no file of this name is read", where=str(path), cure=mend)
    for path in sorted(path for name in FOLDERS for path in (folder / name).glob("*.yml")):
        yield RegistryError("no file of this name is read", where=str(path), cure="let it end in .yaml")


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
    return tuple(row for _, row in read_rows(path, model)[0])
