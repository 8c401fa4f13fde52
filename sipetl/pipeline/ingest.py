"""From inboxes (or files named by a person) to accepted parts: the ingest command."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from sipetl.errors import ConfigError, InboxError
from sipetl.intake import Found, Landed, Seen, fits, land, scan
from sipetl.pipeline.asked import Asked, Flags
from sipetl.pipeline.away import Away, Looking, raise_away
from sipetl.pipeline.bench import Workbench
from sipetl.pipeline.crew import side_by_side
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.pipeline.take import take
from sipetl.warehouse import advisory_locks, ledger
from sipetl.warehouse import tables as t

OPERATOR = "operator"
"""Sender of files that a person names and that lie in no inbox."""


NO_FLAGS = Flags()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is there and not taken yet."""

    sender: str
    found: Found
    expected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Feeds (with their layouts; none = all) that the registry expects in its inbox; empty = any."""
    is_named: bool = False
    """Whether a person names it: it is then tried again, unless it was taken."""


Watcher = Callable[[DeliveryOutcome], None]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan of the inboxes found."""

    incoming: list[Incoming]
    """New, oldest first, so that a correction follows what it corrects."""
    waiting: list[Found]
    """New, but perhaps still being written."""
    away: list[Away]
    """Inboxes that cannot be reached."""


def scan_inboxes(home: OpenHome, flags: Flags = NO_FLAGS) -> Scanned:
    """What is new in the inboxes of the registry, or of a district or feed of it."""
    _refuse_unknown_district(home, flags.district)
    waiting: list[Found] = []
    looking = Looking()
    inboxes: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for feed in _feeds(home, flags):
        inboxes[feed.district, feed.inbox].append(feed)
    with home.warehouse.begin() as connection:
        seen = {district: ledger.seen(connection, district) for district, _ in inboxes}
    incoming: dict[tuple[str, str], Incoming] = {}
    for (district, inbox), feeds in inboxes.items():
        matches = [feed.config["match"] for feed in feeds]
        look = partial(_look, matches=matches, seen=seen[district], waiting=waiting)
        for file in looking.into(district, _inbox_url(home, inbox), look):
            expected = [(f.feed, tuple(f.config["layouts"])) for f in feeds if fits(file, f.config["match"])]
            there = incoming.setdefault((district, file.url), Incoming(district, file))
            incoming[district, file.url] = replace(there, expected=(*there.expected, *expected))
    oldest_first = sorted(incoming.values(), key=lambda i: (i.found.modified_at, i.sender, i.found.path))
    return Scanned(oldest_first, waiting, looking.away)


def _look(url: str, *, matches: Sequence[str], seen: Collection[Seen], waiting: list[Found]) -> list[Found]:
    return scan(url, *matches, seen=seen, waiting=waiting)


def ingest(
    home: OpenHome,
    paths: Sequence[Path] = (),
    flags: Flags = NO_FLAGS,
    *,
    watch: Watcher | None = None,
) -> list[DeliveryOutcome]:
    """Land to lake: the files named, or all that a scan finds. Also takes up what a killed command had landed.

    A file that cannot be taken becomes an outcome; nothing else stops for it, nor for an inbox that is away.

    Raises:
        StoreError: a store failed; what was done so far is kept, and running again goes on from there.
        InboxError: an inbox, or a file in it, could not be read; all others were worked first.
        ConfigError: a named file is not there; or access to an inbox is refused, and all others were worked first.
    """
    if paths:
        _refuse_unknown_district(home, flags.district)
    scanned = Scanned([_named(home, p, flags) for p in paths], [], []) if paths else scan_inboxes(home, flags)
    senders = sorted({i.sender for i in scanned.incoming} | senders_with_unfinished(home))
    by_sender = {s: [i for i in scanned.incoming if i.sender == s] for s in senders}
    outcomes = take_senders(home, by_sender, flags, watch, scanned.away)
    raise_away(scanned.away)
    return outcomes


def take_senders(
    home: OpenHome, incoming: Mapping[str, Sequence[Incoming]], flags: Flags, watch: Watcher | None, away: list[Away]
) -> list[DeliveryOutcome]:
    """Districts side by side, each in its own order; when one fails or a person stops it, none begins another file.

    An inbox that cannot be read is no failure: it is added to `away`.
    Whoever may send for any district goes first, alone: which of two files of a district stands must not be chance.
    """
    if not incoming:
        return []
    telling = Lock()

    def work(sender: str, stopped: Event) -> list[DeliveryOutcome]:
        outcomes = []
        with bench.another(sender) as own, advisory_locks(home.warehouse.etl, {f"ingest:{sender}"}):
            for outcome in _take_all(own, sender, incoming[sender], flags, away):
                outcomes.append(outcome)
                with telling:
                    (watch or _nobody)(outcome)
                if stopped.is_set():
                    break
        return outcomes

    with Workbench.open(home) as bench:
        shared = [sender for sender in incoming if sender not in bench.districts]
        own = [sender for sender in incoming if sender in bench.districts]
        taken = [*(work(sender, Event()) for sender in shared), *side_by_side(own, work, home.settings)]
    return [outcome for outcomes in taken for outcome in outcomes]


def _nobody(_: DeliveryOutcome) -> None:
    """Nobody watches."""


