"""What is open, and what was told, read from the warehouse: the ledger decides, whatever events were lost (decision 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select, text

from sipetl.arrivals import CAME, OVERDUE, Context, Word
from sipetl.readiness.countdown import countdown
from sipetl.readiness.model import SEVERITY, CountdownStep, Readiness, Row, State
from sipetl.readiness.notice_model import Kind, Matter, Recipient
from sipetl.readiness.notices import may_be_told
from sipetl.readiness.report import readiness
from sipetl.registry.calendar import school_year_of
from sipetl.registry.models import Cycle, Feed
from sipetl.warehouse import tables as t

STALE_AFTER = timedelta(days=30)
"""What is open since longer, in a school year that is over, and was never told, is not begun with: an old home's first digest."""
MOST_WORDS = 3
"""What schools lack is told in so many ways at most; the command names the rest."""
_ARRIVALS = text("""
with ledger as (
    select
        a.arrival_id, a.district, a.feed, a.window_code, a.due_at, a.owner, a.waived_reason, a.waived_by,
        v.verdict, v.wholeness, v.lacks, v.since,
        o.kind as told, o.since as told_since, o.owner as told_owner, o.address as told_address
    from ops.arrival a
    join ops.verdict v using (arrival_id)
    left join ops.told o using (arrival_id)
    where o.arrival_id is not null
       or (
            (a.school_year = :year or (a.school_year = :year - 1 and v.since > :recently))
            and (v.verdict = any(:overdue) or (v.verdict = any(:came) and v.wholeness = 'incomplete'))
       )
)
select * from ledger
union all
select
    o.arrival_id, o.district, o.feed, o.window_code, null, o.owner, null, null,
    'not_due', null, null, o.since, o.kind, o.since, o.owner, o.address
from ops.told o
where o.arrival_id is not null and not exists (select from ledger l where l.arrival_id = o.arrival_id)
order by district, feed, due_at, window_code
""")
_LAYOUTS = text("""
select distinct on (district, feed) district, feed, layout
from ops.delivery_part
where status = 'accepted' and school_year >= :year
order by district, feed, published_at desc
""")


@dataclass(frozen=True, slots=True)
class Found:
    """All that may have to be told, and which steps of the countdown were reached."""

    matters: Sequence[Matter]
    steps: Sequence[tuple[str, CountdownStep]]
    """District and step."""


def find(connection: Connection, context: Context, *, now: datetime) -> Found:
    """Read everything that is open, or that somebody believes to be. The verdicts must be up to date."""
    today = now.astimezone(context.zone).date()
    matters = list(_of_arrivals(connection, context, now))
    steps: list[tuple[str, CountdownStep]] = []
    told = _told_of_cycles(connection)
    for cycle in _ahead(connection, today):
        reached = list(_reached(connection, context, cycle, today))
        own = {key: row for key, row in told.items() if row["window_code"] == cycle.cycle}
        if reached or own or _has_begun(connection, cycle):
            looked_at = {d for d, _ in reached} if today <= cycle.data_due else set(context.schools)
            report = readiness(connection, cycle.cycle, now=now)
            of_cycle = _of_cycle(report, context, own)
            matters += (m for m in of_cycle if may_be_told(m, is_looked_at=m.district in looked_at))
        steps += reached
    return Found(matters, steps)


def _of_arrivals(connection: Connection, context: Context, now: datetime) -> Iterator[Matter]:
    given = {
        "year": school_year_of(now.astimezone(context.zone).date()),
        "recently": now - STALE_AFTER,
        "overdue": sorted(OVERDUE),
        "came": sorted(CAME),
    }
    for row in connection.execute(_ARRIVALS, given).mappings():
        kind, end = _kind(row)
        yield Matter(
            subject=f"arrival:{row['arrival_id']}",
            recipient=_recipient(context.feeds.get((row["district"], row["feed"])), row),
            district=row["district"],
            feed=row["feed"],
            window=row["window_code"],
            now=kind,
            end=end,
            since=row["since"],
            told=Kind(row["told"]) if row["told"] else None,
            told_since=row["told_since"],
            told_to=Recipient(row["told_owner"], row["told_address"]) if row["told"] else None,
            due_at=row["due_at"],
            words=_words(row, kind, end, context.zone),
            arrival_id=row["arrival_id"],
        )


def _kind(row: RowMapping) -> tuple[Kind | None, Kind]:
    """What is open, and else how it ended."""
    word = Word(row["verdict"])
    if word is Word.WAIVED:
        return None, Kind.WAIVED
    if word in OVERDUE:
        return Kind(word.value), Kind.RECOVERED
    if word in CAME:
        return (Kind.INCOMPLETE if row["wholeness"] == "incomplete" else None), Kind.RECOVERED
    return None, Kind.DROPPED


def _words(row: RowMapping, kind: Kind | None, end: Kind, zone: ZoneInfo) -> str:
    if kind is not None:
        return str(row["lacks"] or "")
    if end is Kind.WAIVED:
        return f"{row['waived_reason']} ({row['waived_by']})"
    if end is Kind.RECOVERED:
        return "is whole now" if row["told"] == Kind.INCOMPLETE else f"came {row['since'].astimezone(zone):%Y-%m-%d}"
    return ""


