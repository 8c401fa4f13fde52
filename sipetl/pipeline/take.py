"""One delivery, from its landed bytes to its outcome: identify, read, map, check, guard, commit.

Whatever is wrong with a file ends here as an outcome with a reason; only a failing store is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sipetl.errors import DeliveryError, LandingError, UnrecognizedError
from sipetl.intake import (
    Identified,
    Layout,
    MapContext,
    Mapped,
    Member,
    Raw,
    failures,
    identify,
    load_contract,
    map_rows,
    name_groups,
    open_place,
    read,
    reason,
)
from sipetl.pipeline.accept import is_whole, settle_intents
from sipetl.pipeline.anew import what_stays
from sipetl.pipeline.asked import Asked
from sipetl.pipeline.bench import Checked, Taking, Workbench
from sipetl.pipeline.bring import bring
from sipetl.pipeline.doubts import doubtful
from sipetl.pipeline.findings import as_sent, map_findings
from sipetl.pipeline.letters import write_letter
from sipetl.pipeline.outcome import RANK, TAKEN, DeliveryOutcome
from sipetl.pipeline.suites import suite_of
from sipetl.pipeline.unknowns import unknown_to_registry
from sipetl.quality import Outcome, find, run_suite, split
from sipetl.warehouse import ledger


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
    delivery, layouts = taking.delivery, _layouts(taking)
    try:
        found = _identify(taking, layouts)
    except UnrecognizedError as error:
        return taking.refuse(delivery.file_name, Outcome.UNRECOGNIZED, str(_unexpected(taking, layouts) or error))
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


def _layouts(taking: Taking) -> list[Layout]:
    """The layouts that the operator and the registry let the delivery be of."""
    return [layout for layout in taking.bench.layouts if _may_be(layout, taking.asked)]


def _identify(taking: Taking, layouts: Sequence[Layout]) -> Identified:
    bench, delivery = taking.bench, taking.delivery
    with taking.step("identify") as counts:
        found = identify(_local(bench, delivery), delivery.file_name, layouts, scratch=bench.scratch)
        counts |= {"members": len(found.members), "refused": len(found.refused), "beside": len(found.beside)}
    return found


def _unexpected(taking: Taking, tried: Sequence[Layout]) -> UnrecognizedError | None:
    """What a file is that fits none of the layouts which are expected here, but another one."""
    bench, delivery = taking.bench, taking.delivery
    others = [layout for layout in bench.layouts if layout not in tried]
    try:
        found = identify(_local(bench, delivery), delivery.file_name, others, scratch=bench.scratch)
    except (DeliveryError, LandingError):
        return None
    layout = found.members[0].layout
    return UnrecognizedError(
        f"the file reads as {layout.layout} (feed {layout.feed}), which is not expected here",
        where=delivery.file_name,
        cure="add the feed to feeds.yaml, or mend the match of its inbox",
    )


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
    landed = open_place(delivery.landed_path)
    if landed.is_local:
        return Path(landed.path)
    local = bench.scratch / str(delivery.delivery_id)
    try:
        landed.store.get_file(landed.path, str(local))
    except failures() as error:
        where = delivery.landed_path
        raise LandingError("the landed file cannot be read", where=where, why=reason(error)) from None
    return local


def _take_member(taking: Taking, member: Member) -> None:
    try:
        checked = _checked(taking, member)
        taking.outcomes += bring(taking, checked)
        checked.mapped.drop(taking.bench.con)
    except UnrecognizedError as error:
        taking.refuse(member.name, Outcome.UNRECOGNIZED, str(error))
    except DeliveryError as error:
        taking.refuse(member.name, Outcome.REJECTED, str(error))


def _checked(taking: Taking, member: Member) -> Checked:
    """A member read, mapped and checked."""
    con = taking.bench.con
    with taking.step("map") as counts:
        raw = read(con, member)
        mapped = map_rows(con, raw, member, _context(taking))
        counts |= {"read": raw.rows, "mapped": mapped.rows_mapped, "quarantined": mapped.quarantined}
    with taking.step("check") as counts:
        checked = _check(taking, member, raw, mapped)
        counts |= {"good": checked.split.rows_good, "quarantined": checked.split.rows_quarantined}
    return checked


def look_at(taking: Taking, member: str) -> Checked:
    """Read, map and check one member of a landed delivery again, and write nothing.

    Raises:
        DeliveryError: it cannot be read now.
    """
    found = _identify(taking, _layouts(taking))
    for refused in found.refused:
        if refused.name == member:
            raise refused.error
    return _checked(taking, next(one for one in found if one.name == member))


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
    con, home = taking.bench.con, taking.bench.home
    suite = suite_of(home.settings, member.layout.feed)
    result = run_suite(con, mapped.table, suite)
    found = (
        *map_findings(con, mapped, member.layout),
        *unknown_to_registry(home, con, member, mapped),
        *doubtful(home, con, member, mapped),
        *(find(con, suite, result) if mapped.rows_mapped else ()),
    )
    return Checked(
        member=member,
        mapped=mapped,
        contract=load_contract(member.layout.feed),
        split=split(con, mapped.table, result),
        failing=result.failing,
        suite=suite,
        findings=as_sent(found, suite, mapped),
        rows_read=raw.rows,
    )


def _conclude(taking: Taking) -> DeliveryOutcome:
    delivery, home = taking.delivery, taking.bench.home
    taking.outcomes[:] = what_stays(taking)
    status = next((o for o in RANK if any(p.outcome is o for p in taking.outcomes)), Outcome.REJECTED)
    reasons = [p.reason for p in taking.outcomes if p.outcome is status]
    if status in TAKEN:
        status = Outcome.ACCEPTED
        reasons = [p.reason for p in taking.outcomes if p.outcome in TAKEN]
        noted = [p.reason for p in taking.outcomes if p.stays]
        reasons = noted or (reasons if all(reasons) else [])
    reason = next((reason for reason in reasons if reason), "")
    outcome = DeliveryOutcome(
        delivery.delivery_id, delivery.sender, delivery.file_name, status, reason, tuple(taking.outcomes)
    )
    write_letter(home.settings, delivery, outcome)
    with home.warehouse.begin() as connection:
        taking.write_steps(connection)
        ledger.conclude(connection, delivery.delivery_id, status.value, reason or None)
    return outcome
