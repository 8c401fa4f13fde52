"""When a metric's number can exist at all: reviewed data, in `sources.yaml`."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sipetl.registry.models import Model
from sipetl.registry.yamlfile import load_model

SOURCES = Path(__file__).parent / "sources.yaml"


class DayOfYear(Model):
    """A day of any year."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=28)]


class Source(Model):
    """What is known of some metrics' source."""

    metrics: tuple[str, ...]
    """Names, `*` for any text."""
    results_from: DayOfYear | None = None
    """First day, in the calendar year in which the school year ended, on which its result can be here."""
    first_school_day: Annotated[int, Field(ge=1)] = 1
    """The school day from which a first value is expected."""


class Sources(Model):
    """`sources.yaml`."""

    sources: tuple[Source, ...]


@cache
def _sources() -> tuple[Source, ...]:
    return load_model(SOURCES, Sources).sources


@cache
def source_of(metric: str) -> Source:
    """What is known of a metric's source; of an unlisted one, that it can come at any time."""
    for source in _sources():
        if any(fnmatchcase(metric, pattern) for pattern in source.metrics):
            return source
    return Source(metrics=(metric,))


def result_from(metric: str, school_year: int) -> date | None:
    """The first day on which the result of a school year can be here; None = any day."""
    day = source_of(metric).results_from
    return date(school_year, day.month, day.day) if day else None
