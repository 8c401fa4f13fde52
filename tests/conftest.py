"""What tests share: the sample files, one real PostgreSQL server, and homes on it."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection

from sipetl.demo import generate
from sipetl.publish import apply_views
from sipetl.settings import EngineName, load_settings
from sipetl.warehouse import Warehouse, embedded, open_warehouse, upgrade
from tests.home import Site, command, copy_home, make_database, write_home
from tests.truth.lived import SEED, STUDENTS, Lived, read_lived

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A worker of xdist has no main file: PySpark, which GX imports where it is there, takes that for its own doctests and exits.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

ROOT = Path(__file__).parent.parent
MEMORY, MEMORY_NEEDED = Path("/dev/shm"), 4 << 30  # noqa: S108 - Linux's memory file system
"""A session's databases are some 100 of 10 MB, and the demo's home."""
RUNNING, LIVED, FLOWS = "running", "lived", "tests/flows/"
TOGETHER = {
    "tests/flows/running/": RUNNING,
    "tests/truth/": LIVED,
    "tests/docs/": LIVED,
    "tests/unit/metrics/test_spark.py": LIVED,
}
"""What one process runs: a whole Airflow takes half a minute to start, a lived demo a minute, a Spark seconds."""
BRIEF_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Compiles quickly instead of well: what the second compiler saves comes after minutes."""
LONGEST_FIRST = (RUNNING, LIVED, FLOWS, "tests/faults/", "tests/road/", "")


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
def make_quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Makes folders where a server's syncs cost nothing: in memory, where the machine lends enough of it.

    Every account can pass into them, so that a server's data lies in the home itself.
    """
    made: list[Path] = []
    lends = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED

    def make(name: str) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=MEMORY)) if lends else tmp_path_factory.mktemp(name)
        folder.chmod(0o755)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(make_quick: Callable[[str], Path]) -> Iterator[embedded.Lease]:
    """The embedded server of the whole session, with the database `tables`: migrated once, with its views, for others to copy.

    Its own database `sipetl` is the same, for the tests of what readers see.
    """
    settings = load_settings(home=make_quick("server"))
    base = settings.home / "warehouse"
    with embedded.use(base) as lease:
        with open_warehouse(settings) as opened:
            upgrade(opened)
            apply_views(opened)
        make_database(lease, "tables", template="sipetl")
        yield lease
    embedded.remove(base)


@pytest.fixture(scope="session")
def warehouse(server: embedded.Lease) -> Iterator[Warehouse]:
    """A warehouse with all tables and no rows."""
    make_database(server, "rolled_back", template="tables")
    opened = Warehouse({name: server.url(name, "rolled_back") for name in ("owner", "etl", "reader")})
    yield opened
    opened.close()


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    """A connection as the ETL role, whose work is rolled back after the test."""
    with warehouse.etl.connect() as opened:
        transaction = opened.begin()
        yield opened
        transaction.rollback()


@pytest.fixture(scope="session")
def make_site(server: embedded.Lease, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Site]:
    """Makes homes, each with stores of its own; their database is a copy of one that knows the registry."""
    known = tmp_path_factory.mktemp("known-home")
    make_database(server, known.name, template="tables")
    site = Site(write_home(known), server.url("owner", known.name))
    with site.open():
        pass

    def make() -> Site:
        root = write_home(tmp_path_factory.mktemp("home"))
        make_database(server, root.name, template=known.name)
        return Site(root, server.url("owner", root.name))

    return make


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    """A home."""
    return make_site()


@pytest.fixture(scope="session")
def copy_site(server: embedded.Lease, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Site], Site]:
    """Makes homes that took what another one took, for tests that begin alike."""

    def copy(site: Site) -> Site:
        root = copy_home(site.root, tmp_path_factory.mktemp("home"))
        make_database(server, root.name, template=site.root.name)
        return Site(root, server.url("owner", root.name), today=site.today, ticks=itertools.count(100))

    return copy


@pytest.fixture(scope="session")
def lived(make_quick: Callable[[str], Path]) -> Iterator[Lived]:
    """A demo's home after its last day, as `sipetl demo` leaves it; its answer key lies elsewhere. It is only read."""
    home, again, answers = (make_quick(name) for name in ("lived", "again", "answers"))
    try:
        done = command("demo", "--home", str(home), "--students", str(STUDENTS), "--seed", str(SEED))
        assert done.status == 0, done.err
        generate(again, students=STUDENTS, seed=SEED, answers=answers)
        yield read_lived(home, answers)
    finally:
        embedded.remove(home / "warehouse")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A Spark on this machine."""
    from sipetl.metrics.spark import open_session

    if shutil.which("java") is None:
        pytest.skip("Java is not here; 'make system-deps' installs it")
    settings = load_settings(engine=EngineName.SPARK, threads=2)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JDK_JAVA_OPTIONS", BRIEF_JAVA)
        with open_session(settings, tmp_path_factory.mktemp("spark")) as session:
            yield session


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest go first. Tests on a running Airflow come as they are written: each leaves something behind in it."""
    items.sort(key=_order)


def _order(item: pytest.Item) -> tuple[object, ...]:
    place = _together(item.nodeid) or item.nodeid
    rank = next(rank for rank, start in enumerate(LONGEST_FIRST) if place.startswith(start))
    return (rank, *item.location[:2]) if place == RUNNING or place.startswith(FLOWS) else (rank,)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """A process more than there are cores: those with an Airflow wait for it half of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out to processes by file, and some folders whole; xdist's own groups do not work with pytest 9.2."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _together(nodeid) or super()._split_scope(nodeid)

    return Scheduling(config, log)


def _together(nodeid: str) -> str:
    return next((group for folder, group in TOGETHER.items() if nodeid.startswith(folder)), "")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: what a test needs is part of the set-up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
