"""A warehouse that is away is waited for, and nothing is lost; one that a person must mend is not."""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from sipetl.errors import ConfigError, StoreError, WarehouseError
from sipetl.pipeline import batch, bring
from sipetl.registry.models import FeedName
from sipetl.settings import Settings
from sipetl.warehouse import bulk, embedded
from tests.home import Site, attendance, make_database, present, roster, students, weekdays, write_home

ingesting = importlib.import_module("sipetl.pipeline.ingest")  # the room's face has a function of this name
PEOPLE = students(20)
GOOD = attendance(PEOPLE, weekdays(date(2025, 9, 8), 5), present)


def on(site: Site, statement: str) -> None:
    """Something that an administrator does to the database."""
    plain = site.url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)


def with_url(site: Site, **changed: str) -> Settings:
    url = make_url(site.url).set(**changed)
    return site.settings.model_copy(update={"warehouse_url": url.render_as_string(hide_password=False)})


@pytest.mark.parametrize("changed", [{"password": "wrong-word"}, {"username": "nobody"}, {"database": "nowhere"}])
def test_a_refused_login_is_a_person_s_to_mend(site: Site, changed: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="sipetl_warehouse") as raised:
        batch.ingest(with_url(site, **changed), ["3501"], "attendance")

    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    ("done", "cure"),
    [
        ("drop table ops.step cascade", "sipetl db upgrade"),
        ("alter table ops.delivery rename column sha256 to sha", "sipetl db upgrade"),
        ("revoke all on all tables in schema ops from sipetl_owner", "lacks a right"),
    ],
)
def test_tables_that_are_not_as_they_were_made_are_a_person_s_to_mend(site: Site, done: str, cure: str) -> None:
    site.put("att.csv", GOOD)
    on(site, done)

    with pytest.raises(ConfigError, match=cure):
        batch.ingest(site.settings, ["3501"], "attendance")


def test_tables_of_a_newer_version_are_told(site: Site) -> None:
    on(site, "update ops.alembic_version set version_num = '0999'")

    done = site.run("ingest")

    assert done.status == ConfigError.exit_status
    assert "newer sipetl" in done.err
    assert "Traceback" not in done.err


@dataclass
class Own:
    """A home on a server of its own, that tests may kill."""

    site: Site
    base: Path
    leases: ExitStack

    def kill(self) -> None:
        """The server is gone at once, in the middle of whatever it does."""
        folder = embedded.status(self.base).folder
        pid = int((folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while embedded.status(self.base).running and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not embedded.status(self.base).running

    def start(self) -> None:
        """It is back, on the same port."""
        self.leases.enter_context(embedded.use(self.base))

    def what_is_there(self) -> tuple[object, ...]:
        deliveries = self.site.sql("select file_name, status from ops.delivery order by 1, 2")
        parts = self.site.sql("select feed, status, sum(rows_good) from ops.delivery_part group by 1, 2 order by 1")
        rows = [self.site.lake(feed, "select count(*) from rows") for feed in (FeedName.ROSTER, FeedName.ATTENDANCE)]
        return deliveries, parts, rows

    def values(self) -> list[tuple[object, ...]]:
        columns = "organization_id, metric, student_group, period_id, value, n"
        return self.site.sql(f"select {columns} from metric.value order by {columns}")


@pytest.fixture(scope="module")
def base(make_quick: Callable[[str], Path]) -> Iterator[Path]:
    """Where the server is: made once."""
    base = make_quick("killed") / "warehouse"
    yield base
    embedded.remove(base)


@pytest.fixture
def own(base: Path, tmp_path: Path) -> Iterator[Own]:
    with ExitStack() as leases:
        lease = leases.enter_context(embedded.use(base))
        make_database(lease, tmp_path.name)
        (tmp_path / "home").mkdir()
        site = Site(write_home(tmp_path / "home"), lease.url("owner", tmp_path.name))
        site.put("students_export_2025-09-05.csv", roster(PEOPLE))
        for week in (8, 15):
            days = weekdays(date(2025, 9, week), 5)
            site.put(f"att-{week}.csv", attendance(PEOPLE, days, present))
        yield Own(site, base, leases)


ALL_THERE = (
    [("att-15.csv", "accepted"), ("att-8.csv", "accepted"), ("students_export_2025-09-05.csv", "accepted")],
    [("attendance", "accepted", 200), ("roster", "accepted", 20)],
    [[(20,)], [(200,)]],
)


def killing(own: Own, module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The server goes just before, or just after, the second call of a function."""
    real, calls = getattr(module, name), iter(range(1000))

    def once(*given: Any, **named: Any) -> Any:
        is_second = next(calls) == 1
        if is_second and not after:
            own.kill()
        done = real(*given, **named)
        if is_second and after:
            own.kill()
        return done

    monkeypatch.setattr(module, name, once)


def test_a_server_that_is_down_at_the_start_is_waited_for(own: Own) -> None:
    with own.site.open():
        own.kill()
    done = own.site.run("ingest")
    with pytest.raises(WarehouseError):
        batch.compute(own.site.settings)
    own.start()

    assert done.status == WarehouseError.exit_status
    assert "Traceback" not in done.err
    assert own.site.run("ingest").status == 0
    assert own.what_is_there() == ALL_THERE


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [(ingesting, "land", True), (bring, "commit", True), (bring, "accept_part", False), (bulk, "copy_in", False)],
)
def test_a_server_that_goes_during_an_ingest_loses_nothing(
    own: Own, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, after: bool
) -> None:
    killing(own, module, name, monkeypatch, after=after)

    done = own.site.run("ingest")
    own.start()
    again = [own.site.run("ingest").status for _ in range(2)]

    assert (done.status, again) == (StoreError.exit_status, [0, 0])
    assert "Traceback" not in done.err
    assert own.what_is_there() == ALL_THERE


@pytest.mark.parametrize("after", [False, True])
def test_a_server_that_goes_during_a_computation_leaves_it_to_the_next(
    own: Own, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    assert own.site.run("ingest").status == 0
    killing(own, bulk, "copy_in", monkeypatch, after=after)

    with pytest.raises(StoreError):
        batch.compute(own.site.settings)
    own.start()
    batch.compute(own.site.settings)
    values = own.values()

    assert len(values) > 100
    assert batch.compute(own.site.settings)["partitions"] == 0
    batch.compute(own.site.settings, everything=True)
    assert own.values() == values
