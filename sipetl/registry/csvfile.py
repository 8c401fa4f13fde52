"""The registry's CSV files become checked rows, and every fault names its file and line.

They are lists that people keep in a spreadsheet. A line that begins with # is a comment.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from sipetl.errors import RegistryError
from sipetl.registry.models import Model
from sipetl.registry.spelling import CURES, cure

Row = TypeVar("Row", bound=Model)


def read_rows(path: Path, model: type[Row]) -> tuple[list[tuple[int, Row]], list[RegistryError]]:
    """Read the rows that fit, each with the line it ends on, and the faults of the others; no file is no rows."""
    if not path.exists():
        return [], []
    try:
        lines = list(_lines(path))
    except UnicodeDecodeError:
        fault = RegistryError("the file is not UTF-8 text", where=str(path), cure="save it as 'CSV UTF-8'")
        return [], [fault]
    if not lines:
        return [], []
    (number, header), *cells = lines
    wrong = list(_wrong_header(header, model, f"{path}:{number}"))
    if wrong:
        return [], wrong
    rows, faults = [], []
    for number, line in cells:
        try:
            rows.append((number, _row(header, line, model, f"{path}:{number}")))
        except RegistryError as fault:
            faults.append(fault)
    return rows, faults


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for line in reader:
            if any(cell.strip() for cell in line) and not line[0].lstrip().startswith("#"):
                yield reader.line_num, line


def _wrong_header(header: Sequence[str], model: type[Model], where: str) -> Iterator[RegistryError]:
    known = model.model_fields
    for name in header:
        if name not in known:
            yield RegistryError(f"the column {name!r} is not known", where=where, cure=cure(name, known))
    for name, info in known.items():
        if info.is_required() and name not in header:
            columns = f"the header is {','.join(known)}"
            yield RegistryError(f"the column {name!r} is missing", where=where, cure=columns)


def _row(header: Sequence[str], line: Sequence[str], model: type[Row], where: str) -> Row:
    if len(line) > len(header):
        why = f"the header has {len(header)} columns, the line {len(line)}"
        raise RegistryError("the line is too long", where=where, why=why, cure="put a cell with a comma in quotes")
    try:
        return model.model_validate({name: text for name, text in zip(header, line, strict=False) if text})
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise RegistryError(f"{column} is empty", where=where, cure="fill it in") from None
        says = str(first["msg"]).removeprefix("Value error, ")
        raise RegistryError(
            f"{column}: {says}", where=where, cure=CURES.get(first["type"], "mend the cell")
        ) from None
