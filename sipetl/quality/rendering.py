"""A letter as HTML, Markdown and JSON: the last step of the room, after `letter` has put it together."""

from __future__ import annotations

import json
from dataclasses import asdict

from sipetl.quality.letter import Finding, Letter, PartOutcome
from sipetl.rendering import templates


def render_html(letter: Letter) -> str:
    """Render a self-contained page, readable on a phone and with a screen reader."""
    return templates("sipetl.quality").get_template("letter.html.j2").render(letter=letter)


def render_markdown(letter: Letter) -> str:
    """Render Markdown for a mail or a ticket."""
    return templates("sipetl.quality").get_template("letter.md.j2").render(letter=letter)


def render_json(letter: Letter) -> str:
    """Render the letter for a machine; keys are the field names."""
    parts = [
        asdict(part) | {"rows_elsewhere": part.rows_elsewhere, "next_step": part.next_step, "findings": _plain(part)}
        for part in letter.parts
    ]
    whole = asdict(letter) | {"received_at": letter.received_at.isoformat(), "parts": parts}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _plain(part: PartOutcome) -> list[dict[str, object]]:
    return [_without_shares(finding) | {"where": finding.where} for finding in part.findings]


def _without_shares(finding: Finding) -> dict[str, object]:
    return {name: value for name, value in asdict(finding).items() if name != "shares"}
