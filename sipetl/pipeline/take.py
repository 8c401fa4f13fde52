"""One delivery, from its landed bytes to its outcome: identify, read, map, check, guard, commit.

Whatever is wrong with a file ends here as an outcome with a reason; only a failing store is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import fsspec
from sqlalchemy import select

from sipetl.errors import DeliveryError, LandingError, UnrecognizedError
from sipetl.intake import (
    Layout,
    MapContext,
    Mapped,
    Member,
    Raw,
    identify,
    load_contract,
    load_layouts,
    map_rows,
    name_groups,
    read,
)
from sipetl.pipeline.accept import is_whole, settle_intents
from sipetl.pipeline.asked import Asked, Flags
from sipetl.pipeline.bring import Checked, bring
from sipetl.pipeline.home import OpenHome
from sipetl.pipeline.letters import write_letter
from sipetl.pipeline.load import fill
from sipetl.pipeline.outcome import RANK, DeliveryOutcome, PartOutcome
from sipetl.pipeline.scratch import scratch_folder
from sipetl.pipeline.suites import suite_of
from sipetl.quality import Outcome, find, run_suite, split
from sipetl.warehouse import ledger
from sipetl.warehouse import tables as t


@dataclass(frozen=True)
class Workbench:
    """What taking deliveries needs, set up once per command."""

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


def _load_reference(home: OpenHome, con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """`map_districts` and `map_crosswalk`, as the intake room wants them."""
    organization, crosswalk = t.ref.organization, t.ref.crosswalk
    with home.warehouse.begin() as connection:
        districts = connection.execute(
            select(organization.c.code, organization.c.district).where(organization.c.level == "district")
        ).all()
        links = connection.execute(select(crosswalk)).all()
    con.execute("create temp table map_districts (code varchar, district varchar)")
    forms = {(form, d) for code, d in districts for form in (code, code[:4] if len(code) == 8 else code, d)}
    fill(con, "map_districts", sorted(forms))
    con.execute(
        "create temp table map_crosswalk"
        " (district varchar, local_code varchar, organization varchar, valid_from date, valid_to date)"
    )
    fill(con, "map_crosswalk", links)
    return frozenset(d for _, d in districts)


@dataclass
class Taking:
    """The state of one delivery while it is taken."""

    bench: Workbench
    delivery: ledger.Delivery
    asked: Asked
    twins: list[str] = field(default_factory=list)
    """Names of files with the same bytes that are current."""
    outcomes: list[PartOutcome] = field(default_factory=list)

    @property
    def flags(self) -> Flags:
        """The operator's flags."""
        return self.asked.flags

    def refuse(self, member: str, outcome: Outcome, reason: str) -> None:
        """A member that is not taken."""
        self.outcomes.append(PartOutcome(member, outcome, reason=reason))

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, int]]:
        """Write an outcome row for a step, success or not."""
        started, counts, outcome = datetime.now(UTC), {}, "done"  # type: datetime, dict[str, int], str
        try:
            yield counts
        except DeliveryError as error:
            outcome = type(error).__name__
            raise
        finally:
            with self.bench.home.warehouse.begin() as connection:
                ledger.add_step(
                    connection,
                    self.delivery.delivery_id,
                    name,
                    started,
                    ended_at=datetime.now(UTC),
                    outcome=outcome,
                    counts=counts,
                )


def take(bench: Workbench, delivery: ledger.Delivery, asked: Asked) -> DeliveryOutcome:
    """Take one delivery; the caller holds its sender's lock."""
    taking = Taking(bench, delivery, asked)
    settle_intents(bench.home, delivery.delivery_id)
    with bench.home.warehouse.begin() as connection:
        ledger.drop_findings(connection, delivery.delivery_id)
    taking.twins += _twins(bench, delivery)
    _take_members(taking)
    return _conclude(taking)


def _twins(bench: Workbench, delivery: ledger.Delivery) -> list[str]:
    """Names of files with the same bytes of which the lake still shows every row; none after A -> B -> A."""
    with bench.home.warehouse.begin() as connection:
        twins = ledger.accepted_twins(connection, delivery.sender, delivery.sha256, delivery.delivery_id)
        parts = {twin.delivery_id: ledger.parts_of(connection, twin.delivery_id) for twin in twins}
    return [
        twin.file_name
        for twin in twins
        if all(is_whole(bench.home, bench.con, p) for p in parts[twin.delivery_id] if p.status == "accepted")
    ]


