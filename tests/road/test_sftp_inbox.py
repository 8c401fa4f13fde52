"""Inboxes on a real SFTP server: files are taken, and whatever fails is told plainly and holds up nobody else."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncssh
import fsspec
import pytest

from sipetl.errors import ConfigError, InboxError, SipetlError, UnsettledError
from sipetl.intake.sftp import connect
from sipetl.pipeline import batch
from sipetl.registry.models import FeedName
from tests.home import FILES, Site, attendance, present, students, weekdays
from tests.sftp_server import HOST, PASSWORD, SFTP, USER, sftp_server

DAYS = weekdays(date(2025, 9, 8), 5)
FAR = attendance(students(20), DAYS, present)
NEAR = attendance(students(20, "BRN"), DAYS, present)
PIECE = 32 * 1024
"""Bytes of a request."""
OLD = 1_767_000_000.0
"""A file's time stamp: long settled."""


@pytest.fixture(autouse=True)
def given() -> Iterator[Callable[..., None]]:
    """Hands credentials over as the DAGs do; they are forgotten after the test."""
    before = dict(fsspec.config.conf)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    yield lambda **options: batch.use_inboxes({"sftp": {k: str(v) for k, v in options.items()}})
    fsspec.config.conf.clear()
    fsspec.config.conf.update(before)


@dataclass
class World:
    """A home whose district 3501 sends to a server and 9002 to a folder; one file waits in each."""

    site: Site
    server: SFTP
    known: Path

    def put(self, name: str, content: str = FAR) -> Path:
        path = self.server.root / "in" / name
        path.write_text(content, encoding="utf-8")
        os.utime(path, (OLD, OLD))
        return path

    def days(self, district: str) -> int:
        query = f"select count(*) from rows where district = '{district}'"
        ((count,),) = self.site.lake(FeedName.ATTENDANCE, query)
        return int(count)

    def fails(self, kind: type[SipetlError]) -> SipetlError:
        """What a task raises, while the other district's file is taken."""
        with pytest.raises(kind) as raised:
            batch.ingest(self.site.settings, ["3501", "9002"], "attendance")
        assert type(raised.value) is kind
        assert (self.days("3501"), self.days("9002")) == (0, 100)
        assert not list((self.site.root / "landing" / "incoming").iterdir()), "nothing half-landed is left"
        assert self.server.url.removeprefix("sftp://") in raised.value.where, "the inbox is named"
        assert raised.value.cure
        assert "Quillfeather" not in str(raised.value)
        assert ".csv" not in str(raised.value), "a file's name may say whose it is"
        return raised.value

    def heals(self) -> None:
        """The next round takes what waited, once."""
        for _ in range(2):
            batch.ingest(self.site.settings, ["3501", "9002"], "attendance")
        assert (self.days("3501"), self.days("9002")) == (100, 100)
        assert self.site.sql("select status, count(*) from ops.delivery group by 1") == [("accepted", 2)]


@pytest.fixture
def world(site: Site, tmp_path: Path, given: Callable[..., None]) -> Iterator[World]:
    (tmp_path / "drop" / "in").mkdir(parents=True)
    with sftp_server(tmp_path / "drop") as server:
        known = server.known(tmp_path / "known_hosts")
        given(username=USER, password=PASSWORD, known_hosts=known)
        far_inbox(site, f"{server.url}/in")
        world = World(site, server, known)
        world.put("att.csv")
        site.put("att.csv", NEAR, "9002")
        yield world


def far_inbox(site: Site, url: str) -> None:
    """District 3501 sends to a URL."""
    feeds = FILES["feeds.yaml"].replace("inbox/3501", url)
    (site.root / "registry" / "feeds.yaml").write_text(feeds, encoding="utf-8")


def plain(site: Site, *arguments: str) -> tuple[int, str]:
    """Status and words of a command; never a traceback."""
    done = site.run(*arguments)
    assert "Traceback" not in done.out + done.err
    return done.status, " ".join((done.out + done.err).split())


def test_files_are_taken_from_a_server_whatever_their_names(world: World) -> None:
    for day, name in zip(DAYS, ("a b#1.csv", "ä?.csv", "g%20h.csv", "sub/x.csv", "'q'.csv"), strict=True):
        (world.server.root / "in" / "sub").mkdir(exist_ok=True)
        world.put(name, attendance(students(20), [day], present))

    status, said = plain(world.site, "ingest")
    again, _ = plain(world.site, "ingest")

    assert (status, again) == (0, 0), said
    assert (world.days("3501"), world.days("9002")) == (100, 100)
    assert len(list((world.server.root / "in").rglob("*.csv"))) == 6, "the sender's folder stays as it is"


