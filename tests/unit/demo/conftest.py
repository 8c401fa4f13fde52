"""Demo homes for all tests of this folder: one that is only read, and a smaller one to copy."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sipetl.demo import Script, generate


@dataclass(frozen=True)
class Made:
    home: Path
    script: Script
    key: pa.Table

    def file(self, name: str) -> Path:
        """A generated file by its name, wherever it waits."""
        found = sorted((self.home / ".arriving").rglob(name))
        assert found, name
        return found[0]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("demo-home")
    script = generate(home, answers=home / "answers")
    return Made(home, script, pq.read_table(home / "answers" / "values.parquet"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """A demo of 150 students and seed 5, on which no day has come."""
    return generate(tmp_path_factory.mktemp("small-demo"), students=150, seed=5)


@pytest.fixture
def own(small: Script, tmp_path: Path) -> Script:
    """The same in a home of the test's own."""
    shutil.copytree(small.home, tmp_path, dirs_exist_ok=True)
    return replace(small, home=tmp_path)
