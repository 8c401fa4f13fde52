"""Student groups: reviewed reference data with the names that vendors use for them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sipetl.registry.models import Model, StudentGroup
from sipetl.registry.yamlfile import load_model


class StudentGroups(Model):
    """`reference/student_groups.yaml`."""

    groups: tuple[StudentGroup, ...]


@cache
def load_groups() -> tuple[StudentGroup, ...]:
    """All student groups, in their order."""
    source = files("sipetl.registry") / "reference" / "student_groups.yaml"
    return load_model(source, StudentGroups).groups  # type: ignore[arg-type]  # a real path: the wheel is unpacked
