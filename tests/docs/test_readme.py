"""The README's commands work as written, in their order, on a demo home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipetl.warehouse import embedded
from tests.truth.lived import Lived

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def place(lived: Lived, make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """A folder as a newcomer's clone after `make demo`."""
    folder = make_quick("readme")
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    (folder / "demo-home").symlink_to(lived.home)
    yield folder
    embedded.remove(folder / "our-home" / "warehouse")


def commands() -> list[str]:
    return [line for block in BLOCKS for line in block.splitlines() if line.strip()]


def test_readme_has_commands() -> None:
    assert len([line for line in commands() if line.startswith("sipetl ")]) >= 14


@pytest.mark.slow
def test_readme_commands_work(place: Path) -> None:
    """4 is "done, with findings a person must look at", as the README says."""
    lines = ["set -u"]
    for line in commands():
        lines.append(line)
        if line.startswith("sipetl "):
            lines.append(
                f'status=$?; [ $status -eq 0 ] || [ $status -eq 4 ] || {{ echo "FAILED $status: {line}"; exit 9; }}'
            )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIPETL_")}

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=place, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stdout + done.stderr


def test_make_targets_of_the_readme_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|; )make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "check", "lock", "system-deps"} <= named
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)
