"""Types of expectations that other packages bring: they register with Great Expectations when they are imported.

A package names its modules as entry points of the group `sipetl.expectations`; the executor and `sipetl check`
import them when a suite has a type that is not GX's own. GX itself is loaded by them, or not at all.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

GROUP = "sipetl.expectations"
_REGISTRY = "great_expectations.expectations.registry"
_NAMING = ("column", "column_A", "column_B", "column_list", "column_set")
"""Kwargs that name columns."""


class BroughtTypesError(Exception):
    """A package that brings types cannot be imported; the message names it."""


def register_brought_types() -> None:
    """Import what other packages bring.

    Raises:
        BroughtTypesError: one of them cannot be imported.
    """
    for one in entry_points(group=GROUP):
        try:
            one.load()
        except (ImportError, AttributeError) as error:
            raise BroughtTypesError(f"{one.value} of {GROUP} cannot be imported: {error}") from None


def is_registered(kind: str) -> bool:
    """Say whether GX has a type.

    Raises:
        BroughtTypesError: a package that may bring it cannot be imported.
    """
    with quiet():
        register_brought_types()
    registry = sys.modules.get(_REGISTRY)
    return registry is not None and kind in registry.list_registered_expectation_implementations()


def named_columns(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Name the columns that the usual kwargs of any type name."""
    for key in _NAMING:
        value = kwargs.get(key)
        listed = value if isinstance(value, list | tuple) else [value]
        yield from (name for name in listed if isinstance(name, str))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep GX from phoning home, and its log and warnings, which may quote cells, from anyone's eyes."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    log = logging.getLogger("great_expectations")
    was = log.disabled, log.propagate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.propagate = False
        held = logging.NullHandler()
        log.addHandler(held)
        try:
            yield
        finally:
            log.removeHandler(held)
            log.disabled, log.propagate = was
