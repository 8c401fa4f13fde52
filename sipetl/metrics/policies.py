"""How days and responses are counted: reviewed numbers (policies/*.yaml) that become parameters of the facts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sipetl.registry.models import Model
from sipetl.registry.yamlfile import load_model

FOLDER = Path(__file__).parent / "policies"
Percent = Annotated[int, Field(ge=0, le=100)]


class Policy(Model):
    """A policy's name, and its rules in words: what the facts do with the numbers."""

    policy: str
    rules: tuple[str, ...]


class AttendancePolicy(Policy):
    """How days are counted."""

    absent_above_x100: Percent


class SurveyPolicy(Policy):
    """Which responses are too careless to count."""

    fewest_answered_percent: Percent
    alike_from_items: Annotated[int, Field(ge=2)]


_POLICIES: Mapping[str, type[Policy]] = {"attendance_ma": AttendancePolicy, "survey_responses": SurveyPolicy}


@cache
def policy_numbers(folder: Path = FOLDER) -> Mapping[str, int]:
    """The numbers of all policies, by the name that facts call them (`$absent_above_x100`).

    Raises:
        RegistryError: a policy has a field too many, too few, or out of its range.
    """
    numbers: dict[str, int] = {}
    for name, model in _POLICIES.items():
        found = load_model(folder / f"{name}.yaml", model)
        numbers |= found.model_dump(exclude={"policy", "rules"})
    return numbers
