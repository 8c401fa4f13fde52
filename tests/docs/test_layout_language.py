"""The page on layouts names every key that a layout can have, and no other; the schema for editors is the model's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel

import sipetl.intake.layout
from sipetl.errors import RegistryError
from sipetl.intake import load_layouts
from sipetl.intake.layout import Layout
from sipetl.registry.models import Model
from sipetl.registry.yamlfile import read_document
from tests.docs.layout_schema import PAGE, SECTIONS, as_text, described, layout_schema
from tests.docs.pages import DOCS, ROOT, assert_up_to_date, blocks, read

SHIPPED = sorted((ROOT / "sipetl" / "intake" / "layouts").glob("*.yaml"))
SCHEMA = layout_schema()
EXAMPLES = [(model, key, said[1]) for model, keys in described().items() for key, said in keys.items()]


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_page_has_a_section_for_every_model() -> None:
    models = {m for m in vars(sipetl.intake.layout).values() if isinstance(m, type) and issubclass(m, Model)}

    assert set(SECTIONS.values()) == models - {Model}


@pytest.mark.parametrize("model", SECTIONS.values(), ids=lambda model: model.__name__)
def test_page_names_the_keys_of_the_model_and_no_other(model: type[BaseModel]) -> None:
    assert set(described()[model.__name__]) == keys_of(model)


def errors(value: Any, at: str) -> list[str]:
    """What the schema, or a part of it, does not allow in a value."""
    validator = Draft202012Validator({**SCHEMA, "required": []} if not at else {"$defs": SCHEMA["$defs"], "$ref": at})
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize(("model", "key", "example"), EXAMPLES, ids=[f"{m}-{k}" for m, k, _ in EXAMPLES])
def test_every_key_has_an_example_that_the_model_takes(model: str, key: str, example: str) -> None:
    written = yaml.safe_load(example)

    assert list(written) == [key]
    part = SCHEMA if model == "Layout" else SCHEMA["$defs"][model]
    validator = Draft202012Validator({**part["properties"][key], "$defs": SCHEMA["$defs"]})
    assert [error.message for error in validator.iter_errors(written[key])] == []


def test_examples_in_blocks_are_parts_of_a_layout(tmp_path: Path) -> None:
    whole, *parts = [block.content for block in blocks(read(PAGE), "yaml")]
    (tmp_path / "acme_daily.yaml").write_text(whole, encoding="utf-8")

    assert "acme_daily" in {layout.layout for layout in load_layouts(tmp_path)}
    example = yaml.safe_load(whole)
    filled = [part for part in map(yaml.safe_load, parts) if part]
    assert len(filled) == 5
    assert [errors(part, "") for part in filled] == [[]] * len(filled)
    for part in filled:
        Layout.model_validate(example | part)


def test_years_inside_names_are_written_out_as_the_page_says() -> None:
    (block,) = (b for b in blocks(read(PAGE), "yaml") if b.content.startswith("long:"))
    layout = Layout.model_validate(
        yaml.safe_load(blocks(read(PAGE), "yaml")[0].content) | yaml.safe_load(block.content)
    )

    assert [
        (v.columns["metric"].value, v.columns["value"].source, v.school_year.value)
        for v in layout.long
        if v.school_year
    ] == [
        ("attendance_rate", ("Attendance Year 1",), "2015"),
        ("attendance_rate", ("Attendance Year 2",), "2016"),
        ("truancy_rate", ("Truancy Year 1",), "2015"),
        ("truancy_rate", ("Truancy Year 2",), "2016"),
    ]


def test_page_names_the_rules_that_mapping_has() -> None:
    from sipetl.intake.rules import RULES

    named = {word for word in read(PAGE).replace("`", " ").replace(")", " ").split() if word.startswith("MAP-")}
    assert named <= set(RULES)


def test_schema_is_up_to_date() -> None:
    assert_up_to_date(DOCS / "schema" / "layout.schema.json", as_text(SCHEMA))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_layout_is_valid_by_the_schema(path: Path) -> None:
    assert errors(read_document(path).data, "") == []
    assert Draft202012Validator(SCHEMA).is_valid(read_document(path).data)


def spoilt() -> Iterator[tuple[str, dict[str, Any]]]:
    """Layouts with one fault each."""
    good = yaml.safe_load(blocks(read(PAGE), "yaml")[0].content)
    yield "unknown key", good | {"colour": {}}
    yield "wrong type", good | {"version": "one"}
    yield "not a kind of scope", good | {"scope": {"kind": "everything"}}
    yield "no recognise", {key: value for key, value in good.items() if key != "recognise"}


@pytest.mark.parametrize(("what", "data"), list(spoilt()))
def test_schema_marks_what_the_model_refuses(what: str, data: dict[str, Any]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(data)
    with pytest.raises(ValueError):
        Layout.model_validate(data)


def test_a_column_with_from_and_value_is_found_by_check_alone(tmp_path: Path) -> None:
    whole = blocks(read(PAGE), "yaml")[0].content.replace("{value: day}", "{value: day, from: Mark}")
    (tmp_path / "both.yaml").write_text(whole, encoding="utf-8")

    assert Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(whole))
    with pytest.raises(RegistryError, match=r"both\.yaml:\d+"):
        load_layouts(tmp_path)
