"""What follows from values and arrivals: verdicts, benchmark statuses, and the day's whole round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select

from sipetl.arrivals import Judged, refresh
from sipetl.disclosure import Policy, load_policy
from sipetl.pipeline.compute import Computed, compute
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import Watcher, ingest
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.plans import evaluate
from sipetl.publish import Release, lake_versions, release
from sipetl.warehouse import Written
from sipetl.warehouse import tables as t


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    deliveries: Sequence[DeliveryOutcome]
    computed: Computed
    changes: Sequence[Judged]
    statuses: Written


def watch(home: OpenHome) -> list[Judged]:
    """Judge every expected arrival; returns those whose verdict changed."""
    with home.warehouse.begin() as connection:
        return refresh(connection, now=home.now())


def judge(home: OpenHome) -> Written:
    """Judge benchmarks and MAGs of the cycles whose data day has come and that are not released."""
    with home.warehouse.begin() as connection:
        policy = policy_of(home, connection)
        return evaluate(
            connection, now=home.now(), minimum_n={name: limits.minimum_n for name, limits in policy.families.items()}
        )


def run_round(home: OpenHome, *, watcher: Watcher | None = None) -> Round:
    """One day's round: ingest, compute, watch, judge."""
    deliveries = ingest(home, watch=watcher)
    return Round(deliveries, compute(home), watch(home), judge(home))


def release_cycle(home: OpenHome, cycle: str) -> Release:
    """Freeze a cycle's values and statuses; `pub` shows them from here on.

    Raises:
        ConfigError: there is no such cycle, or it was released.
    """
    with home.warehouse.begin() as connection:
        policy = policy_of(home, connection)
        return release(connection, cycle, now=home.now(), policy=policy, lake=lake_versions(home.lake))


def due_cycles(home: OpenHome) -> list[str]:
    """Cycles reviewed by now and not released yet, oldest first."""
    cycle, released = t.ref.cycle, t.release.release
    today = home.now().date()
    with home.warehouse.begin() as connection:
        query = (
            select(cycle.c.cycle)
            .where(cycle.c.review_date <= today, cycle.c.cycle.not_in(select(released.c.cycle)))
            .where(cycle.c.review_date > today - timedelta(days=365))
            .order_by(cycle.c.review_date)
        )
        return list(connection.execute(query).scalars())


def policy_of(home: OpenHome, connection: Connection) -> Policy:
    """The small-cell policy of the home."""
    name = connection.execute(select(t.ref.home.c.policy)).scalar_one()
    return load_policy(str(name), home.settings.registry_dir / "policies")
