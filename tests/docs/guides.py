"""Runs the commands of pages as a reader would: block by block in one shell, files saved where their first line says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import Block, blocks

_SAVED_AS = re.compile(r"# (our-home/\S+)\n")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a page's commands came to."""

    status: int
    output: str


def run_page(text: str, folder: Path) -> Ran:
    """Run a page's commands in a folder; it ends at the first `sipetl` that fails.

    A status of 4 is "done, and something waits for a person", as the README says.
    """
    lines = ["set -u", *(line for block in blocks(text) for line in _lines(block))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIPETL_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{environment['PATH']}", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout)


def _lines(block: Block) -> Iterator[str]:
    saved = _SAVED_AS.match(block.content)
    if block.language == "bash":
        yield from _checked(block.content.splitlines())
    elif saved:
        path = shlex.quote(saved[1])
        yield f'mkdir -p "$(dirname {path})"; printf %s {shlex.quote(block.content)} > {path}'


def _checked(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if line.startswith("sipetl "):
            told = shlex.quote(f"FAILED: {line}")
            yield f"status=$?; [ $status -eq 0 ] || [ $status -eq 4 ] || {{ echo {told} $status; exit 9; }}"


def commands(text: str) -> list[str]:
    """The lines of a page that call sipetl."""
    return [
        line for block in blocks(text, "bash") for line in block.content.splitlines() if line.startswith("sipetl ")
    ]


def shown(text: str) -> list[str]:
    """What a page says is to be seen: the lines of its `text` blocks."""
    return [line for block in blocks(text, "text") for line in block.content.splitlines()]


def plain(output: str) -> str:
    """Output with runs of space made one, as a page writes it."""
    return " ".join(output.split())
