"""The JSON schema of a layout, for editors: from the model, with the page's own words as help."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from sipetl.intake.layout import Column, File, Id, Layout, Long, Melt, Recognise, Rows, Scope, Years
from tests.docs.pages import read, sections, table

PAGE = "layout-language.md"
SECTIONS: dict[str, type[BaseModel]] = {
    "Keys of a layout": Layout,
    "Keys of recognise": Recognise,
    "Keys of school_years": Years,
    "Keys of file": File,
    "Keys of a row condition": Rows,
    "Keys of a column": Column,
    "Keys of id": Id,
    "Keys of scope": Scope,
    "Keys of long": Long,
    "Keys of melt": Melt,
}
"""Heading of the page -> the model whose keys stand below it."""


def described() -> dict[str, dict[str, tuple[str, str]]]:
    """By model: each key of the page, what it says, and its example."""
    text = sections(read(PAGE))
    return {
        model.__name__: {key.strip('`"'): (says, example.strip("`")) for key, says, example in table(text[heading])}
        for heading, model in SECTIONS.items()
    }


def layout_schema() -> dict[str, Any]:
    """The schema: what the model says, in the page's words."""
    schema = Layout.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for name, keys in described().items():
        properties = schema["properties"] if name == "Layout" else schema["$defs"][name]["properties"]
        for key, (says, _) in keys.items():
            properties[key]["description"] = says.replace("`", "'")
    return schema


def as_text(schema: dict[str, Any]) -> str:
    """The schema as its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
