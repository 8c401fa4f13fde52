"""pandera on pandas, lazy: all failures are collected."""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd
import pandera.pandas as pa
from clock import report


def checks(batch: str, schools: str, grades: str) -> None:
    frame = pd.read_parquet(batch)
    schema = _schema(json.loads(schools), json.loads(grades))
    report(lambda: _validate(schema, frame), lambda found: {"failing": found})


def _schema(schools: list[str], grades: list[str]) -> pa.DataFrameSchema:
    named: dict[str, Any] = {
        "student": pa.Column(
            nullable=False,
            checks=[
                pa.Check(lambda s: s.str.fullmatch(r"[0-9]{9}"), error="2"),
                pa.Check(lambda s: s.str.len() == 9, error="3"),
            ],
        ),
        "school": pa.Column(checks=pa.Check.isin(schools, error="4")),
        "grade": pa.Column(nullable=False, checks=pa.Check.isin(grades, error="6")),
        "score": pa.Column(
            checks=[
                pa.Check.in_range(0, 600, error="7"),
                pa.Check(lambda s: 250 <= s.mean() <= 350, error="12"),
            ]
        ),
        "percentile": pa.Column(checks=pa.Check.in_range(1, 99, error="8")),
        "tested": pa.Column(
            nullable=True,
            checks=pa.Check(lambda s: pd.to_datetime(s, format="%Y-%m-%d", errors="coerce").notna(), error="10"),
        ),
    }
    of_rows = [
        pa.Check(lambda f: f["best"] >= f["score"], error="9"),
        pa.Check(lambda f: ~f.duplicated(["student", "tested", "school"], keep=False), error="11"),
    ]
    return pa.DataFrameSchema(named, checks=of_rows)


def _validate(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> list[int]:
    try:
        schema.validate(frame, lazy=True)
        return [0] * 12
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    found = [0] * 12
    of_null = {"student": 0, "grade": 4}
    for (column, check), group in cases.groupby(["column", "check"], dropna=False):
        position = of_null[column] if check == "not_nullable" else int(check) - 1
        found[position] = int(group["index"].nunique()) if position != 11 else 1
    return found


if __name__ == "__main__":
    {"checks": checks}[sys.argv[1]](*sys.argv[2:])
