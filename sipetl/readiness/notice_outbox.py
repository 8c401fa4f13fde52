"""The outbox: what is told to whom, written in the transaction that took it from the ledger, so that nothing is told never.

A change becomes part of exactly one digest, whatever is killed. Its files are written again until that is noted: same
name, same content. A mail is sent at least once: it is noted after the server took it, and a mail doubled by a kill in
between carries the same Message-ID.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from sipetl.readiness.model import CountdownStep
from sipetl.readiness.notice_ledger import Found
from sipetl.readiness.notice_model import Digest, Matter, Recipient
from sipetl.readiness.notices import Sifted
from sipetl.warehouse import tables as t

MAIL_WITHIN = timedelta(days=7)
"""A digest that could not be mailed for a week is no news any more: its files stay, and a new mail server starts clean."""
LONGEST_NAME = 60
ROWS_AT_ONCE = 5_000


def served(connection: Connection, day: date) -> set[Recipient]:
    """Who has a digest of this day."""
    notice = t.ops.notice.c
    return {
        Recipient(*row) for row in connection.execute(select(notice.owner, notice.address).where(notice.day == day))
    }


def record(connection: Connection, found: Found, sifted: Sifted, made: Sequence[Digest], *, now: datetime) -> None:
    """Put digests into the outbox, and remember what they tell."""
    taken: set[str] = set()
    for digest in made:
        name = _name(digest.recipient, taken)
        taken.add(name)
        row = {
            "notice_id": uuid4(),
            "day": digest.day,
            "name": name,
            "owner": digest.recipient.owner,
            "address": digest.recipient.address,
            "content": digest.as_json(),
            "made_at": now,
        }
        connection.execute(insert(t.ops.notice).values(row))
    _remember(connection, [*sifted.news, *sifted.quiet], now)
    told = {one.subject for one in (*sifted.news, *sifted.quiet)}
    waiting = {
        (m.window, m.district) for m in found.matters if m.arrival_id is None and m.is_news and m.subject not in told
    }
    _count_down(connection, ((d, step) for d, step in found.steps if (step.cycle, d) not in waiting), now)


def _remember(connection: Connection, changed: Iterable[Matter], now: datetime) -> None:
    told = t.ops.told
    changed = list(changed)
    for some in _chunks([one.subject for one in changed]):
        connection.execute(delete(told).where(told.c.subject.in_(some)))
    rows = [
        {
            "subject": one.subject,
            "arrival_id": one.arrival_id,
            "district": one.district,
            "feed": one.feed,
            "window_code": one.window,
            "owner": one.recipient.owner,
            "address": one.recipient.address,
            "kind": one.now.value,
            "since": one.since,
            "told_at": now,
        }
        for one in changed
        if one.now
    ]
    if rows:
        connection.execute(insert(told), rows)


def _chunks(subjects: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(subjects), ROWS_AT_ONCE):
        yield subjects[start : start + ROWS_AT_ONCE]


def _count_down(connection: Connection, steps: Iterable[tuple[str, CountdownStep]], now: datetime) -> None:
    for district, step in steps:
        row = {"cycle": step.cycle, "district": district, "school_days": step.school_days, "told_at": now}
        told = pg_insert(t.ops.countdown).values(row)
        connection.execute(told.on_conflict_do_update(t.ops.countdown.primary_key, set_={"told_at": now}))


def forget_reviewed(connection: Connection, today: date) -> None:
    """Nobody waits for the data of a cycle that was reviewed."""
    cycle, told = t.ref.cycle.c, t.ops.told
    ahead = select(cycle.cycle).where(cycle.review_date >= today)
    connection.execute(delete(told).where(told.c.arrival_id.is_(None), told.c.window_code.not_in(ahead)))


def _name(recipient: Recipient, taken: Collection[str]) -> str:
    """A file name that says whose it is; letters and digits only, so that it leads nowhere else."""
    parts = (re.sub(r"[\W_]+", "-", part.lower()).strip("-") for part in (recipient.owner, recipient.address))
    name = "-".join(part for part in parts if part)[:LONGEST_NAME].strip("-") or "owner"
    others = (f"{name}-{n}" for n in range(2, len(taken) + 2))
    return name if name not in taken else next(other for other in others if other not in taken)


def of_day(connection: Connection, day: date) -> list[RowMapping]:
    """The day's digests."""
    notice = t.ops.notice
    return list(connection.execute(select(notice).where(notice.c.day == day).order_by(notice.c.name)).mappings())


def take_unwritten(connection: Connection) -> list[RowMapping]:
    """Digests whose files are not there yet; nobody else takes them before this transaction ends."""
    notice = t.ops.notice
    query = select(notice).where(notice.c.written_at.is_(None)).with_for_update(skip_locked=True)
    return list(connection.execute(query.order_by(notice.c.day, notice.c.name)).mappings())


def note_written(connection: Connection, notice_id: UUID, now: datetime) -> None:
    """Note that the files are there."""
    notice = t.ops.notice
    connection.execute(update(notice).where(notice.c.notice_id == notice_id).values(written_at=now))


def to_mail(connection: Connection, today: date) -> list[RowMapping]:
    """Digests that wait for the mail; not those to an address that the registry does not name any more."""
    notice, feed = t.ops.notice, t.ref.feed
    known = select(feed.c.config["notice"].astext)
    query = select(notice).where(notice.c.sent_at.is_(None), notice.c.address != "", notice.c.address.in_(known))
    recent = query.where(notice.c.day > today - MAIL_WITHIN)
    return list(connection.execute(recent.order_by(notice.c.day, notice.c.name)).mappings())


def take_unsent(connection: Connection, notice_id: UUID) -> RowMapping | None:
    """A digest that was not mailed; whoever else wants it waits until this transaction ends."""
    notice = t.ops.notice
    query = select(notice).where(notice.c.notice_id == notice_id, notice.c.sent_at.is_(None)).with_for_update()
    return connection.execute(query).mappings().first()


def note_sent(connection: Connection, notice_id: UUID, now: datetime) -> None:
    """Note that a mail server took it."""
    notice = t.ops.notice
    connection.execute(update(notice).where(notice.c.notice_id == notice_id).values(sent_at=now))
