"""A demo that has lived through all its days, and what its warehouse holds: shared by the tests against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sqlalchemy import text

from sipetl.demo import Script
from sipetl.pipeline import OpenHome, open_home
from sipetl.quality import Outcome
from sipetl.settings import Settings, load_settings

STUDENTS, SEED = 600, 1
KEYS = ["level", "organization", "school_year", "period_kind", "period_code", "metric", "student_group"]
SUMS = ["numerator", "denominator", "n"]
VALUES = """
    select o.level, o.code as organization, v.school_year, p.kind as period_kind, p.code as period_code, v.metric,
        v.student_group, v.numerator, v.denominator, v.n
    from metric.value v join ref.organization o using (organization_id) join ref.period p using (period_id)
"""


ENDED = "select file_name, status from ops.delivery order by received_at, delivery_id"


@dataclass(frozen=True)
class Ended:
    """What the ledger says of a file."""

    file_name: str
    status: Outcome


@dataclass(frozen=True)
class Lived:
    """A home after its last day; `values` are the integers of `metric.value`, by `KEYS`."""

    home: Path
    answers: Path
    script: Script
    outcomes: Sequence[Ended]
    values: pd.DataFrame

    @property
    def settings(self) -> Settings:
        """The home's settings on its last day."""
        return load_settings(home=self.home).on(self.script.days[-1].day)


def values_of(home: OpenHome) -> pd.DataFrame:
    """The integers of every metric value."""
    with home.warehouse.begin() as connection:
        return pd.DataFrame(connection.execute(text(VALUES)).mappings().all(), columns=[*KEYS, *SUMS])


def read_lived(home: Path, answers: Path) -> Lived:
    """Read a demo's home after its last day."""
    script = Script.from_inbox(home)
    with open_home(load_settings(home=home).on(script.days[-1].day)) as opened:
        with opened.warehouse.begin() as connection:
            rows = connection.execute(text(ENDED)).all()
        return Lived(
            home, answers, script, [Ended(name, Outcome(status)) for name, status in rows], values_of(opened)
        )


def differences(expected: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Say where two tables of integers differ, the first ten; a row that only one side has is a difference."""
    both = expected.merge(found, on=KEYS, how="outer", suffixes=("", "_found"), indicator="side")
    wrong = both[
        (both["side"] != "both")
        | (both[SUMS].to_numpy() != both[[f"{s}_found" for s in SUMS]].to_numpy()).any(axis=1)
    ]
    return [
        f"{'/'.join(str(row[key]) for key in KEYS)}: expected {_integers(row, '')}, found {_integers(row, '_found')}"
        for _, row in wrong.head(10).iterrows()
    ] + ([f"and {len(wrong) - 10} more"] if len(wrong) > 10 else [])


def _integers(row: pd.Series, suffix: str) -> str:
    numbers = [row[f"{name}{suffix}"] for name in SUMS]
    return "nothing" if pd.isna(numbers[0]) else "/".join(str(int(number)) for number in numbers)
