from __future__ import annotations

from pathlib import Path

import pytest

from sipetl.disclosure import load_policy
from sipetl.disclosure.policy import FOLDER
from sipetl.errors import RegistryError
from sipetl.metrics import load_catalogue


@pytest.mark.parametrize(
    ("family", "minimum"), [("discipline", 6), ("attendance", 6), ("assessment", 10), ("survey", 10), ("other", 10)]
)
def test_dese_hides_below_the_minimum_that_was_observed(family: str, minimum: int) -> None:
    assert load_policy("dese").limits(family).minimum_n == minimum


@pytest.mark.parametrize("name", [path.stem for path in FOLDER.glob("*.yaml")])
def test_every_preset_loads_under_its_own_name(name: str) -> None:
    assert load_policy(name).policy == name


def test_only_the_preset_that_shows_counts_cannot_be_released() -> None:
    policies = [load_policy(path.stem) for path in FOLDER.glob("*.yaml")]

    assert {p.policy for p in policies if not p.releasable} == {"dese_display"}
    assert {p.policy for p in policies if not p.hides_counts} == {"dese_display"}


def test_every_family_of_the_catalogue_has_limits_of_its_own_in_dese() -> None:
    families = {metric.minimum_n for metric in load_catalogue().entries}

    assert families <= set(load_policy("dese").families)


def test_a_home_overrides_a_preset(tmp_path: Path) -> None:
    own = "policy: dese\ntitle: Stricter\nfamilies:\n  default: {minimum_n: 20}\n"
    (tmp_path / "dese.yaml").write_text(own, encoding="utf-8")

    assert load_policy("dese", tmp_path).limits("attendance").minimum_n == 20
    assert load_policy("ferpa10", tmp_path).limits("attendance").minimum_n == 10


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("policy: mine\ntitle: T\nfamilies:\n  survey: {minimum_n: 3}\n", "default"),
        ("policy: mine\ntitle: T\nhides_counts: false\nfamilies:\n  default: {minimum_n: 3}\n", "releasable"),
        ("policy: mine\ntitle: T\nfamilies:\n  default: {minimum_n: -1}\n", "minimum_n"),
        ("policy: other\ntitle: T\nfamilies:\n  default: {minimum_n: 3}\n", "calls itself"),
    ],
)
def test_a_policy_that_does_not_hold_together_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "mine.yaml").write_text(content, encoding="utf-8")

    with pytest.raises(RegistryError, match=told):
        load_policy("mine", tmp_path)


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RegistryError, match="dese, dese_display, ferpa10"):
        load_policy("nobody")
