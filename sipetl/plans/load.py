"""Plan files become plans; a fault names its file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path

from sipetl.errors import RegistryError
from sipetl.metrics import load_catalogue
from sipetl.plans.model import Plan
from sipetl.plans.names import metric_names, unknown_groups, unknown_metrics, unknown_school
from sipetl.registry.groups import group_names
from sipetl.registry.yamlfile import check_model, load_model, read_document


def load_plan(path: Path) -> Plan:
    """Read one plan version.

    Raises:
        RegistryError: the first fault; `check_plan` gives all of them.
    """
    return load_model(path, Plan)


def check_plan(path: Path) -> list[RegistryError]:
    """All faults of one plan file, in the order of its lines; empty when it can be read as a plan."""
    return check_model(path, Plan)


def check_plans(files: Sequence[Path], schools: Collection[str] = ()) -> list[RegistryError]:
    """All faults of plan files: their shape, the names in them, and versions that are there twice.

    Args:
        files: the plan files of one registry.
        schools: its schools as `AUTHORITY/CODE`; none: not known.
    """
    faults = [fault for path in files for fault in check_plan(path) or _unknown_names(path, schools)]
    plans = {path: load_plan(path) for path in files if not check_plan(path)}
    return [*faults, *twins(plans)]


def _unknown_names(path: Path, schools: Collection[str]) -> Iterator[RegistryError]:
    plan, document, catalogue = load_plan(path), read_document(path), load_catalogue()
    hits = [
        *unknown_school(plan, schools),
        *unknown_metrics(plan, lambda name: catalogue.get(name) is not None, metric_names()),
        *unknown_groups(plan, group_names()),
    ]
    for at, what, cure in sorted(hits, key=lambda hit: document.line_of(hit[0])):
        yield RegistryError(what, where=document.where(at), cure=cure)


def twins(plans: dict[Path, Plan]) -> Iterator[RegistryError]:
    """Find the files that are the same version of a plan as another one."""
    seen: dict[tuple[str, date], Path] = {}
    for path, plan in plans.items():
        first = seen.setdefault((plan.plan, plan.effective_from), path)
        if first != path:
            yield RegistryError(
                f"the plan {plan.plan} has a version from {plan.effective_from} already",
                where=read_document(path).where(("effective_from",)),
                why=f"the other is {first}",
                cure="give the later one its own effective_from",
            )
