"""Where the rules of a feed are: the home's setting, the package's copy, or the checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sipetl
from sipetl.errors import ConfigError
from sipetl.quality import Suite, load_suite
from sipetl.settings import Settings

_PACKAGE = Path(sipetl.__file__).parent


def expectations_dir(settings: Settings) -> Path:
    """The folder of suites.

    Raises:
        ConfigError: there is none.
    """
    places = [settings.expectations_dir, _PACKAGE / "expectations", _PACKAGE.parent / "expectations"]
    for place in places:
        if place and place.is_dir():
            return place
    raise ConfigError("the expectation suites are not there", cure="set SIPETL_EXPECTATIONS_DIR")


def suite_of(settings: Settings, feed: str) -> Suite:
    """The suite of a feed."""
    return _load(expectations_dir(settings) / f"{feed}.json")


@cache
def _load(path: Path) -> Suite:
    return load_suite(path)
