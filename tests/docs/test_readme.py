"""The README's commands work as written, in their order, on a demo home."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipetl.warehouse import embedded
from tests.docs.guides import commands, run_page
from tests.docs.pages import ROOT
from tests.truth.lived import Lived

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def place(lived: Lived, make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """A folder as a newcomer's clone after `make demo`."""
    folder = make_quick("readme")
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    (folder / "demo-home").symlink_to(lived.home)
    yield folder
    embedded.remove(folder / "our-home" / "warehouse")


def test_readme_has_commands() -> None:
    assert len(commands(README)) >= 14


@pytest.mark.slow
def test_readme_commands_work(place: Path) -> None:
    done = run_page(README, place)

    assert done.status == 0, done.output[-4000:]
    assert "Traceback" not in done.output


def test_make_targets_of_the_readme_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|; )make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "check", "lock", "system-deps"} <= named
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)
