"""What a DAG's task calls: settings in, ids and counts out, since what a task returns lies open in Airflow's database.

Each function opens the home for itself, is safe to run twice, and never fails for what is in a file: of that it gives
counts by district. What it raises is a store that failed, or a configuration that is wrong.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import fsspec

from sipetl.errors import ConfigError
from sipetl.pipeline.asked import Flags
from sipetl.pipeline.away import Away, raise_away
from sipetl.pipeline.compute import EVERYTHING, Only
from sipetl.pipeline.home import OpenHome, open_home
from sipetl.pipeline.ingest import NO_FLAGS, Incoming, scan_inboxes, senders_with_unfinished, take_senders
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.pipeline.replay import replay
from sipetl.pipeline.review import bring_up_to_date, due_cycles, release_cycle, release_doubts
from sipetl.pipeline.review import watch as judge_arrivals
from sipetl.settings import Settings

DISTRICTS_AT_ONCE = 25
"""Of a batch (design/architecture.md, "Airflow 3.3")."""
MOST_ROUNDS = 10
"""Of one computation: what comes in while it runs is computed too, but a run must end."""

logger = logging.getLogger(__name__)


def use_inboxes(credentials: Mapping[str, Mapping[str, Any]]) -> None:
    """Let this process reach inboxes: by protocol (`sftp`, `s3`), the options that fsspec takes."""
    for protocol, options in credentials.items():
        fsspec.config.conf.setdefault(protocol, {}).update(options)


def scan(settings: Settings, feed: str, district: str | None = None) -> list[list[str]]:
    """Senders with something to take, in batches: new files, or files landed by a task that was killed.

    Districts whose inbox is away have batches of their own, so that trying them again costs the others nothing.
    """
    with open_home(settings) as home:
        found = scan_inboxes(home, Flags(feed=feed, district=district))
        unfinished = {one for one in senders_with_unfinished(home) if district in (None, one)}
    away = {one.sender for one in found.away}
    there = {one.sender for one in found.incoming} | unfinished
    logger.info("feed=%s senders=%d waiting=%d away=%d", feed, len(there), len(found.waiting), len(away))
    return [*_batches(there - away), *_batches(away)]


def _districts(home: OpenHome) -> Collection[str]:
    from sqlalchemy import select

    from sipetl.warehouse import tables as t

    with home.warehouse.begin() as connection:
        return set(connection.scalars(select(t.ref.feed.c.district)))


def _batches(senders: Collection[str]) -> list[list[str]]:
    ordered = sorted(senders)
    return [ordered[i : i + DISTRICTS_AT_ONCE] for i in range(0, len(ordered), DISTRICTS_AT_ONCE)]


def ingest(settings: Settings, senders: Sequence[str], feed: str) -> list[dict[str, Any]]:
    """Take what these senders have of a feed (all files that may be of it), and count it by sender.

    Raises:
        StoreError: a store failed; what was done is kept, and running again goes on from there.
        InboxError: an inbox, or a file in it, could not be read; all others were worked first.
        ConfigError: access to an inbox is refused; all others were worked first.
    """
    away: list[Away] = []
    with open_home(settings) as home:
        incoming = {sender: _incoming(home, sender, feed, away) for sender in senders}
        outcomes = take_senders(home, incoming, NO_FLAGS, None, away)
    counted = _by_sender(outcomes)
    for one in away:
        logger.warning("district=%s %s", one.sender, one.error)
    raise_away(away)
    return counted


def _incoming(home: OpenHome, sender: str, feed: str, away: list[Away]) -> list[Incoming]:
    """Files in the feed's inbox; each with all the feeds expected there, for an inbox may be of several."""
    if sender not in _districts(home):
        return []
    of_feed = scan_inboxes(home, Flags(feed=feed, district=sender))
    away += of_feed.away
    if not of_feed.incoming:
        return []
    wanted = {one.found.url for one in of_feed.incoming}
    return [one for one in scan_inboxes(home, Flags(district=sender)).incoming if one.found.url in wanted]


