"""The small-cell policy: how large a cell must be to be shown, per family of metrics. Reviewed data (decision 12).

Presets live in `policies/`; a home may have its own under `registry/policies/`. A metric names its family in the
catalogue (`minimum_n`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from sipetl.errors import RegistryError
from sipetl.registry.models import Code, Model
from sipetl.registry.yamlfile import load_model

FOLDER = Path(__file__).parent / "policies"
DEFAULT = "default"
"""The family whose limits hold where a policy does not name a metric's own."""


class Limits(Model):
    """What a cell must have to be shown."""

    minimum_n: Annotated[int, Field(ge=0)]
    """Fewest units; one below is hidden."""
    minimum_part: Annotated[int, Field(ge=0)] = 0
    """Numerator rule, for shares of people and counts: 0 < x < this is hidden; 0 = no such rule."""
    zero_is_small: bool = False
    """The numerator rule hides x = 0 too."""
    both_parts: bool = False
    """The numerator rule looks at the rest (n - x) as well."""
    all_alike: bool = False
    """Hide a cell in which all are alike (0 %, 100 %, or a mean without spread): it tells of everyone in it."""


class Policy(Model):
    """A policy file."""

    policy: Code
    title: str
    hides_counts: bool = True
    """A hidden cell hides its counts too."""
    releasable: bool = True
    """Releases may be made with it."""
    families: dict[str, Limits]

    @model_validator(mode="after")
    def _holds_together(self) -> Policy:
        if DEFAULT not in self.families:
            raise ValueError(f"families needs an entry '{DEFAULT}'")
        if self.releasable and not self.hides_counts:
            raise ValueError("a policy that leaves the counts of hidden cells visible cannot be releasable")
        return self

    def limits(self, family: str) -> Limits:
        """The limits of a family of metrics."""
        return self.families.get(family, self.families[DEFAULT])


def load_policy(name: str, extra_dir: Path | None = None) -> Policy:
    """Read a policy; the home's own file of that name goes before the preset.

    Args:
        name: of the policy, which is also its file's name.
        extra_dir: the home's `registry/policies`.

    Raises:
        RegistryError: there is no such policy, or its file is wrong.
    """
    folders = [folder for folder in (extra_dir, FOLDER) if folder is not None]
    files = {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.yaml"))}
    if name not in files:
        raise RegistryError(f"there is no small-cell policy {name!r}", cure=f"known: {', '.join(sorted(files))}")
    loaded = load_model(files[name], Policy)
    if loaded.policy != name:
        raise RegistryError(
            f"the policy calls itself {loaded.policy!r}", where=str(files[name]), cure="name both alike"
        )
    return loaded
