"""dlt: the CSV as Arrow batches into DuckDB, with its load packages and its schema."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from clock import report

LOOK = """
select
    count(*) as rows, count(distinct student_number) as students, count(*) filter (not present) as absent,
    count(*) filter (excused) as excused, count(*) filter (tardy) as tardy,
    min(att_date)::date::varchar as first, max(att_date)::date::varchar as last
from bench.attendance
"""


def intake(source: str, target: str) -> None:
    folder = Path(target)
    folder.mkdir()
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    destination = dlt.destinations.duckdb(str(folder / "target.duckdb"))
    pipeline = dlt.pipeline(
        "bench", destination=destination, dataset_name="bench", pipelines_dir=str(folder / "pipelines")
    )
    report(
        lambda: pipeline.run(_batches(source), table_name="attendance", write_disposition="replace"),
        lambda _: _look(folder / "target.duckdb"),
    )


def _batches(source: str) -> Iterator[pa.Table]:
    names = ["student_number", "school_code", "att_date", "att_code"]
    types = {"student_number": pa.string(), "att_date": pa.date32()}
    options = pyarrow.csv.ConvertOptions(include_columns=names, column_types=types)
    reading = pyarrow.csv.ReadOptions(block_size=32 << 20)
    for batch in pyarrow.csv.open_csv(source, read_options=reading, convert_options=options):
        table = pa.Table.from_batches([batch])
        code = table["att_code"]
        flags: dict[str, Any] = {
            "present": pc.is_in(code, pa.array(["P", "T", "D"])),
            "excused": pc.equal(code, "AE"),
            "tardy": pc.equal(code, "T"),
        }
        for name, column in flags.items():
            table = table.append_column(name, column)
        yield table.drop_columns(["att_code"])


def _look(file: Path) -> dict[str, Any]:
    with duckdb.connect(str(file)) as con:
        found = con.execute(LOOK)
        names = [column[0] for column in found.description or ()]
        return dict(zip(names, found.fetchall()[0], strict=True))


if __name__ == "__main__":
    {"intake": intake}[sys.argv[1]](*sys.argv[2:])
