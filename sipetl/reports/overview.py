"""The overview: what Airflow's page shows an operator. Readiness, lateness, last loads, what waits for a person.

Whoever may enter Airflow may read it, in every district. So it names organizations, feeds, days and commands, and
counts districts, schools, files and goals: never students or rows, no file name (a sender may have put a student's
name there), no sentence of a delivery, no value. The commands that it names show the rest to whom may run them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, make_url, select, text

from sipetl.arrivals import OVERDUE, Judged, Resting, Wholeness, current_years, judge_all
from sipetl.errors import ConfigError
from sipetl.readiness import Readiness, Row, State, data_closes, next_cycle, read_cycle, readiness_of
from sipetl.registry.models import Cycle
from sipetl.reports.grid import RANK, grid_of
from sipetl.reports.html import environment
from sipetl.reports.model import Scope
from sipetl.reports.overview_model import FeedLoads, Lack, NextCycle, Overdue, Overview, Waits
from sipetl.reports.waiting import read_waiting
from sipetl.reports.words import day, in_order
from sipetl.settings import Settings
from sipetl.warehouse import open_warehouse
from sipetl.warehouse import tables as t

MOST_LINES = 50
"""Longer lists are the command line's: the page says how many more there are, and the command."""
RECENT = timedelta(days=7)
PATIENCE_SECONDS = 5
"""How long the page waits for a warehouse that does not answer; a person waits in front of it."""
STATEMENT_SECONDS = 20
INCOMPLETE = "incomplete"
URGENCY = ("missing", "late", INCOMPLETE)


def overview_page(settings: Settings) -> str:
    """Read the warehouse and render the page; nothing is written, and no home is made.

    Raises:
        ConfigError: there is no home here, or no registry has been applied.
        WarehouseError: the warehouse does not answer.
    """
    with open_warehouse(_impatient(settings)) as warehouse, warehouse.begin() as connection:
        connection.execute(text("set transaction isolation level repeatable read, read only"))
        connection.execute(text(f"set local statement_timeout = '{STATEMENT_SECONDS}s'"))
        found = overview(connection, now=settings.now())
    return render_overview(found)


def _impatient(settings: Settings) -> Settings:
    """The same settings, with a warehouse that is not waited for long."""
    if not settings.warehouse_url:
        if not (settings.home / "warehouse").is_dir():
            raise ConfigError("there is no home here", where=str(settings.home), cure="run 'sipetl init'")
        return settings
    url = make_url(settings.warehouse_url)
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(PATIENCE_SECONDS)})
    return settings.model_copy(update={"warehouse_url": url.render_as_string(hide_password=False)})


def render_overview(found: Overview) -> str:
    """Draw the page: self-contained, no script."""
    return environment().get_template("overview.html.j2").render(page=found)


UNAVAILABLE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Feeds and readiness: not available</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem}</style>
</head>
<body><main><h1>The overview cannot be read now</h1>
<p>The warehouse does not answer, or nothing has been loaded into it yet. Nothing is lost: feeds go on by themselves
when it is back. <code>sipetl doctor</code> says what is wrong.</p></main></body>
</html>
"""
"""Said in the page's place: it must not need anything that may be broken."""


def overview(connection: Connection, *, now: datetime) -> Overview:
    """Gather what the page says.

    Raises:
        ConfigError: no registry has been applied.
    """
    zone = ZoneInfo(connection.scalar(select(t.ref.home.c.time_zone)) or "UTC")  # without a home, judging says so
    running = current_years(now.astimezone(zone).date())
    reviewed = _next_cycle(connection, now.astimezone(zone).date())
    years = (reviewed.school_year,) if reviewed else ()
    resting = Resting(years, data_closes(reviewed, zone) if reviewed else None, with_windows=True)
    context, judged = judge_all(connection, now=now, years={*running, *years}, resting=resting)
    listed = [one for one in judged if one.is_open and one.arrival.school_year in running]
    name = _names(connection)
    overdue = sorted(_overdue(listed, name, zone), key=_urgency)
    found = readiness_of(connection, reviewed, context, judged, now=now) if reviewed else None
    waiting = list(dict.fromkeys(_waits(connection, name, zone, now)))
    return Overview(
        as_of=now.astimezone(zone),
        cycle=cycle_of(found, name, zone) if found else None,
        overdue=tuple(overdue[:MOST_LINES]),
        overdue_more=max(len(overdue) - MOST_LINES, 0),
        due_soon=sum(one.verdict.word.value == "due_soon" for one in listed),
        loads=tuple(_loads(connection, name, zone, now)),
        waiting=tuple(waiting[:MOST_LINES]),
        waiting_more=max(len(waiting) - MOST_LINES, 0),
    )


def _names(connection: Connection) -> Callable[[str], str]:
    """Names districts by the lake's code; a sender that is none keeps its code."""
    organization = t.ref.organization.c
    query = select(organization.district, organization.name).where(organization.level == "district")
    names = {str(code): str(name) for code, name in connection.execute(query)}
    return lambda code: names.get(code, code)


def _next_cycle(connection: Connection, today: date) -> Cycle | None:
    if connection.scalar(select(t.ref.cycle.c.cycle).limit(1)) is None:
        return None
    return read_cycle(connection, next_cycle(connection, today))


