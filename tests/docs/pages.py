"""What the pages of `docs/` are made of: their blocks and tables, and how a generated page is kept up to date."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
RENEW = "SIPETL_RENEW_DOCS"
"""Set it to 1 while running `pytest tests/docs tests/truth`: generated pages are written instead of compared."""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    content: str


def read(name: str) -> str:
    """A page's text."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[Block]:
    """The fenced blocks of some languages, in their order."""
    found = (Block(language, content) for language, content in _BLOCK.findall(text))
    return [block for block in found if not languages or block.language in languages]


def sections(text: str) -> dict[str, str]:
    """What stands below each heading, of whatever level, up to the next."""
    parts = re.split(r"^#+ (.+)$", _BLOCK.sub("", text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def table(section: str) -> Iterator[list[str]]:
    """The rows of the tables in a section, without their heads."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if not _is_rule(line) and not _is_rule(below):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _is_rule(line: str) -> bool:
    return bool(line) and set(line) <= set("|-: ")


def assert_up_to_date(path: Path, content: str) -> None:
    """Compare a generated file with what it should be, or renew it where that is asked for."""
    if os.environ.get(RENEW):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    assert found == content, f"{path.name} is out of date: run the test with {RENEW}=1"
