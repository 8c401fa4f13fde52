"""The page on expectations says what the table of types says, and what is proven."""

from __future__ import annotations

from tests.docs.expectations import WIDTH, expectations_page
from tests.docs.pages import DOCS, assert_up_to_date


def test_page_is_up_to_date() -> None:
    page = expectations_page()

    assert_up_to_date(DOCS / "expectations.md", page)
    assert max(map(len, page.splitlines())) <= WIDTH
