"""A file's whole way through intake and quality, for tests of the reviewed data: identify, read, map, check, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from sipetl.intake import MapContext, Mapped, Member, identify, load_layouts, map_rows, read
from sipetl.privacy import Key
from sipetl.quality import Split, load_suite, run_suite, split
from tests.generate import PRIVATE, ROWS, Fate, Generated

SUITES = Path(__file__).parents[1] / "expectations"
LAYOUTS = load_layouts()
DISTRICT = "3501"
SCHOOLS = {
    "HEA": "35010010",
    "SHS": "35010020",
    "BRN": "35010030",
    "Mt. Bachelor Middle School": "35010301",
    "Mt. Hood High School": "35010501",
    "Three Sisters Elementary School": "35010011",
    "St. Helens Elementary School": "35010012",
    "Grand Bend Elementary School": "35010013",
    "Grand Bend Middle School": "35010302",
    "School 1": "35010014",
}


@dataclass(frozen=True)
class Taken:
    """A file that went all the way to the gate."""

    con: duckdb.DuckDBPyConnection
    member: Member
    mapped: Mapped
    gate: Split
    warned: frozenset[str]
    """Rules of the suite that did not hold, critical ones left out."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Query the mapped table, as `t`."""
        return self.con.execute(query.replace("from t", f"from {self.mapped.table} t")).fetchall()

    def good(self, query: str) -> list[tuple[Any, ...]]:
        """Query the rows that passed the gate, as `t`."""
        return self.con.execute(query.replace("from t", f'from "{self.gate.good}" t')).fetchall()

    def one(self, query: str) -> Any:
        ((value,),) = self.rows(query)
        return value

    @property
    def issues(self) -> Counter[tuple[str, str, str]]:
        found = self.con.execute(f"select rule_id, severity, column_name from {self.mapped.issues}").fetchall()
        return Counter(found)

    def whole(self) -> bool:
        """Is every row of the file accounted for?"""
        (kept,) = self.con.execute(f"select count(distinct row_number) from {self.mapped.table}").fetchone() or (0,)
        m = self.mapped
        return bool(kept + m.quarantined + m.skipped + m.repeated == m.rows_read)


class Take(Protocol):
    """Identify, read, map and check a file; `name` is what the sender called it."""

    def __call__(self, path: Path, name: str = "", *, sender: str | None = DISTRICT) -> Taken: ...


@contextmanager
def taking(scratch: Path) -> Iterator[Take]:
    """A connection with one district's crosswalk, and the way from a file to the gate on it."""
    with duckdb.connect() as con:
        con.execute("create table map_districts (code varchar, district varchar)")
        con.execute("insert into map_districts values ('3501', '3501'), ('35010000', '3501')")
        con.execute(
            "create table map_crosswalk "
            "(district varchar, local_code varchar, organization varchar, valid_from date, valid_to date)"
        )
        codes = {name.lower(): code for name, code in SCHOOLS.items()} | {code: code for code in SCHOOLS.values()}
        rows = [[DISTRICT, local, code] for local, code in codes.items()]
        con.executemany("insert into map_crosswalk values (?, ?, ?, null, null)", rows)

        def taken(path: Path, name: str = "", *, sender: str | None = DISTRICT) -> Taken:
            (member,) = identify(path, name or path.name, LAYOUTS, scratch=scratch)
            context = MapContext(authority="MA", key=Key(b"k" * 32), sender_district=sender)
            mapped = map_rows(con, read(con, member), member, context)
            result = run_suite(con, mapped.table, load_suite(SUITES / f"{member.layout.feed}.json"))
            gate = split(con, mapped.table, result)
            failed = {r.rule_id for r in result.rules if not r.success and r.severity != "critical"}
            return Taken(con, member, mapped, gate, frozenset(failed))

        yield taken


def assert_fates(got: Taken, file: Generated) -> None:
    """Every row ended where its fate says, every header is known, and nothing private is in any column."""
    assert got.whole()
    assert got.mapped.rows_read == ROWS
    assert got.mapped.quarantined == len(file.fates[Fate.QUARANTINED])
    assert got.mapped.skipped == len(file.fates[Fate.SKIPPED])
    assert got.gate.rows_quarantined == len(file.fates[Fate.REFUSED])
    assert "MAP-UNKNOWN-COLUMN" not in {rule for rule, _, _ in got.issues}
    texts = [name for name, kind, *_ in got.rows("describe from t") if kind == "VARCHAR"]
    leaks = " or ".join(f"contains(\"{name}\", '{PRIVATE}')" for name in texts)
    kept = got.rows(f"select count(*) from t where {leaks}")
    assert kept == [(0,)]
