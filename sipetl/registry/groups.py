"""Student groups: reviewed reference data with the names that vendors use for them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sipetl.registry.models import Model, StudentGroup
from sipetl.registry.spelling import cure
from sipetl.registry.yamlfile import load_model


class StudentGroups(Model):
    """`reference/student_groups.yaml`."""

    groups: tuple[StudentGroup, ...]


@cache
def load_groups() -> tuple[StudentGroup, ...]:
    """All student groups, in their order."""
    source = files("sipetl.registry") / "reference" / "student_groups.yaml"
    return load_model(source, StudentGroups).groups  # type: ignore[arg-type]  # a real path: the wheel is unpacked


def group_names() -> tuple[str, ...]:
    """All student groups, in their order."""
    return tuple(group.student_group for group in load_groups())


def group_meant(name: str) -> str:
    """Say which group an unknown name may mean: a vendor's word for one, else a near one, else all there are."""
    for group in load_groups():
        if name.casefold() in (alias.casefold() for alias in (group.label, *group.aliases)):
            return f"did you mean {group.student_group}?"
    return cure(name, group_names())