def test_all_of_a_file_is_asked_for_before_its_first_piece_was_used(world: World) -> None:
    world.put("att-sep.csv", "x" * 1_000_000)
    asked: set[int] = set()
    world.server.read = lambda offset: asked.add(offset) or True
    store, path = connect(f"sftp://{USER}@{HOST}:{world.server.port}/in/att-sep.csv")

    with store.open(path, "rb") as file:
        assert file.read(1) == b"x"
        waited = time.monotonic() + 20
        while len(asked) < 1_000_000 // PIECE and time.monotonic() < waited:
            time.sleep(0.01)

    assert asked >= set(range(0, 1_000_000, PIECE))


def test_a_folder_that_is_not_there_yet_is_an_empty_inbox(world: World) -> None:
    shutil.rmtree(world.server.root / "in")

    assert plain(world.site, "ingest")[0] == 0
    assert world.days("9002") == 100


def test_links_to_files_are_taken_and_links_to_folders_are_not_followed(world: World) -> None:
    inbox = world.server.root / "in"
    (inbox / "att.csv").rename(inbox.parent / "kept.csv")
    (inbox / "link.csv").symlink_to("../kept.csv")
    (inbox / "again").symlink_to(".")
    (inbox / "dead.csv").symlink_to("nothing")

    assert plain(world.site, "ingest")[0] == 0
    assert world.days("3501") == 100


def test_an_unknown_host_key_is_refused_before_a_password_is_sent(world: World) -> None:
    world.known.write_text("")

    error = world.fails(ConfigError)

    assert "host key is not known" in error.what
    assert world.server.key.get_fingerprint() in error.why
    assert str(world.known) in error.cure
    assert world.server.logins == 0


def test_a_changed_host_key_is_refused_before_a_password_is_sent(world: World) -> None:
    world.server.known(world.known, asyncssh.generate_private_key("ssh-ed25519"))

    error = world.fails(ConfigError)

    assert "host key has changed" in error.what
    assert str(world.known) in error.cure
    assert world.server.logins == 0
    world.server.known(world.known)
    world.heals()


def test_a_file_of_known_hosts_that_is_not_there_is_told(world: World, given: Callable[..., None]) -> None:
    given(known_hosts="nowhere/known_hosts")

    assert "nowhere/known_hosts" in world.fails(ConfigError).why


def test_a_wrong_password_is_told_without_it_and_tried_once(world: World, given: Callable[..., None]) -> None:
    given(password="wrong-word")
    feeds = world.site.root / "registry" / "feeds.yaml"
    feeds.write_text(feeds.read_text("utf-8").replace("inbox/9002", f"{world.server.url}/other"), encoding="utf-8")

    status, said = plain(world.site, "ingest")

    assert status == ConfigError.exit_status
    assert "refused the login" in said
    assert "sipetl_inbox_sftp" in said
    assert "wrong-word" not in said
    assert world.server.logins == 1, "servers lock out who keeps trying"


def test_no_password_at_all_is_told(world: World) -> None:
    fsspec.config.conf["sftp"] = {"known_hosts": str(world.known), "allow_agent": False, "look_for_keys": False}

    assert "neither a password nor a key" in world.fails(ConfigError).why


def test_a_key_file_that_is_not_there_is_told(world: World) -> None:
    fsspec.config.conf["sftp"] = {"known_hosts": str(world.known), "key_filename": "nowhere/id_ed25519"}

    assert "private key cannot be read" in world.fails(ConfigError).why


def test_an_option_that_the_client_lacks_is_told(world: World, given: Callable[..., None]) -> None:
    given(no_host_key_check="true")

    assert "no option 'no_host_key_check'" in world.fails(ConfigError).what


def test_a_server_that_is_down_may_come_back(site: Site, tmp_path: Path, given: Callable[..., None]) -> None:
    root = tmp_path / "drop"
    (root / "in").mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    with sftp_server(root, key=key) as server:
        given(username=USER, password=PASSWORD, known_hosts=server.known(tmp_path / "known_hosts"))
        far_inbox(site, f"{server.url}/in")
        world = World(site, server, tmp_path / "known_hosts")
        world.put("att.csv")
    site.put("att.csv", NEAR, "9002")

    status, said = plain(site, "ingest")
    with pytest.raises(InboxError, match="cannot be reached"):
        batch.ingest(site.settings, ["3501", "9002"], "attendance")
    districts = batch.scan(site.settings, "attendance")

    assert (status, world.days("9002")) == (InboxError.exit_status, 100)
    assert f"{server.url}/in: the inbox cannot be reached" in said
    assert districts == [["3501"]], "in a batch of its own"
    with sftp_server(root, server.port, key):
        world.heals()


