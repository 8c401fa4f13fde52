"""A new home, as `sipetl init` makes it."""

from __future__ import annotations

import pytest

from sipetl.warehouse import embedded
from tests.home import command, make_database


@pytest.fixture(scope="module")
def home(server: embedded.Lease, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Its settings."""
    folder = tmp_path_factory.mktemp("new-home")
    make_database(server, folder.name)
    settings = {"SIPETL_HOME": str(folder), "SIPETL_WAREHOUSE_URL": server.url("owner", folder.name)}
    done = command("--as-of", "2025-11-10", "init", str(folder), **settings)
    assert done.status == 0, done.err
    return settings
