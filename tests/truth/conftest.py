"""The demo that the tests against the truth share: generated, and lived through day by day, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sipetl.cli.demo import run_again
from sipetl.demo import generate
from sipetl.settings import load_settings
from sipetl.warehouse import embedded
from tests.home import server
from tests.truth.lived import SEED, STUDENTS, Lived, read_values

__all__ = ["lived", "server"]


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A home of three districts with every planted defect, after its last day; its answer key lies elsewhere."""
    home, answers = tmp_path_factory.mktemp("lived") / "home", tmp_path_factory.mktemp("answers")
    script = generate(home, students=STUDENTS, seed=SEED, answers=answers)
    settings = load_settings(home=home)
    try:
        outcomes = run_again(settings, script)
        yield Lived(home, answers, script, outcomes, read_values(settings.on(script.days[-1].day)))
    finally:
        embedded.remove(home / "warehouse")
