"""The flag reaches someone: state changes to a digest per owner and day, to files, and to whatever sends mail.

The ledger says what is open, `ops.told` what owners know of it; the difference is told. So a lost event loses nothing,
and a second run on a day tells nothing twice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from sipetl.arrivals.context import read_context
from sipetl.pipeline.home import OpenHome, open_home
from sipetl.pipeline.review import watch
from sipetl.readiness import notice_outbox as outbox
from sipetl.readiness.notice_digest import Surroundings, digests
from sipetl.readiness.notice_ledger import find, read_layouts, read_names
from sipetl.readiness.notice_model import Digest
from sipetl.readiness.notice_render import render
from sipetl.readiness.notices import sift
from sipetl.reports import make_private, write_private
from sipetl.settings import Settings
from sipetl.warehouse import advisory_locks

FORMS = ("md", "html", "json")
HEADERS = {"Auto-Submitted": "auto-generated"}
"""So that nobody's absence is answered to us (RFC 3834)."""
_LOCK = "sipetl:notices"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail server is given."""

    to: tuple[str, ...]
    subject: str
    html: str
    headers: Mapping[str, str]


def tell(settings: Settings) -> list[dict[str, str]]:
    """Make the day's digests and their files; ids, days and names of those that wait for the mail."""
    with open_home(settings) as home:
        made = make_digests(home)
        with home.warehouse.begin() as connection:
            waiting = outbox.to_mail(connection, today(home))
    logger.info("digests=%d to_mail=%d", len(made), len(waiting))
    return [{"notice": str(row["notice_id"]), "day": str(row["day"]), "name": row["name"]} for row in waiting]


def make_digests(home: OpenHome) -> list[Mapping[str, Any]]:
    """Tell what changed since it was told; returns the digests whose files were written now, as plain values."""
    watch(home)
    with advisory_locks(home.warehouse.etl, {_LOCK}), home.warehouse.begin() as connection:
        _tell(home, connection, is_kept=True)
    return _write_files(home)


def look(home: OpenHome) -> list[Mapping[str, Any]]:
    """The digests that would be made now; nothing is told, written or remembered."""
    watch(home)
    with home.warehouse.begin() as connection:
        return [digest.as_json() for digest in _tell(home, connection, is_kept=False)]


def digests_of(home: OpenHome, day: date) -> list[Mapping[str, Any]]:
    """What was told on a day, with when it was mailed."""
    with home.warehouse.begin() as connection:
        rows = outbox.of_day(connection, day)
    return [row["content"] | {"name": row["name"], "sent_at": row["sent_at"]} for row in rows]


def mail(settings: Settings, notice: str, send: Callable[[Mail], None]) -> dict[str, int]:
    """Send one digest that was not sent yet; again is nothing.

    Args:
        settings: the home's.
        notice: its id.
        send: gives it to a mail server; what it raises leaves the digest unsent.
    """
    with open_home(settings) as home, home.warehouse.begin() as connection:
        row = outbox.take_unsent(connection, UUID(notice))
        if row is None:
            return {"sent": 0}
        send(_mail(row))
        outbox.note_sent(connection, row["notice_id"], home.now())
    logger.info("notice=%s sent=1", notice)
    return {"sent": 1}


def _mail(row: RowMapping) -> Mail:
    to = tuple(address.strip() for address in row["address"].split(","))
    headers = {**HEADERS, "Message-ID": f"<{row['notice_id']}@notices.sipetl>"}
    return Mail(to, row["content"]["subject"], render(row["content"], "html"), headers)


def today(home: OpenHome) -> date:
    """The day in the home's time zone."""
    return home.now().astimezone(home.zone).date()


def _tell(home: OpenHome, connection: Connection, *, is_kept: bool) -> list[Digest]:
    day = today(home)
    context = read_context(connection)
    found = find(connection, context, now=home.now())
    sifted = sift(found.matters, context.days, outbox.served(connection, day))
    around = Surroundings(
        zone=context.zone,
        names=read_names(connection),
        inboxes={key: _public(feed.inbox) for key, feed in context.feeds.items()},
        layouts=read_layouts(connection, context, day),
    )
    made = digests(sifted, day, around)
    if is_kept:
        outbox.record(connection, found, sifted, made, now=home.now())
        outbox.forget_reviewed(connection, day)
    return made


def _public(inbox: str) -> str:
    """An inbox without the login that its URL may hold."""
    return re.sub(r"(?<=://)[^/]*@", "", inbox)


def _write_files(home: OpenHome) -> list[Mapping[str, Any]]:
    """Write what is not written yet, also of a run that was killed."""
    with home.warehouse.begin() as connection:
        rows = outbox.take_unwritten(connection)
        if rows:
            folder = make_private(make_private(home.settings.reports_dir) / "notices")
        for row in rows:
            for form in FORMS:
                write_private(folder / f"{row['day']}-{row['name']}.{form}", render(row["content"], form))
            outbox.note_written(connection, row["notice_id"], home.now())
    return [row["content"] for row in rows]
