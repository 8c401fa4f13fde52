"""`docs/truth.md`: what the truth tests reproduced, told by them and collected over the session."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "truth.md"
HEAD = """\
# Truth

Which figures of others the pipeline reproduces, and by which rule. Made by the tests in `tests/truth`: a line is here because a test compared the
figures, and `docs/truth.md` must say what the tests found; do not edit it here. *Published* sources are files that authorities, vendors or districts
made. *Our own* are the demo's answer key (counted from the invented world, never from its files), a second computation that shares no code with the
pipeline, and truth tables written by hand. Where fewer figures are reproduced than compared, the rule says why.

| source | figures compared | reproduced | rule |
|---|---:|---:|---|
"""
_told: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])


def tell(source: str, compared: int, reproduced: int, rule: str) -> None:
    """Note what a test compared; several tests of one source and rule add up."""
    counts = _told[source, rule]
    counts[0] += compared
    counts[1] += reproduced


def tally(source: str, recomputed: Counter[bool], rule: str) -> None:
    """Note how many figures came out as published (True), and how many did not."""
    tell(source, recomputed.total(), recomputed[True], rule)


def same(expected: Mapping[Any, object], found: Mapping[Any, object]) -> int:
    """How many of the figures expected were found as they are."""
    return sum(key in found and found[key] == figure for key, figure in expected.items())


def page() -> str:
    """The page of what was told so far."""
    lines = (
        f"| {source} | {compared:,} | {reproduced:,} | {rule} |\n"
        for (source, rule), (compared, reproduced) in sorted(_told.items())
    )
    return HEAD + "".join(lines)
