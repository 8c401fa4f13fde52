"""Polars, as one would write it by hand: lazy, streaming to Parquet."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
from clock import report

SCHEMA = dict.fromkeys(("student_number", "student_name", "school_code", "att_date", "att_code"), pl.String)


def intake(source: str, target: str) -> None:
    code = pl.col("att_code")
    query = pl.scan_csv(source, schema=SCHEMA).select(
        "student_number",
        "school_code",
        pl.col("att_date").str.to_date("%Y-%m-%d"),
        code.is_in(["P", "T", "D"]).alias("present"),
        (code == "AE").alias("excused"),
        (code == "T").alias("tardy"),
    )
    report(lambda: query.sink_parquet(target), lambda _: _look(target))


def _look(target: str) -> dict[str, object]:
    day = pl.col("att_date")
    return (
        pl.scan_parquet(target)
        .select(
            pl.len().alias("rows"),
            pl.col("student_number").n_unique().alias("students"),
            (~pl.col("present")).sum().alias("absent"),
            pl.col("excused").sum(),
            pl.col("tardy").sum(),
            day.min().cast(pl.String).alias("first"),
            day.max().cast(pl.String).alias("last"),
        )
        .collect()
        .to_dicts()[0]
    )


def metrics(lake: str) -> None:
    files = sorted(Path(lake).rglob("*.parquet"))
    each = pl.scan_parquet(files, hive_partitioning=False).group_by("school", "id_hash")
    absent = each.agg(pl.len().alias("days"), (~pl.col("present")).sum().alias("absent"))
    chronic = (10 * pl.col("absent") >= pl.col("days")).sum().alias("chronic")
    query = absent.group_by("school").agg(pl.len().alias("students"), chronic).sort("school")
    report(
        lambda: query.collect(engine="streaming"),
        lambda found: {school: [n, x] for school, n, x in found.iter_rows()},
    )


def checks(batch: str, schools: str, grades: str) -> None:
    frame = pl.read_parquet(batch)
    report(lambda: _failing(frame, schools, grades), lambda found: {"failing": [int(n) for n in found]})


def _failing(frame: pl.DataFrame, schools: str, grades: str) -> tuple[int, ...]:
    student, tested, score, mean = pl.col("student"), pl.col("tested"), pl.col("score"), pl.col("score").mean()
    row: tuple[int, ...] = frame.select(
        student.is_null().sum().alias("1"),
        (~student.str.contains(r"^[0-9]{9}$")).sum().alias("2"),
        (student.str.len_chars() != 9).sum().alias("3"),
        (~pl.col("school").is_in(json.loads(schools))).sum().alias("4"),
        pl.col("grade").is_null().sum().alias("5"),
        (~pl.col("grade").is_in(json.loads(grades))).sum().alias("6"),
        (~score.is_between(0, 600)).sum().alias("7"),
        (~pl.col("percentile").is_between(1, 99)).sum().alias("8"),
        (score > pl.col("best")).sum().alias("9"),
        (tested.is_not_null() & tested.str.to_date("%Y-%m-%d", strict=False).is_null()).sum().alias("10"),
        pl.struct("student", "tested", "school").is_duplicated().sum().alias("11"),
        ((mean < 250) | (mean > 350)).alias("12"),
    ).row(0)
    return row


if __name__ == "__main__":
    {"intake": intake, "metrics": metrics, "checks": checks}[sys.argv[1]](*sys.argv[2:])
