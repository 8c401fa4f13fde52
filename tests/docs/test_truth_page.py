"""The page on truth says what this session's truth tests found, where all of them ran."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, assert_up_to_date
from tests.truth.truth_page import HEAD, PAGE, page

TRUTH = ROOT / "tests" / "truth"
TELLING = {path for path in TRUTH.glob("test_*.py") if "tests.truth.truth_page" in path.read_text(encoding="utf-8")}
"""Files whose tests tell what they found."""


def has_all_truth(request: pytest.FixtureRequest) -> bool:
    """Whether this session runs every test that tells something: none left out, by name or for want of samples."""
    config = request.config
    is_chosen = config.option.keyword or config.option.markexpr or any("::" in given for given in config.args)
    has_samples = (ROOT.parent / "shared" / "samples").is_dir()
    collected = {item.path for item in request.session.items}
    return not is_chosen and not config.getoption("lf") and has_samples and collected >= TELLING


@pytest.mark.samples
def test_page_says_what_the_truth_tests_found(request: pytest.FixtureRequest) -> None:
    assert len(TELLING) >= 6
    if has_all_truth(request):
        assert_up_to_date(PAGE, page())
    assert PAGE.read_text(encoding="utf-8").startswith(HEAD)
