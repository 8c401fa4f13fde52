"""COPY in and out says the same, and a patch touches no other row."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, text

from sipetl.warehouse import Written, append, bulk, copy_in, copy_out, copy_out_parts, merge, patch

SCHEMA = pa.schema([("code", pa.string()), ("n", pa.int64()), ("share", pa.decimal128(38, 18))])
CODES, COUNTS, SHARES = ['a,"b"\n', ""], [1, None], [None, "0.125"]
TABLE = Table("kept", MetaData(), Column("code", Text, primary_key=True), Column("n", BigInteger))
READ = "select code, n from pg_temp.kept order by code"


@pytest.fixture
def data() -> pa.Table:
    return pa.table([CODES, COUNTS, pa.array(SHARES).cast(SCHEMA.field("share").type)], SCHEMA)


def keep(connection: Connection) -> None:
    connection.execute(text("create temporary table kept (code text primary key, n bigint) on commit drop"))
    connection.execute(text("insert into kept values ('a', 1), ('b', 2), ('c', 3)"))


def kept(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(READ))]


def test_what_goes_in_by_copy_comes_out(connection: Connection, data: pa.Table) -> None:
    connection.execute(text("create temporary table there (code text, n bigint, share numeric) on commit drop"))
    copy_in(connection, "there", data)

    found = copy_out(connection, "select * from there where n = %(n)s or n is null", {"n": 1}, SCHEMA)
    none = copy_out(connection, "select * from there where n = %(n)s", {"n": 9}, SCHEMA)

    assert found.equals(data)
    assert none.equals(SCHEMA.empty_table())


def test_a_patch_writes_what_it_is_given_and_no_more(connection: Connection) -> None:
    keep(connection)

    written = patch(connection, TABLE, pa.table({"code": ["b", "d"], "n": [20, 4]}), pa.table({"code": ["c"]}))

    assert written == Written(upserted=2, deleted=1)
    assert kept(connection) == [("a", 1), ("b", 20), ("d", 4)]


def test_a_merge_deletes_only_within(connection: Connection) -> None:
    keep(connection)

    written = merge(connection, TABLE, pa.table({"code": ["b"], "n": [2]}), within="t.n > 1")

    assert written == Written(upserted=0, deleted=1)
    assert kept(connection) == [("a", 1), ("b", 2)]


def test_rows_that_are_not_there_yet_are_appended(connection: Connection) -> None:
    keep(connection)

    assert append(connection, TABLE, pa.table({"code": ["d", "e"], "n": [4, 5]})) == Written(upserted=2)

    assert kept(connection) == [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]


def test_a_row_that_is_there_after_all_is_brought_up_to_date(connection: Connection) -> None:
    keep(connection)

    assert append(connection, TABLE, pa.table({"code": ["c", "d", "a"], "n": [30, 4, 1]})) == Written(upserted=2)

    assert kept(connection) == [("a", 1), ("b", 2), ("c", 30), ("d", 4)]


def test_a_table_comes_out_in_parts(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(connection)
    monkeypatch.setattr(bulk, "PART_BYTES", 8)

    parts = list(copy_out_parts(connection, READ, {}, pa.schema([("code", pa.string()), ("n", pa.int64())])))

    assert [part.num_rows for part in parts] == [2, 1]
    assert pa.concat_tables(parts).to_pydict() == {"code": ["a", "b", "c"], "n": [1, 2, 3]}


def test_a_table_goes_in_in_parts(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(connection)
    monkeypatch.setattr(bulk, "PART_ROWS", 2)

    copy_in(connection, "kept", pa.table({"code": ["d", "e", "f"], "n": [4, 5, 6]}))

    assert [code for code, _ in kept(connection)] == ["a", "b", "c", "d", "e", "f"]
