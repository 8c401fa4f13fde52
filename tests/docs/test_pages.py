"""Pages are readable, their links lead somewhere, and their tables name what the code has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from sipetl.disclosure import load_policy
from sipetl.metrics.catalogue import Metric
from sipetl.plans.lint import RULES
from sipetl.plans.model import Benchmark, MagCategory, TargetPath
from sipetl.plans.status import Status
from tests.docs.pages import DOCS, ROOT, read, sections, table

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LONGEST = 150
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_lines_are_short_enough_to_read(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()

    assert [n for n, line in enumerate(lines, start=1) if len(line) > LONGEST and not line.startswith("|")] == []


def test_readme_links_every_page() -> None:
    linked = {target for target, _ in _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}

    assert {f"docs/{path.name}" for path in DOCS.glob("*.md")} <= linked


def words(cells: Iterable[str]) -> set[str]:
    """What stands in backticks."""
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def first_column(page: str, heading: str) -> set[str]:
    return words(row[0] for row in table(sections(read(page))[heading]))


def test_plan_page_names_keys_paths_statuses_and_categories() -> None:
    page = "write-a-plan.md"

    assert first_column(page, "Keys of a benchmark") == set(Benchmark.model_fields)
    assert first_column(page, "Paths") == {path.value for path in TargetPath}
    assert first_column(page, "Statuses") == {status.value for status in Status}
    assert {category.value for category in MagCategory} <= words([read(page)])


def test_plan_page_has_each_rules_own_words() -> None:
    listed = {
        row[0].strip("`"): (row[1], row[2])
        for row in table(sections(read("write-a-plan.md"))["What plan lint looks at"])
    }

    own = {rule: (severity.value, " ".join(str(check.__doc__).split())) for rule, (severity, check) in RULES.items()}
    assert {rule: said for rule, said in listed.items() if rule != "PL00"} == own


def test_metric_page_names_every_key() -> None:
    keys = {field.alias or name for name, field in Metric.model_fields.items()} - {"bound"}

    assert first_column("add-a-metric.md", "Keys of an entry") == keys


def test_privacy_page_has_the_limits_of_the_default_policy() -> None:
    listed = {row[0].strip("`"): (int(row[1]), row[2]) for row in table(sections(read("privacy.md"))["Small cells"])}

    families = load_policy("dese").families
    assert {name: minimum for name, (minimum, _) in listed.items()} == {n: f.minimum_n for n, f in families.items()}
    assert {n for n, (_, also) in listed.items() if "alike" in also} == {
        n for n, f in families.items() if f.all_alike
    }
    assert {n for n, (_, also) in listed.items() if "0 among" in also} == {
        n for n, f in families.items() if f.zero_is_small
    }
