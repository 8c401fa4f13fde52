"""The metric catalogue: reviewed YAML entries, and the concrete metrics that templates stand for.

An entry with `for:` is a template: one metric per value of a list, or per value found in the data (topics of the
item bank, indicators, kinds of evidence, published figures), so that new ones need no code. Its names hold
`{key}`, its expressions `:key`. `expression` says what an expression may be, `compiler` turns the metrics into one query.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from sipetl.errors import RegistryError
from sipetl.metrics.facts import load_facts
from sipetl.metrics.value import Interval
from sipetl.registry.models import FeedName, Model
from sipetl.registry.yamlfile import Document, check_model, load_model, read_document

FOLDER = Path(__file__).parent / "catalogue"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\{[a-z]+\}[a-z0-9_]*)*$", max_length=80)]


class Source(StrEnum):
    """Where the values of a data-driven template are found."""

    TOPIC = "survey_item.topic"
    INDICATOR = "observation.indicator"
    EVIDENCE = "evidence.evidence"
    FIGURE = "published_results.figure"


class TargetPath(StrEnum):
    """Target paths (design/metrics.md)."""

    HOLD = "hold"
    SAME_WINDOW = "same_window"
    CUMULATIVE = "cumulative"
    LINEAR = "linear"
    CHECKPOINTS = "checkpoints"
    RISES = "rises"
    YEAR_END_ONLY = "year_end_only"


class Population(Model):
    """Who is looked at; without it, everybody in the feed's unit, of known grade or not."""

    grades: tuple[str, ...]


Values = Source | dict[str, str | int]


class Metric(Model):
    """A metric's definition: a template, or (with all of its keys bound) one metric."""

    metric: Name
    version: Annotated[int, Field(ge=1)] = 1
    feed: FeedName
    family: str
    title: str
    unit: str
    direction: Literal["higher_is_better", "lower_is_better", "neutral"]
    path: TargetPath
    paths_allowed: tuple[TargetPath, ...] = ()
    """Further paths a benchmark may choose; `path` is always allowed."""
    population: Population | None = None
    where: str | None = None
    """Condition on the rows of numerator and denominator."""
    numerator: str
    denominator: str | None = None
    """None = a count: the denominator is 1 at every level."""
    n: str | None = None
    """What adds up to the units counted, where a row stands for many; None = rows with a positive denominator."""
    interval: Interval = Interval.NONE
    scale: Decimal = Decimal(1)
    cap: Decimal | None = None
    """Highest value shown; the sums stay, so that a capped one can be told."""
    display_unit: Literal["percent", "points", "days", "score", "count"]
    decimals: Annotated[int, Field(ge=0, le=6)] = 1
    periods: tuple[Literal["year", "month", "window", "cycle"], ...]
    basis: Literal["to_date", "within"] = "to_date"
    """Of months: everything up to the month's end, or the month alone."""
    groups: Literal["every", "all"] = "every"
    """`all`: only all students, where the group of some is not known to the numerator."""
    minimum_n: str = "default"
    """Family of the small-cell policy that holds its minimum."""
    expected: str | None = None
    """Condition that marks a row as a unit that should be in it, or what adds up to such units; None = unknown."""
    requires: tuple[FeedName, ...] = ()
    """Further feeds it cannot be computed without."""
    source: str
    for_: Annotated[dict[str, Values], Field(alias="for", default_factory=dict)]
    bound: Annotated[dict[str, str | int], Field(default_factory=dict)]
    """Values of the template's keys, once expanded."""

    @property
    def is_additive(self) -> bool:
        """Whether the integers of organizations add up to those of the organization above."""
        return self.unit not in ("student", "published")

    @property
    def definition_sha256(self) -> str:
        """Hash of the definition: a change without a new version is found by it."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    def bind(self, names: Mapping[str, str], values: Mapping[str, str | int]) -> Metric:
        """The concrete metric of one choice of values."""
        filled = {"metric": self.metric.format(**names), "title": self.title.format(**_titles(names))}
        return self.model_copy(update={**filled, "for_": {}, "bound": dict(values)})


class MetricsFile(Model):
    """One file of the catalogue; `defaults` fill what an entry leaves out."""

    feed: FeedName
    family: str
    defaults: Annotated[dict[str, Any], Field(default_factory=dict)]
    metrics: tuple[Metric, ...]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("metrics"), list):
            return data
        shared = {"feed": data.get("feed"), "family": data.get("family"), **(data.get("defaults") or {})}
        filled = [{**shared, **m} if isinstance(m, dict) else m for m in data["metrics"]]
        return {**data, "metrics": filled}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries, templates unexpanded."""

    entries: tuple[Metric, ...]
    found: Mapping[Source, tuple[str, ...]] = field(default_factory=dict)
    """Values seen in the data, per source; without them data-driven templates stand for nothing."""

    def metrics(self, feed: FeedName | None = None) -> tuple[Metric, ...]:
        """The concrete metrics of one feed, or of all."""
        wanted = (m for m in self.entries if feed is None or m.feed is feed)
        return tuple(itertools.chain.from_iterable(map(self._expand, wanted)))

    def get(self, name: str) -> Metric | None:
        """The metric of that name; one that a data-driven template could make counts, seen or not."""
        closest = sorted(self.entries, key=lambda entry: -len(re.sub(r"\{.*?\}", "", entry.metric)))
        return next((found for entry in closest if (found := _named(entry, name))), None)

    def with_found(self, found: Mapping[Source, tuple[str, ...]]) -> Catalogue:
        """The same catalogue, knowing what the data hold."""
        return Catalogue(self.entries, {**self.found, **found})

    def _expand(self, entry: Metric) -> Iterator[Metric]:
        choices = [self._choices(key, values) for key, values in entry.for_.items()]
        for choice in itertools.product(*choices):
            names = {key: name for key, name, _ in choice}
            yield entry.bind(names, {key: value for key, _, value in choice})

    def _choices(self, key: str, values: Values) -> list[tuple[str, str, str | int]]:
        if isinstance(values, Source):
            return [(key, name, name) for name in self.found.get(values, ())]
        return [(key, name, value) for name, value in values.items()]