def take_up(home: OpenHome, delivery_id: UUID, sender: str) -> list[DeliveryOutcome]:
    """Take one landed delivery up again, on the terms it was asked for; nothing if another command did meanwhile."""
    with Workbench.open(home) as bench, advisory_locks(home.warehouse.etl, {f"ingest:{sender}"}):
        with home.warehouse.begin() as connection:
            rows = ledger.unfinished(connection, sender)
        return [_take_again(bench, row) for row in rows if row.delivery_id == delivery_id]


def _take_all(
    bench: Workbench, sender: str, incoming: Sequence[Incoming], flags: Flags, away: list[Away]
) -> Iterator[DeliveryOutcome]:
    """First what was left unfinished, then what is new; the caller holds the sender's lock."""
    with bench.home.warehouse.begin() as connection:
        unfinished = ledger.unfinished(connection, sender)
        # A scan never tries a refused file again: by now a later one may have taken its place.
        seen = {again: ledger.seen(connection, sender, with_refused=not again) for again in (False, True)}
    for row in unfinished:
        yield _take_again(bench, row)
    new = [one for one in incoming if one.found.seen not in seen[one.is_named]]
    for one, landed in _landed(bench.home, new, away):
        asked = Asked(flags, one.expected)
        yield take(bench, _recorded(bench.home, one, landed, asked), asked)


def _landed(home: OpenHome, incoming: Sequence[Incoming], away: list[Away]) -> Iterator[tuple[Incoming, Landed]]:
    """Files one after the other, each in landing; when a server is away, the rest of the sender's waits."""
    for one in incoming:
        try:
            landed = land(one.found, home.settings.landing_url)
        except (InboxError, ConfigError) as error:
            away.append(Away(one.sender, error))
            if away[-1].is_of_server:
                return
            continue
        yield one, landed


def _take_again(bench: Workbench, row: Any) -> DeliveryOutcome:
    delivery = ledger.Delivery(**row._mapping)
    return take(bench, delivery, Asked.from_json(delivery.asked))


def _recorded(home: OpenHome, incoming: Incoming, landed: Landed, asked: Asked) -> ledger.Delivery:
    """Write the delivery, whose bytes are kept: from here on nothing is lost."""
    delivery = ledger.Delivery(
        delivery_id=uuid7(),
        sender=incoming.sender,
        feed_hint=incoming.expected[0][0] if len(incoming.expected) == 1 else None,
        source_path=incoming.found.path,
        file_name=incoming.found.name,
        sha256=landed.sha256,
        size=landed.size,
        modified_at=incoming.found.modified_at,
        received_at=_received(home, incoming.found),
        landed_path=landed.url,
        asked=asked.to_json(),
    )
    with home.warehouse.begin() as connection:
        ledger.record(connection, delivery)
    return delivery


def _received(home: OpenHome, found: Found) -> datetime:
    """When it came: on an injected day the file's own time stamp, if that is earlier than the day's end."""
    return min(home.now(), found.modified_at) if home.settings.as_of else home.now()


def _named(home: OpenHome, path: Path, flags: Flags) -> Incoming:
    """A file that a person names: from the inbox it lies in, else from the district given, else from the operator."""
    full = path.resolve()
    try:
        stat = full.stat()
    except OSError as error:
        raise ConfigError("the file cannot be read", where=str(path), why=error.strerror or "") from None
    if not full.is_file():
        raise ConfigError("this is not a file", where=str(path), cure="name a file, or a ZIP of files")
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    for feed in _feeds(home, NO_FLAGS):
        inbox = _inbox_url(home, feed.inbox)
        if str(full).startswith(inbox.rstrip("/") + os.sep):
            found = Found(str(full), str(full.relative_to(inbox)), full.name, stat.st_size, modified)
            return Incoming(feed.district, found, is_named=True)
    found = Found(str(full), str(full), full.name, stat.st_size, modified)
    return Incoming(flags.district or OPERATOR, found, is_named=True)


def _refuse_unknown_district(home: OpenHome, district: str | None) -> None:
    organization = t.ref.organization
    with home.warehouse.begin() as connection:
        known = connection.execute(
            select(organization.c.district).where(organization.c.level == "district")
        ).scalars()
        if district is not None and district not in {*known, home.state_code}:
            cure = "see organizations.yaml; sipetl check tells whether it is right"
            raise ConfigError("there is no such district in the registry", where=district, cure=cure)


def _feeds(home: OpenHome, flags: Flags) -> list[Any]:
    feed = t.ref.feed
    query = select(feed).order_by(feed.c.district, feed.c.feed)
    if flags.district:
        query = query.where(feed.c.district == flags.district)
    if flags.feed:
        query = query.where(feed.c.feed == flags.feed)
    with home.warehouse.begin() as connection:
        return list(connection.execute(query))


def _inbox_url(home: OpenHome, inbox: str) -> str:
    return inbox if "://" in inbox else str((home.settings.home / inbox).resolve())


def senders_with_unfinished(home: OpenHome) -> set[str]:
    """Senders of whom a delivery was landed and not concluded: whoever took it was ended."""
    table = t.ops.delivery
    with home.warehouse.begin() as connection:
        return set(connection.execute(select(table.c.sender).where(table.c.status == "landed").distinct()).scalars())
