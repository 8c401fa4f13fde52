"""A draft as YAML with comments, the way a person would write a layout."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

WIDTH = 110
_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_ ./()+-]*[A-Za-z0-9)]$|^[A-Za-z]$")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def scalar(value: object) -> str:
    """A value as YAML; a text that could be read as anything else is quoted."""
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    text = str(value)
    if "  " not in text and _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def block(key: str, value: Any, indent: int = 0) -> Iterator[str]:
    """A key and its value: on one line where that fits, else over several."""
    pad = " " * indent
    line = f"{pad}{scalar(key)}: {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        yield line
        return
    yield f"{pad}{scalar(key)}:"
    if isinstance(value, Mapping):
        for inner, part in value.items():
            yield from block(inner, part, indent + 2)
        return
    for part in value:
        yield from item(part, indent + 2)


def item(value: Any, indent: int) -> Iterator[str]:
    """An entry of a list."""
    pad = " " * indent
    line = f"{pad}- {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, Mapping):
        yield line
        return
    lines = [text for inner, part in value.items() for text in block(inner, part, indent + 2)]
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def comment(text: str, indent: int = 0) -> Iterator[str]:
    """A comment, wrapped; line ends inside it are spaces."""
    pad = " " * indent
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return (f"{pad}# {line}" for line in textwrap.wrap(plain, WIDTH - indent - 2) or [""])


def comments(texts: Iterable[str], indent: int = 0) -> Iterator[str]:
    """Comments, one after the other."""
    for text in texts:
        yield from comment(text, indent)
