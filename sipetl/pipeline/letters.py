"""The letter to the sender of a delivery: written beside the reports, in three forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sipetl.intake import harmless
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.quality import Letter, PartOutcome, render_html, render_json, render_markdown
from sipetl.reports import make_private, write_private
from sipetl.settings import Settings
from sipetl.warehouse.ledger import Delivery

OF_THE_OFFICE = ("sipetl ", ".yaml")
"""What in a reason only somebody with the home at hand can do: a command, a file of the registry."""


def write_letter(settings: Settings, delivery: Delivery, outcome: DeliveryOutcome) -> None:
    """Write `reports/letters/<delivery>.{md,html,json}`."""
    folder = make_private(make_private(settings.reports_dir) / "letters")
    letter = Letter(
        delivery_id=str(delivery.delivery_id),
        sender=delivery.sender,
        file_name=delivery.file_name,
        received_at=delivery.received_at,
        parts=tuple(replace(part, reason=_told(part.reason)) for part in largest_first(outcome.parts)),
        next_step=_told(outcome.reason),
    )
    for suffix, render in (("md", render_markdown), ("html", render_html), ("json", render_json)):
        write_private(folder / f"{delivery.delivery_id}.{suffix}", render(letter))


def largest_first(parts: Sequence[PartOutcome]) -> list[PartOutcome]:
    """Files in their order; of each the part with the most rows first, which is what the file is of."""
    place = {member: at for at, member in enumerate(dict.fromkeys(part.member for part in parts))}
    return sorted(parts, key=lambda part: (place[part.member], -part.rows_here))


def _told(reason: str) -> str:
    """A reason as a sender reads it: in sentences, and what is the receiving office's to do named as such."""
    said = [one.strip(". ") for one in reason.split("; ") if one]
    ours = [one for one in said if any(word in one for word in OF_THE_OFFICE)]
    theirs = "; ".join(one for one in said if one not in ours)
    sentences = [_sentence(theirs), _sentence(f"For the receiving office: {'; '.join(ours)}" if ours else "")]
    return harmless(" ".join(sentence for sentence in sentences if sentence))


def _sentence(text: str) -> str:
    """A name that it begins with stays as it is."""
    first = text.split(" ", 1)[0]
    return f"{text[:1].upper() if first.isalpha() else text[:1]}{text[1:]}." if text else ""
