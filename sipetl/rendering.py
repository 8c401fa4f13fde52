"""What people are sent is rendered alike: templates of a room as HTML, escaped, or as Markdown, escaped by the filter `md`."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@cache
def templates(room: str) -> Environment:
    """The templates of a room's package (`sipetl.quality`)."""
    environment = Environment(
        loader=PackageLoader(room, "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown
    return environment


def _markdown(value: object) -> str:
    """Escape text for one cell of a Markdown table: names of files, senders and owners are not ours."""
    return re.sub(r"([\\`*_\[\]#|<>&~])", r"\\\1", " ".join(str(value).split()))