def _titles(names: Mapping[str, str]) -> dict[str, str]:
    return {key: name.replace("_", " ") for key, name in names.items()}


def _named(entry: Metric, name: str) -> Metric | None:
    pattern = re.escape(entry.metric)
    for key, values in entry.for_.items():
        options = "[a-z0-9_]+" if isinstance(values, Source) else "|".join(map(re.escape, values))
        pattern = pattern.replace(re.escape("{" + key + "}"), f"(?P<{key}>{options})", 1)
    match = re.fullmatch(pattern, name)
    if match is None:
        return None
    names = match.groupdict()
    values_of = {k: v[names[k]] if isinstance(v, dict) else names[k] for k, v in entry.for_.items()}
    return entry.bind(names, values_of)


@cache
def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read and check every file of the catalogue.

    Raises:
        RegistryError: the first fault (`check_catalogue` gives all), with file and line: a wrong field, an expression that names what the facts do
            not have or does more than arithmetic and comparison, a name that is there twice.
    """
    entries = tuple(itertools.chain.from_iterable(_load(path) for path in sorted(folder.glob("*.yaml"))))
    return Catalogue(entries)


def check_catalogue(folder: Path = FOLDER) -> list[RegistryError]:
    """All faults of every file of the catalogue; empty when it is good."""
    faults: list[RegistryError] = []
    for path in sorted(folder.glob("*.yaml")):
        faults += check_model(path, MetricsFile) or _faults(path)
    return faults


def _load(path: Path) -> tuple[Metric, ...]:
    loaded = load_model(path, MetricsFile)
    for fault in _faults(path):
        raise fault
    return loaded.metrics


def _faults(path: Path) -> Iterator[RegistryError]:
    """Find what is wrong with the metrics of a file whose shape is right."""
    document, seen = read_document(path), set()
    for index, metric in enumerate(load_model(path, MetricsFile).metrics):
        if metric.metric in seen:
            where = document.where(("metrics", index, "metric"))
            yield RegistryError(f"the metric {metric.metric!r} is here twice", where=where)
        seen.add(metric.metric)
        yield from _check(metric, document, index)


def _check(metric: Metric, document: Document, index: int) -> Iterator[RegistryError]:
    from sipetl.metrics.expression import check_expression  # brings sqlglot, which only some commands need

    try:
        facts = load_facts(metric.feed)
    except RegistryError as error:
        yield error
        return
    if metric.unit not in facts.units:
        known = f"known here: {', '.join(sorted(facts.units))}"
        where = document.where(("metrics", index, "unit"))
        yield RegistryError(f"the feed has no facts of unit {metric.unit!r}", where=where, cure=known)
    for name in ("where", "numerator", "denominator", "n", "expected"):
        text, where = getattr(metric, name), document.where(("metrics", index, name))
        try:
            if text is not None:
                check_expression(text, facts.columns, where=where, keys=tuple(metric.for_))
        except RegistryError as error:
            yield error
