"""What tests share: the sample files, and a real warehouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sipetl.settings import load_settings
from sipetl.warehouse import Warehouse, embedded, open_warehouse, upgrade

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample files beside the clone; never copied into the project."""
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("../shared/samples is absent, and CI must have it")
        pytest.skip("../shared/samples is not beside this clone")
    return folder


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A fresh embedded warehouse with all tables, for the whole session."""
    settings = load_settings(home=tmp_path_factory.mktemp("warehouse-home"))
    with open_warehouse(settings) as opened:
        upgrade(opened)
        yield opened
    embedded.remove(settings.home / "warehouse")


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    """A connection as the ETL role, whose work is rolled back after the test."""
    with warehouse.etl.connect() as opened:
        transaction = opened.begin()
        yield opened
        transaction.rollback()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: what a test needs is part of the set-up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
