"""One running Airflow for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.flows.airflow_home import Airflow, run_airflow
from tests.home import Site


@pytest.fixture(scope="package")
def airflow(make_site: Callable[[], Site]) -> Iterator[Airflow]:
    """Scheduler, dag-processor and api-server, on a home of two districts; even idle they take a third of a core."""
    with run_airflow(make_site()) as running:
        yield running
