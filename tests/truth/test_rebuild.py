"""Stores are made from what was received: inbox, registry and key give the same lake and warehouse again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipetl.cli.demo import run_again
from sipetl.demo import Script
from sipetl.pipeline import open_home
from sipetl.settings import load_settings
from sipetl.warehouse import embedded
from tests.hashing import final_hashes
from tests.truth.lived import Lived

KEPT = ("inbox", "registry", ".arriving", "sipetl.key")


@pytest.fixture
def rest(lived: Lived, make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """The home as it is when everything but inbox, registry and key is gone."""
    home = make_quick("rest")
    for name in KEPT:
        source = lived.home / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, home / name)
    yield home
    embedded.remove(home / "warehouse")


@pytest.mark.slow
def test_everything_comes_back_from_the_inbox(lived: Lived, rest: Path) -> None:
    script = Script.from_inbox(rest)
    settings = load_settings(home=rest)

    run_again(settings, script)

    assert script.days == lived.script.days
    with open_home(lived.settings) as first, open_home(settings.on(script.days[-1].day)) as again:
        before, after = final_hashes(first), final_hashes(again)
    assert after == before
    assert {"roster", "attendance", "assessment", "identity", "values", "statuses", "deliveries"} <= before.keys()
