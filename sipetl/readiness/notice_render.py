"""A digest in three forms: HTML for a mail, Markdown for a ticket, JSON for a machine. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sipetl.rendering import templates

MOST_PLACES = 40
"""Districts listed in one line of a mail; the JSON has all."""


def render(content: Mapping[str, Any], suffix: str) -> str:
    """Render a digest's plain values as `md`, `html` or `json`."""
    if suffix == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return templates("sipetl.readiness").get_template(f"notice.{suffix}.j2").render(digest=content, most=MOST_PLACES)