def take_again(settings: Settings, delivery: str) -> list[dict[str, Any]]:
    """Take one delivery again from landing.

    Raises:
        ConfigError: there is no such delivery, or it is being taken, or a later one replaced it.
    """
    try:
        delivery_id = UUID(delivery)
    except ValueError:
        raise ConfigError("this is not a delivery's id", cure="see 'sipetl deliveries'") from None
    with open_home(settings) as home:
        done = replay(home, delivery_id)
    return _by_sender([done.outcome] if done else [])


def _by_sender(outcomes: Sequence[DeliveryOutcome]) -> list[dict[str, Any]]:
    by_sender: dict[str, list[DeliveryOutcome]] = defaultdict(list)
    for outcome in outcomes:
        by_sender[outcome.sender].append(outcome)
    counted = [_counts(sender, taken) for sender, taken in sorted(by_sender.items())]
    for one in counted:
        logger.info(" ".join(f"{name}={count}" for name, count in one.items()))
    return counted


def _counts(sender: str, taken: Sequence[DeliveryOutcome]) -> dict[str, Any]:
    parts = [part for outcome in taken for part in outcome.parts]
    return {
        "district": sender,
        "deliveries": len(taken),
        **Counter(outcome.status.value for outcome in taken),
        "rows_good": sum(part.rows_good for part in parts),
        "rows_quarantined": sum(part.rows_quarantined for part in parts),
        "needs_a_person": sum(outcome.needs_a_person for outcome in taken),
    }


def compute(
    settings: Settings, *, district: str | None = None, school_year: int | None = None, everything: bool = False
) -> dict[str, int]:
    """Verdicts, values and statuses, until nothing is left to compute."""
    only = Only(district, school_year) if district or school_year else EVERYTHING
    total: Counter[str] = Counter()
    with open_home(settings) as home:
        for round_number in range(MOST_ROUNDS):
            done = bring_up_to_date(home, only, everything=everything and not round_number)
            total["partitions"] += len(done.computed.partitions)
            total["values_written"] += done.computed.written.rows
            total["verdicts_changed"] += len(done.changes)
            total["statuses_written"] += done.statuses.rows
            if not done.computed.partitions:
                break
    logger.info(" ".join(f"{name}={count}" for name, count in total.items()))
    return dict(total)


def watch(settings: Settings) -> dict[str, int]:
    """Judge every expected arrival; counts of those whose verdict changed, by their new verdict."""
    with open_home(settings) as home:
        changes = Counter(one.verdict.word.value for one in judge_arrivals(home))
    logger.info("changed=%d %s", changes.total(), " ".join(f"{word}={n}" for word, n in sorted(changes.items())))
    return dict(changes)


def standing(settings: Settings) -> dict[str, int]:
    """How many arrivals are late, missing or incomplete now."""
    from sqlalchemy import func, select

    from sipetl.warehouse import tables as t

    of = t.ops.verdict.c
    counted = {
        "late": func.count().filter(of.verdict == "late"),
        "missing": func.count().filter(of.verdict == "missing"),
        "incomplete": func.count().filter(of.wholeness == "incomplete"),
    }
    with open_home(settings) as home, home.warehouse.begin() as connection:
        row = connection.execute(select(*(count.label(name) for name, count in counted.items()))).one()
    return dict(row._mapping)


def due(settings: Settings) -> dict[str, Any] | None:
    """The oldest cycle that is reviewed and not released, brought up to date, with what speaks against releasing it."""
    with open_home(settings) as home:
        cycles = due_cycles(home)
        if not cycles:
            return None
        bring_up_to_date(home)
        return {"cycle": cycles[0], "doubts": list(release_doubts(home, cycles[0]))}


def release(settings: Settings, cycle: str, doubts: Sequence[str]) -> dict[str, Any]:
    """Freeze a cycle that a person approved; again is nothing.

    Raises:
        ConfigError: there is a doubt now that the person was not told of.
    """
    with open_home(settings) as home:
        if cycle not in due_cycles(home):
            return {"cycle": cycle, "released": 0}
        bring_up_to_date(home)
        if set(release_doubts(home, cycle)) - set(doubts):
            why = "the data changed since it was approved"
            raise ConfigError("the cycle is not released", where=cycle, why=why, cure="the next run asks again")
        done = release_cycle(home, cycle)
    return {"cycle": cycle, "released": 1, "values": done.values, "statuses": done.statuses, "edition": done.edition}