def test_a_server_that_goes_in_mid_listing_is_no_empty_inbox(world: World) -> None:
    for n in range(5):
        world.put(f"more-{n}.csv", "x")
    asked = iter(range(100))
    world.server.listing = lambda: next(asked) < 3

    error = world.fails(InboxError)

    assert "cannot be reached" in error.what
    world.server.listing = lambda: True
    for n in range(5):
        (world.server.root / "in" / f"more-{n}.csv").unlink()
    world.heals()


def test_a_server_that_goes_in_mid_file_leaves_nothing_behind(world: World) -> None:
    world.server.read = lambda offset: offset == 0
    world.put("att.csv", FAR + "\n" * 100_000)

    error = world.fails(InboxError)

    assert "a file in the inbox cannot be read" in error.what
    assert world.site.sql("select count(*) from ops.delivery where sender = '3501'") == [(0,)]
    world.server.read = lambda _: True
    world.heals()


def test_a_file_that_is_being_written_waits(world: World) -> None:
    path = world.put("att.csv", FAR)
    now = time.time()
    os.utime(path, (now, now))

    status, said = plain(world.site, "ingest")

    assert (status, world.days("3501"), world.days("9002")) == (0, 0, 100)
    assert "may still be written" in said
    os.utime(path, (OLD, OLD))
    world.heals()


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_round(world: World) -> None:
    path = world.put("att.csv", FAR[: len(FAR) // 2])

    def grow(offset: int) -> bool:
        if offset == 0:
            path.write_text(FAR, encoding="utf-8")
        return True

    world.server.read = grow

    error = world.fails(UnsettledError)

    assert "changed while it was read" in error.what
    world.server.read = lambda _: True
    os.utime(path, (OLD, OLD))
    world.heals()


def test_a_file_that_goes_after_the_listing_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.put("a-gone.csv")
    world.put("att.csv")
    os.utime(path, (OLD - 60, OLD - 60))
    real = batch.take_senders

    def first_it_goes(*given: Any) -> Any:
        path.unlink()
        return real(*given)

    monkeypatch.setattr(batch, "take_senders", first_it_goes)

    with pytest.raises(UnsettledError, match="gone since the inbox was listed"):
        batch.ingest(world.site.settings, ["3501", "9002"], "attendance")

    monkeypatch.undo()
    world.heals()


def test_rights_that_are_missing_on_the_server_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> bool:
        raise asyncssh.SFTPPermissionDenied("no")

    world.server.listing = refuse

    assert "access is refused" in world.fails(ConfigError).why


def test_several_inboxes_that_are_away_are_all_named(world: World, given: Callable[..., None]) -> None:
    feeds = world.site.root / "registry" / "feeds.yaml"
    feeds.write_text(feeds.read_text("utf-8").replace("inbox/9002", "gone/9002"), encoding="utf-8")
    given(password="wrong-word")

    with pytest.raises(InboxError) as raised:  # what may heal goes first: trying again is worth it
        batch.ingest(world.site.settings, ["3501", "9002"], "attendance")

    assert "gone/9002" in raised.value.where
    assert world.server.url.removeprefix("sftp://") in raised.value.cure


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """Debian's own server, as deploy/sftp runs it: URL, the sender's key, and the host's line of known_hosts."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert program, "openssh-server is absent: 'make system-deps' installs it"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "sender"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(make, check=True)
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    lines = {
        "Port": port,
        "ListenAddress": HOST,
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "sender.pub",
        "StrictModes": "no",
        "PermitRootLogin": "prohibit-password",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    config = tmp_path / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()), encoding="utf-8")
    server = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        known = tmp_path / "known_hosts"
        known.write_text(f"[{HOST}]:{port} {(tmp_path / 'host.pub').read_text('utf-8')}", encoding="utf-8")
        yield f"sftp://{HOST}:{port}", tmp_path / "sender", known
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((HOST, port), timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("sshd did not come up")


def test_openssh_hands_files_over_for_a_key(
    site: Site, tmp_path: Path, openssh: tuple[str, Path, Path], given: Callable[..., None]
) -> None:
    url, key, known = openssh
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "att.csv").write_text(FAR, encoding="utf-8")
    os.utime(drop / "att.csv", (OLD, OLD))
    far_inbox(site, f"{url}{drop}")
    given(key_filename=key, known_hosts=known)

    refused = key.with_name("other")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(refused)], check=True)
    status, said = plain(site, "ingest")
    given(key_filename=refused)
    again, why = plain(site, "ingest")

    assert status == 0, said
    assert site.lake(FeedName.ATTENDANCE, "select count(*) from rows") == [(100,)]
    assert again == ConfigError.exit_status
    assert "refused the login" in why