def cycle_of(found: Readiness, name: Callable[[str], str], zone: ZoneInfo) -> NextCycle:
    """Keep of a cycle's readiness the districts that are not ready."""
    grid = grid_of(found, name, by_school=False)
    open_ones = [row for row in grid.rows if any(cell and RANK[cell.state] > RANK[State.READY] for cell in row[1])]
    lacks = sorted(_lacks(found.rows, name, zone), key=lambda one: (-RANK[one.state], -one.goals, one.district))
    return NextCycle(
        cycle=found.cycle,
        state=found.state,
        feeds=grid.feeds,
        districts=tuple(open_ones[:MOST_LINES]),
        districts_more=max(len(open_ones) - MOST_LINES, 0),
        districts_ready=len(grid.rows) - len(open_ones),
        lacks=tuple(lacks[:MOST_LINES]),
        lacks_more=max(len(lacks) - MOST_LINES, 0),
    )


def _lacks(rows: Iterable[Row], name: Callable[[str], str], zone: ZoneInfo) -> Iterator[Lack]:
    groups: defaultdict[tuple[str, str, State], list[Row]] = defaultdict(list)
    for row in rows:
        if RANK[row.state] > RANK[State.READY]:
            groups[row.district, row.feed, row.state].append(row)
    for (district, feed, state), same in groups.items():
        due_at = min((row.due_at for row in same if row.due_at), default=None)
        goals = {(goal.plan, goal.code) for row in same for goal in row.blocks}
        local = due_at and due_at.astimezone(zone)
        yield Lack(state, name(district), feed, same[0].owner, local, len(same), len(goals))


def _word(one: Judged) -> str | None:
    if one.verdict.word in OVERDUE:
        return one.verdict.word.value
    return INCOMPLETE if one.verdict.wholeness is Wholeness.INCOMPLETE else None


def _overdue(judged: Iterable[Judged], name: Callable[[str], str], zone: ZoneInfo) -> Iterator[Overdue]:
    groups: dict[tuple[object, ...], list[Judged]] = {}
    for one in judged:
        word, arrival = _word(one), one.arrival
        if word:
            slot = "" if arrival.is_daily else arrival.window_code
            key = (word, arrival.district, arrival.feed, arrival.school_year, slot, short_of(one))
            groups.setdefault(key, []).append(one)
    for same in groups.values():
        first = min(same, key=lambda one: one.arrival.due_at)
        arrival = first.arrival
        yield Overdue(
            word=_word(first) or "",
            district=name(arrival.district),
            feed=arrival.feed,
            what=_what(same),
            owner=arrival.owner,
            due_at=arrival.due_at.astimezone(zone),
            tier=arrival.tier,
            short_of=short_of(first),
        )


def _what(same: Sequence[Judged]) -> str:
    """The window or cycle; of school days how many, and from when to when."""
    if not same[0].arrival.is_daily:
        return same[0].arrival.window_code
    days = sorted(one.arrival.opens_on for one in same)
    return day(days[0]) if len(days) == 1 else f"{len(days)} school days, {day(days[0])} to {day(days[-1])}"


def short_of(one: Judged) -> tuple[str, ...]:
    """Name the kinds of which not all came; how much of them is for the command line."""
    verdict = one.verdict
    if verdict.wholeness is not Wholeness.INCOMPLETE:
        return ()
    shares = {"schools": verdict.schools_share, "school days": verdict.days_share, "students": verdict.students_share}
    return tuple(kind for kind, share in shares.items() if share is not None and share < 1)


def _urgency(one: Overdue) -> tuple[object, ...]:
    return URGENCY.index(one.word), one.tier, one.due_at, one.district, one.feed, one.what


_LOADS = """
with load as (
    select
        coalesce(p.feed, d.feed_hint) as feed, coalesce(p.district, d.sender) as district, d.received_at, d.delivery_id,
        case coalesce(p.status, d.status)
            when 'superseded' then 'accepted' -- it was taken; a later one has its place now
            when 'intent' then 'landed'
            else coalesce(p.status, d.status)
        end as status
    from ops.delivery d
    left join ops.delivery_part p using (delivery_id)
    where d.received_at <= :now
)
"""
_LAST = f"""{_LOADS}
select distinct on (feed) feed, district, received_at, status
from load
order by feed, received_at desc, delivery_id desc, status
"""
_RECENT = f"""{_LOADS}
select feed, status, count(distinct delivery_id) as n
from load
where received_at > :since
group by feed, status
"""


def _loads(connection: Connection, name: Callable[[str], str], zone: ZoneInfo, now: datetime) -> Iterator[FeedLoads]:
    """A line for every registered feed, and for every other that came."""
    given = {"now": now, "since": now - RECENT}
    counts: defaultdict[str | None, dict[str, int]] = defaultdict(dict)
    for feed, status, n in connection.execute(text(_RECENT), given):
        counts[feed][status] = n
    last: Mapping[str | None, FeedLoads] = {
        feed: FeedLoads(feed, at.astimezone(zone), name(district), status, in_order(counts[feed]))
        for feed, district, at, status in connection.execute(text(_LAST), {"now": now})
    }
    registered: set[str | None] = set(connection.scalars(select(t.ref.feed.c.feed)))
    for feed in sorted(registered | last.keys(), key=lambda each: (each is None, each or "")):
        yield last.get(feed) or FeedLoads(feed)


def _waits(connection: Connection, name: Callable[[str], str], zone: ZoneInfo, now: datetime) -> Iterator[Waits]:
    for one in read_waiting(connection, Scope(), now):
        at = one.received_at.astimezone(zone)
        yield Waits(one.kind, name(one.sender), one.feed, at, one.command)
