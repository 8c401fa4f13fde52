"""What follows from values and arrivals: verdicts, benchmark statuses, and the day's whole round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from sipetl.arrivals import Judged, refresh
from sipetl.disclosure import Policy, load_policy
from sipetl.pipeline.compute import EVERYTHING, Computed, Only, compute
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.ingest import Watcher, ingest
from sipetl.pipeline.outcome import DeliveryOutcome
from sipetl.plans import evaluate
from sipetl.publish import Release, lake_versions, release, withdraw
from sipetl.readiness import State, readiness
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


def bring_up_to_date(home: OpenHome, only: Only = EVERYTHING, *, everything: bool = False) -> Round:
    """Verdicts, values, statuses: in this order, since values are marked by what the ledger lacks.

    Args:
        home: the home.
        only: what the computation of values is limited to.
        everything: compute also what did not change.
    """
    changes = watch(home)
    return Round((), compute(home, only, everything=everything), changes, judge(home))


def run_round(home: OpenHome, *, watcher: Watcher | None = None) -> Round:
    """One day's round: ingest, then bring all that follows up to date."""
    deliveries = ingest(home, watch=watcher)
    return replace(bring_up_to_date(home), deliveries=deliveries)


def release_doubts(home: OpenHome, cycle: str) -> tuple[str, ...]:
    """Say why a person should look again before a cycle is released; nothing about one that is released already.

    The ledger and the statuses must be up to date.

    Raises:
        ConfigError: there is no such cycle.
    """
    released = t.release.release.c.cycle
    with home.warehouse.begin() as connection:
        if connection.scalar(select(released).where(released == cycle)):
            return ()
        found = readiness(connection, cycle, now=home.now())
        query = select(func.count()).where(t.metric.status.c.cycle == found.cycle.cycle)
        judged = connection.execute(query).scalar_one()
    blocked = [row for row in found.rows if row.state is State.BLOCKED]
    goals = {(goal.plan, goal.code) for row in blocked for goal in row.blocks}
    doubts = []
    if blocked:
        doubts.append(
            f"data is blocked ({len(blocked)} of schools and feeds), and with it {len(goals)} benchmarks and MAGs"
        )
    if not judged:
        doubts.append("no benchmark or MAG has a status in this cycle")
    return tuple(doubts)


def release_cycle(home: OpenHome, cycle: str) -> Release:
    """Freeze a cycle's values and statuses; `pub` shows them from here on.

    Raises:
        ConfigError: there is no such cycle, or it was released.
    """
    with home.warehouse.begin() as connection:
        policy = policy_of(home, connection)
        return release(connection, cycle, now=home.now(), policy=policy, lake=lake_versions(home.lake))


def withdraw_release(home: OpenHome, cycle: str, *, reason: str) -> int:
    """Take a release back, and name its edition; it is kept, and `pub` shows the cycle no more until the next one.

    Raises:
        ConfigError: the cycle is not released.
    """
    with home.warehouse.begin() as connection:
        return withdraw(connection, cycle, now=home.now(), reason=reason)


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
