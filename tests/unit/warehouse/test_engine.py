"""Every connection is such that the server notices when its host is gone."""

from __future__ import annotations

from sqlalchemy import Connection

from sipetl.warehouse import Warehouse
from sipetl.warehouse.engine import KEEPALIVES


def seen(connection: Connection) -> dict[str, int]:
    return {name: int(connection.exec_driver_sql(f"show {name}").scalar_one()) for name in KEEPALIVES}


def test_a_host_that_is_gone_keeps_its_locks_for_a_minute(warehouse: Warehouse) -> None:
    idle, interval, count = KEEPALIVES.values()
    assert idle + interval * count == 60

    for engine in (warehouse.etl, warehouse.owner):
        with engine.connect() as connection:
            assert seen(connection) == KEEPALIVES
            connection.rollback()
            assert seen(connection) == KEEPALIVES, "for the session, not for a transaction"
