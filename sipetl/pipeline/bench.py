"""What is on the bench while a delivery is taken: the engine, the layouts, and what was found out so far.

`take` and `bring` work on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, insert, select

from sipetl.errors import DeliveryError
from sipetl.intake import Contract, Layout, Mapped, Member, load_layouts
from sipetl.pipeline.asked import Asked, Flags
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.load import make_places
from sipetl.pipeline.scratch import scratch_folder
from sipetl.quality import Finding, Outcome, PartOutcome, Split, Suite
from sipetl.registry.models import FeedName
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


@dataclass(frozen=True)
class Workbench:
    """What taking deliveries needs, set up once per command, and once more for each sender worked beside another."""

    home: OpenHome
    con: duckdb.DuckDBPyConnection
    scratch: Path
    layouts: tuple[Layout, ...]
    districts: frozenset[str]

    @classmethod
    @contextmanager
    def open(cls, home: OpenHome) -> Iterator[Workbench]:
        """A bench with reference tables loaded; its scratch folder goes when it is closed."""
        own = home.settings.registry_dir / "layouts"
        layouts = load_layouts(own if own.is_dir() else None)
        with scratch_folder(home.settings.scratch_dir) as scratch, home.duckdb(spill=scratch) as con:
            yield cls(home, con, scratch, layouts, _load_reference(home, con))

    @contextmanager
    def another(self, name: str) -> Iterator[Workbench]:
        """A bench for another thread: temporary tables and a view of the lake of its own, the same memory."""
        with self.con.cursor() as con:
            home = replace(self.home, lake=self.home.lake.beside(name))
            yield replace(self, home=home, con=con, districts=_load_reference(home, con))


def _load_reference(home: OpenHome, con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """`map_districts` and `map_crosswalk`, as the intake room wants them."""
    organization, crosswalk = t.ref.organization, t.ref.crosswalk
    with home.warehouse.begin() as connection:
        districts = connection.execute(
            select(organization.c.code, organization.c.district).where(organization.c.level == "district")
        ).all()
        links = connection.execute(select(crosswalk)).all()
    make_places(con, [(code, district) for code, district in districts], links)
    return frozenset(d for _, d in districts)


@dataclass(frozen=True)
class Checked:
    """A member after its rules ran; `findings`: of mapping, of the registry, of the rules."""

    member: Member
    mapped: Mapped
    contract: Contract
    split: Split
    failing: str
    suite: Suite
    findings: tuple[Finding, ...]
    rows_read: int

    @property
    def feed(self) -> FeedName:
        """The member's feed."""
        return self.member.layout.feed

    def outcome(self, outcome: Outcome, **part: Any) -> PartOutcome:
        """What becomes of it, or of one part of it."""
        mapped, layout = self.mapped, self.member.layout
        return PartOutcome(
            member=self.member.name,
            outcome=outcome,
            feed=self.feed,
            layout=layout.layout,
            rows_read=self.rows_read,
            rows_left_out=mapped.skipped,
            rows_repeated=mapped.repeated,
            is_row_for_row=not layout.long and layout.melt is None,
            findings=self.findings,
            **part,
        )


@dataclass
class Taking:
    """The state of one delivery while it is taken."""

    bench: Workbench
    delivery: ledger.Delivery
    asked: Asked
    twins: list[str] = field(default_factory=list)
    """Names of files with the same bytes that are current."""
    outcomes: list[PartOutcome] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Outcome rows of steps that are not written yet."""

    @property
    def flags(self) -> Flags:
        """The operator's flags."""
        return self.asked.flags

    def refuse(self, member: str, outcome: Outcome, reason: str) -> None:
        """A member that is not taken."""
        self.outcomes.append(PartOutcome(member, outcome, reason=reason))

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, int]]:
        """Keep an outcome row for a step, success or not."""
        started, counts, outcome = datetime.now(UTC), {}, "done"  # type: datetime, dict[str, int], str
        try:
            yield counts
        except DeliveryError as error:
            outcome = type(error).__name__
            raise
        finally:
            row = {"delivery_id": self.delivery.delivery_id, "step": name, "started_at": started, "outcome": outcome}
            self.steps.append(row | {"ended_at": datetime.now(UTC), "counts": counts})

    def write_steps(self, connection: Connection) -> None:
        """Write the outcome rows with whatever is written next: a transaction of their own each would cost more."""
        if self.steps:
            connection.execute(insert(t.ops.step), self.steps)
            self.steps.clear()
