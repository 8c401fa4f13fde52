"""The letter to the sender: what was accepted, quarantined and rejected, which rows, and what to do.

Last step of the room. A letter holds row numbers, rule texts and counts; never a cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from sipetl.errors import StoreError
from sipetl.quality.run import RuleResult, SuiteResult
from sipetl.quality.split import Outcome
from sipetl.quality.sql import ROW_NUMBER, quote
from sipetl.quality.suite import Expectation, Severity, Suite

MAX_ROWS = 20
"""Row numbers per finding: enough to find the pattern, short enough to read on a phone."""

MAX_HEADINGS = 4
"""Headings named per finding: a wide file has dozens for one column."""

NEXT_STEPS: Mapping[Outcome, str] = {
    Outcome.ACCEPTED: "Nothing to do.",
    Outcome.QUARANTINED: (
        "The other rows are loaded. Correct the rows listed below at their source and send the whole file again."
    ),
    Outcome.REJECTED: (
        "Nothing was loaded from this part. Correct what this letter names and send the whole file again."
    ),
    Outcome.HELD: (
        "Nothing was loaded yet; what was loaded before stays. A person at the receiving office looks at the file first. "
        "If it is not the file you meant to send, or not whole, send the right one now; "
        "else there is nothing to do until they write to you."
    ),
    Outcome.DUPLICATE: (
        "Nothing to do: this is the file we already hold. If you meant to send a newer one, send that."
    ),
    Outcome.UNRECOGNIZED: (
        "Nothing was loaded: the columns fit no file that we expect from you. "
        "Check that the right export was sent, with its own headings, and send it again; "
        "if it is a new kind of file, ask the receiving office to add a layout for it."
    ),
    Outcome.SUPERSEDED: "Nothing to do: a newer file has taken this one's place.",
}

WITH_WARNINGS = (
    "The file was loaded. Read the warnings below: what they name is doubtful, or will be missing in the figures. "
    "Where something is wrong, correct it at its source and send the whole file again."
)
"""The next step of an accepted part of which something was found."""

TITLES: Mapping[Outcome, str] = {
    Outcome.QUARANTINED: "Accepted, except some rows",
    Outcome.HELD: "Held for a person",
}
"""How a letter heads a part, where the outcome's own word would mislead."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that failed in one part; `rows` are the first failing row numbers, at most `MAX_ROWS`.

    `column` is the contract's, `headings` are those of the sender's file that it comes from. `count` is the number of
    failing rows, None for rules about the whole file.
    """

    rule_id: str
    severity: Severity
    column: str | None
    text: str
    cure: str = ""
    count: int | None = None
    rows: tuple[int, ...] = ()
    headings: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The column as the sender knows it: by its headings; where several make one, with what they make."""
        if not self.headings:
            return self.column or ""
        more = len(self.headings) - MAX_HEADINGS
        named = ", ".join(self.headings[:MAX_HEADINGS]) + (f" and {more} more" if more > 0 else "")
        return f"{named} ({self.column})" if self.column and len(self.headings) > 1 else named

    @property
    def which_rows(self) -> str:
        """The first row numbers, where they are known."""
        is_cut = self.count is not None and self.count > len(self.rows) > 0
        return ", ".join(map(str, self.rows)) + (", and more" if is_cut else "")


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What became of one feed, district and school year of a member (a delivery's file, or one in its archive)."""

    member: str
    outcome: Outcome
    feed: str = ""
    district: str = ""
    school_year: int | None = None
    layout: str = ""
    rows_read: int = 0
    rows_good: int = 0
    rows_quarantined: int = 0
    rows_rejected: int = 0
    rows_left_out: int = 0
    """Totals, footnotes, previews: the layout says that they are no data."""
    rows_repeated: int = 0
    is_row_for_row: bool = True
    """Does a row of the file make one row? A survey's row makes one for each answer."""
    reason: str = ""
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        return TITLES.get(self.outcome, self.outcome.value.capitalize())

    @property
    def unit(self) -> str:
        """What is counted as accepted, where it is not the rows of the file."""
        is_plain = self.is_row_for_row or self.rows_good <= self.rows_read
        return "" if is_plain else " (one for each score, answer or figure in a row)"

    @property
    def next_step(self) -> str:
        """What the sender does now."""
        is_told = any(finding.severity is not Severity.INFO for finding in self.findings)
        return WITH_WARNINGS if self.outcome is Outcome.ACCEPTED and is_told else NEXT_STEPS[self.outcome]


@dataclass(frozen=True, slots=True)
class Letter:
    """What a sender is told about one delivery. `next_step` adds to what each part's outcome asks for."""

    delivery_id: str
    sender: str
    file_name: str
    received_at: datetime
    parts: tuple[PartOutcome, ...]
    next_step: str = ""


def find(con: duckdb.DuckDBPyConnection, suite: Suite, result: SuiteResult) -> tuple[Finding, ...]:
    """Turn the failures of a checked batch into findings, in the suite's order.

    Rules that could not run are our fault, not the sender's, and are left out; so are warnings that hold for as many
    rows as they ask for (`mostly`). Of a critical rule, the rows that break it are quarantined all the same.

    Raises:
        StoreError: the table of failing rows cannot be read.
    """
    try:
        rows = _first_rows(con, result.failing)
    except duckdb.Error as error:
        raise StoreError("the failing rows cannot be read", why=f"DuckDB: {type(error).__name__}") from None
    return tuple(
        _finding(rule, found, rows.get(found.rule_id, ()))
        for rule, found in zip(suite.expectations, result.rules, strict=True)
        if not found.error and (not found.success or (found.unexpected_count and _is_critical(rule)))
    )


def _is_critical(rule: Expectation) -> bool:
    return rule.severity is Severity.CRITICAL


def _first_rows(con: duckdb.DuckDBPyConnection, failing: str) -> dict[str, tuple[int, ...]]:
    found = con.execute(
        f"select rule_id, min({ROW_NUMBER}, {MAX_ROWS}) from {quote(failing)} group by rule_id"
    ).fetchall()
    return {rule_id: tuple(numbers) for rule_id, numbers in found}


def _finding(rule: Expectation, found: RuleResult, rows: tuple[int, ...]) -> Finding:
    return Finding(
        rule_id=rule.rule_id,
        severity=rule.severity,
        column=found.column,
        text=rule.text or _sentence(rule.type),
        cure=rule.cure,
        count=found.unexpected_count,
        rows=rows,
    )


def _sentence(rule_type: str) -> str:
    return rule_type.replace("_", " ").capitalize() + "."


def render_html(letter: Letter) -> str:
    """Render a self-contained page, readable on a phone and with a screen reader."""
    return _environment().get_template("letter.html.j2").render(letter=letter)


def render_markdown(letter: Letter) -> str:
    """Render Markdown for a mail or a ticket."""
    return _environment().get_template("letter.md.j2").render(letter=letter)


def render_json(letter: Letter) -> str:
    """Render the letter for a machine; keys are the field names."""
    parts = [asdict(part) | {"next_step": part.next_step, "findings": _plain(part)} for part in letter.parts]
    whole = asdict(letter) | {"received_at": letter.received_at.isoformat(), "parts": parts}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _plain(part: PartOutcome) -> list[dict[str, object]]:
    return [asdict(finding) | {"where": finding.where} for finding in part.findings]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sipetl.quality", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown
    return environment


def _markdown(value: object) -> str:
    """Escape text for one Markdown table cell: names of files and senders are not ours."""
    return re.sub(r"([\\`*_\[\]#|<>&~])", r"\\\1", " ".join(str(value).split()))
