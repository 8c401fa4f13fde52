"""Plan files become plans; a fault names its file and line."""

from __future__ import annotations

from pathlib import Path

from sipetl.errors import RegistryError
from sipetl.plans.model import Plan
from sipetl.registry.yamlfile import check_model, load_model


def load_plan(path: Path) -> Plan:
    """Read one plan version.

    Raises:
        RegistryError: the first fault; `check_plan` gives all of them.
    """
    return load_model(path, Plan)


def check_plan(path: Path) -> list[RegistryError]:
    """All faults of one plan file, in the order of its lines; empty when it can be read as a plan."""
    return check_model(path, Plan)
