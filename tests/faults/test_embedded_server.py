"""The embedded server, for real: started, shared, killed, recovered, removed.

As root (containers) pytest's folders lie below a folder closed to the server's system user, which is the case of
a home below /root; `open_home` is the other one.
"""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from sipetl.errors import WarehouseError
from sipetl.warehouse import embedded
from sipetl.warehouse._place import OUTSIDE

ROOT = os.geteuid() == 0
USER_SCRIPT = """
import sys, time
from pathlib import Path
import psycopg
from sipetl.warehouse import embedded
lease = embedded.use(Path(sys.argv[1]))
with psycopg.connect(lease.url("etl").replace("+psycopg", "")) as connection:
    print(connection.execute("select current_user").fetchone()[0], flush=True)
    sys.stdin.readline()
lease.close()
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse folder that the tests of this module share; its server is down before and after each."""
    folder = tmp_path_factory.mktemp("home") / "warehouse"
    embedded.use(folder).close()
    yield folder
    embedded.remove(folder)


@pytest.fixture
def own_base(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "warehouse"
    embedded.remove(tmp_path / "warehouse")


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A home that every account can pass into."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        yield home
        embedded.remove(home / "warehouse")


@pytest.fixture
def command(base: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a command that uses the server until told to go on, or killed."""
    running: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        words = [sys.executable, "-c", USER_SCRIPT, str(base)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
    embedded.stop(base)


def connect(lease: embedded.Lease, role: embedded.Role = "etl") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(lease.url(role).replace("+psycopg", ""), autocommit=True)


def ask(lease: embedded.Lease, query: LiteralString, role: embedded.Role = "etl") -> tuple[object, ...] | None:
    with connect(lease, role) as connection:
        return connection.execute(query).fetchone()


def server_pid(lease: embedded.Lease) -> int:
    lock_file = embedded.status(lease._base).folder / "data" / "postmaster.pid"
    return int(lock_file.read_text().splitlines()[0])


def is_running(base: Path) -> bool:
    return embedded.status(base).running


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_last_user_stops_the_server_and_not_the_first(base: Path) -> None:
    first, second = embedded.use(base), embedded.use(base)

    first.close()
    after_first = is_running(base)
    second.close()

    assert (after_first, is_running(base)) == (True, False)
    assert first.port == second.port


def test_closing_twice_is_one_leaving(base: Path) -> None:
    with embedded.use(base):
        lease = embedded.use(base)
        lease.close()
        lease.close()

        assert is_running(base)


def test_a_forked_child_that_closes_leaves_the_server_to_its_parent(base: Path) -> None:
    with embedded.use(base) as lease:
        code = "import os,sys; from pathlib import Path; from sipetl.warehouse import embedded\n"
        code += "lease = embedded.use(Path(sys.argv[1]))\nif os.fork() == 0: lease.close(); os._exit(0)\n"
        code += "os.wait(); print(embedded.status(Path(sys.argv[1])).running); os.kill(os.getpid(), 9)"
        result = subprocess.run([sys.executable, "-c", code, str(base)], capture_output=True, text=True, check=False)

        assert (result.stdout.strip(), is_running(base)) == ("True", True)
        connect(lease).close()


def test_a_warm_start_is_fast(base: Path) -> None:
    begin = time.monotonic()
    with embedded.use(base) as lease:
        connect(lease).close()
        elapsed = time.monotonic() - begin

    assert elapsed < 0.5 * slowness()


def slowness() -> float:
    """Allow for a machine that others use."""
    return max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_foreign_client_keeps_the_server_up_until_the_next_last_user(base: Path) -> None:
    lease = embedded.use(base)
    tool = psycopg.connect(
        host="127.0.0.1",
        port=lease.port,
        user="sipetl_reader",
        password=lease.password("reader"),
        dbname="sipetl",
        application_name="bi",
    )

    lease.close()
    with_tool = is_running(base)
    tool.close()
    embedded.use(base).close()

    assert (with_tool, is_running(base)) == (True, False)


def test_an_own_connection_left_open_does_not_keep_the_server_up(base: Path) -> None:
    lease = embedded.use(base)
    forgotten = connect(lease)

    lease.close()

    assert not is_running(base)
    forgotten.close()


def test_stop_and_remove_refuse_while_a_lease_is_open_and_stop_ends_an_orphan(
    base: Path, command: Callable[[], subprocess.Popen[str]]
) -> None:
    process = command()
    assert process.stdout
    process.stdout.readline()

    with pytest.raises(WarehouseError, match="another sipetl command is using"):
        embedded.stop(base)
    with pytest.raises(WarehouseError, match="another sipetl command is using"):
        embedded.remove(base)
    process.kill()
    process.wait()

    assert is_running(base)
    assert embedded.stop(base)
    assert not embedded.stop(base)
    assert not is_running(base)


def test_an_orphan_is_rejoined_and_stopped_by_the_last(
    base: Path, command: Callable[[], subprocess.Popen[str]]
) -> None:
    process = command()
    assert process.stdout
    process.stdout.readline()
    orphan = int((embedded.status(base).folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    process.kill()
    process.wait()

    with embedded.use(base) as lease:
        rejoined = server_pid(lease)
        connect(lease).close()

    assert rejoined == orphan
    assert not is_running(base)


@pytest.mark.parametrize("round_number", range(3))
def test_commands_that_start_at_once_all_connect_though_some_are_killed(
    base: Path, command: Callable[[], subprocess.Popen[str]], round_number: int
) -> None:
    processes = [command() for _ in range(6)]
    time.sleep(0.15 * round_number)
    processes[0].kill()  # while it imports, waits at the gate, or starts the server
    said: list[str] = []
    for number, process in enumerate(processes[1:]):
        assert process.stdout
        assert select.select([process.stdout], [], [], 20)[0]
        said.append(process.stdout.readline().strip())
        if number % 2:
            process.kill()

    codes = [process.wait() for process in processes[1:] if process.communicate("go\n") is not None]

    assert said == ["sipetl_etl"] * 5
    assert codes == [0, -signal.SIGKILL, 0, -signal.SIGKILL, 0]
    assert not is_running(base)


def test_a_killed_server_comes_back_with_what_was_committed(base: Path) -> None:
    with embedded.use(base) as lease:
        with connect(lease, "owner") as connection:
            connection.execute("create schema if not exists kept")
            connection.execute("create table kept.numbers as select generate_series(1, 1000) as number")
        os.kill(server_pid(lease), signal.SIGKILL)

        with embedded.use(base) as again, connect(again, "owner") as connection:
            total = connection.execute("select sum(number)::int from kept.numbers").fetchone()
            connection.execute("drop table kept.numbers")

    assert total == (500500,)
    assert not is_running(base)


def test_a_lock_file_that_names_a_living_stranger_is_seen_through(base: Path) -> None:
    """A restarted container: the process number in the lock file is in use by something else."""
    data = embedded.status(base).folder / "data"
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n1700000000\n20000\n\n127.0.0.1\n\nready\n")

    with embedded.use(base) as lease:
        connect(lease).close()

    assert not is_running(base)


def test_the_port_is_kept_until_somebody_else_takes_it(base: Path) -> None:
    with embedded.use(base) as lease:
        first = lease.port
    with embedded.use(base) as lease:
        second = lease.port
    with socket.create_server(("127.0.0.1", first)), embedded.use(base) as lease:
        connect(lease).close()
        third = lease.port

    assert first == second != third
    assert embedded.status(base).port == third


def test_a_first_use_that_was_killed_halfway_is_begun_anew(own_base: Path) -> None:
    code = f"from pathlib import Path; from sipetl.warehouse import embedded; embedded.use(Path({str(own_base)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code])
    wait_until((own_base / "server.json").exists)
    process.kill()
    process.wait()

    with embedded.use(own_base) as lease, connect(lease) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_home_deleted_under_its_server_ends_the_server_and_remove_leaves_nothing(own_base: Path) -> None:
    lease = embedded.use(own_base)
    pid = server_pid(lease)
    shutil.rmtree(own_base)

    lease.close()

    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())
    with embedded.use(own_base) as anew:
        connect(anew).close()
        place = embedded.status(own_base).folder
    embedded.remove(own_base)
    assert not place.exists()
    assert not own_base.exists()
    assert not list(OUTSIDE.glob(f"{place.name[:16]}*"))


def test_a_renamed_home_keeps_its_data_and_a_new_one_at_its_old_path_gets_its_own(
    own_base: Path, tmp_path: Path
) -> None:
    query: LiteralString = "select count(*) from pg_namespace where nspname = 'kept'"
    with embedded.use(own_base) as lease, connect(lease, "owner") as connection:
        connection.execute("create schema kept")
    renamed = own_base.rename(tmp_path / "renamed")

    try:
        with embedded.use(renamed) as lease:
            of_renamed = ask(lease, query)
        with embedded.use(own_base) as lease:
            of_new = ask(lease, query)
    finally:
        embedded.remove(renamed)

    assert (of_renamed, of_new) == ((1,), (0,))


def test_a_copied_home_never_touches_the_data_of_its_original(base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "warehouse"
    with embedded.use(base) as lease:
        port = lease.port
    shutil.copytree(base, copy)

    if embedded.status(base).folder == base:
        with embedded.use(base), embedded.use(copy) as lease:
            assert lease.port != port
    else:
        with pytest.raises(WarehouseError, match="this home is a copy"):
            embedded.use(copy)


def test_a_password_that_is_not_the_servers_is_an_error_with_a_cure(base: Path) -> None:
    state = base / "server.json"
    good = state.read_text()
    with embedded.use(base) as lease:
        state.write_text(good.replace(lease.password("superuser"), "another"))
        with pytest.raises(WarehouseError, match="refuses its own superuser"):
            embedded.use(base)
        state.write_text(good)


def test_a_server_that_cannot_start_is_an_error_that_quotes_its_log(base: Path) -> None:
    control = embedded.status(base).folder / "data" / "global" / "pg_control"
    hidden = control.rename(control.with_name("hidden"))

    with pytest.raises(WarehouseError, match=r"did not start.*could not find the database system"):
        embedded.use(base)
    hidden.rename(control)

    embedded.use(base).close()


def test_data_lies_in_the_home_unless_the_server_account_cannot_get_there(base: Path, open_home: Path) -> None:
    embedded.use(open_home / "warehouse").close()

    closed, reachable = embedded.status(base).folder, embedded.status(open_home / "warehouse").folder
    assert reachable == open_home / "warehouse"
    assert closed.parent == OUTSIDE if ROOT else closed == base
    assert (reachable.stat().st_uid != 0) and (closed.stat().st_uid != 0)
    for path in (base, closed, closed / "data", reachable):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_ordinary_user_needs_no_account_and_no_copy_of_the_programs(open_home: Path) -> None:
    other = pwd.getpwnam("nobody") if ROOT else pwd.getpwuid(os.geteuid())
    if ROOT:
        os.chown(open_home, other.pw_uid, other.pw_gid)
    become = f"import os; os.setgroups([]); os.setgid({other.pw_gid}); os.setuid({other.pw_uid})\n" if ROOT else ""
    script = USER_SCRIPT.replace("lease = ", f"{become}lease = ", 1)  # after the imports: python itself may be root's
    words = [sys.executable, "-c", script, str(open_home / "warehouse")]

    result = subprocess.run(words, input="go\n", capture_output=True, text=True, check=False)

    assert result.stdout.strip() == "sipetl_etl", result.stderr
    assert (open_home / "warehouse" / "data").stat().st_uid == other.pw_uid
    assert not list((open_home / "warehouse").glob("programs-*"))