def _take_members(taking: Taking) -> None:
    bench, delivery = taking.bench, taking.delivery
    layouts = [layout for layout in bench.layouts if _may_be(layout, taking.asked)]
    try:
        with taking.step("identify") as counts:
            found = identify(_local(bench, delivery), delivery.file_name, layouts, scratch=bench.scratch)
            counts |= {"members": len(found.members), "refused": len(found.refused)}
    except UnrecognizedError as error:
        return taking.refuse(delivery.file_name, Outcome.UNRECOGNIZED, str(error))
    except DeliveryError as error:
        return taking.refuse(delivery.file_name, Outcome.REJECTED, str(error))
    for refused in found.refused:
        unknown = isinstance(refused.error, UnrecognizedError)
        taking.refuse(refused.name, Outcome.UNRECOGNIZED if unknown else Outcome.REJECTED, str(refused.error))
    for member in found.members:
        if _is_duplicate(taking, member):
            taking.refuse(member.name, Outcome.DUPLICATE, "the same file is current already")
        else:
            _take_member(taking, member)
    return None


def _is_duplicate(taking: Taking, member: Member) -> bool:
    """The same bytes are current for the same scope: a file whose *name* gives its day may repeat its content."""
    own = _said_by_name(member.layout, taking.delivery.file_name)
    return any(_said_by_name(member.layout, twin) == own for twin in taking.twins)


def _said_by_name(layout: Layout, name: str) -> dict[str, str]:
    """What a file's name says; a day is the same with and without dashes."""
    return {group: said.replace("-", "") for group, said in name_groups(layout, name).items()}


def _may_be(layout: Layout, asked: Asked) -> bool:
    """Whether the operator or the registry lets a file be of this layout."""
    flags, expected = asked.flags, asked.expected
    if flags.layout:
        return layout.layout == flags.layout
    if flags.feed and layout.feed != flags.feed:
        return False
    return not expected or any(
        layout.feed == feed and (not names or layout.layout in names) for feed, names in expected
    )


def _local(bench: Workbench, delivery: ledger.Delivery) -> Path:
    """The landed file on this machine; fetched to scratch when landing is elsewhere."""
    fs, path = fsspec.core.url_to_fs(delivery.landed_path)
    if "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)):
        return Path(path)
    local = bench.scratch / delivery.sha256
    try:
        fs.get_file(path, str(local))
    except OSError as error:
        raise LandingError("the landed file cannot be read", where=path, why=error.strerror or "") from None
    return local


def _take_member(taking: Taking, member: Member) -> None:
    con = taking.bench.con
    try:
        with taking.step("map") as counts:
            raw = read(con, member)
            mapped = map_rows(con, raw, member, _context(taking))
            counts |= {"read": raw.rows, "mapped": mapped.rows_mapped, "quarantined": mapped.quarantined}
        with taking.step("check") as counts:
            checked = _check(taking, member, raw, mapped)
            counts |= {"good": checked.split.rows_good, "quarantined": checked.split.rows_quarantined}
        taking.outcomes += bring(taking, checked)
        mapped.drop(con)
    except UnrecognizedError as error:
        taking.refuse(member.name, Outcome.UNRECOGNIZED, str(error))
    except DeliveryError as error:
        taking.refuse(member.name, Outcome.REJECTED, str(error))


def _context(taking: Taking) -> MapContext:
    home, sender, flags = taking.bench.home, taking.delivery.sender, taking.flags
    return MapContext(
        authority=home.authority,
        key=home.key,
        sender_district=sender if sender in taking.bench.districts else None,
        sender=sender,
        school_year=flags.school_year,
        district=flags.district,
        day=flags.day,
        window=flags.window,
    )


def _check(taking: Taking, member: Member, raw: Raw, mapped: Mapped) -> Checked:
    suite = suite_of(taking.bench.home.settings, member.layout.feed)
    result = run_suite(taking.bench.con, mapped.table, suite)
    return Checked(
        member=member,
        mapped=mapped,
        contract=load_contract(member.layout.feed),
        split=split(taking.bench.con, mapped.table, result),
        failing=result.failing,
        suite=suite,
        findings=find(taking.bench.con, suite, result),
        rows_read=raw.rows,
    )


def _conclude(taking: Taking) -> DeliveryOutcome:
    delivery, home = taking.delivery, taking.bench.home
    status = next((o for o in RANK if any(p.outcome is o for p in taking.outcomes)), Outcome.REJECTED)
    status = Outcome.ACCEPTED if status is Outcome.QUARANTINED else status
    reason = next((p.reason for p in taking.outcomes if p.outcome is status and p.reason), "")
    outcome = DeliveryOutcome(
        delivery.delivery_id, delivery.sender, delivery.file_name, status, reason, tuple(taking.outcomes)
    )
    write_letter(home.settings, delivery, outcome)
    with home.warehouse.begin() as connection:
        ledger.conclude(connection, delivery.delivery_id, status.value, reason or None)
    return outcome
