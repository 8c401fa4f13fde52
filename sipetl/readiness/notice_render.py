"""A digest in three forms: HTML for a mail, Markdown for a ticket, JSON for a machine. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

MOST_PLACES = 40
"""Districts listed in one line of a mail; the JSON has all."""


def render(content: Mapping[str, Any], suffix: str) -> str:
    """Render a digest's plain values as `md`, `html` or `json`."""
    if suffix == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return _environment().get_template(f"notice.{suffix}.j2").render(digest=content, most=MOST_PLACES)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sipetl.readiness", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown
    return environment


def _markdown(value: object) -> str:
    """Escape names and reasons: they are typed by people."""
    return re.sub(r"([\\`*_\[\]#|<>&~])", r"\\\1", " ".join(str(value).split()))
