"""The letter to the sender: what was accepted, quarantined and rejected, which rows, and what to do.

Comes after `split`, and `rendering` writes it out. A letter holds row numbers, rule texts and counts; never a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from sipetl.errors import StoreError
from sipetl.quality.results import RuleResult, SuiteResult
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
    Outcome.RETRACTED: (
        "What was loaded from this part was taken back by the receiving office, and counts no longer. "
        "There is nothing to do until they write to you."
    ),
}
STAYS = (
    "What was loaded from this part before stays. The receiving office read the file once more, and it was refused then; "
    "why is told below. If the file is wrong, correct it and send the whole file again."
)
"""The next step of a part that stands, though its file was refused when it was taken again."""

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


OF_PARTS = "MAP-PART"
"""The rule that a file has rows of several parts: its finding counts those of each."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of a finding in a file of several parts, what concerns one of them."""

    district: str
    school_year: int
    count: int | None = None
    rows: tuple[int, ...] = ()


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
    shares: tuple[Share, ...] = field(default=(), repr=False)
    """By part, where the file has several; a finding without is of each part."""
    of_file: int | None = None
    """What `count` is of the whole file, where it is that of a part."""

    def of_part(self, district: str, school_year: int | None) -> Finding | None:
        """What it says of one part; None where it says nothing of it."""
        if not self.shares:
            return self
        own = [one for one in self.shares if (one.district, one.school_year) == (district, school_year)]
        if not own:
            return None
        return replace(self, count=own[0].count, rows=own[0].rows, shares=(), of_file=self.count)

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
    stays: bool = False
    """It was loaded before, and stands though the file was refused when it was taken again."""
    reason: str = ""
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Keep of what was found in the file what concerns this part; a file that is refused as a whole has all of it."""
        if self.district and self.school_year:
            own = (finding.of_part(self.district, self.school_year) for finding in self.findings)
            object.__setattr__(self, "findings", tuple(finding for finding in own if finding))

    @property
    def rows_here(self) -> int:
        """Rows of the file that are of this part, loaded or not."""
        counted = next((f.count for f in self.findings if f.rule_id == OF_PARTS), None)
        return self.rows_read - self.rows_left_out - self.rows_repeated if counted is None else counted

    @property
    def rows_elsewhere(self) -> int:
        """Rows of the file that are of other parts only."""
        found = next((f for f in self.findings if f.rule_id == OF_PARTS), None)
        return (found.of_file or 0) - (found.count or 0) if found and found.of_file else 0

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
        if self.stays:
            return STAYS
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
        rows = first_rows(con, result.failing)
        shares = _shares(con, result) if rows else {}
    except duckdb.Error as error:
        raise StoreError("the failing rows cannot be read", why=f"DuckDB: {type(error).__name__}") from None
    return tuple(
        replace(_finding(rule, found, rows.get(found.rule_id, ())), shares=shares.get(found.rule_id, ()))
        for rule, found in zip(suite.expectations, result.rules, strict=True)
        if not found.error and (not found.success or (found.unexpected_count and _is_critical(rule)))
    )


def _is_critical(rule: Expectation) -> bool:
    return rule.severity is Severity.CRITICAL


def first_rows(con: duckdb.DuckDBPyConnection, failing: str) -> dict[str, tuple[int, ...]]:
    """Give the first row numbers that each rule failed on."""
    found = con.execute(
        f"select rule_id, min({ROW_NUMBER}, {MAX_ROWS}) from {quote(failing)} group by rule_id"
    ).fetchall()
    return {rule_id: tuple(numbers) for rule_id, numbers in found}


def _shares(con: duckdb.DuckDBPyConnection, result: SuiteResult) -> dict[str, tuple[Share, ...]]:
    """By rule, the failing rows of each part; nothing where the batch does not tell its parts."""
    named = {name for name, *_ in con.execute(f"describe {quote(result.table)}").fetchall()}
    if not {"district", "school_year"} <= named:
        return {}
    found = con.execute(f"""
        select rule_id, district, school_year, count(*), min({ROW_NUMBER}, {MAX_ROWS})
        from (
            select distinct f.rule_id, f.{ROW_NUMBER}, t.district, t.school_year
            from {quote(result.failing)} f join {quote(result.table)} t using ({ROW_NUMBER})
        )
        group by all order by all
    """).fetchall()
    shares: dict[str, tuple[Share, ...]] = {}
    for rule_id, district, year, count, rows in found:
        shares[rule_id] = (*shares.get(rule_id, ()), Share(district, year, count, tuple(rows)))
    return shares


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
