"""Writing vendor files: whole columns at once, byte for byte the same for the same seed.

Two ways: `write_table` for files of columns, and `write_lines` for attendance, where a line is an enrolment's part
and a day's part joined, which is several times faster than formatting each cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from sipetl.demo.dates import Days

LINES_AT_ONCE = 1_000_000
Columns = Mapping[str, pa.Array]


def text(values: npt.NDArray[Any] | Sequence[Any], *, unknown: str | None = None) -> pa.Array:
    """Numbers as text."""
    found = pc.cast(pa.array(np.asarray(values)), pa.string())
    return found if unknown is None else pc.fill_null(found, unknown)


def pick(labels: Sequence[str] | pa.Array, index: npt.NDArray[Any], *, unknown: str | None = None) -> pa.Array:
    """The label at each index; -1 gives `unknown` (None: no value)."""
    values = labels if isinstance(labels, pa.Array) else pa.array(labels, pa.string())
    where = np.asarray(index, np.int64)
    found = values.take(pa.array(where, mask=where < 0))
    return found if unknown is None else pc.fill_null(found, unknown)


def days_text(days: Days, style: str = "%Y-%m-%d") -> pa.Array:
    """Days as text; each distinct day is formatted once. `%-m/%-d/%Y` is written without zero padding."""
    distinct, at = np.unique(days, return_inverse=True)
    plain = style == "%-m/%-d/%Y"
    labels = [f"{d.month}/{d.day}/{d.year}" if plain else d.strftime(style) for d in distinct.astype(object)]
    return pick(labels, at)


def constant(value: str | None, count: int) -> pa.Array:
    """The same cell in every row."""
    return pa.nulls(count, pa.string()) if value is None else pa.repeat(pa.scalar(value), count)


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts put together, row by row."""
    return pc.binary_join_element_wise(*parts, "")


def complete(header: Sequence[str], columns: Columns, blank: str | None = None) -> dict[str, pa.Array]:
    """All columns of a header in its order; what is not given is blank."""
    unknown = set(columns) - set(header)
    if unknown:
        raise KeyError(f"not in the header: {sorted(unknown)}")
    count = len(next(iter(columns.values())))
    empty = constant(blank, count)
    return {name: columns.get(name, empty) for name in header}


def write_table(path: Path, columns: Columns, *, quoted: bool = False, bom: bool = False) -> Path:
    """Write columns as CSV; `quoted` puts every value into quotes, header included, as Aspen and NWEA do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(columns)
    head = ",".join(f'"{name}"' if quoted else _cell(name) for name in names) + "\n"
    table = pa.Table.from_arrays(list(columns.values()), names=[str(at) for at in range(len(names))])
    style = "all_valid" if quoted else "none"
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=style)
    with path.open("wb") as file:
        file.write(("\ufeff" if bom else "").encode() + head.encode())
        pyarrow.csv.write_csv(table, file, options)
    return path


def _cell(name: str) -> str:
    return f'"{name}"' if "," in name else name


def write_lines(path: Path, header: str, parts: Sequence[tuple[pa.Array, npt.NDArray[Any]]]) -> Path:
    """Write lines made of parts: each part is a list of texts and the index into it of every line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(header.encode() + b"\n")
        for start in range(0, parts[0][1].size, LINES_AT_ONCE):
            chunk = slice(start, start + LINES_AT_ONCE)
            _append(file, [labels.take(pa.array(index[chunk])) for labels, index in parts])
    return path


def _append(file: BinaryIO, parts: list[pa.Array]) -> None:
    lines = pc.binary_join_element_wise(*parts, "")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    file.write(memoryview(lines.buffers()[2])[: int(offsets[len(lines)])])


def append_rows(path: Path, lines: Sequence[str]) -> None:
    """Add lines to the end of a file (planted defects)."""
    with path.open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)
