"""One small demo home for all tests of this folder; it is only read."""

from __future__ import annotations

from dataclasses import dataclass
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
