"""Which student group the students of a grade are: reference/grades.csv, for SQL and for Python."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "reference" / "grades.csv"


@cache
def grade_groups() -> Mapping[str, str]:
    """Grade code to student group: the three kindergartens are one; grades beyond 12 are in none."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["grade"]: row["student_group"] for row in csv.DictReader(file) if row["student_group"]}


def grade_group_sql(column: str) -> str:
    """The same as an expression over a column of grade codes."""
    grades: dict[str, list[str]] = defaultdict(list)
    for grade, group in grade_groups().items():
        grades[group].append(f"'{grade}'")
    cases = [f"when {column} in ({', '.join(codes)}) then '{group}'" for group, codes in grades.items()]
    return f"case {' '.join(cases)} end"
