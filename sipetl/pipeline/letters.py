"""The letter to the sender of a delivery: written beside the reports, in three forms."""

from __future__ import annotations

from dataclasses import replace

from sipetl.intake import harmless
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.quality import Letter, render_html, render_json, render_markdown
from sipetl.settings import Settings
from sipetl.warehouse.ledger import Delivery


def write_letter(settings: Settings, delivery: Delivery, outcome: DeliveryOutcome) -> None:
    """Write `reports/letters/<delivery>.{md,html,json}`."""
    folder = settings.reports_dir / "letters"
    folder.mkdir(parents=True, exist_ok=True)
    letter = Letter(
        delivery_id=str(delivery.delivery_id),
        sender=delivery.sender,
        file_name=delivery.file_name,
        received_at=delivery.received_at,
        parts=tuple(replace(part, reason=harmless(part.reason)) for part in outcome.parts),
        next_step=harmless(outcome.reason),
    )
    for suffix, render in (("md", render_markdown), ("html", render_html), ("json", render_json)):
        (folder / f"{delivery.delivery_id}.{suffix}").write_text(render(letter), encoding="utf-8")
