"""Digests by mail: a real Airflow and a real SMTP server on this machine."""

from __future__ import annotations

import asyncio
import email
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from urllib.error import HTTPError

import pytest

from tests.flows.airflow_home import Airflow, until
from tests.home import FILES, attendance, present, roster, students, weekdays
from tests.road.test_notices import FIRST

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

OWNER = "Data office {{ conn.sipetl_smtp.password }}"
"""What a person typed is text: a mail that rendered it would tell a secret."""
SECRET = "a-secret-of-the-mail-server"
PEOPLE = students(6)
Line = Callable[[str], str]


class MailServer:
    """Takes mail as RFC 5321 says; knows nobody called `unknown`, and is busy when first asked for `busy`."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.asked: list[str] = []

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        """Serve in a thread."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that an address got."""
        return [one for one in self.taken if one["To"] == address]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while (line := (await reader.readline()).decode().strip()) and line.upper() != "QUIT":
            verb = line[:4].upper()
            answer = self._recipient(line) if verb == "RCPT" else {"DATA": "354 go on"}.get(verb, "250 ok")
            writer.write(answer.encode() + b"\r\n")
            if verb == "DATA":
                content = await reader.readuntil(b"\r\n.\r\n")
                message = email.message_from_bytes(content.removesuffix(b".\r\n"), policy=default)
                self.taken.append(message)
                writer.write(b"250 taken\r\n")
        writer.close()

    def _recipient(self, line: str) -> str:
        address = line.partition("<")[2].partition(">")[0]
        self.asked.append(address)
        if address.startswith("unknown"):
            return "550 no such mailbox"
        is_busy = address.startswith("busy") and self.asked.count(address) == 1
        return "451 come back later" if is_busy else "250 ok"


@pytest.fixture(scope="module")
def mails(airflow: Airflow) -> Iterator[MailServer]:
    """A mail server that Airflow has a connection to; before, it has none."""
    with MailServer().running() as server:
        yield server
    _forget(airflow)
    (airflow.site.root / "registry" / "feeds.yaml").write_text(FILES["feeds.yaml"], encoding="utf-8")


def _connect(airflow: Airflow, port: int) -> None:
    extra = {"from_email": "sipetl@example.org", "disable_ssl": True, "disable_tls": True, "retry_limit": 0}
    airflow.client.ask(
        "POST",
        "/api/v2/connections",
        {
            "connection_id": "sipetl_smtp",
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": port,
            "password": SECRET,
            "extra": json.dumps(extra),
        },
    )


def _forget(airflow: Airflow) -> None:
    try:
        airflow.client.ask("DELETE", "/api/v2/connections/sipetl_smtp")
    except (HTTPError, ValueError):  # gone, or an empty answer
        return


def address(airflow: Airflow, notice: str) -> None:
    """Give the first district's owner an address: who is new is told all that is open."""
    text = FILES["feeds.yaml"].replace("owner: Data office", f'owner: "{OWNER}", notice: "{notice}"', 2)
    (airflow.site.root / "registry" / "feeds.yaml").write_text(text, encoding="utf-8")


def test_without_a_connection_digests_are_files_only_and_the_log_says_so(airflow: Airflow, mails: MailServer) -> None:
    airflow.site.put("roster.csv", roster(PEOPLE))
    airflow.site.put("att.csv", attendance(PEOPLE, weekdays(FIRST, 5), present))
    airflow.site.ingest()

    airflow.settle("notices")
    run = airflow.run("notices")

    assert run.state == "success"
    assert [one["state"] for one in run.tasks("send")] == ["skipped"]
    assert "digests are files only" in run.log("tell")
    written = {path.name for path in (airflow.site.root / "reports" / "notices").iterdir()}
    assert {f"{airflow.site.today}-data-office.{form}" for form in ("md", "html", "json")} <= written


def test_an_owner_with_an_address_gets_one_mail(airflow: Airflow, mails: MailServer) -> None:
    _connect(airflow, mails.port)
    address(airflow, "data@example.org")

    first, again = airflow.run("notices"), airflow.run("notices")

    assert (first.state, again.state) == ("success", "success")
    (got,) = mails.to("data@example.org")
    assert got["From"] == "sipetl@example.org"
    assert got["Auto-Submitted"] == "auto-generated"
    assert str(got["Subject"]).startswith(f"sipetl {airflow.site.today}: ")
    ((message_id,),) = airflow.site.sql("select notice_id::text from ops.notice where sent_at is not null")
    assert got["Message-ID"] == f"<{message_id}@notices.sipetl>"
    text = html_of(got)
    assert "Attendance (layout sis_daily_attendance): Alder (3501) missing" in text
    assert "{{ conn.sipetl_smtp.password }}" in text
    for secret in (SECRET, "Quillfeather", *(p.number for p in PEOPLE), *(p.state_id for p in PEOPLE)):
        assert secret not in got.as_string() + text


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body
    return str(body.get_content())


def test_a_server_that_is_busy_is_asked_again(airflow: Airflow, mails: MailServer) -> None:
    address(airflow, "busy@example.org")

    run = airflow.run("notices")

    assert run.state == "success"
    assert [one["try_number"] for one in run.tasks("send")] == [2]
    assert len(mails.to("busy@example.org")) == 1


def test_an_address_that_nobody_has_is_red_by_its_name_until_it_is_mended(
    airflow: Airflow, mails: MailServer
) -> None:
    address(airflow, "unknown@example.org")

    run = airflow.run("notices")

    assert run.state == "failed"
    (name,) = run.cells("send")
    assert name.startswith(f"{airflow.site.today} data-office")
    assert [one["try_number"] for one in run.tasks("send")] == [1], "asking again mends nothing"
    assert "mend `notice` in feeds.yaml" in run.log("send", map_index=0)

    address(airflow, "mended@example.org")
    assert airflow.run("notices").state == "success"
    until(lambda: mails.to("mended@example.org"), "the mail")
    assert not mails.to("unknown@example.org")


def test_no_student_reaches_airflow_by_this_way(airflow: Airflow, mails: MailServer) -> None:
    everything = airflow.dump() + airflow.logs()

    for secret in ("Quillfeather", *(p.number for p in PEOPLE), *(p.state_id for p in PEOPLE)):
        assert secret not in everything
