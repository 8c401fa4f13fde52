"""COPY in and out says the same, and a patch touches no other row."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, text

from sipetl.warehouse import Written, copy_in, copy_out, merge, patch

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
