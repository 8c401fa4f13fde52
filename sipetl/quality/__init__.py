"""The quality room: suites become one pass, a batch is split, and the sender gets a letter."""

from sipetl.quality.gx_docs import publish_in_gx
from sipetl.quality.gx_shape import gx_result
from sipetl.quality.letter import (
    MAX_ROWS,
    OF_PARTS,
    Finding,
    Letter,
    PartOutcome,
    Share,
    find,
)
from sipetl.quality.rendering import render_html, render_json, render_markdown
from sipetl.quality.results import RuleResult, SuiteResult
from sipetl.quality.run import run_suite
from sipetl.quality.split import Outcome, Split, split
from sipetl.quality.suite import Action, Expectation, Severity, Suite, check_suite, load_suite, read_suite

__all__ = [
    "MAX_ROWS",
    "OF_PARTS",
    "Action",
    "Expectation",
    "Finding",
    "Letter",
    "Outcome",
    "PartOutcome",
    "RuleResult",
    "Severity",
    "Share",
    "Split",
    "Suite",
    "SuiteResult",
    "check_suite",
    "find",
    "gx_result",
    "load_suite",
    "publish_in_gx",
    "read_suite",
    "render_html",
    "render_json",
    "render_markdown",
    "run_suite",
    "split",
]
