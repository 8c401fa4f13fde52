"""The page on truth is compared last, when the truth tests have told what they found."""

from __future__ import annotations

import pytest

LAST = "test_truth_page.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the page's tests behind all others, whatever their order."""
    items.sort(key=lambda item: item.path.name == LAST)
