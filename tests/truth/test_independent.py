"""The pipeline's integers once more, from the inbox files and the registry alone, by code that shares nothing with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
import pytest

from tests.truth.lived import Lived, differences
from tests.truth.plain import Home
from tests.truth.plain_attendance import attendance
from tests.truth.plain_results import results, survey
from tests.truth.truth_page import tell

FAMILIES = {
    "attendance": (attendance, r"attend|absen|unexcused", 10),
    "interim tests": (results, r"^(?:map|iready)_", 14),
    "survey": (survey, r"^survey_favorable_(?!.*_teacher$)", 4),
}


def test_the_independent_computation_imports_nothing_of_the_product() -> None:
    for path in Path(__file__).parent.glob("plain*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        ours = {name for name in names if name.split(".")[0] in {"sipetl", "tests"}}
        assert all(name.startswith("tests.truth.plain") for name in ours), path.name


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_school_has_the_integers_of_the_files(lived: Lived, family: str) -> None:
    compute, names, metrics = FAMILIES[family]
    values = lived.values
    found = values[(values["level"] == "school") & values["metric"].str.contains(names)]

    expected = pd.DataFrame(compute(Home(lived.home, lived.script.days[-1].day)))

    assert expected["metric"].nunique() == metrics
    assert differences(expected, found) == []
    tell(
        f"Our own: the demo's inbox files computed a second time, {family}",
        len(expected),
        len(expected),
        "numerator, denominator and n of every school, period and group",
    )