def _recipient(feed: Feed | None, row: RowMapping) -> Recipient:
    """The registry's owner and address; of a feed that has left it, who was told before."""
    if feed is not None:
        return Recipient(feed.owner, feed.notice)
    return Recipient(row["told_owner"] or row["owner"], row["told_address"] or "")


def _sent_by(context: Context, district: str, feed: str) -> Feed | None:
    """The registry's entry of what a district has of a feed: its own, else that of the state for all."""
    own = context.feeds.get((district, feed))
    of_state = (f for (sender, name), f in context.feeds.items() if name == feed and sender not in context.schools)
    return own or next(of_state, None)


def _ahead(connection: Connection, today: date) -> list[Cycle]:
    query = select(t.ref.cycle).where(t.ref.cycle.c.review_date >= today).order_by(t.ref.cycle.c.data_due)
    return [Cycle.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _reached(
    connection: Connection, context: Context, cycle: Cycle, today: date
) -> Iterator[tuple[str, CountdownStep]]:
    step = t.ops.countdown.c
    recorded: defaultdict[str, set[int]] = defaultdict(set)
    for district, number in connection.execute(
        select(step.district, step.school_days).where(step.cycle == cycle.cycle, step.told_at.is_not(None))
    ):
        recorded[district].add(number)
    for district in sorted(context.schools):
        days = context.days.get(district, ())
        for one in countdown(cycle, days, today=today, recorded=recorded[district]):
            yield district, one


def _has_begun(connection: Connection, cycle: Cycle) -> bool:
    step = t.ops.countdown.c
    told = select(step.cycle).where(step.cycle == cycle.cycle, step.told_at.is_not(None))
    return connection.scalar(told.limit(1)) is not None


def _told_of_cycles(connection: Connection) -> dict[str, RowMapping]:
    query = select(t.ops.told).where(t.ops.told.c.arrival_id.is_(None))
    return {row["subject"]: row for row in connection.execute(query).mappings()}


def _of_cycle(report: Readiness, context: Context, told: Mapping[str, RowMapping]) -> Iterator[Matter]:
    """A matter for each district and feed: the worst of its schools."""
    by_feed: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in report.rows:
        by_feed[row.district, row.feed].append(row)
    for known_one in told.values():
        by_feed.setdefault((known_one["district"], known_one["feed"]), [])
    for (district, feed), rows in sorted(by_feed.items()):
        subject = f"cycle:{report.cycle.cycle}:{district}:{feed}"
        before = told.get(subject)
        worst = max((row.state for row in rows), key=SEVERITY.__getitem__, default=State.NOT_NEEDED)
        open_rows = [row for row in rows if row.state is worst]
        kind = _open_kind(worst, open_rows, report.as_of)
        if kind is None and before is None:
            continue
        known = Kind(before["kind"]) if before else None
        yield Matter(
            subject=subject,
            recipient=_whose(_sent_by(context, district, feed), open_rows, before),
            district=district,
            feed=feed,
            window=report.cycle.cycle,
            now=kind,
            end=Kind.READY,
            since=before["since"] if before and known is kind else report.as_of,
            told=known,
            told_since=before["since"] if before else None,
            told_to=Recipient(before["owner"], before["address"]) if before else None,
            due_at=min((row.due_at for row in open_rows if row.due_at), default=None) if kind else None,
            words=_lacks(open_rows) if kind else "",
            blocks=tuple(sorted({f"{g.plan} {g.code}" for row in open_rows for g in row.blocks})) if kind else (),
        )


def _open_kind(worst: State, rows: Iterable[Row], now: datetime) -> Kind | None:
    """Blocked; or at risk of something overdue: what is merely not due yet is no news."""
    if worst is State.BLOCKED:
        return Kind.BLOCKED
    overdue = any(row.due_at is not None and row.due_at <= now for row in rows)
    return Kind.AT_RISK if worst is State.AT_RISK and overdue else None


def _whose(feed: Feed | None, rows: Sequence[Row], before: RowMapping | None) -> Recipient:
    if feed is not None:
        return Recipient(feed.owner, feed.notice)
    if before is not None:
        return Recipient(before["owner"], before["address"])
    return Recipient(rows[0].owner)


def _lacks(rows: Iterable[Row]) -> str:
    """What is missing, with the schools it is missing for."""
    schools: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        schools[row.missing or "nothing came"].append(row.school_name)
    told = [f"{', '.join(names)}: {words}" for words, names in schools.items()]
    more = f"; and {len(told) - MOST_WORDS} more" if len(told) > MOST_WORDS else ""
    return "; ".join(told[:MOST_WORDS]) + more


def read_layouts(connection: Connection, context: Context, today: date) -> dict[tuple[str, str], str]:
    """The layout of what each district sent last of a feed; before the first file, the only one it may send."""
    known = {key: feed.layouts[0] for key, feed in context.feeds.items() if len(feed.layouts) == 1}
    for district, feed, layout in connection.execute(_LAYOUTS, {"year": school_year_of(today) - 1}):
        known[district, feed] = layout
    return known


def read_names(connection: Connection) -> dict[str, str]:
    """Names of districts by their short codes."""
    organization = t.ref.organization.c
    query = select(organization.district, organization.name).where(organization.level == "district")
    return {district: f"{name} ({district})" for district, name in connection.execute(query)}
