"""The page of results and its chart: medians, spreads and ratios of one run."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.jobs import LIMIT, SIPETL, Contestant, Job
from benchmarks.measure import Measured

HEAD = """# What was measured

Written by `make bench`; do not edit. All contestants of a job run in turns, each in a process and an environment of its
own; times are of the work alone, without the start of Python and imports. Those that were given the same rows came to the
same figures, or the run would have failed. Ratios compare seconds per row.

"""
BAR, LABELS, WIDTH, LINE = 420, 220, 760, 24
"""Of the chart, in pixels."""


def write_page(folder: Path, found: Sequence[tuple[Job, Mapping[str, Sequence[Measured]]]]) -> None:
    """Write RESULTS.md and chart.svg."""
    tables = "\n".join("\n".join(_table(job, runs)) + "\n" for job, runs in found)
    (folder / "RESULTS.md").write_text(f"{HEAD}{machine()}\n![Chart](chart.svg)\n\n{tables}", encoding="utf-8")
    (folder / "chart.svg").write_text("\n".join(_chart(found)) + "\n", encoding="utf-8")


def machine() -> str:
    """On what, when and with which versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "deltalake", "pyarrow"))
    day = datetime.now(UTC).date()
    return f"{day}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {versions}.\n"


def _table(job: Job, runs: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    limit = _per_row(job.contestants[0], runs)
    yield f"## {job.title}"
    yield ""
    yield f"Aim: {job.aim}. {job.note}"
    yield ""
    yield "| | rows | seconds, median | from, to | rows per second | peak MB | times the limit |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for one in job.contestants:
        seconds = [measured.seconds for measured in runs[one.name]]
        median, peak = statistics.median(seconds), max(measured.peak_mb for measured in runs[one.name])
        spread = f"{min(seconds):.2f}, {max(seconds):.2f}"
        ratio = _per_row(one, runs) / limit
        rate = one.rows / median
        yield f"| {one.name} | {one.rows:,} | {median:.2f} | {spread} | {rate:,.0f} | {peak:,.0f} | {ratio:.1f} |"
    stages = runs[SIPETL][0].result.get("stages", {})
    if stages:
        yield ""
        yield f"Of one run of sipetl, by step: {', '.join(f'{name} {seconds} s' for name, seconds in stages.items())}."


def _per_row(one: Contestant, runs: Mapping[str, Sequence[Measured]]) -> float:
    return statistics.median(measured.seconds for measured in runs[one.name]) / one.rows


def _chart(found: Sequence[tuple[Job, Mapping[str, Sequence[Measured]]]]) -> Iterator[str]:
    """Bars of rows per second, each job on a scale of its own."""
    height = sum(LINE * (len(job.contestants) + 2) for job, _ in found) + LINE
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13" role="img" aria-label="Rows per second, by job and contestant">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    y = LINE
    for job, runs in found:
        rates = {one.name: 1 / _per_row(one, runs) for one in job.contestants}
        yield f'<text x="8" y="{y}" font-weight="bold">{job.name}: rows per second</text>'
        for name, rate in rates.items():
            y += LINE
            length = max(1, BAR * rate / max(rates.values()))
            colour = {SIPETL: "#1b5e9b", LIMIT: "#777"}.get(name, "#b9c6d2")
            yield f'<text x="8" y="{y}">{name}</text>'
            yield f'<rect x="{LABELS}" y="{y - 12}" width="{length:.0f}" height="15" fill="{colour}"/>'
            yield f'<text x="{LABELS + length + 6:.0f}" y="{y}">{rate:,.0f}</text>'
        y += 2 * LINE
    yield "</svg>"
