"""The page on tables says what the database says."""

from __future__ import annotations

from sqlalchemy import Connection

from sipetl.warehouse.tables import metadata
from tests.docs.dictionary import tables_page
from tests.docs.pages import DOCS, assert_up_to_date, read, sections


def test_page_is_up_to_date(connection: Connection) -> None:
    assert_up_to_date(DOCS / "tables.md", tables_page(connection))


def test_every_table_says_its_grain() -> None:
    text = sections(read("tables.md"))

    keyless = {table.fullname for table in metadata.tables.values() if "One row per `" not in text[table.fullname]}
    assert keyless == {"ref.crosswalk"}
