"""A small attendance layout, and the way from bytes to mapped rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from sipetl.intake import Layout, MapContext, Mapped, Member, Raw, identify, map_rows, read
from sipetl.privacy import Key

KEY = Key(bytes(range(32)))
CONTEXT = MapContext(authority="MA", key=KEY, sender_district="0101")
DAILY: dict[str, Any] = {
    "layout": "daily",
    "feed": "attendance",
    "title": "A day per row",
    "source": "made for these tests",
    "recognise": {"headers": ["Student", "School", "Day", "Code"]},
    "scope": {"kind": "window", "column": "attendance_date", "by": ["grain"]},
    "columns": {
        "population": {"value": "student"},
        "id_hash": {"from": "Student", "id": {"kind": "lasid"}},
        "school": {"from": "School", "crosswalk": "school"},
        "attendance_date": {"from": "Day", "parse": ["%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d"]},
        "grain": {"value": "day"},
        "present": {"from": "Code", "codes": {"P": True, "A": False}},
        "excused": {"from": "Excused", "codes": {"Y": True, "N": False}},
    },
    "drop": ["Name", "re:^Birth"],
}


HEADER = "Student,School,Day,Code,Excused\n"
COLUMNS = DAILY["columns"]


def layout(**changes: Any) -> Layout:
    """The daily layout with some of its keys changed."""
    return Layout.model_validate(DAILY | changes)


def columns(**changes: object) -> dict[str, object]:
    """The daily layout's columns with some changed, for `layout`."""
    return {"columns": COLUMNS | changes}


@dataclass
class Intake:
    """Runs the room on bytes."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    layouts: tuple[Layout, ...]
    context: MapContext = CONTEXT

    def member(self, data: bytes | str, name: str = "file.csv") -> Member:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return identify(path, name, self.layouts, scratch=scratch).members[0]

    def read(self, data: bytes | str, name: str = "file.csv") -> tuple[Member, Raw]:
        member = self.member(data, name)
        return member, read(self.con, member)

    def map(self, data: bytes | str, name: str = "file.csv", **context: Any) -> Mapped:
        member, raw = self.read(data, name)
        return map_rows(self.con, raw, member, replace(self.context, **context))

    def rows(self, mapped: Mapped, columns: str) -> list[tuple[Any, ...]]:
        return self.con.execute(f"select {columns} from {mapped.table} order by row_number").fetchall()

    def issues(self, mapped: Mapped) -> set[tuple[Any, ...]]:
        query = f"select row_number, rule_id, severity, column_name from {mapped.issues}"
        return set(self.con.execute(query).fetchall())
