"""Every command of every page works as written, and shows what the page says; all in one new home, and a clone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipetl.warehouse import embedded
from tests.docs.guides import Ran, commands, plain, run_page, shown
from tests.docs.pages import DOCS, ROOT, blocks, read
from tests.home import command
from tests.truth.lived import Lived

FIRST = ["write-a-plan.md", "add-a-vendor-file.md", "add-a-metric.md"]
"""Pages that others build on, in this order; a plan is linted before three students are a school."""
PAGES = [*FIRST, *sorted({path.name for path in DOCS.glob("*.md")} - set(FIRST))]
GUIDES = [name for name in PAGES if commands(read(name))]
DAY = "2026-01-20"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(lived: Lived, make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """A folder as a newcomer's clone after `make demo` and `sipetl --as-of DAY init our-home`."""
    folder = make_quick("guides")
    for name in ("sipetl", "expectations", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "demo-home").symlink_to(lived.home)
    done = command("--as-of", DAY, "init", str(folder / "our-home"))
    assert done.status == 0, done.err
    yield folder
    embedded.remove(folder / "our-home" / "warehouse")


@pytest.fixture(scope="module")
def ran(place: Path) -> dict[str, Ran]:
    """All pages, in their order."""
    return {name: run_page(read(name), place) for name in GUIDES}


def test_guides_are_there() -> None:
    assert {*FIRST, "privacy.md"} <= set(GUIDES)
    assert all(len(commands(read(name))) >= 5 for name in FIRST)


@pytest.mark.parametrize("name", GUIDES)
def test_commands_of_the_page_work(ran: dict[str, Ran], name: str) -> None:
    assert ran[name].status == 0, ran[name].output[-3000:]
    assert "Traceback" not in ran[name].output
    assert "command not found" not in ran[name].output


@pytest.mark.parametrize("name", GUIDES)
def test_page_shows_what_is_seen(ran: dict[str, Ran], name: str) -> None:
    seen = plain(ran[name].output)

    assert [line for line in shown(read(name)) if plain(line) not in seen] == []


def test_commands_stand_at_the_beginning_of_their_lines() -> None:
    for name in PAGES:
        lines = [line for block in blocks(read(name), "bash") for line in block.content.splitlines()]
        assert not [line for line in lines if re.match(r"\s+sipetl ", line)], name


def value(place: Path, metric: str) -> tuple[str, str, str]:
    """A metric's numerator, denominator and value at Exampleton Elementary, as the command shows it."""
    done = command(
        "--home", str(place / "our-home"), "--as-of", DAY, "metrics", "values", "--metric", metric, "--period", "2026",
        "--level", "school", "--json",
    )  # fmt: skip
    (row,) = (row for row in json.loads(done.out) if row["organization"] == "99010005")
    return row["numerator"], row["denominator"], row["value"]


def test_vendor_files_value_is_the_one_that_the_page_counts(ran: dict[str, Ran], place: Path) -> None:
    assert ran["add-a-vendor-file.md"].status == 0
    numerator, denominator, share = value(place, "attendance_rate")

    assert (int(numerator), int(denominator), float(share)) == (300, 400, 75)


def test_new_metrics_value_is_the_one_that_the_page_counts(ran: dict[str, Ran], place: Path) -> None:
    assert ran["add-a-metric.md"].status == 0
    numerator, denominator, share = value(place, "attended_95_percent")

    assert (int(numerator), int(denominator), float(share)) == (1, 2, 50)
