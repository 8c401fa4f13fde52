"""Validate everything that is reviewed data: `sipetl check`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from sipetl.disclosure import load_policy
from sipetl.errors import RegistryError
from sipetl.intake import load_contract, load_layouts
from sipetl.intake.layout import Layout
from sipetl.metrics import check_catalogue
from sipetl.pipeline.suites import expectations_dir
from sipetl.plans import check_plans
from sipetl.quality import check_suite, load_suite
from sipetl.registry import Registry, check_registry, load_registry
from sipetl.registry.models import FeedName
from sipetl.registry.spelling import cure
from sipetl.registry.yamlfile import read_document
from sipetl.settings import Settings

MADE_BY_MAP = {"school_year": "bigint", "district": "varchar"}
"""Columns of a mapped table that no contract names."""


def check_home(settings: Settings) -> list[RegistryError]:
    """All faults of the registry, contracts, layouts, suites, metrics, plans and policies."""
    folder = settings.registry_dir
    own = folder / "layouts"
    faults = check_registry(folder)
    registry = None if faults else load_registry(folder)
    layouts: list[Layout] = []
    faults += _fault(lambda: layouts.extend(load_layouts(own if own.is_dir() else None)))
    of_metrics = check_catalogue()
    faults += of_metrics
    for feed in FeedName:
        faults += _check_suite(settings, feed)
    if not of_metrics:  # plans name metrics
        faults += check_plans(sorted((folder / "plans").glob("*.yaml")), _schools(registry) if registry else ())
    if registry:
        faults += _check_names(registry, {layout.layout for layout in layouts})
    return faults


def _schools(registry: Registry) -> list[str]:
    return [f"{registry.home.authority}/{school.code}" for school in registry.organizations.schools]


def _check_names(registry: Registry, layouts: Collection[str]) -> Iterator[RegistryError]:
    """What the registry's files name and other rooms hold: the policy, and layouts where they could be read."""
    try:
        load_policy(registry.home.policy, registry.folder / "policies")
    except RegistryError as error:
        at = read_document(registry.folder / "home.yaml").where(("policy",))
        yield RegistryError(error.what, where=error.where or at, why=error.why, cure=error.cure)
    document = read_document(registry.folder / "feeds.yaml")
    for i, feed in enumerate(registry.feeds):
        for name in feed.layouts if layouts else ():
            if name not in layouts:
                where = document.where(("feeds", i, "layouts"))
                mend = cure(name, sorted(layouts), "see 'sipetl layout list'")
                yield RegistryError(f"there is no layout {name!r}", where=where, cure=mend)


def _check_suite(settings: Settings, feed: FeedName) -> Iterable[RegistryError]:
    columns = {c.name: c.physical_type for c in load_contract(feed).columns}
    path = expectations_dir(settings) / f"{feed}.json"
    try:
        return check_suite(load_suite(path), columns | MADE_BY_MAP)
    except RegistryError as error:
        return [error]


def _fault(load: Callable[[], object]) -> list[RegistryError]:
    try:
        load()
    except RegistryError as error:
        return [error]
    return []
