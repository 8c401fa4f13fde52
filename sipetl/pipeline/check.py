"""Validate everything that is reviewed data: `sipetl check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sipetl.disclosure import load_policy
from sipetl.errors import RegistryError
from sipetl.intake import load_contract, load_layouts
from sipetl.metrics import load_catalogue
from sipetl.pipeline.suites import expectations_dir
from sipetl.plans import check_plan
from sipetl.quality import check_suite, load_suite
from sipetl.registry import check_registry, load_registry
from sipetl.registry.models import FeedName
from sipetl.settings import Settings

MADE_BY_MAP = ("school_year", "district", "row_number")
"""Columns of a mapped table that no contract names."""


def check_home(settings: Settings) -> list[RegistryError]:
    """All faults of the registry, contracts, layouts, suites, metrics, plans and policies."""
    folder = settings.registry_dir
    own = folder / "layouts"
    faults = check_registry(folder)
    faults += _fault(lambda: load_layouts(own if own.is_dir() else None))
    faults += _fault(load_catalogue)
    for feed in FeedName:
        faults += _check_suite(settings, feed)
    for path in sorted((folder / "plans").glob("*.yaml")):
        faults += check_plan(path)
    if not faults:
        home = load_registry(folder).home
        faults += _fault(lambda: load_policy(home.policy, folder / "policies"))
    return faults


def _check_suite(settings: Settings, feed: FeedName) -> Iterable[RegistryError]:
    columns = [c.name for c in load_contract(feed).columns]
    path = expectations_dir(settings) / f"{feed}.json"
    try:
        return check_suite(load_suite(path), [*columns, *MADE_BY_MAP])
    except RegistryError as error:
        return [error]


def _fault(load: Callable[[], object]) -> list[RegistryError]:
    try:
        load()
    except RegistryError as error:
        return [error]
    return []
