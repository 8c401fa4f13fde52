"""pandas, as one would write it by hand: no ledger, no replacing, no hashing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
from clock import report
from frames import look_at, read_attendance


def intake(source: str, target: str) -> None:
    report(lambda: read_attendance(source).to_parquet(target), lambda _: look_at(pd.read_parquet(target)))


def metrics(lake: str) -> None:
    report(lambda: _chronic(lake), lambda found: {school: [int(n), int(x)] for school, n, x in found.itertuples()})


def _chronic(lake: str) -> pd.DataFrame:
    files = sorted(Path(lake).rglob("*.parquet"))
    columns = ["school", "id_hash", "present"]
    rows = pd.concat([pd.read_parquet(file, columns=columns, partitioning=None) for file in files])
    each = rows.groupby(["school", "id_hash"], sort=False)["present"].agg(["size", "sum"])
    each["chronic"] = 10 * (each["size"] - each["sum"]) >= each["size"]
    return each.groupby("school")["chronic"].agg(["size", "sum"])


def checks(batch: str, schools: str, grades: str) -> None:
    frame = pd.read_parquet(batch)
    report(lambda: _failing(frame, schools, grades), lambda found: {"failing": [int(n) for n in found]})


def _failing(f: pd.DataFrame, schools: str, grades: str) -> list[int]:
    student, tested = f["student"], f["tested"]
    dates = pd.to_datetime(tested, format="%Y-%m-%d", errors="coerce")
    return [
        student.isna().sum(),
        (student.notna() & ~student.str.fullmatch(r"[0-9]{9}").fillna(True).astype(bool)).sum(),
        (student.str.len().fillna(9) != 9).sum(),
        (~f["school"].isin(json.loads(schools))).sum(),
        f["grade"].isna().sum(),
        (f["grade"].notna() & ~f["grade"].isin(json.loads(grades))).sum(),
        (~f["score"].between(0, 600)).sum(),
        (~f["percentile"].between(1, 99)).sum(),
        (f["score"] > f["best"]).sum(),
        (tested.notna() & dates.isna()).sum(),
        f.duplicated(["student", "tested", "school"], keep=False).sum(),
        not 250 <= f["score"].mean() <= 350,
    ]


if __name__ == "__main__":
    {"intake": intake, "metrics": metrics, "checks": checks}[sys.argv[1]](*sys.argv[2:])
